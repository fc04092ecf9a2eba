"""Import every module inside the prefix, the way a task will: nothing broken is shipped."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from python_package import caches, scratch, subprocesses
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
    """Import all modules and wait for the verdict; raise as `Check.finish` does."""
    with Check(prefix, modules) as checking:
        checking.finish()


class Check:
    """All modules imported in one process, which runs beside the caller's own work; leaving the context ends it."""

    def __init__(self, prefix: Path, modules: Sequence[str]) -> None:
        self._prefix = prefix
        self._modules = modules
        self._deadline = time.monotonic() + SECONDS

    def __enter__(self) -> Check:
        with ExitStack() as stack:
            self._report = stack.enter_context(scratch.folder()) / "report"
            argv = ["/bin/sh", "-c", _ACTIVATE, "sh", "-I", "-B", "-c", _PROGRAM, str(self._report), *self._modules]
            program = subprocesses.Program(argv, env=_environ(self._prefix))
            self._program = stack.enter_context(program)
            self._leave = stack.pop_all().close
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def stop_if_broken(self) -> None:
        """Raise as `finish` does if the verdict is there already and is bad."""
        if self._program.wait(0) is not None:
            self.finish()

    def broken(self) -> dict[str, str]:
        """Wait for the verdict; return why each module that does not import fails.

        What failed is tried again alone: two modules may clash that no task imports together.
        """
        broken = self._failures()
        if len(self._modules) > 1:
            suspects, broken = list(broken), {}
            for name in suspects:
                with Check(self._prefix, [name]) as alone:
                    broken |= alone._failures()
        return broken

    def finish(self) -> None:
        """Wait for the verdict; raise BrokenModuleError that names each module which does not import, and why."""
        if broken := self.broken():
            raise BrokenModuleError(
                f"does not import in the environment: {listed(broken)}; "
                "nothing was packed (--no-check packs it all the same)"
            )

    def _failures(self) -> dict[str, str]:
        """Return why each module failed; a crash ends the process, so those that come after are suspects, too."""
        status = self._program.wait(max(self._deadline - time.monotonic(), 0))
        if status is None:
            ended = f"still importing after {SECONDS} s"
        elif status < 0:
            ended = f"the interpreter was killed by {signal.Signals(-status).name}"
        else:
            ended = f"the interpreter exited with {status}"
        lines = self._report.read_text(encoding="utf-8").splitlines() if self._report.exists() else []
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
            failures |= dict.fromkeys(self._modules[max(begun - 1, 0) :], ended)
        return failures


def listed(broken: Mapping[str, str]) -> str:
    """Return modules with their reasons, for a message."""
    return "; ".join(f"{name} ({broken[name]})" for name in sorted(broken))


class Verdict:
    """What is remembered of a check that passed: the same content imports the same modules on the same machine.

    `content` is the tarball's content id. A verdict is an empty file in the user's cache, which may be removed at will.
    """

    def __init__(self, content: str, modules: Sequence[str], folder: Path | None = None) -> None:
        machine = os.uname()
        facts = (content, machine.nodename, machine.release, *modules)
        self._file = (folder or caches.folder("verdicts")) / hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def known(self) -> bool:
        """Tell whether this content has passed before."""
        return self._file.exists()

    def record(self) -> None:
        """Remember that it passed; a cache that cannot be written costs only the next check."""
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch()


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
