"""Import every module inside the prefix, the way a task will: nothing broken is shipped."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from python_package.errors import BrokenModuleError

SECONDS = 600  # a cold import of the largest frameworks takes well under a minute

# Each name is printed before its import, so that the one that crashes the interpreter is known.
# `antigravity` opens a browser when imported: BROWSER makes that a no-op.
_PROGRAM = """
import importlib, os, sys
report = open(sys.argv[1], "w", 1, encoding="utf-8")
for name in sys.argv[2:]:
    report.write("begin " + name + "\\n")
    try:
        importlib.import_module(name)
    except BaseException as error:
        line = " ".join(str(error).split())
        report.write("fail " + name + " " + type(error).__name__ + ": " + line + "\\n")
report.write("done\\n")
report.flush()
os._exit(0)
"""

# Activation scripts may set what a package needs to find its data.
_ACTIVATE = """
for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
    if [ -r "$script" ]; then . "$script" >&2; fi
done
exec "$CONDA_PREFIX/bin/python" "$@"
"""


def check(prefix: Path, modules: Sequence[str]) -> None:
    """Import all modules in one process; whatever fails there is tried again alone.

    Raises BrokenModuleError that names each module which does not import, with the reason.
    """
    if not modules:
        return
    suspects = _failures(prefix, modules)
    broken = {}
    for name in suspects:
        broken.update(_failures(prefix, [name]) if len(modules) > 1 else suspects)
    if broken:
        reasons = "; ".join(f"{name} ({reason})" for name, reason in broken.items())
        raise BrokenModuleError(
            f"does not import in the environment: {reasons}; nothing was packed (--no-check packs it all the same)"
        )


def _failures(prefix: Path, modules: Sequence[str]) -> dict[str, str]:
    """Return the reason for each module that failed; a crash ends the process, so its successors are suspects too."""
    with tempfile.TemporaryDirectory(prefix="python_package-") as cwd:
        report = Path(cwd, "report")
        argv = ["/bin/sh", "-c", _ACTIVATE, "sh", "-I", "-B", "-c", _PROGRAM, str(report), *modules]
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=_environ(prefix),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout=SECONDS)
            ended = (
                f"the interpreter was killed by {signal.Signals(-status).name}"
                if status < 0
                else f"the interpreter exited with {status}"
            )
        except subprocess.TimeoutExpired:
            ended = f"still importing after {SECONDS} s"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    failures = {}
    begun = 0
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "begin":
            begun += 1
        elif kind == "fail":
            name, _, why = rest.partition(" ")
            failures[name] = why
    if "done" not in lines:
        failures |= dict.fromkeys(modules[max(begun - 1, 0) :], ended)
    return failures


def _environ(prefix: Path) -> dict[str, str]:
    """Return what a worker's task would see: nothing of the submitter's that could hide a broken environment."""
    hidden = ("PYTHON", "CONDA_", "LD_")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    return environ | {
        "CONDA_PREFIX": str(prefix),
        "PATH": f"{prefix}/bin:{environ.get('PATH', os.defpath)}",
        "BROWSER": "true",
        "MPLBACKEND": "agg",
    }
