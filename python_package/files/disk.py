"""Files on this machine's disk: where a URL leads, a file's sha256, a file written whole or not at all, locks, age."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

_BLOCK = 1 << 20
_DAY = 24 * 3600


def path_of(url: str) -> Path:
    """Return the path that a URL of the scheme `file` names."""
    return Path(unquote(urlsplit(url).path))


def url_of(place: str, folder: Path) -> str:
    """Return a place that is a URL as it is, and a path, which starts from a folder or ~, as a URL."""
    path = Path(place).expanduser() if place.startswith("~") else place
    return place if "://" in place else (folder / path).resolve().as_uri()


def sha256(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file, to write and read, that takes its name when the context is left: it is there whole or not."""
    new = path.with_name(f".{path.name[:200]}.{os.getpid()}.new")
    try:
        with new.open("w+b") as file:
            yield file
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def write(path: Path, data: bytes | Path) -> None:
    """Write a file, with these bytes or those of another file; under its name it appears once it is whole."""
    with replacing(path) as file:
        if isinstance(data, Path):
            with data.open("rb") as source:
                copy(source, file, 0, os.fstat(source.fileno()).st_size)
        else:
            file.write(data)


def copy(source: BinaryIO, target: BinaryIO, start: int, length: int) -> None:
    """Write a part of a file to the end of another; raise OSError if the file is shorter than that."""
    source.flush()
    while length:
        data = os.pread(source.fileno(), min(length, _BLOCK), start)
        if not data:
            raise OSError(errno.EIO, "became shorter while it was copied", source.name)
        target.write(data)
        start, length = start + len(data), length - len(data)


@contextmanager
def locked(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold a lock file, made if need be, against other processes; wait for whoever holds it, or as `how` says."""
    with path.open("w") as file:
        fcntl.flock(file, how)
        yield


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """Yield a folder that is made anew, whatever a killed process left there, and removed on leaving."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_unused(places: Iterable[Path], days: int) -> None:
    """Remove the files and folders that nobody has marked as used (`os.utime`) for some days."""
    with suppress(OSError):
        for place in places:
            if place.stat().st_mtime < time.time() - days * _DAY:
                shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink()
