"""Import every module inside the prefix, the way a task will: nothing broken is shipped."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from python_package import subprocesses
from python_package.create.checked_imports import Imports, above, faults, missing_libraries
from python_package.create.verdict import Verdict
from python_package.errors import BrokenModuleError
from python_package.files import scratch
from python_package.import_names.package import Package
from python_package.progress import Progress
from python_package.run import activation

_NOTACTIVATED = 4  # the exit status of python_package_run and of its launcher
SECONDS = 600  # a cold import of the largest frameworks takes well under a minute

# Each import is written down before it happens, so that the one that crashes the interpreter is known.
# `antigravity` opens a browser when imported: BROWSER makes that a no-op.
_PROGRAM = """
import importlib, json, os, sys
report = open(sys.argv[1], "w", 1, encoding="utf-8")
for wanted in open(sys.argv[2], encoding="utf-8").read().split():
    report.write("begin " + wanted + "\\n")
    try:
        module, _, name = wanted.partition(":")
        if name:
            exec("from " + module + " import " + name, {})
        else:
            importlib.import_module(module)
    except BaseException as error:
        text, cause = str(error), error
        # Which library was missing may be told only by the error that this one was raised from.
        while "cannot open shared object file" not in text and not isinstance(cause, ModuleNotFoundError):
            cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
            if cause is None:
                break
            if "cannot open shared object file" in str(cause):
                text += ": " + str(cause)
        line = " ".join(text.split())
        report.write("fail " + wanted + " " + type(error).__name__ + ": " + line + "\\n")
inside = os.path.realpath(sys.prefix) + "/"
with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
    mapped = {line.split(None, 5)[5].rstrip("\\n") for line in maps if line.count("/") > 0}
for path in sorted(mapped):
    if path.startswith("/") and not path.startswith(inside) and os.path.isfile(path):
        report.write("used " + json.dumps(path) + "\\n")
report.write("done\\n")
report.flush()
os._exit(0)
"""

# Activated as by python_package_run: what passes here must not fail there.
ACTIVATE = (
    activation()
    + """
scripts_are_valid "$CONDA_PREFIX" || exit 4
activate "$CONDA_PREFIX"
start_activated exec "$@"
"""
)


class ImportCheck:
    """All imports of an environment, made while it is packed, unless the same content is known to have passed.

    `content` is the tarball's content id, or '' while that is not known. `allowed` are the libraries that may be
    missing on this machine. `runner` is as for Check; of what may be another machine each time, nothing is remembered.
    With `strict`, no import may fail. `known` says that the verdict is known.
    """

    def __init__(
        self,
        prefix: Path,
        imports: Imports,
        content: str = "",
        allowed: Collection[str] = (),
        runner: Sequence[str] = (),
        *,
        strict: bool = False,
    ) -> None:
        self._prefix = prefix
        self._imports = imports
        self._strict = strict
        self._runner = runner
        wished = (*imports.optional, *imports.deferred)
        self._names = (*imports.needed, "?", *wished)
        self.known = self._is_known(content)
        self._needed = Check(prefix, () if self.known else imports.needed, imports.chosen, allowed, runner)
        self._wished = Check(prefix, () if self.known else wished, allowed=allowed, runner=runner)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the imports be made meanwhile; leaving the context ends them."""
        with self._needed, self._wished:
            yield

    def stop_if_broken(self) -> None:
        """Raise as `finish` does if the verdict is there already and is bad."""
        self._needed.stop_if_broken()

    def finish(self, content: str, progress: Progress) -> None:
        """Wait for the verdict, note which imports fail that may, and remember that all passed.

        Raises BrokenModuleError that names each needed module which does not import, and why.
        """
        if self.known or self._is_known(content):
            return
        self._needed.finish()
        missed = self._wished.broken()
        if missed and self._strict:
            self._wished.finish()
        for kind, those in {"optional": self._imports.optional, "deferred": self._imports.deferred}.items():
            if broken := {name: why for name, why in missed.items() if name in those}:
                text = faults(broken, self._prefix, self._imports.chosen)
                progress.note(f"{kind}, and does not import in the environment: {text}")
        excused = self._needed.excused | self._wished.excused
        if excused:
            libraries = ", ".join(sorted(self.missed_libraries))
            progress.note(f"not imported, for want of {libraries} on this machine: {', '.join(sorted(excused))}")
        if not missed and not excused and not self._runner:
            Verdict(content, self._names).record(self._needed.used | self._wished.used)

    @property
    def missed_libraries(self) -> frozenset[str]:
        """Return the libraries that were allowed to be missing, and that an import failed for want of."""
        excused = (*self._needed.excused.values(), *self._wished.excused.values())
        return frozenset().union(*map(missing_libraries, excused))

    def _is_known(self, content: str) -> bool:
        return not self._runner and Verdict(content, self._names).known()


class Check:
    """All imports made in one process, which runs beside the caller's own work; leaving the context ends it.

    `chosen` are the packages that were installed for modules, for the message. An import that fails only for want of a
    library that is `allowed` to be missing is `excused`, with its reason. `runner` are the words of a command before
    the interpreter's own, for one that does not run here by itself. `used` are the files outside the prefix,
    libraries of this machine above all, that were in memory at the end.
    """

    def __init__(
        self,
        prefix: Path,
        modules: Sequence[str],
        chosen: Mapping[str, Package] | None = None,
        allowed: Collection[str] = (),
        runner: Sequence[str] = (),
    ) -> None:
        self._prefix = prefix
        self._modules = modules
        self._runner = runner
        self._allowed = allowed
        self._broken: dict[str, str] | None = None
        self.excused: dict[str, str] = {}
        self.used: set[str] = set()
        self._chosen = chosen
        self._deadline = time.monotonic() + SECONDS

    def __enter__(self) -> Check:
        with ExitStack() as stack:
            if self._modules:
                folder = stack.enter_context(scratch.folder())
                self._report, wanted = folder / "report", folder / "wanted"
                # A command line has no room for thousands.
                wanted.write_text("\n".join(self._modules), encoding="utf-8")
                argv = ["/bin/sh", "-c", ACTIVATE, "sh", *self._runner, f"{self._prefix}/bin/python", "-I", "-B", "-c"]
                argv += [_PROGRAM, str(self._report), str(wanted)]
                self._said = stack.enter_context((folder / "said").open("w+b"))
                self._program = stack.enter_context(
                    subprocesses.Program(argv, env=environ(self._prefix), stderr=self._said.fileno())
                )
            self._leave = stack.pop_all().close
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def stop_if_broken(self) -> None:
        """Raise as `finish` does if the verdict is there already and is bad."""
        if self._modules and self._program.wait(0) is not None:
            self.finish()

    def broken(self) -> dict[str, str]:
        """Wait for the verdict; return why each import that fails does, but for those below another that does.

        What failed is tried again alone: two modules may clash that no task imports together.
        """
        if self._broken is None:
            failed = self._failed()
            self.excused = {name: why for name, why in failed.items() if self._is_allowed(why)}
            self._broken = {name: why for name, why in failed.items() if name not in self.excused}
        return self._broken

    def _is_allowed(self, why: str) -> bool:
        missing = missing_libraries(why)
        return bool(missing) and missing.issubset(self._allowed)

    def _failed(self) -> dict[str, str]:
        broken, untried = self._outcome()
        if len(self._modules) > 1:
            suspects, broken = list(broken), {}
            for each in [*([name] for name in suspects), untried]:
                again = [name for name in each if broken.keys().isdisjoint(above(name))]
                if again:
                    with Check(self._prefix, again, runner=self._runner) as alone:
                        broken |= alone.broken()
                        self.used |= alone.used
        return broken

    def _complaint(self) -> str:
        """Return the last words of a runner that did not come to the imports."""
        if not self._runner or self._report.exists():
            return ""
        self._said.seek(0)
        lines = self._said.read()[-1000:].decode(errors="replace").split("\n")
        return next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")

    def finish(self) -> None:
        """Wait for the verdict; raise BrokenModuleError that names each module which does not import, and why."""
        if broken := self.broken():
            raise BrokenModuleError(
                f"does not import in the environment: {faults(broken, self._prefix, self._chosen)}; "
                "nothing was packed (--no-check packs it all the same)"
            )

    def _outcome(self) -> tuple[dict[str, str], Sequence[str]]:
        """Return why each import failed, and those that were not tried because one ended the process."""
        if not self._modules:
            return {}, ()
        status = self._program.wait(max(self._deadline - time.monotonic(), 0))
        if status is None:
            ended = f"still importing after {SECONDS} s"
        elif status < 0:
            ended = f"the interpreter was killed by {signal.Signals(-status).name}"
        elif status == _NOTACTIVATED and not self._report.exists():
            ended = "a script in etc/conda/activate.d is not valid shell, or ends the shell"
        else:
            ended = f"the interpreter exited with {status}{self._complaint()}"
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
            elif kind == "used":
                self.used.add(json.loads(rest))
        if "done" in lines:
            return failures, ()
        last = max(begun - 1, 0)
        return {**failures, self._modules[last]: ended}, self._modules[last + 1 :]


def environ(prefix: Path) -> dict[str, str]:
    """Return what a worker's task would see: nothing of the submitter's that could hide a broken environment."""
    hidden = ("PYTHON", "CONDA_", "LD_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    return kept | {
        "CONDA_PREFIX": str(prefix),
        "PATH": f"{prefix}/bin:{kept.get('PATH', os.defpath)}",
        "BROWSER": "true",
        "MPLBACKEND": "agg",
    }
