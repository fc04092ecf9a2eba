"""python_package_run: its command line, and that the task is as it would be without the wrapper."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_tarball import Entry, Environment, environment, pack
from run_worker import PATIENCE, SHELLS, WRAPPER, Worker, lines, tool

MAN_PAGE = WRAPPER.parents[1] / "man" / "python_package_run.1"


@pytest.fixture(params=SHELLS)
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path, request.param)
    yield worker
    worker.stop()


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_run__help__goes_to_stdout(worker: Worker, option: str) -> None:
    result = worker.run(option)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("usage: python_package_run [options] <environment-name> <python-command-string>")


def test_run__invalid_command_format__exits_1(worker: Worker) -> None:
    worker.pack()
    for args in (
        [],
        ["venv"],
        ["venv", "python3", "example.py"],
        ["", "greet"],
        ["venv", ""],
        ["--unknown", "venv", "greet"],
        ["-x"],
        ["-e"],
        ["-e", ""],
        ["-e", "venv.tar.gz"],
        ["-e", "venv.tar.gz", "--"],
        ["-u"],
        ["-w", "soon", "venv", "greet"],
        ["-w", "-1", "venv", "greet"],
        ["--info"],
        ["--info", "venv", "greet"],
    ):
        result = worker.run(*args)

        assert (result.returncode, result.stdout, lines(result.stderr)) == (1, "", 1), args
        assert "--help" in result.stderr
        assert not worker.envs()


@pytest.mark.parametrize("args", [["venv", "greet"], ["-e", "venv.tar.gz", "greet"], ["--info", "venv"]])
def test_run__no_such_tarball__exits_2_and_names_both_places(worker: Worker, args: list[str]) -> None:
    result = worker.run(*args)

    assert (result.returncode, result.stdout, lines(result.stderr)) == (2, "", 1)
    assert f"{worker.task}/venv.tar.gz" in result.stderr
    assert f"directory is {worker.task})" in result.stderr


def test_run__tarball_elsewhere__names_the_path_that_was_given(worker: Worker) -> None:
    result = worker.run("/nowhere/venv", "greet")

    assert result.returncode == 2
    assert " /nowhere/venv.tar.gz " in result.stderr


def test_run__success__is_silent_on_stderr(worker: Worker) -> None:
    worker.pack()

    for _ in ("cold", "warm"):
        result = worker.run("venv", "greet")
        assert (result.returncode, result.stdout, result.stderr) == (0, "hello from the environment\n", "")


def test_run__command_string__is_a_full_shell_command(worker: Worker) -> None:
    worker.pack()
    for command, expected in (
        ("greet | tr a-z A-Z", "HELLO FROM THE ENVIRONMENT\n"),
        ("true && echo yes || echo no", "yes\n"),
        ("echo 'a  b' \"c  'd'\"", "a  b c  'd'\n"),
        ("greet >out; cat out; rm out", "hello from the environment\n"),
        ("cat <<END\nin here\nEND", "in here\n"),
        ("echo $((6 * 7)) $(echo sub) ${HOME:+home}", "42 sub home\n"),
        ("x='*'; echo \"$x\" \\$", "* $\n"),
        ("-n 2>/dev/null || echo dash", "dash\n"),
        ("echo one; (exit 3); echo $?", "one\n3\n"),
        ("echo ünïcode", "ünïcode\n"),
    ):
        assert worker.run("venv", command).stdout == expected


def test_run__task_exits__status_is_the_tasks(worker: Worker) -> None:
    worker.pack()

    for status in (0, 1, 2, 3, 4, 7, 126, 127, 255):
        assert worker.run("venv", f"exit {status}").returncode == status
        assert worker.run("venv", f"sh -c 'exit {status}'").returncode == status
        assert worker.run("-e", "venv.tar.gz", "sh", "-c", f"exit {status}").returncode == status


def test_run__task_dies_of_signal__the_caller_sees_the_signal(worker: Worker) -> None:
    worker.pack()

    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
        assert worker.run("-e", "venv.tar.gz", "sh", "-c", f"kill -{int(number)} $$").returncode == -number
        assert worker.run("venv", f"kill -{int(number)} $$").returncode == -number


def test_run__signal_to_the_wrapper__reaches_the_task(worker: Worker) -> None:
    worker.pack()

    process = worker.start("venv", "trap 'echo stopped; exit 9' TERM; echo started; while :; do sleep 0.1; done")
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.terminate()

    assert (process.communicate(timeout=PATIENCE)[0], process.returncode) == ("stopped\n", 9)


@pytest.mark.parametrize("args", [["venv", "nosuch"], ["-e", "venv.tar.gz", "nosuch"]])
def test_run__no_such_program__exits_127(worker: Worker, args: list[str]) -> None:
    worker.pack()

    result = worker.run(*args)

    assert result.returncode == 127
    assert "nosuch" in result.stderr


def test_run__stdin__is_the_tasks(worker: Worker) -> None:
    worker.pack(env=_activated("read swallowed\n"))
    sent = "".join(f"line {number}\n" for number in range(50_000))

    for _ in ("cold", "warm"):
        assert worker.run("venv", "cat", stdin=sent.encode()).stdout == sent


def test_run__arguments_without_a_shell__are_untouched(worker: Worker) -> None:
    worker.pack()
    args = ["", " a  b ", "*", "$HOME", "it's", '"', "new\nline", "-e", "--", "-h", "\\", "ü"]

    result = worker.run("-e", "venv.tar.gz", "--", "printf", "<%s>", *args)

    assert result.stdout == "".join(f"<{arg}>" for arg in args)


@pytest.mark.parametrize("scripts", ["", "true\n"])
@pytest.mark.parametrize("hostile", [False, True])
def test_run__environment__is_the_tasks(worker: Worker, scripts: str, hostile: bool) -> None:
    """Also where the task's variables have names that a script is likely to use, and values that it would trip over."""
    worker.pack(env=_activated(scripts) if scripts else environment())
    source = WRAPPER.read_text()
    names = set(re.findall(r"\$\{?([a-z]\w*)", source)) | set(re.findall(r"\b([a-z]\w*)=", source))
    # A worker's own, and what sh keeps for itself.
    names |= {"CORES", "LC_ALL", "BASH_ENV", "ENV", "GZIP", "TAR_OPTIONS", "CDPATH", "POSIXLY_CORRECT"}
    given = {name: f"{name}'s own\n *" for name in names}
    given |= {"LC_ALL": "C.UTF-8", "CORES": "2", "BASH_ENV": "/dev/null", "GZIP": "-9", "TAR_OPTIONS": "--no-such"}
    worker.env |= given if hostile else {}

    for _ in ("cold", "warm"):
        result = worker.run("-e", "venv.tar.gz", "cat", "/proc/self/environ")
        assert result.returncode == 0, result.stderr
        seen = dict(line.split("=", 1) for line in result.stdout.split("\0") if line)
        for name, value in worker.env.items():
            if name != "PATH":
                assert seen.pop(name) == value
        assert seen.pop("PATH").endswith(f"/bin:{worker.env['PATH']}")
        prefix = str(worker.envs()[0])
        assert {seen.pop(name) for name in ("CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PONCHO_PREFIX")} == {prefix}
        assert {seen.pop(name) for name in ("CONDA_SHLVL", "PYTHONNOUSERSITE")} == {"1"}
        # Every shell tells its child these.
        assert set(seen) <= {"PWD", "OLDPWD", "SHLVL", "_"}


def test_run__submitters_python__does_not_leak_in(worker: Worker) -> None:
    worker.pack()
    worker.env |= dict.fromkeys(("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "VIRTUAL_ENV"), "/elsewhere")

    for _ in ("cold", "warm"):
        assert worker.run("venv", "env | grep -c elsewhere").stdout == "0\n"


def test_run__path__begins_with_the_environment(worker: Worker) -> None:
    worker.pack()

    prefix, path = worker.run("venv", 'echo "$CONDA_PREFIX"; echo "$PATH"').stdout.splitlines()

    assert path == f"{prefix}/bin:{worker.env['PATH']}"


def test_run__working_directory__is_the_tasks(worker: Worker) -> None:
    worker.pack()
    link = worker.root / "link"
    link.symlink_to(worker.task)

    assert worker.run("venv", "pwd -P", cwd=link).stdout == f"{worker.task}\n"


@pytest.mark.parametrize("mask", ["0000", "0022", "0077", "0777"])
def test_run__umask__is_the_tasks_and_does_not_break_the_environment(worker: Worker, mask: str) -> None:
    worker.pack()
    command = f'umask {mask}; exec "$@"'

    for _ in ("cold", "warm"):
        result = subprocess.run(
            ["sh", "-c", command, "sh", *worker.shell, str(worker.wrapper), "venv", "umask; greet"],
            cwd=worker.task,
            env=worker.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (result.stdout, result.stderr) == (f"{mask}\nhello from the environment\n", "")


def test_run__open_descriptors__are_the_tasks_and_no_others(worker: Worker) -> None:
    worker.pack()
    reader, writer = os.pipe()
    os.write(writer, b"through 9\n")
    os.close(writer)
    command = [*worker.shell, str(worker.wrapper), "venv", "read x <&9; echo $x; ls /proc/$$/fd"]

    for _ in ("cold", "warm"):
        result = subprocess.run(
            [tool("bash"), "-c", f'exec 9<&{reader} {reader}<&-; exec "$@"', "bash", *command],
            cwd=worker.task,
            env=worker.env,
            pass_fds=[reader],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said, *descriptors = result.stdout.split("\n")
        assert said == ("through 9" if _ == "cold" else "")
        assert {number for number in descriptors if number} == {"0", "1", "2", "9"}
    os.close(reader)


@pytest.mark.parametrize("ignored", ["", "INT PIPE HUP"])
def test_run__signal_dispositions__are_the_tasks(worker: Worker, ignored: str) -> None:
    worker.pack(env=_activated("true\n"))
    ignore = f"trap '' {ignored};" if ignored else ""
    show = ["grep", "^Sig[BI]", "/proc/self/status"]

    def seen(*command: str) -> str:
        return subprocess.run(
            ["sh", "-c", f'{ignore} exec "$@"', "sh", *command],
            cwd=worker.task,
            env=worker.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        ).stdout

    for _ in ("cold", "warm"):
        assert seen(*worker.shell, str(worker.wrapper), "-e", "venv.tar.gz", *show) == seen(*show)


@pytest.mark.parametrize("name", ["it's my venv", 'quo"te\nnew line', "-$HOME a*b ü"])
def test_run__hard_names_and_paths__work(worker: Worker, name: str) -> None:
    folder = worker.task / name
    folder.mkdir()
    pack(folder / f"{name}.tar.gz", environment())

    here = worker.run("--", name, "greet", cwd=folder, PYTHON_PACKAGE_CACHE=str(folder / "cache"))
    by_path = worker.run("--", f"./{name}/{name}", "greet", PYTHON_PACKAGE_CACHE=str(folder / "cache"))
    to = worker.run("-u", folder / "to", "-e", folder / f"{name}.tar.gz", "greet")
    again = worker.run("-u", folder / "to", "-e", folder / f"{name}.tar.gz", "greet")

    for result in (here, by_path, to, again):
        assert (result.stdout, result.stderr) == ("hello from the environment\n", "")
    assert worker.relocations(folder / "cache") == str(worker.envs(folder / "cache")[0]).splitlines()
    assert (folder / "to" / "relocated").read_text() == f"{folder / 'to'}\n"


def test_run__name_with_the_tarballs_suffix__is_accepted_when_nothing_else_is_meant(worker: Worker) -> None:
    worker.pack("venv")
    assert worker.run("venv.tar.gz", "greet").stdout == "hello from the environment\n"

    worker.pack("venv.tar.gz", environment().having(Entry("bin/greet", b"#!/bin/sh\necho the other\n")))
    # In one stream the later of two entries of a name stays; packing never makes two.
    assert worker.run("venv.tar.gz", "greet", CORES="1").stdout == "the other\n"


def test_run__debug__talks_on_stderr_only(worker: Worker) -> None:
    worker.pack()

    result = worker.run("-d", "venv", "greet")

    assert result.stdout == "hello from the environment\n"
    assert f"unpacking {worker.task}/venv.tar.gz" in result.stderr


def test_run__read_only_working_directory__works(worker: Worker) -> None:
    worker.pack()
    before = sorted(worker.task.iterdir())
    # Even root cannot write to a directory of /proc.
    result = worker.run("-e", worker.task / "venv.tar.gz", "greet", cwd=Path("/proc/self"))

    assert (result.stdout, result.stderr) == ("hello from the environment\n", "")
    assert worker.run("venv", "greet").stdout == "hello from the environment\n"
    assert sorted(worker.task.iterdir()) == before


def test_run__exit_codes__are_the_man_pages(worker: Worker) -> None:
    given = set(re.findall(r"\bdie (\d) ", WRAPPER.read_text()))
    section = MAN_PAGE.read_text().split(".SH EXIT STATUS")[1].split(".SH")[0]

    assert sorted(given) == re.findall(r"^\.B (\d)$", section, re.MULTILINE)
    assert worker.run("--help").stdout.count("\n  1 invalid") == 1


def _activated(script: str) -> Environment:
    """Return an environment with one activation script."""
    return environment().having(Entry("etc/conda/activate.d/test.sh", script.encode(), 0o644))
