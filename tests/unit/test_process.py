"""A command as a process: what it is started with, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import os, sys, time
from python_package.cli import process
from python_package.errors import PackError
def main(argv):
{body}
    return 0
process.run("command", main, PackError)
"""

# Becomes a command that hears a signal, whatever its parent does with that one.
HEARING = "import os, signal, sys; signal.signal(int(sys.argv[1]), signal.SIG_DFL); os.execv(sys.argv[2], sys.argv[2:])"


def program(body: str) -> list[str]:
    return [sys.executable, "-c", START.format(body="\n".join(f"    {line}" for line in body.splitlines()))]


def run(body: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(program(body), capture_output=True, text=True, timeout=60, env={**os.environ, **environ})


@pytest.mark.parametrize(
    "fault",
    [
        "raise TypeError('odd')",
        "1 / 0",
        "assert False, 'odd'",
        "raise type('PanicException', (BaseException,), {})('pyo3')",
        "raise KeyError('\\n')",
        "'\\udce9'.encode()",
        "open('/nonexistent')",
    ],
)
def test_run__fault_that_nobody_foresaw__is_70_and_one_line(fault: str) -> None:
    done = run(fault)
    assert (done.returncode, done.stdout) == (70, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("command: a fault of this command (")
    assert "PYTHON_PACKAGE_TRACEBACK=1" in line


def test_run__traceback_asked_for__shows_where_it_is() -> None:
    done = run("raise TypeError('odd')", PYTHON_PACKAGE_TRACEBACK="1")
    assert done.returncode == 70
    assert done.stderr.startswith("Traceback ")
    assert done.stderr.splitlines()[-1].startswith("command: a fault of this command (TypeError: odd, in <string>:")


def test_run__expected_failure__is_its_code_and_line() -> None:
    done = run("raise PackError('cannot\\n be')")
    assert (done.returncode, done.stderr) == (7, "command: cannot be\n")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("twice", [False, True])
def test_run__signal__clears_up_and_is_128_and_its_number(sent: signal.Signals, twice: bool) -> None:
    body = "try:\n    print('here', flush=True)\n    time.sleep(600)\nfinally:\n    print('cleared', flush=True)"
    # Under nohup, or behind an `&`, the tests ignore signals, and so would what they start.
    argv = [sys.executable, "-c", HEARING, str(int(sent)), *program(body)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "here\n"
            for _ in range(1 + twice):  # as timeout(1) sends it, to the command and to its group
                process.send_signal(sent)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, stdout, stderr) == (128 + sent, "cleared\n", "command: interrupted\n")


def test_run__signal_that_a_destructor_swallows__comes_again() -> None:
    body = "class Held:\n    def __del__(self): os.kill(os.getpid(), 15); time.sleep(1)\nHeld()\ntime.sleep(30)"
    done = run(body)
    assert (done.returncode, done.stderr) == (143, "command: interrupted\n")


def test_run__signal_that_is_ignored__stays_ignored() -> None:
    argv = ["/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh", *program("os.kill(os.getpid(), 1); print('on')")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "on\n")


@pytest.mark.parametrize(("streams", "code"), [(">&-", 7), ("2>&-", 0), ("<&-", 0), ("<&- 2>&-", 0), (">/dev/full", 7)])
def test_run__streams_closed_or_full__is_told_by_the_code(tmp_path: Path, streams: str, code: int) -> None:
    """What is opened next must not become a standard stream."""
    body = "file = open('out', 'w')\nassert file.fileno() > 2\nprint('said')\nprint('note', file=sys.stderr)"
    argv = ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", *program(body)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environ)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "out").read_text() == ""


@pytest.mark.parametrize("path", ["", ".", ":x", "{here}"])
def test_run__module_of_pythons_name_in_the_working_directory__is_not_imported(tmp_path: Path, path: str) -> None:
    (tmp_path / "json.py").write_text("print('executed')")
    (tmp_path / "winreg.py").write_text("print('executed')")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}  # imports json
    environ["PYTHONPATH"] = path.format(here=tmp_path)
    argv = program("import json\ntry:\n    import winreg\nexcept ImportError:\n    pass")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
