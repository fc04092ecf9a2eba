"""Conda packages on this machine's disk are the ones that their channel promises, and so is what was unpacked of them.

py-rattler compares the sha256 of what it downloads, but not of files; and it keeps what it unpacked for the next time.
The list of files in a package (info/paths.json) holds the sha256 of each, which packing compares: so an archive and the
list that was unpacked of it vouch for all that is shipped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from python_package.errors import ChecksumError, UnreachableError
from python_package.files import caches, disk
from python_package.files.prefix import Prefix

GONE = "there is no such package; if its channel is elsewhere now, name it with --channel"

# More seals than packages that anybody still has: then all are made anew.
_MOST = 5000
_LISTING = "info/paths.json"


@dataclass(frozen=True)
class Archive:
    """A package's file, and the sha256 that it ought to have."""

    path: Path
    sha256: str


def local(url: str, sha256: str) -> Archive | None:
    """Return the archive that a package's URL names if it is on this machine's disk, None if it is elsewhere.

    A package without a sha256, as of channels long ago, promises nothing.
    """
    if not url.startswith("file:") or not sha256:
        return None
    return Archive(disk.path_of(url), sha256)


class Seals:
    """What was found out about archives, kept in the user's cache so that each is read once.

    An entry is a small file, which may be removed at will; one that cannot be written costs only time.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or caches.folder("seals")

    def verify(self, archives: Sequence[Archive]) -> tuple[Archive, ...]:
        """Raise ChecksumError when an archive is not the one that its channel promises; return those that are gone.

        Of them, what was unpacked before may be in the cache of packages. Raises UnreachableError when one is not there
        and was never seen.
        """
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(self._sha256, archives))
        for archive, sha256 in zip(archives, found, strict=True):
            if sha256 is None and self._get(archive.sha256) is None:
                raise UnreachableError(f"{archive.path}: {GONE}")
            if sha256 not in (None, archive.sha256):
                raise ChecksumError(
                    f"{archive.path} is not the package that was promised: its sha256 is {sha256}, "
                    f"not {archive.sha256}; put the right file there, or index the channel again"
                )
        return tuple(archive for archive, sha256 in zip(archives, found, strict=True) if sha256 is None)

    def holds(self, archive: Archive) -> bool:
        """Tell whether a file is there and is the one that it ought to be."""
        return self._sha256(archive) == archive.sha256

    def verify_unpacked(self, prefix: Path, archives: Iterable[Archive]) -> None:
        """Raise ChecksumError when a folder that a prefix was linked from is not what its (verified) archive holds."""
        by_sum = {archive.sha256: archive for archive in archives}
        for record in Prefix(prefix).conda_packages():
            archive = by_sum.get(record.get("sha256", ""))
            if not archive or not record.get("link"):
                continue
            folder = Path(record["link"]["source"])
            listing = ""  # packages of before 2017 have none
            with suppress(FileNotFoundError):
                listing = hashlib.sha256((folder / _LISTING).read_bytes()).hexdigest()
            if listing != self._listing(archive):
                raise ChecksumError(
                    f"{folder} is not what {archive.path} holds: unpacked from another file; remove it and create again"
                )

    def _sha256(self, archive: Archive) -> str | None:
        try:
            status = archive.path.stat()
            identity = f"{archive.path}\0{status.st_ino}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}"
            key = hashlib.sha256(os.fsencode(identity)).hexdigest()
            known = self._get(key)
            if known is None:
                known = disk.sha256(archive.path)
                self._put(key, known)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreachableError(f"{archive.path}: cannot be read: {error.strerror}") from None
        return known

    def _listing(self, archive: Archive) -> str:
        """Return the sha256 of an archive's list of files."""
        known = self._get(archive.sha256)
        if known is None:
            from conda_package_streaming.package_streaming import stream_conda_info

            with closing(stream_conda_info(str(archive.path))) as members:
                file = next((tar.extractfile(member) for tar, member in members if member.name == _LISTING), None)
                known = hashlib.sha256(file.read()).hexdigest() if file else ""
            self._put(archive.sha256, known)
        return known

    def _get(self, key: str) -> str | None:
        with suppress(OSError):
            return (self._folder / key).read_text("ascii")
        return None

    def _put(self, key: str, value: str) -> None:
        with suppress(OSError):
            if sum(1 for _ in self._folder.glob("*")) >= _MOST:
                shutil.rmtree(self._folder)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            disk.write(self._folder / key, value.encode("ascii"))
