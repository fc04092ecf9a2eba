"""The cache of wheels that were made here: each under the sha256 of its bytes, so that a lock can name it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from python_package.errors import PackError, failing_as
from python_package.files import caches, disk
from python_package.pypi.wheel import parse_name

_UNUSED_DAYS = 90

_WRITING = failing_as(
    PackError, "the cache of wheels cannot be written; XDG_CACHE_HOME may name another folder for caches"
)


@dataclass(frozen=True)
class CachedWheel:
    """A wheel in the cache: its distribution, canonically named, its file, and where that was made from."""

    name: str
    version: str
    path: Path
    origin: str

    @property
    def sha256(self) -> str:
        """Return the hash of its bytes, in hex."""
        return self.path.parent.name

    def requirement(self, extras: str = "") -> str:
        """Return the requirement (PEP 508) that this very file satisfies."""
        return f"{self.name}{extras} @ {self.path.as_uri()}"


class WheelCache:
    """The cache, in `python_package/wheels` of the user's cache directory; what fails to be written is a PackError."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or caches.folder("wheels")

    def put(self, file: Path, origin: str) -> CachedWheel:
        """Take a wheel's file into the cache."""
        target = self.folder / disk.sha256(file) / file.name
        if target.exists():
            with suppress(OSError):
                os.utime(target.parent)  # it is in use
        else:
            with _WRITING:
                self._below(target.parent)
                disk.write(target, file)
        return _wheel(target, origin)

    def recall(self, source: str, origin: str) -> CachedWheel | None:
        """Return what was made of a source before, if it is still there and unharmed."""
        try:
            place = self.folder / (self.folder / "sources" / source).read_text()
            whole = disk.sha256(place) == place.parent.name
            os.utime(place.parent)
        except OSError:
            return None
        if not whole:
            place.unlink()
            return None
        return _wheel(place, origin)

    def remember(self, source: str, wheel: CachedWheel) -> None:
        """Note what was made of a source, a key for all that decides the wheel."""
        with _WRITING:
            disk.write(self._below(self.folder / "sources") / source, f"{wheel.sha256}/{wheel.path.name}".encode())

    @contextmanager
    def workspace(self, source: str) -> Iterator[Path]:
        """Hold a source against other processes, and give an empty folder to work in, always the same for it."""
        folder = self.folder / "building" / source
        with ExitStack() as held:
            with _WRITING:
                self._below(folder.parent)
                held.enter_context(disk.locked(folder.parent / f"{source}.lock"))
                held.enter_context(disk.emptied(folder))
            yield folder

    def _below(self, folder: Path) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the user's code is nobody else's business
        folder.mkdir(exist_ok=True)
        return folder

    def trim(self) -> None:
        """Remove what was not used for months."""
        for pattern in ("?" * 64, "sources/*", "building/*"):
            disk.remove_unused(self.folder.glob(pattern), _UNUSED_DAYS)


def _wheel(path: Path, origin: str) -> CachedWheel:
    name, version = parse_name(path.name) or ("", "")
    return CachedWheel(name, version, path, origin)
