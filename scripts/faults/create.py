"""A create that is ended, that meets another, or that stands in a folder of files named like Python's own modules."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from scripts.faults.injection import Try, fault, is_one_line
from scripts.faults.packages import write_wheel

# Seconds that a create of the small environment takes at most here; moments are spread over the time of a first run.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Runs a create whose environment has its name, and whose tarball waits to get it: the seam holds that moment open.
_HELD_OPEN = """
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv.pop(1))
rename, tarball = pathlib.Path.rename, sys.argv[-1] + ".tar.gz"
def pause():
    (folder / "held").touch()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        time.sleep(0.01)
from python_package.create import outputs
swap = outputs._swap
def slow(new, target):
    swap(new, target)
    if target.name == sys.argv[-1]:
        pause()
outputs._swap = slow
from python_package.cli.create import run
run()
"""


@fault("29", "SIGINT, SIGTERM or SIGHUP at a moment of a create that replaces an environment", tries=45)
def ended(attempt: Try) -> bool:
    """Old pair or new pair, the code of the signal, one line, no process and no file that the next create leaves."""
    sent = _SIGNALS[attempt.index % 3]
    before = _made(attempt, "old")
    seconds = _seconds(attempt)
    process = _start(attempt, "new")
    time.sleep(seconds * (attempt.index + 0.5) / attempt.of)
    process.send_signal(sent)
    _, stderr = process.communicate(timeout=120)
    if process.returncode == 0:  # it was done
        return _pair(attempt) == "new" and _is_clear(attempt)
    # Python itself says what a signal does to it before any line of a command runs.
    early = process.returncode == -sent and not stderr
    right = early or (process.returncode == 128 + sent and is_one_line(stderr))
    return right and _pair(attempt) in ("old", "new") and before == "old" and _is_clear(attempt)


@fault("29", "SIGINT, SIGTERM or SIGHUP between the names of the environment and of the tarball", tries=6)
def ended_between(attempt: Try) -> bool:
    """The moment is held open by a seam; environment and tarball are a pair afterwards."""
    sent = _SIGNALS[attempt.index % 3]
    _made(attempt, "old")
    process = _start(attempt, "new", seam=_HELD_OPEN)
    if not _wait_for(attempt.folder / "held", process):
        return False
    process.send_signal(sent)
    _, stderr = process.communicate(timeout=120)
    return process.returncode == 128 + sent and is_one_line(stderr) and _pair(attempt) in ("old", "new")


@fault("29", "SIGKILL at a moment of a create, then another create", tries=20)
def killed(attempt: Try) -> bool:
    """The next create, of another environment, leaves old pair or new pair and nothing of the one that was killed."""
    _made(attempt, "old")
    seconds = _seconds(attempt)
    process = _start(attempt, "new")
    time.sleep(seconds * (attempt.index + 0.5) / attempt.of)
    process.kill()
    process.communicate(timeout=120)
    return (
        _create(attempt, "old", name="other").returncode == 0
        and _pair(attempt) in ("old", "new")
        and (_is_clear(attempt, "other"))
    )


@fault("22", "SIGKILL between the names of the environment and of the tarball, then another create", tries=3)
def killed_between(attempt: Try) -> bool:
    """The next create finishes what was begun."""
    _made(attempt, "old")
    process = _start(attempt, "new", seam=_HELD_OPEN)
    if not _wait_for(attempt.folder / "held", process):
        return False
    process.kill()
    process.communicate(timeout=120)
    return _create(attempt, "old", name="other").returncode == 0 and _pair(attempt) in ("old", "new")


@fault("22", "two creates of different environments write one lock", tries=3)
def two_at_once(attempt: Try) -> bool:
    """One of them is refused before it touches anything, or both end well."""
    (attempt.folder / "one.txt").write_text("")
    line = ("-q", "-c", attempt.supplies.channel, "--lock", "shared.lock", "one.txt")
    environ = {"CONDA_ENVS_PATH": str(attempt.folder / "envs")}
    running = {name: attempt.start(attempt.commands.create, *line, name, environ=environ) for name in ("one", "two")}
    right = True
    for name, process in running.items():
        _, stderr = process.communicate(timeout=120)
        whole = (attempt.folder / "envs" / name).is_dir(), (attempt.folder / f"{name}.tar.gz").is_file()
        fine = process.returncode == 0 and all(whole)
        refused = process.returncode == 7 and is_one_line(stderr) and not any(whole)
        right = right and (fine or refused)
    return right


@fault("29", "no file may grow beyond a size (ulimit -f), as on a disk that fills up", tries=8, held=True)
def no_room(attempt: Try) -> bool:
    """The old pair stays, with one line and a documented code, and the next create finds nothing in its way."""
    _made(attempt, "old")
    size = (attempt.folder / "env.tar.gz").stat().st_size >> 10
    blocks = 8 + (size - 16) * attempt.index // attempt.of  # of 1024 bytes, as bash counts them
    process = _start(attempt, "new", before=("bash", "-c", f'ulimit -f {blocks}; exec "$@"', "bash"))
    _, stderr = process.communicate(timeout=120)
    right = process.returncode in (4, 7) and is_one_line(stderr)
    return right and _pair(attempt) == "old" and _is_clear(attempt)


# What makes each command start a python3, uv or pip.
_STARTS = (
    ("analyze", "script.py", "-"),
    ("analyze", "--pin", "--explain", "--local", "script.py", "-"),
    ("create", "-q", "--dry-run", "requirements.txt", "env"),
    ("create", "-q", "requirements.txt", "env"),
    ("create", "-q", "--interpreter", "host", "--dry-run", "empty.txt", "env"),
)


@fault("4", "files named like all modules of the standard library lie in the working directory", tries=2 * len(_STARTS))
def named_like_python(attempt: Try) -> bool:
    """None is executed, also with a relative PYTHONPATH, and the command succeeds."""
    command, *line = _STARTS[attempt.index // 2]
    (attempt.folder / "wheels").mkdir()
    wheel = write_wheel(attempt.folder / "wheels", "odd", {"odd/__init__.py": ""})
    names = {*sys.stdlib_module_names, "sitecustomize", "usercustomize", "pip", "uv"}
    path = "." if attempt.index % 2 else ""
    if path:
        # What Python and a script of pip's making import before a command is asked is up to who sets PYTHONPATH.
        loaded = attempt.run(
            attempt.commands.python, "-c", "import __future__, re, sys; print(*sys.modules)"
        ).stdout.split()
        names -= {"sitecustomize", "usercustomize", *(name.partition(".")[0] for name in loaded)}
    executed = attempt.folder / "executed"
    for name in names:
        (attempt.folder / f"{name}.py").write_text(f"open({str(executed)!r}, 'a').write('{name} ')\n")
    (attempt.folder / "script.py").write_text("import os\n")
    (attempt.folder / "requirements.txt").write_text(f"./wheels/{wheel.name}\n")
    (attempt.folder / "empty.txt").write_text("")
    if command == "create":
        line = ["-c", str(attempt.supplies.channel), *line]
    envs = str(attempt.folder / "envs")
    ran = attempt.run(getattr(attempt.commands, command), *line, CONDA_ENVS_PATH=envs, PYTHONPATH=path)
    return ran.returncode == 0 and not executed.exists()


@fault("2", "a fault that nobody foresaw", tries=2)
def unforeseen(attempt: Try) -> bool:
    """One line and 70, and where it is if that is asked for."""
    seam = (
        "import sys; sys.argv.pop(1)\nfrom python_package.cli import create\n"
        "def broken(*_, **__): raise TypeError('odd')\n"
        "create.main = broken\ncreate.run()\n"
    )
    wish = "1" if attempt.index else ""
    (attempt.folder / "empty.txt").write_text("")
    ran = attempt.run(attempt.commands.python, "-c", seam, ".", "empty.txt", "env", PYTHON_PACKAGE_TRACEBACK=wish)
    shown = "Traceback" in ran.stderr
    return ran.returncode == 70 and shown == bool(attempt.index) and ran.stderr.splitlines()[-1].startswith("python_")


# ---- An environment with its tarball and lock


def _start(
    attempt: Try, what: str, *, name: str = "env", seam: str = "", before: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    wheel = attempt.folder / "wheels" / "odd-1.0-py3-none-any.whl"
    wheel.parent.mkdir(exist_ok=True)
    write_wheel(wheel.parent, "odd", {"odd/__init__.py": f"WHAT = {what!r}\n"})
    (attempt.folder / "requirements.txt").write_text("./wheels/odd-1.0-py3-none-any.whl\n")
    (attempt.folder / "tmp").mkdir(exist_ok=True)
    held: tuple[str | Path, ...] = (attempt.commands.python, "-c", seam, attempt.folder)
    program = held if seam else (attempt.commands.create,)
    line: tuple[str | Path, ...] = ("-q", "-c", attempt.supplies.channel, "requirements.txt", name)
    envs = str(attempt.folder / "envs")
    return attempt.start(*before, *program, *line, CONDA_ENVS_PATH=envs, TMPDIR=str(attempt.folder / "tmp"))


def _create(attempt: Try, what: str, *, name: str = "env") -> subprocess.CompletedProcess[str]:
    process = _start(attempt, what, name=name)
    stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _made(attempt: Try, what: str) -> str:
    """Make the environment, and note how long that takes the second time, when all caches are warm."""
    _create(attempt, what)
    begun = time.monotonic()
    _create(attempt, what)
    (attempt.folder / "seconds").write_text(json.dumps(time.monotonic() - begun))
    return _pair(attempt)


def _seconds(attempt: Try) -> float:
    return float((attempt.folder / "seconds").read_text())


def _pair(attempt: Try) -> str:
    """Return which of them environment and tarball both are; else both, or what is missing."""
    found = []
    module = next((attempt.folder / "envs" / "env").glob("lib/python3*/site-packages/odd/__init__.py"), None)
    found.append(module.read_text() if module else "no environment")
    try:
        with tarfile.open(attempt.folder / "env.tar.gz") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name.endswith("site-packages/odd/__init__.py") else None
                if file:
                    found.append(file.read().decode())
    except (OSError, tarfile.TarError):
        found.append("no tarball")
    return found[0].split("'")[1] if len(set(found)) == 1 and "'" in found[0] else " but ".join(found)


def _is_clear(attempt: Try, *others: str) -> bool:
    """Tell whether nothing is left but what was made, after one more create, and no process runs."""
    name = others[0] if others else "env"
    if not others and _create(attempt, "old").returncode:
        return False
    envs, end = attempt.folder / "envs", time.monotonic() + 30
    while any(".old" in path.name for path in envs.iterdir()) and time.monotonic() < end:
        time.sleep(0.02)
    left = {path.name for path in (*envs.iterdir(), *attempt.folder.iterdir(), *(attempt.folder / "tmp").iterdir())}
    ours = {"env", "env.tar.gz", name, f"{name}.tar.gz", "wheels", "requirements.txt", "tmp", "envs", "home", "seconds"}
    return left <= ours and not _running(attempt.folder)


def _running(folder: Path) -> bool:
    """Tell whether a process still has the try's folder in its variables."""
    inside = os.fsencode(str(folder))
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and inside in (process / "environ").read_bytes():
                return True
        except OSError:
            continue
    return False


def _wait_for(path: Path, process: subprocess.Popen[str]) -> bool:
    end = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    return path.exists()
