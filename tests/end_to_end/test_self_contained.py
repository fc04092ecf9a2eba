"""NAME.sh, the wrapper and the tarball in one file: all of a worker's work with nothing else sent along."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from desk import Desk, make_desk
from run_worker import PATIENCE, SHELLS, tool


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory, channel: Path, caches: dict[str, str]) -> Desk:
    """Return the desk on which the file was made."""
    desk = make_desk(tmp_path_factory.mktemp("maker"), channel, caches)
    done = desk.create("--self-contained", modules=("idna",))
    assert done.returncode == 0, done.stderr
    return desk


@pytest.fixture(scope="module")
def script(maker: Desk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the one file, on a machine that has nothing else of the environment."""
    worker = tmp_path_factory.mktemp("a worker")
    shutil.move(maker.cwd / "env.sh", worker / "env.sh")
    return worker / "env.sh"


def run(script: Path, home: Path, *argv: str | Path, shell: str = "") -> subprocess.CompletedProcess[str]:
    front = [tool(shell), *{"busybox": ["ash"], "bash": ["--posix"]}.get(shell, [])] if shell else []
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    return subprocess.run(
        [*front, script, *argv], env=environ, cwd=home, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize("shell", ["", *SHELLS])
def test_script__list_or_string__runs_in_the_environment(script: Path, tmp_path: Path, shell: str) -> None:
    program = "import idna, sys; print(sys.prefix, *sys.argv[1:])"

    listed = run(script, tmp_path, "python3", "-c", program, "a b", "$x", shell=shell)
    string = run(script, tmp_path, "-c", f"python3 -c '{program}' one > out; cat out", shell=shell)

    prefix = next((tmp_path / ".cache/python_package/envs").iterdir())
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, f"{prefix} a b $x\n", "")
    assert (string.returncode, string.stdout, string.stderr) == (0, f"{prefix} one\n", "")


def test_script__its_environment__is_the_tarballs(script: Path, tmp_path: Path, maker: Desk) -> None:
    """The tarball is written as well, and both are one environment in the cache."""
    assert run(script, tmp_path, "true").returncode == 0
    wrapper = Path(__file__).parents[2] / "python_package/run/python_package_run"
    assert run(wrapper, tmp_path, "-e", maker.cwd / "env.tar.gz", "true").returncode == 0

    assert len(list((tmp_path / ".cache/python_package/envs").iterdir())) == 1


def test_script__options_of_the_wrapper__do_what_they_do_there(script: Path, tmp_path: Path) -> None:
    assert run(script, tmp_path, "--version").stdout.startswith("python_package_run ")
    assert f"{script} [options] -c <python-command-string>\n" in run(script, tmp_path, "--help").stdout
    assert "\npackage idna-" in run(script, tmp_path, "--info").stdout
    done = run(script, tmp_path, "-u", tmp_path / "own", "sh", "-c", 'echo "$CONDA_PREFIX"')
    assert done.stdout == f"{tmp_path}/own\n"
    assert run(script, tmp_path, "-u", tmp_path / "only unpacked").returncode == 0
    assert (tmp_path / "only unpacked/bin/python").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "no command"),
        (("-c",), "option -c needs a value"),
        (
            ("-c", "python3", "a task.py"),
            "expected one quoted command string after -c: @ -c \"python3 'a task.py'\", or @ python3 'a task.py'",
        ),
        (("-c", "python3 task.py", "more"), "expected one quoted command string after -c"),
        (("-e", "other.tar.gz", "true"), "option -e has no meaning here: the environment is in this file"),
        (("--nosuch", "true"), "unknown option --nosuch"),
    ],
)
def test_script__wrong_form__is_one_line_and_exits_1(
    script: Path, tmp_path: Path, argv: tuple[str, ...], message: str
) -> None:
    done = run(script, tmp_path, *argv)

    assert (done.returncode, done.stdout) == (1, "")
    message = message.replace("@", str(script))
    assert done.stderr == f"python_package_run: {message}; see python_package_run --help\n"


@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_script__cut_short__exits_3_and_runs_nothing(script: Path, tmp_path: Path, keep: float) -> None:
    whole = script.read_bytes()
    (tmp_path / "cut.sh").write_bytes(whole[: int(len(whole) * keep)])
    (tmp_path / "cut.sh").chmod(0o755)

    done = run(tmp_path / "cut.sh", tmp_path, "echo", "ran")

    assert (done.returncode, done.stdout) == (3, "")
    assert "cut short or damaged" in done.stderr


def test_script__flipped_bit__exits_3_and_runs_nothing(script: Path, tmp_path: Path) -> None:
    whole = bytearray(script.read_bytes())
    whole[len(whole) // 2] ^= 4
    (tmp_path / "bad.sh").write_bytes(whole)
    (tmp_path / "bad.sh").chmod(0o755)

    done = run(tmp_path / "bad.sh", tmp_path, "echo", "ran")

    assert (done.returncode, done.stdout) == (3, "")


def test_create__name_that_ends_in_sh__is_a_name(desk: Desk) -> None:
    """`create SPEC foo.sh` makes foo.sh.tar.gz, as the man page has it."""
    done = desk.run("-c", str(desk.channel), "--self-contained", desk.spec("idna"), "foo.sh")

    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in desk.cwd.iterdir()) == ["deps.json", "foo.sh.sh", "foo.sh.tar.gz"]
    assert os.access(desk.cwd / "foo.sh.sh", os.X_OK)


def test_create__self_contained_and_dry_run__exits_1(desk: Desk) -> None:
    done = desk.create("--self-contained", "--dry-run")

    assert done.returncode == 1
    assert "--self-contained has no meaning with --dry-run, which makes nothing" in done.stderr


def test_create__its_place_is_a_folder__makes_nothing(desk: Desk) -> None:
    (desk.cwd / "env.sh").mkdir()

    done = desk.create("--self-contained", modules=("idna",))

    assert done.returncode == 7
    assert "env.sh: a folder has that name" in done.stderr
    assert not (desk.cwd / "env.tar.gz").exists()
