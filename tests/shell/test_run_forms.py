"""python_package_run as its other callers call it: directories, activation scripts, --info, the sandbox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_tarball import UNPACK, Entry, Environment, environment, pack_plainly
from run_worker import PATIENCE, SHELLS, Worker, lines, tool

GREETING = "hello from the environment\n"
# What conda-unpack of python_package_create does, and conda-pack's does not: say where it has adapted the files to.
REPEATABLE = UNPACK + 'echo "$prefix" >"$prefix/conda-meta/python-package-prefix"\n'


@pytest.fixture(params=SHELLS)
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path, request.param)
    yield worker
    worker.stop()


def activated(**scripts: str) -> Environment:
    """Return an environment with these activation scripts."""
    return environment().having(
        *(Entry(f"etc/conda/activate.d/{name}.sh", text.encode(), 0o644) for name, text in scripts.items())
    )


# ---- The callers


def test_forms__work_queues_python_task__runs_in_the_sandbox(worker: Worker) -> None:
    """The command of `PythonTask.specify_environment` in Debian's python3-workqueue 9.9."""
    worker.pack("my-env")
    sandbox = worker.root / "worker-0-1"
    sandbox.mkdir()
    (worker.task / "pytask_wrapper.py").write_text('echo "$@" >out_1.p; echo "$CONDA_PREFIX"\n')
    (worker.task / "python_package_run").write_bytes(worker.wrapper.read_bytes())
    (worker.task / "python_package_run").chmod(0o755)
    command = (
        './python_package_run -e my-env.tar.gz --unpack-to "$WORK_QUEUE_SANDBOX"/my-env.tar.gz-env '
        "python pytask_wrapper.py function_1.p args_1.p out_1.p"
    )

    for _ in range(2):
        result = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=worker.task,
            env={**worker.env, "WORK_QUEUE_SANDBOX": str(sandbox)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        assert (result.stdout, result.stderr) == (f"{sandbox}/my-env.tar.gz-env\n", "")
    assert (worker.task / "out_1.p").read_text() == "function_1.p args_1.p out_1.p\n"
    assert (sandbox / "my-env.tar.gz-env/relocated").read_text() == f"{sandbox}/my-env.tar.gz-env\n"


def test_forms__parsl__runs_without_a_place_of_its_own(worker: Worker) -> None:
    """`./python_package_run -e pack-HASH.tar.gz python3 exec_parsl_function.py map function result`."""
    python3 = Entry("bin/python3", b'#!/bin/sh\nexec /bin/sh "$@"\n')
    worker.pack("pack-0123", environment().having(python3))
    (worker.task / "exec_parsl_function.py").write_text('echo "$*"\n')

    result = worker.run("-e", "pack-0123.tar.gz", "python3", "exec_parsl_function.py", "map1", "function1", "result1")

    assert (result.stdout, result.stderr) == ("map1 function1 result1\n", "")


@pytest.mark.parametrize(
    "options",
    [
        ["-e", "venv.tar.gz", "-u", "env", "-w", "5", "-d", "--"],
        ["--debug", "--wait-for-lock", "5", "--unpack-to", "env", "--environment", "venv.tar.gz"],
    ],
)
def test_forms__ponchos_options__are_understood(worker: Worker, options: list[str]) -> None:
    worker.pack()

    assert worker.run(*options, "printf", "%s|", "-d", "--", "a b").stdout == "-d|--|a b|"
    assert (worker.task / "env/bin/greet").exists()


def test_forms__options__go_with_the_man_pages_form_too(worker: Worker) -> None:
    worker.pack()

    assert worker.run("-u", "env", "-w", "5", "venv", "greet | wc -l").stdout.strip() == "1"
    assert (worker.task / "env/bin/greet").exists()


def test_forms__unpack_to_without_a_command__unpacks_and_exits_0(worker: Worker) -> None:
    """As poncho_package_run does."""
    worker.pack()

    for _ in range(2):
        result = worker.run("-e", "venv.tar.gz", "-u", "env")
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (worker.task / "env/relocated").read_text() == f"{worker.task}/env\n"
    assert worker.run("-e", "env", "greet").stdout == GREETING


def test_forms__unpack_to_without_a_command__fails_as_with_one(worker: Worker) -> None:
    worker.pack()
    (worker.task / "broken.tar.gz").write_bytes((worker.task / "venv.tar.gz").read_bytes()[:-40])

    for tarball, code in (("nowhere.tar.gz", 2), ("broken.tar.gz", 3)):
        result = worker.run("-e", tarball, "-u", "env")
        assert (result.returncode, result.stdout, lines(result.stderr)) == (code, "", 1)


@pytest.mark.parametrize(
    "arguments",
    [["-e", "venv.tar.gz"], ["-e", "venv.tar.gz", "--"], ["-u", "env"], ["-u", "env", "venv"], ["-d", "venv"], []],
)
def test_forms__no_command__is_a_usage_error_elsewhere(worker: Worker, arguments: list[str]) -> None:
    worker.pack()

    result = worker.run(*arguments)

    assert (result.returncode, result.stdout, lines(result.stderr)) == (1, "", 1)
    assert not (worker.task / "env").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["venv", "python3", "x.py"], ["python3", "x.py"]),
        (["venv.tar.gz", "sh", "-c", "echo $HOME; true", "it's"], ["sh", "-c", "echo $HOME; true", "it's"]),
        (["my venv", "printf", "%s|", "a  b", "", '"q"', "!x", "back\\slash", "`id`", "*", "é"], None),
    ],
)
def test_forms__command_that_nobody_quoted__is_shown_in_both_right_forms(
    worker: Worker, arguments: list[str], words: list[str] | None
) -> None:
    """What is shown does what was meant: a shell that reads it hands over the words of the user."""
    words = words or arguments[1:]
    name = arguments[0].removesuffix(".tar.gz")
    worker.add_tool("python_package_run", "printf '%s\\n' \"$@\"")

    result = worker.run(*arguments)

    assert (result.returncode, result.stdout, lines(result.stderr)) == (1, "", 1)
    head, first, second = result.stderr.partition("; see python_package_run --help")[0].split("python_package_run ")
    assert f"expected an environment name and one quoted command string, but got {len(arguments)} arguments" in head
    shown = [_split(worker, f"python_package_run {each}") for each in (first.removesuffix(", or "), second)]
    assert shown[1] == ["-e", f"{name}.tar.gz", "--", *words]
    assert shown[0][:1] == [name]
    assert len(shown[0]) == 2
    assert _split(worker, f"python_package_run {shown[0][1]}") == words


def _split(worker: Worker, line: str) -> list[str]:
    """Return the arguments that a shell makes of a command line."""
    shell = subprocess.run(
        [*worker.shell, "-c", line], cwd=worker.task, env=worker.env, capture_output=True, text=True, check=True
    )
    return shell.stdout.split("\n")[:-1]


def test_forms__short_command_that_nobody_quoted__is_shown_as_the_man_page_has_it(worker: Worker) -> None:
    result = worker.run("bar", "python3", "x.py")

    assert (
        ': python_package_run bar "python3 x.py", or python_package_run -e bar.tar.gz -- python3 x.py; '
        in result.stderr
    )


@pytest.mark.parametrize(
    "arguments",
    [["venv"], ["venv", "-u", "env", "greet"], ["venv", "python3 x.py", "more"], ["venv", "python3", "a\nb\033[m"]],
)
def test_forms__arguments_that_may_mean_anything__are_counted_only(worker: Worker, arguments: list[str]) -> None:
    result = worker.run(*arguments)

    assert (result.returncode, result.stdout, lines(result.stderr)) == (1, "", 1)
    assert f"but got {len(arguments)} arguments; see" in result.stderr


# ---- A directory


def unpacked(worker: Worker, env: Environment, name: str = "env") -> Path:
    """Unpack an environment as `tar xzf` does."""
    root = worker.task / name
    with tarfile.open(pack_plainly(worker.root / "plain.tar.gz", env)) as archive:
        archive.extractall(root)  # noqa: S202
    (root / "conda-meta").mkdir(exist_ok=True)
    return root


@pytest.mark.parametrize("unpack", [UNPACK, REPEATABLE])
def test_directory__not_adapted_yet__is_adapted_once(worker: Worker, unpack: str) -> None:
    root = unpacked(worker, environment(unpack))

    for _ in range(2):
        result = worker.run("-e", "env", "sh", "-c", 'greet; echo "$CONDA_PREFIX $PONCHO_PREFIX"')
        assert (result.stdout, result.stderr) == (f"{GREETING}{root} {root}\n", "")
    assert (root / "relocated").read_text() == f"{root}\n"


def test_directory__many_tasks_at_once__adapt_it_once(worker: Worker) -> None:
    root = unpacked(worker, environment("sleep 0.3\n" + UNPACK))

    started = [worker.start("-e", "env", "greet") for _ in range(8)]

    assert [process.communicate(timeout=PATIENCE) for process in started] == [(GREETING, "")] * 8
    assert (root / "relocated").read_text() == f"{root}\n"


def test_directory__reached_through_a_link__is_adapted_to_its_real_place(worker: Worker) -> None:
    root = unpacked(worker, environment(REPEATABLE))
    (worker.task / "link").symlink_to(root)

    for name in ("link", "env", "link/"):
        assert worker.run("-e", name, "greet").stdout == GREETING
    assert (root / "relocated").read_text() == f"{root}\n"


def test_directory__moved__is_adapted_again_where_that_is_possible(worker: Worker) -> None:
    root = unpacked(worker, environment(REPEATABLE))
    worker.run("-e", "env", "greet")
    moved = root.rename(worker.task / "moved")

    assert worker.run("-e", "moved", "greet").stdout == GREETING
    assert (moved / "relocated").read_text() == f"{root}\n{moved}\n"


def test_directory__of_conda_pack_and_moved__exits_4(worker: Worker) -> None:
    root = unpacked(worker, environment())
    worker.run("-e", "env", "greet")
    root.rename(worker.task / "moved")

    result = worker.run("-e", "moved", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert f"moved from {root}" in result.stderr


def test_directory__interrupted_while_it_is_adapted__is_adapted_again(worker: Worker) -> None:
    root = unpacked(worker, environment(UNPACK + "kill -9 $PPID $$\n"))
    assert worker.run("-e", "env", "greet").returncode != 0
    (root / "bin/conda-unpack").write_text(UNPACK)

    assert worker.run("-e", "env", "greet").stdout == GREETING
    assert (root / "relocated").read_text() == f"{root}\n{root}\n"


def test_directory__that_was_never_packed__is_used_as_it_is(worker: Worker) -> None:
    root = unpacked(worker, environment())
    (root / "bin/conda-unpack").unlink()
    before = sorted(root.rglob("*"))

    assert worker.run("-e", "env", "greet").stdout == GREETING
    assert sorted(root.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory that its own user may not write")
def test_directory__of_somebody_else__is_used_as_it_is(worker: Worker) -> None:
    root = unpacked(worker, environment())
    for folder in (worker.root, *worker.root.parents):
        if folder.stat().st_mode & 0o055 != 0o055:
            folder.chmod(0o755)
    worker.user = 65534

    assert worker.run("-e", root, "greet").stdout == GREETING
    assert not (root / "relocated").exists()


def test_directory__cannot_be_adapted__exits_4(worker: Worker) -> None:
    unpacked(worker, environment("echo a reason >&2; exit 1\n"))

    result = worker.run("-e", "env", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert "a reason" in result.stderr


def test_directory__no_environment__exits_4(worker: Worker) -> None:
    result = worker.run("-e", ".", "echo", "outside")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)


def test_directory__given_to_unpack_to__is_not_overwritten(worker: Worker) -> None:
    root = unpacked(worker, environment())
    worker.run("-e", "env", "greet")
    worker.pack()

    assert worker.run("-e", "venv.tar.gz", "-u", root, "greet").returncode == 3
    assert worker.run("-e", "env", "greet").stdout == GREETING


# ---- Activation scripts


def test_activation__scripts__set_the_tasks_environment_in_order(worker: Worker) -> None:
    first = 'export ORDER="$ORDER first" CERT="$CONDA_PREFIX/ssl"; false\n'
    second = 'export ORDER="$ORDER $UNSET_BEFORE second"; set -- clobbered; echo chatter\n'
    worker.pack(env=activated(b=second, a=first))

    for _ in ("cold", "warm"):
        result = worker.run("-e", "venv.tar.gz", "sh", "-c", 'echo "$ORDER $CERT $1"', "sh", "arg")
        assert result.stdout == f" first  second {worker.envs()[0]}/ssl arg\n"
        assert result.stderr == "chatter\n"


def test_activation__bash_scripts__get_bash_without_its_start_up_files(worker: Worker) -> None:
    worker.pack(env=activated(a='words=(one two); [[ ${words[1]} == two ]] && export SAID="${words[*]}"\n'))
    startup = worker.root / "startup"
    startup.write_text("echo from BASH_ENV; exit 1\n")
    worker.add_tool("bash", f'exec {tool("bash")} "$@"')

    result = worker.run("venv", 'echo "$SAID $BASH_ENV"', BASH_ENV=str(startup))

    assert (result.stdout, result.stderr) == (f"one two {startup}\n", "")


@pytest.mark.parametrize("script", ["exit 0\n", "exit 7\n", "kill -9 $$\n", ". /no/such/file || exit\n"])
def test_activation__script_that_ends_the_shell__does_not_run_the_task(worker: Worker, script: str) -> None:
    worker.pack(env=activated(a="true\n", b=script))

    for _ in ("cold", "warm"):
        result = worker.run("venv", "echo ran")
        if "kill" in script:
            assert (result.returncode, result.stdout) == (-9, "")
        else:
            assert (result.returncode, result.stdout) == (4, "")
            assert "cannot activate" in result.stderr
            assert "activate.d/b.sh ended the shell" in result.stderr


def test_activation__script_that_is_not_shell__exits_4(worker: Worker) -> None:
    worker.pack(env=activated(a="if ((; then\n"))

    for _ in range(2):
        result = worker.run("venv", "echo ran")
        assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
        assert "activate.d/a.sh" in result.stderr


def test_activation__conda_packs_own_activate__is_not_sourced(worker: Worker) -> None:
    worker.pack(env=environment().having(Entry("bin/activate", b"echo sourced; exit 1\n")))

    assert worker.run("venv", "greet").stdout == GREETING


# ---- What the tarball says


def test_info__tarball_of_ours__prints_its_facts(worker: Worker) -> None:
    tarball = worker.pack(env=environment().stating(subdir="linux-other", glibc="9.99"))

    result = worker.run("--info", "venv")

    assert result.returncode == 0
    # As one of an older version.
    assert lines(result.stderr) == 1 and "does not list its packages" in result.stderr
    facts = dict(line.split(" ") for line in result.stdout.splitlines())
    assert facts.keys() == {"id", "subdir", "glibc", "python", "size", "files", "archive"}
    assert facts["subdir"] == "linux-other"
    assert facts["archive"] == str(tarball.stat().st_size)
    assert not worker.cache.exists()


LIST = b"package numpy-2.4.6-py311h64a7726_0\npackage six-1.17.0-pyhd8ed1ab_0\npypi tqdm-4.67.1\n"


@pytest.mark.parametrize("after", [(), (Entry("etc/last", b"last\n"),)])
def test_info__tarball_with_a_list__prints_its_packages(worker: Worker, after: tuple[Entry, ...]) -> None:
    env = environment().having(Entry("conda-meta/python-package-list", LIST, 0o644))
    worker.pack(env=env.having(*after) if after else env)

    result = worker.run("--info", "venv")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("\n" + LIST.decode())


TABLE = b"    unpacked       packed\n     1200 kB       300 kB  ###  numpy-2.4.6-py311h64a7726_0\n"


@pytest.mark.parametrize("args", [["--info", "--sizes"], ["--sizes"]])
def test_sizes__tarball_that_tells_them__prints_the_table_alone(worker: Worker, args: list[str]) -> None:
    told = LIST + b"".join(b"sizes " + line for line in TABLE.splitlines(keepends=True))
    worker.pack(env=environment().having(Entry("conda-meta/python-package-list", told, 0o644)))

    result = worker.run(*args, "venv")

    assert (result.returncode, result.stdout, result.stderr) == (0, TABLE.decode(), "")
    assert worker.run("--info", "venv").stdout.endswith("\n" + LIST.decode())


def test_sizes__tarball_of_old__exits_3_and_says_so(worker: Worker) -> None:
    worker.pack(env=environment().having(Entry("conda-meta/python-package-list", LIST, 0o644)))

    result = worker.run("--info", "--sizes", "venv")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert "venv.tar.gz does not tell sizes: make it anew" in result.stderr


@pytest.mark.parametrize(("args", "status"), [(["venv", "greet"], 1), ([], 1), (["nosuch"], 2)])
def test_sizes__without_one_environment__runs_nothing(worker: Worker, args: list[str], status: int) -> None:
    worker.pack()

    result = worker.run("--sizes", *args)

    assert (result.returncode, result.stdout, lines(result.stderr)) == (status, "", 1)
    assert not worker.envs()


def test_info__tarball_of_others__exits_3(worker: Worker) -> None:
    pack_plainly(worker.task / "venv.tar.gz", environment())

    result = worker.run("--info", "venv")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)


# ---- The sandbox


def _bubblewrap_works() -> bool:
    """Return whether this machine lets bubblewrap do its work, which many containers do not."""
    command = [tool("bwrap"), "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def shelter(worker: Worker) -> Iterator[Worker]:
    """Return a worker that has bubblewrap, and whose folders are not in the /tmp that the sandbox hides."""
    root = Path(tempfile.mkdtemp(prefix="python_package_test-", dir="/var/tmp"))
    other = Worker(root, Path(worker.shell[0]).name)
    other.add_tool("bwrap", f'exec {tool("bwrap")} "$@"')
    yield other
    other.stop()
    shutil.rmtree(root)


def test_sandbox__no_bubblewrap__refuses(worker: Worker) -> None:
    folder = worker.root / "no-bwrap"
    folder.mkdir()
    for directory in worker.env["PATH"].split(":"):
        for path in Path(directory).glob("*"):
            if path.name != "bwrap" and not (folder / path.name).exists():
                (folder / path.name).symlink_to(path)
    worker.pack()

    for option in ("--sandbox", "--sandbox-network"):
        result = worker.run(option, "venv", "echo ran", PATH=str(folder))
        assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
        assert "no bwrap" in result.stderr


def test_sandbox__bubblewrap_that_does_not_work__refuses(worker: Worker) -> None:
    worker.add_tool("bwrap", "echo bwrap: no permission >&2; exit 1")
    worker.pack()

    result = worker.run("--sandbox", "venv", "echo ran")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert "no permission" in result.stderr


@pytest.mark.parametrize("network", [False, True])
def test_sandbox__task__can_write_its_directory_and_nothing_else(shelter: Worker, network: bool) -> None:
    shelter.pack(env=activated(a="export ACTIVATED=yes\n"))
    outside = shelter.home / "file"
    outside.write_text("safe")
    private = Path(f"/tmp/{shelter.home.parent.name}")  # noqa: S108
    script = f"""
        greet; echo "$ACTIVATED $1"
        echo inside >made
        (echo spoiled >'{outside}') 2>/dev/null || echo 'cannot write the home'
        (echo spoiled >"$CONDA_PREFIX/file") 2>/dev/null || echo 'cannot write the environment'
        echo >'{private}' && ls -A /tmp | grep -c . && echo "$TMPDIR"
        ls /proc | grep -c '^[0-9]' | {{ read count; [ "$count" -lt 9 ] && echo 'sees itself only'; }}
        grep -c : /proc/net/dev
        exit 7
    """
    argv = ["--sandbox-network" if network else "--sandbox", "-e", "venv.tar.gz", "sh", "-c", script, "sh", "arg"]

    result = shelter.run(*argv)

    if not _bubblewrap_works():
        assert (result.returncode, result.stdout) == (4, "")
        return
    *said, interfaces = result.stdout.splitlines()
    assert said[:2] == [GREETING.strip(), "yes arg"]
    assert said[2:4] == ["cannot write the home", "cannot write the environment"]
    assert said[4:] == ["1", "/tmp", "sees itself only"]  # noqa: S108
    assert result.returncode == 7
    assert (shelter.task / "made").read_text() == "inside\n"
    assert outside.read_text() == "safe"
    assert not private.exists()
    own = sum(":" in line for line in Path("/proc/net/dev").read_text().splitlines())
    assert int(interfaces) == (own if network else 1)


def test_sandbox__wrapper_is_killed__the_task_ends_too(shelter: Worker) -> None:
    if not _bubblewrap_works():
        shelter.pack()
        assert shelter.run("--sandbox", "venv", "echo ran").returncode == 4
        return
    shelter.pack()
    process = shelter.start("--sandbox", "venv", "echo started; sleep 1; echo late >late")
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGKILL)

    assert process.communicate(timeout=PATIENCE)[0] == ""
    assert not (shelter.task / "late").exists()


def test_sandbox__in_the_root_directory__refuses(shelter: Worker) -> None:
    tarball = shelter.pack()

    result = shelter.run("--sandbox", "-e", tarball, "echo", "ran", cwd=Path("/"))

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
