"""A bounded folder of packed layers: what was compressed once is only copied afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import re
import shutil
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from zlib_ng import zlib_ng

from python_package.files import disk

SIZE_VARIABLE = "PYTHON_PACKAGE_CACHE_SIZE"
_DEFAULT_SIZE = 10 << 30
# By default the cache never takes more than this part of its file system.
_DEFAULT_SHARE = 0.1

# An entry is the layer's pieces, its summary as JSON, then this: CRC of each, length of the JSON, magic. Raise the
# magic when a summary comes to say something else: then entries of before are made anew.
_TRAILER = struct.Struct("<IIQ8s")
_MAGIC = b"pypkg\0\0\3"

# A new entry older than this was left by a process that was killed.
_STALE = 24 * 3600

_SIZE = re.compile(r"(\d+)\s*([kmgt]?)i?b?\Z", re.I)


def default_size(folder: Path) -> int:
    """Return the most bytes that the cache may take, by PYTHON_PACKAGE_CACHE_SIZE such as 500M, 5G or 0."""
    match = _SIZE.match(os.environ.get(SIZE_VARIABLE, "").strip())
    if match:
        return int(match[1]) << 10 * " kmgt".index(match[2].lower() or " ")
    return min(_DEFAULT_SIZE, int(shutil.disk_usage(folder).total * _DEFAULT_SHARE))


@dataclass(frozen=True)
class CachedLayer:
    """A layer in the cache: a file whose first `length` bytes are its pieces, and its summary."""

    path: Path
    length: int
    summary: Any


class LayerCache:
    """The cache. Whatever goes wrong with it makes packing slower, never wrong, and is not reported.

    Processes share it: entries appear whole, stay while somebody holds the cache, and the folder is trimmed by one
    process at a time.
    """

    def __init__(self, folder: Path, size: int | None = None) -> None:
        self._folder = folder
        self._lock = partial(disk.locked, folder / "lock")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._size = default_size(folder) if size is None else size
        except OSError:
            self._size = 0

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Keep entries from being removed: those that were found can be read later, however many they are."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                stack.enter_context(self._lock(fcntl.LOCK_SH))
            yield

    def find(self, key: str) -> CachedLayer | None:
        """Return the entry of that key if it is there and unharmed, and note that it was used."""
        if not key or not self._size:
            return None
        path = self._folder / key
        try:
            file = path.open("rb")
        except OSError:
            return None
        with file:
            entry = _check(path, file)
            if entry is None:
                path.unlink(missing_ok=True)
                return None
            with contextlib.suppress(OSError):
                os.utime(file.fileno())
        return entry

    def keep(self, key: str, tarball: BinaryIO, length: int, crc: int, summary: Any) -> None:
        """Make the last bytes of a tarball, so many and with that CRC, the entry of that key."""
        if key and self._size:
            text = json.dumps(summary, separators=(",", ":")).encode()
            with contextlib.suppress(OSError), disk.replacing(self._folder / key) as file:
                disk.copy(tarball, file, tarball.tell() - length, length)
                file.write(text + _TRAILER.pack(crc, zlib_ng.crc32(text), len(text), _MAGIC))

    def trim(self) -> None:
        """Remove the entries that were not used for longest, until the rest fits."""
        with contextlib.suppress(OSError), self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
            now = time.time()
            kept = []
            for item in os.scandir(self._folder):
                status = item.stat()
                if item.name.endswith(".new"):
                    if status.st_mtime < now - _STALE:
                        os.unlink(item.path)
                elif item.name != "lock":
                    kept.append((status.st_mtime, status.st_size, item.path))
            total = sum(size for _, size, _ in kept)
            for _, size, path in sorted(kept):
                if total <= self._size:
                    break
                os.unlink(path)
                total -= size


def _check(path: Path, file: BinaryIO) -> CachedLayer | None:
    size = os.fstat(file.fileno()).st_size
    if size < _TRAILER.size:
        return None
    with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data, memoryview(data) as view:
        crc, text_crc, text_length, magic = _TRAILER.unpack(view[-_TRAILER.size :])
        length = size - _TRAILER.size - text_length
        if magic != _MAGIC or length < 0:
            return None
        text = bytes(view[length : length + text_length])
        if zlib_ng.crc32(view[:length]) != crc or zlib_ng.crc32(text) != text_crc:
            return None
    return CachedLayer(path, length, json.loads(text))
