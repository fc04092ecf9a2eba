"""Temporary folders of ours: what a killed process left, files and running programs, is cleared by the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Nobody else's: Parsl keeps its tarballs in python_package-UID, right beside.
_PREFIX = "python_package-scratch-"
_SIGKILL = 9


@contextmanager
def folder() -> Iterator[Path]:
    """Yield an empty folder below TMPDIR, which is removed on leaving; while this process lives, it is locked."""
    path, descriptor = _new()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def sweep() -> None:
    """Remove the folders of processes that were killed, and end the programs that they had started in them."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if path.is_symlink() or path.stat().st_uid != os.getuid():
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end_programs(path)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)


def _new() -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # another process swept it already
        with suppress(OSError):  # a file system without locks: `sweep` cannot lock it either, and leaves it
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            return path, descriptor
        os.close(descriptor)  # swept before it was locked


def _end_programs(path: Path) -> None:
    """End every process of this user whose TMPDIR is in the folder: such a process, or what started it, was ours."""
    inside = f"TMPDIR={path}/".encode("utf-8", "surrogateescape")
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to somebody else
            if any(variable.startswith(inside) for variable in (process / "environ").read_bytes().split(b"\0")):
                os.kill(int(process.name), _SIGKILL)
