"""What the scripts in the tarball do on a worker: adapt the environment to its place, once and again, and run in it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tarball_environment import HELD, LIBRARY, Workshop

from python_package import pack

STATE = ("conda-meta/python-package-prefix", "conda-meta/python-package-relocation")


@pytest.fixture(scope="module")
def pristine(workshop: Workshop) -> Path:
    """An environment as it comes from the tarball."""
    prefix = workshop.environment(workshop.folder / "scripts", "holder", wheels=[workshop.wheel()])
    activate = prefix / "etc/conda/activate.d"
    activate.mkdir(parents=True, exist_ok=True)
    (activate / "a-bash.sh").write_text("function only_bash() {\n    names=(one two)\n}\n")
    (activate / "b-plain.sh").write_text('GREETING="hello from $CONDA_PREFIX $NOT_SET"\nexport GREETING\n')
    pack.pack(prefix, workshop.folder / "scripts.tar.gz", cache=workshop.layers)
    folder = workshop.folder / "pristine"
    folder.mkdir()
    subprocess.run(["tar", "xzf", workshop.folder / "scripts.tar.gz", "-C", folder], check=True)
    return folder


@pytest.fixture
def place(workshop: Workshop, pristine: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that puts a fresh copy of the environment under a name."""
    folder = workshop.folder / "p"
    folder.mkdir()

    def put(name: str) -> Path:
        # Hard links: nothing may change a file, only replace it.
        subprocess.run(["cp", "-al", pristine, folder / name], check=True)
        return folder / name

    yield put
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a PATH without any python: what a bare worker has."""
    folder = tmp_path_factory.mktemp("tools")
    for name in ("sh", "bash", "dirname", "cat"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return str(folder)


def run(command: Sequence[str | Path], path: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.update(options.pop("env", {}))  # type: ignore[call-overload]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


def content(prefix: Path) -> dict[str, bytes]:
    """Return all that may hold the prefix, by path."""
    files = [p for p in prefix.rglob("*") if p.is_file() and not p.is_symlink() and p.suffix not in (".pyc", ".so")]
    files.append(prefix / "lib/libholder.so")
    return {str(p.relative_to(prefix)): p.read_bytes() for p in files if str(p.relative_to(prefix)) not in STATE}


def signature(prefix: Path) -> dict[Path, tuple[int, ...]]:
    """Return what changes whenever a file or folder does."""
    found = {path: path.lstat() for path in prefix.rglob("*")}
    return {path: (s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns) for path, s in found.items()}


def library(prefix: Path) -> bytes:
    """Return what the library of the package `holder` must be in that place."""
    one = str(prefix).encode()
    room = len(HELD) - len(one)
    strings = [one + b"/lib:" + one + b"/lib64" + bytes(2 * room), one + bytes(room)]
    return b"\x7fELF\0" + strings[0] + b"\0\1\2" + strings[1] + b"\0\xff\xfeend"


def assert_adapted(prefix: Path) -> None:
    assert (prefix / "lib/libholder.so").read_bytes() == library(prefix)
    assert (prefix / "etc/holder.conf").read_text() == f"root = {prefix}/share\nagain = {prefix}\n"
    assert (prefix / STATE[0]).read_text() == f"{prefix}\n"


def test_conda_unpack__without_python_on_path__adapts_every_file(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("with a space")
    done = run([prefix / "bin/conda-unpack"], tools)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert_adapted(prefix)
    assert os.access(prefix / "bin/holder", os.X_OK)
    held = {path for path, data in content(prefix).items() if HELD.encode() in data and "conda-meta/" not in path}
    assert held == {"bin/conda-unpack"}


def test_conda_unpack__by_the_environments_python_or_a_relative_path__adapts_too(
    place: Callable[[str], Path], tools: str
) -> None:
    for name, command in (
        ("a", ["bin/python", "bin/conda-unpack"]),
        ("b", ["bin/conda-unpack"]),
        ("c", ["./conda-unpack"]),
    ):
        prefix = place(name)
        folder = prefix / "bin" if name == "c" else prefix
        assert (
            run([folder / command[0] if name == "a" else command[0], *command[1:]], tools, cwd=folder).returncode == 0
        )
        assert_adapted(prefix)


def test_conda_unpack__hostile_environment__is_not_misled(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("env")
    leaked = {"PYTHONHOME": "/nowhere", "PYTHONPATH": str(prefix / "etc")}
    (prefix / "etc/json.py").write_text("raise SystemExit('wrong json')\n")
    assert run([prefix / "bin/conda-unpack"], tools, env=leaked).stderr == ""
    assert_adapted(prefix)


def test_conda_unpack__a_second_time__changes_nothing(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("env")
    assert run([prefix / "bin/conda-unpack"], tools).returncode == 0
    before = signature(prefix)
    assert run([prefix / "bin/conda-unpack"], tools).returncode == 0
    assert signature(prefix) == before


def test_conda_unpack__hard_links__are_not_written_through(
    place: Callable[[str], Path], pristine: Path, tools: str
) -> None:
    run([place("env") / "bin/conda-unpack"], tools)
    assert (pristine / "lib/libholder.so").read_bytes() == LIBRARY


def test_conda_unpack__a_path_without_room__is_refused_before_anything_changes(
    place: Callable[[str], Path], tools: str
) -> None:
    prefix = place("n" * len(HELD))
    before = content(prefix)
    done = run([prefix / "bin/conda-unpack"], tools)
    assert done.returncode == 1
    assert done.stderr.startswith(f"conda-unpack: {prefix} is a path of {len(str(prefix))} bytes, but lib/libholder.so")
    assert f"room for {len(HELD)}" in done.stderr
    assert content(prefix) == before


@pytest.mark.parametrize("second", ["b", "longer-than-the-first", "a/../c"])
def test_conda_unpack__after_a_move__is_as_if_unpacked_there(
    place: Callable[[str], Path], tools: str, second: str
) -> None:
    prefix = place("first")
    assert run([prefix / "bin/conda-unpack"], tools).returncode == 0
    (prefix.parent / "a").mkdir()
    moved = prefix.rename(Path(os.path.normpath(prefix.parent / second)))
    assert run([moved / "bin/conda-unpack"], tools).returncode == 0
    assert_adapted(moved)
    again = content(moved)
    shutil.rmtree(moved)
    fresh = place(moved.name)
    run([fresh / "bin/conda-unpack"], tools)
    assert content(fresh) == again


def test_conda_unpack__interrupted_and_moved_twice__still_adapts_every_file(
    place: Callable[[str], Path], tools: str
) -> None:
    first = place("first")
    limit = 20_000  # enough for small files; the Makefile of the standard library is larger

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    failed = run([first / "bin/conda-unpack"], tools, preexec_fn=limited)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"conda-unpack: cannot adapt {first}: ")
    second = first.rename(first.with_name("second"))
    obstacle = second / "etc/holder.conf.conda-unpack"
    obstacle.mkdir()
    assert run([second / "bin/conda-unpack"], tools).returncode == 1
    obstacle.rmdir()
    # By now files hold the placeholder, the first place, or the second.
    assert (second / "etc/holder.conf").read_text().startswith(f"root = {first}/")
    third = second.rename(second.with_name("third"))
    assert run([third / "bin/conda-unpack"], tools).returncode == 0
    assert_adapted(third)
    for old in (first, second):
        assert not [path for path, data in content(third).items() if bytes(old) + b"/" in data]
    assert not list(third.rglob("*.conda-unpack"))


def test_conda_unpack__a_file_that_the_user_edited__is_adapted_by_search(
    place: Callable[[str], Path], tools: str
) -> None:
    prefix = place("first")
    run([prefix / "bin/conda-unpack"], tools)
    config = prefix / "etc/holder.conf"
    config.write_text(f"# mine\n{config.read_text()}")
    moved = prefix.rename(prefix.with_name("second"))
    assert run([moved / "bin/conda-unpack"], tools).returncode == 0
    assert (moved / "etc/holder.conf").read_text() == f"# mine\nroot = {moved}/share\nagain = {moved}\n"


def test_conda_unpack__version__is_conda_packs(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("env")
    import conda_pack

    assert run([prefix / "bin/conda-unpack", "--version"], tools).stdout == f"conda-unpack {conda_pack.__version__}\n"
    assert not (prefix / STATE[0]).exists()


def test_conda_unpack__a_path_that_code_must_escape__leaves_code_that_runs(
    place: Callable[[str], Path], tools: str
) -> None:
    for name in ("it's", 'a "quoted" one', "back\\slash"):
        root = place(name)
        assert run([root / "bin/conda-unpack"], tools).returncode == 0
        code = "import sysconfig; print(sysconfig.get_config_var('BINDIR'))"
        told = run([root / "bin/python3", "-IB", "-c", code], tools)
        assert (told.stdout, told.stderr) == (f"{root}/bin\n", "")
        moved = root.rename(root.parent / "plain")
        assert run([moved / "bin/conda-unpack"], tools).returncode == 0
        assert run([moved / "bin/python3", "-IB", "-c", code], tools).stdout == f"{moved}/bin\n"
        shutil.rmtree(moved)


def test_run_in_env__without_arguments__does_nothing(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("env")
    before = signature(prefix)
    done = run([prefix / "bin/run_in_env"], tools)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert signature(prefix) == before


def test_run_in_env__as_taskvine_does__adapts_at_the_final_place(place: Callable[[str], Path], tools: str) -> None:
    unpacked = place("output")
    assert run([unpacked / "bin/run_in_env"], tools).returncode == 0
    final = unpacked.rename(unpacked.with_name("cache name"))
    link = final.with_name("link")
    link.symlink_to(final.name)
    program = "import os, sys; print(sys.prefix, os.environ['PONCHO_PREFIX'], os.environ['CONDA_PREFIX'], sys.argv[1:])"
    leaked = {"PYTHONPATH": "/leak", "PYTHONHOME": "/leak"}
    done = run([link / "bin/run_in_env", "python3", "-c", program, "a b", "$x"], tools, env=leaked)
    assert done.stderr == ""
    assert done.stdout == f"{final} {final} {final} {['a b', '$x']}\n"
    assert_adapted(final)


def test_run_in_env__moved_again__adapts_again(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("first")
    assert run([prefix / "bin/run_in_env", "holder"], tools).stdout == "held\n"
    moved = prefix.rename(prefix.with_name("second"))
    assert run([moved / "bin/run_in_env", "holder"], tools).stdout == "held\n"
    assert_adapted(moved)


def test_run_in_env__ten_start_together__all_run_in_an_adapted_environment(
    place: Callable[[str], Path], tools: str
) -> None:
    prefix = place("env")
    command = [str(prefix / "bin/run_in_env"), "cat", str(prefix / "etc/holder.conf"), str(prefix / STATE[0])]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env={"PATH": tools}) for _ in range(10)]
    outputs = {process.communicate(timeout=60)[0].decode() for process in running}
    assert outputs == {f"root = {prefix}/share\nagain = {prefix}\n{prefix}\n"}
    assert [process.returncode for process in running] == [0] * 10
    assert not list(prefix.rglob("*.conda-unpack"))


def test_run_in_env__ten_start_together__one_of_them_writes(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("env")
    # Every change of a file is a new file: watch one directory for how many take its name.
    program = f"import os; print(os.stat({str(prefix / 'etc/holder.conf')!r}).st_ino)"
    command = [str(prefix / "bin/run_in_env"), "python", "-c", program]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env={"PATH": tools}) for _ in range(10)]
    assert len({process.communicate(timeout=60)[0] for process in running}) == 1


def test_run_in_env__the_commands_status_and_streams__are_passed_on(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("env")
    done = run([prefix / "bin/run_in_env", "sh", "-c", "cat; echo problem >&2; exit 7"], tools, input="through\n")
    assert (done.returncode, done.stdout, done.stderr) == (7, "through\n", "problem\n")
    killed = run([prefix / "bin/run_in_env", "sh", "-c", "kill -9 $$"], tools)
    assert killed.returncode == -9


def test_run_in_env__activation_scripts__are_run_by_bash(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("env")
    done = run([prefix / "bin/run_in_env", "sh", "-c", 'echo "$GREETING"'], tools)
    assert (done.stdout, done.stderr) == (f"hello from {prefix} \n", "")


def test_run_in_env__activation_script_for_bash_where_there_is_none__exits_4(
    place: Callable[[str], Path], tools: str, tmp_path: Path
) -> None:
    """As python_package_run does: an environment that is activated in part is none."""
    prefix = place("env")
    for name in ("sh", "dirname", "cat"):
        (tmp_path / name).symlink_to(Path(tools, name).resolve())
    done = run([prefix / "bin/run_in_env", "echo", "ran"], str(tmp_path))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (4, "", 1)
    assert "a-bash.sh" in done.stderr


def test_run_in_env__cannot_adapt__runs_nothing_and_exits_4(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("n" * len(HELD))
    done = run([prefix / "bin/run_in_env", "sh", "-c", "echo ran"], tools)
    assert (done.returncode, done.stdout) == (4, "")
    assert "room for" in done.stderr


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_run_in_env__every_shell__finds_its_environment(place: Callable[[str], Path], tools: str, shell: str) -> None:
    prefix = place("env")
    found = shutil.which(shell)
    assert found
    command = [found, "sh"] if shell == "busybox" else [found]
    done = run([*command, str(prefix / "bin/run_in_env"), "colours"], tools)
    assert (done.stdout, done.stderr) == ("command of colours\n", "")
    done = run([*command, "run_in_env", "colours"], tools, cwd=prefix / "bin")
    assert (done.stdout, done.stderr) == ("command of colours\n", "")


def test_activate__sourced_by_bash__works_as_conda_packs(place: Callable[[str], Path], tools: str) -> None:
    prefix = place("env")
    (prefix / "etc/conda/activate.d/a-bash.sh").unlink()
    path = f"{tools}:/usr/bin:/bin"
    script = f'source "{prefix}/bin/activate" && conda-unpack && colours && echo "$CONDA_PREFIX"'
    bash = shutil.which("bash")
    assert bash
    done = run([bash, "-c", script], path)
    assert done.stdout == f"command of colours\n{prefix}\n"
    assert_adapted(prefix)
