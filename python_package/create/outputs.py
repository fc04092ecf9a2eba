"""An environment and the files that go with it get their names together, or none does.

All is made beside its place. A journal in the folder of environments says what is being made, and from the first rename
on that all of it is complete: of a process that was killed, the next one finishes what was begun and clears the rest.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import glob
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from python_package import subprocesses
from python_package.errors import PackError, reason
from python_package.files import interrupts, scratch

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NAMELESS = "tarball-"


@dataclass(frozen=True)
class Staged:
    """What is being made: `path` is where the environment's files are, `target` where it will live, if it is kept."""

    path: Path
    target: Path | None
    outputs: tuple[Path, ...]
    journal: Path

    def partial(self, output: Path) -> Path:
        """Return where to write an output meanwhile."""
        return output.with_name(f".{output.name}.new")

    @contextmanager
    def writing(self, output: Path) -> Iterator[BinaryIO]:
        """Yield an output's file, executable if it is a script; raise PackError when it cannot be written."""
        try:
            self.partial(output).touch(0o777 if output.suffix == ".sh" else 0o666)
            with self.partial(output).open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except (OSError, UnicodeError) as error:
            raise PackError(f"cannot write {output}: {reason(error)}") from None

    def commit(self) -> None:
        """Put the finished environment and outputs in place of what has their names; if one cannot be, none is.

        Raises PackError when one cannot be.
        """
        moves = [(self.partial(output), output) for output in self.outputs]
        if self.target:
            moves.insert(0, (self.path, self.target))
        done: list[tuple[Path, Path, bool]] = []  # the last tells whether the target was there
        target = self.journal
        with interrupts.held():
            try:
                _note(self.journal, moves, complete=True)
                for new, target in moves:
                    if target in self.outputs and target.is_dir():
                        raise IsADirectoryError(errno.EISDIR, "a folder has that name now")
                    replaced = os.path.lexists(target)
                    _swap(new, target)
                    done.append((new, target, replaced))
            except OSError as error:
                for new, old, replaced in reversed(done):
                    with suppress(OSError):
                        _swap(new, old) if replaced else old.rename(new)
                self.journal.unlink(missing_ok=True)
                raise PackError(f"cannot write {target}: {error.strerror}; all is as it was") from None
            _discard(self.path)


def check(outputs: Sequence[Path]) -> None:
    """Raise PackError for an output in a place that cannot be written."""
    for output in outputs:
        if outputs.count(output) > 1:
            raise PackError(f"cannot write {output}: two outputs have that name; choose another for one")
        if not os.access(output.parent, os.W_OK | os.X_OK):
            raise PackError(f"cannot write {output}: the folder {output.parent} is not writable")
        if output.is_dir():
            raise PackError(f"cannot write {output}: a folder has that name; move it or choose another name")


@contextmanager
def stage(envs: Path, name: str | None, outputs: Sequence[Path] = ()) -> Iterator[Staged]:
    """Yield empty places for the environment `name` and its outputs; on leaving, what was not committed is removed.

    So is an environment without a name, which nobody else can be making.

    Holds a lock on each name for the duration. Raises PackError when another process holds one, when something
    that is not a Conda environment has the name, or when the file system refuses.
    """
    check(outputs)
    target = envs / name if name else None
    name = name or f"{_NAMELESS}{secrets.token_hex(8)}"
    if target and (target.is_symlink() or (target.exists() and not (target / "conda-meta").is_dir())):
        raise PackError(f"{target} exists and is not a Conda environment; choose another name or remove it")
    scratch.sweep()
    _recover_all(envs, name)
    staged = Staged(envs / f".{name}.new", target, tuple(outputs), _journal(envs, name))
    with ExitStack() as stack:
        busy = f"another python_package_create is making the environment {name} in {envs}"
        stack.enter_context(_hold(envs, name, busy))
        _recover(staged.journal)
        try:
            _note(staged.journal, [(staged.partial(output), output) for output in outputs], complete=False)
        except OSError as error:
            raise PackError(f"cannot write in {envs}: {error.strerror}") from None
        stack.callback(staged.journal.unlink, missing_ok=True)
        for output in sorted(outputs):
            busy = f"another python_package_create is writing {output}"
            stack.enter_context(_hold(output.parent, output.name, busy))
            stack.callback(_clear, staged.partial(output))
            _clear(staged.partial(output))
        stack.callback(_remove, staged.path)
        try:
            yield staged
        finally:
            with interrupts.held():
                stack.close()


# ---- What killed processes left


def _journal(envs: Path, name: str) -> Path:
    return envs / f".{name}.journal"


def _note(journal: Path, moves: Sequence[tuple[Path, Path]], *, complete: bool) -> None:
    """Write the journal: each place where something is made, its target, and once all is complete also its inode."""
    lines = [[str(new), str(target), _inode(new) if complete else None] for new, target in moves]
    new = _unfinished(journal)
    with new.open("w", encoding="utf-8") as file:
        json.dump(lines, file)
    new.replace(journal)


def _read(journal: Path) -> list[tuple[Path, Path, int | None]]:
    try:
        if journal.is_symlink() or journal.stat().st_uid != os.getuid():
            return []  # a stranger's could have anything renamed
        return [(Path(new), Path(target), inode) for new, target, inode in json.loads(journal.read_bytes())]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def _unfinished(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}.new")


def _recover_all(envs: Path, but: str) -> None:
    """Finish or clear what killed processes of this user left of other environments."""
    names = {path.name[1:].partition(".journal")[0] for path in envs.glob(".*.journal*")}
    # What is made for a tarball alone has a name that never comes again.
    names |= {path.name[1:].partition(".")[0] for path in envs.glob(f".{_NAMELESS}*.old.*")}
    for name in names - {but}:
        with suppress(OSError, PackError), _hold(envs, name, "it is being made") as locked:
            if locked:
                _recover(_journal(envs, name))


def _recover(journal: Path) -> None:
    """Finish or clear what a journal says; whoever calls it holds the lock of its environment."""
    _unfinished(journal).unlink(missing_ok=True)
    for new, target, inode in _read(journal):
        with ExitStack() as stack:
            is_output = _journal(target.parent, target.name) != journal
            if is_output:
                try:
                    stack.enter_context(_hold(target.parent, target.name, "it is being written"))
                except PackError:
                    continue  # its folder is gone, or another process writes it anew
            if inode is not None and _inode(new) == inode:
                _swap(new, target)
            if is_output:
                _clear(new)
    environment = journal.name[1:].removesuffix(".journal")
    _discard(journal.with_name(f".{environment}.new"))
    for replaced in journal.parent.glob(f".{glob.escape(environment)}.old.*"):
        _remove_later(replaced)
    journal.unlink(missing_ok=True)


def _inode(path: Path) -> int | None:
    try:
        return path.lstat().st_ino
    except OSError:
        return None


@contextmanager
def _hold(folder: Path, name: str, busy: str) -> Iterator[bool]:
    """Hold the lock of a name in a folder; yield whether the file system has locks at all.

    Raises PackError, with the text `busy`, when another process holds it.
    """
    lock = folder / f".{name}.lock"
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise PackError(f"cannot write in {folder}: {error.strerror}") from None
    try:
        locked = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink == 0:  # its last holder removed it between our open and our lock
                raise BlockingIOError
        except BlockingIOError:
            raise PackError(busy) from None
        except OSError:
            locked = False
        try:
            yield locked
        finally:
            lock.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


# ---- Names


def _swap(new: Path, target: Path) -> None:
    """Give the target's name to what is at `new`, and that of `new` to what had the target's, if anything did."""
    if not os.path.lexists(target):
        new.rename(target)
    elif not _exchange(new, target):
        aside = _aside(new)
        target.rename(aside)
        try:
            new.rename(target)
        except OSError:
            aside.rename(target)
            raise
        aside.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names at once with renameat2; return False where the system or the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(number, os.strerror(number), str(other))


def _aside(new: Path) -> Path:
    return new.with_name(f"{new.name}.old")


def _clear(partial: Path) -> None:
    """Remove what was written of an output, and what it replaced."""
    # A tarball is written beside its own partial file, under a name of this form.
    beside = partial.parent.glob(glob.escape(f".{partial.name}.") + "*.new")
    for path in (partial, _aside(partial), *beside):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _discard(tree: Path) -> None:
    """Let another process remove an environment that nobody writes to any more, and what is beside it."""
    for path in (tree, _aside(tree)):
        if os.path.lexists(path):
            name = path.name.removesuffix(".old").removesuffix(".new")
            replaced = path.with_name(f"{name}.old.{os.getpid()}.{time.monotonic_ns()}")
            path.rename(replaced)
            _remove_later(replaced)


def _remove(tree: Path) -> None:
    """Remove a tree that an interrupted link may still be writing to: its threads end soon, but not at once."""
    for wait in (0.1, 0.5, 2.0, 0.0):
        if not os.path.lexists(tree):
            return
        shutil.rmtree(tree, ignore_errors=wait > 0)
        time.sleep(wait)


def _remove_later(tree: Path) -> None:
    """Let a process that outlives us remove a tree: for a large environment that takes longer than all the rest."""
    subprocesses.detach(["rm", "-rf", "--", tree])
