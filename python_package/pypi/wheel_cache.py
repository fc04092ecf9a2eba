"""The cache of wheels that were made here: each under the sha256 of its bytes, so that a lock can name it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from python_package.errors import PackError
from python_package.files import caches
from python_package.import_names.table import canonical

_UNUSED_DAYS = 90

# Distribution and version at the start of a wheel's name (PyPA specification 'Binary distribution format').
_FILE = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)-.+\.whl\Z")


@dataclass(frozen=True)
class Wheel:
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


class Wheels:
    """The cache, in `python_package/wheels` of the user's cache directory; what fails to be written is a PackError."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or caches.folder("wheels")

    def put(self, file: Path, origin: str) -> Wheel:
        """Take a wheel's file into the cache."""
        with file.open("rb") as stream:
            digest = hashlib.sha256()
            while block := stream.read(1 << 20):
                digest.update(block)
        target = self.folder / digest.hexdigest() / file.name
        if target.exists():
            with suppress(OSError):
                os.utime(target.parent)  # it is in use
        else:
            new = target.with_name(f".{os.getpid()}.new")
            with _writing(self.folder):
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the user's code is nobody else's business
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(file, new)
                new.replace(target)
        return _wheel(target, origin)

    def recall(self, source: str, origin: str) -> Wheel | None:
        """Return what was made of a source before, if it is still there and unharmed."""
        try:
            place = self.folder / (self.folder / "sources" / source).read_text()
            with place.open("rb") as stream:
                whole = hashlib.sha256(stream.read()).hexdigest() == place.parent.name
            os.utime(place.parent)
        except OSError:
            return None
        if not whole:
            place.unlink()
            return None
        return _wheel(place, origin)

    def remember(self, source: str, wheel: Wheel) -> None:
        """Note what was made of a source, a key for all that decides the wheel."""
        with _writing(self.folder):
            (self.folder / "sources").mkdir(exist_ok=True)
            note = self.folder / "sources" / source
            new = note.with_name(f".{source}.{os.getpid()}.new")
            new.write_text(f"{wheel.sha256}/{wheel.path.name}")
            new.replace(note)

    @contextmanager
    def room(self, source: str) -> Iterator[Path]:
        """Hold a source against other processes, and give an empty folder to work in, always the same for it."""
        room = self.folder / "building" / source
        with _writing(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            room.parent.mkdir(exist_ok=True)
            lock = (room.parent / f"{source}.lock").open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(room, ignore_errors=True)
            try:
                with _writing(self.folder):
                    room.mkdir()
                yield room
            finally:
                shutil.rmtree(room, ignore_errors=True)

    def trim(self) -> None:
        """Remove what was not used for months."""
        oldest = time.time() - _UNUSED_DAYS * 24 * 3600
        with suppress(OSError):
            for place in self.folder.iterdir():
                old = [place] if len(place.name) == hashlib.sha256().digest_size * 2 else place.iterdir()
                for each in old:
                    if each.stat().st_mtime < oldest:
                        shutil.rmtree(each) if each.is_dir() else each.unlink()


def parse(file_name: str) -> tuple[str, str] | None:
    """Return a wheel's distribution, canonically named, and version; None for what is not named as wheels are."""
    match = _FILE.match(file_name)
    return (canonical(match["name"]), match["version"]) if match else None


def _wheel(path: Path, origin: str) -> Wheel:
    name, version = parse(path.name) or ("", "")
    return Wheel(name, version, path, origin)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PackError(
            f"{error.filename or folder}: cannot be written: {error.strerror}; "
            "XDG_CACHE_HOME may name another folder for caches"
        ) from None
