"""Whether the imports, and the user's own check, survive what is left out of the tarball; what they do not, stays."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from python_package import subprocesses
from python_package.create.checked_imports import Imports
from python_package.create.import_check import ACTIVATE, Check, environ
from python_package.create.options import CreateOptions
from python_package.errors import BrokenModuleError, ProgramError
from python_package.pack import Packer
from python_package.progress import Progress
from python_package.subprocesses import INSTALL_SECONDS

# Makes a packer that leaves these kinds of files out.
Packing = Callable[[Sequence[str]], AbstractContextManager[Packer]]

_NAME = ".python-package-check"
_FEW = 3
_COMMAND = "--check"  # as the name of what fails


@contextmanager
def copied(packer: Packer, prefix: Path) -> Iterator[Path]:
    """Yield a copy of what is packed, inside the environment: it goes away with it whatever happens."""
    folder = prefix / _NAME
    _remove(folder)
    try:
        packer.copy(folder)
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def run(command: str, prefix: Path) -> str:
    """Run the user's own check, activated as a task is; return what went wrong, "" for nothing."""
    argv = ["/bin/sh", "-c", ACTIVATE, "sh", "/bin/sh", "-c", command]
    variables = {**environ(prefix), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocesses.run(argv, seconds=INSTALL_SECONDS, env=variables, here=True)
    except ProgramError as error:
        return str(error)
    if not done.code:
        return ""
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    ended = f"killed by signal {-done.code}" if done.code < 0 else f"exit status {done.code}"
    return f"{ended}: {lines[-1]}" if lines else ended


def require(command: str, prefix: Path) -> None:
    """Run the user's own check; raise BrokenModuleError when it fails."""
    if why := run(command, prefix):
        raise BrokenModuleError(f"--check {command!r} fails in the environment ({why}); nothing was packed")


def survivors(
    packing: Packing, prefix: Path, imports: Imports, options: CreateOptions, progress: Progress
) -> tuple[str, ...]:
    """Return the kinds that can be left out, after it failed with all of them; note which cannot, and for what.

    None can where something else is wrong.
    """

    def broken(kinds: Sequence[str], among: Collection[str]) -> Mapping[str, str]:
        with packing(kinds) as packer, copied(packer, prefix) as tree:
            names = [name for name in every if name in among]
            with Check(tree, names, imports.chosen, options.allow_missing, options.check_with) as checking:
                found = dict(checking.broken())
            if _COMMAND in among and options.check_command and (why := run(options.check_command, tree)):
                found[_COMMAND] = why
        return found

    every = (*imports.needed, *imports.optional, *imports.deferred)
    failing = broken(options.slim, {*every, _COMMAND}).keys()
    always = broken((), failing).keys()
    if always & {*imports.needed, _COMMAND}:
        return ()
    suspects = failing - always
    left = []
    for kind in options.slim:
        if missed := broken([kind], suspects):
            progress.note(f"--slim: left in: {kind}, without which {_told(missed)}")
        else:
            left.append(kind)
    if len(left) > 1 and (missed := broken(left, suspects)):
        progress.note(f"--slim: left in: {', '.join(left)}, without all of which {_told(missed)}")
        return ()
    return tuple(left)


def _told(missed: Mapping[str, str]) -> str:
    """Return what fails and why, the first few."""
    texts = [f"{'' if name == _COMMAND else 'import of '}{name} fails ({why})" for name, why in sorted(missed.items())]
    return "; ".join(texts[:_FEW]) + (f"; and {len(texts) - _FEW} more" if len(texts) > _FEW else "")
