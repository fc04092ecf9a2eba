"""The archive that conda-pack's Packer fills: entries go in, pieces of raw tar come out."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from python_package.tarball import tar

# Raw tar bytes of a piece at most, save for headers: one large package spreads over cores, and memory stays flat.
PIECE = 16 << 20

# A file occupies whole blocks of this size on nearly every file system.
DISK_BLOCK = 4096


@dataclass
class Piece:
    """A run of raw tar bytes; `whole` says that it ends where an entry ends."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    whole: bool = True


class Archive:
    """Turns files into normalised tar entries and hands over the pieces.

    Every entry's owner, time and mode are fixed: only names, contents, link targets and the owner's x bit count.
    """

    def __init__(self, prefix: str, emit: Callable[[Piece], None], edit: Callable[[str, bytes], bytes]) -> None:
        self._prefix = prefix
        self._emit = emit
        self._edit = edit
        self._piece = Piece()
        self._digest = hashlib.sha256()
        self.files = 0
        self.disk = 0

    @property
    def digest(self) -> str:
        """Return the hex digest of all that was added: names, kinds, x bits, contents."""
        return self._digest.hexdigest()

    def add(self, source: str, target: str) -> None:
        """Add the file, symbolic link or empty directory `source` as `target`."""
        if os.path.islink(source):
            self._add_link(target, os.readlink(source))
            return
        descriptor = os.open(source, os.O_RDONLY)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                self._begin(tar.header(target + "/", kind=tar.DIRECTORY), 0)
                return
            self._begin_file(target, status.st_size, bool(status.st_mode & stat.S_IXUSR))
            left = status.st_size
            while left:
                data = os.read(descriptor, min(left, PIECE))
                if not data:
                    raise OSError(f"{source} became shorter while it was read")
                left -= len(data)
                self._write(data)
                self._digest.update(data)
                if self._piece.size >= PIECE:
                    self._flush(whole=False)
            self._write(tar.padding(status.st_size))
        finally:
            os.close(descriptor)

    def add_bytes(self, source: str, data: bytes, target: str) -> None:
        """Add `data` as `target`, with the x bit of the file `source`."""
        self.add_text(target, self._edit(target, data), executable=os.access(source, os.X_OK))

    def add_text(self, target: str, data: bytes, *, executable: bool = False) -> None:
        """Add `data` as `target`."""
        self._begin_file(target, len(data), executable)
        self._write(data)
        self._digest.update(data)
        self._write(tar.padding(len(data)))

    def close(self) -> None:
        """Hand over what is left."""
        self._flush(whole=True)

    def _add_link(self, target: str, destination: str) -> None:
        if os.path.isabs(destination) and os.path.commonpath([destination, self._prefix]) == self._prefix:
            inside = os.path.relpath(destination, self._prefix)
            destination = os.path.relpath(inside, PurePosixPath(target).parent)
        self._begin(tar.header(target, kind=tar.SYMLINK, target=destination), 0)

    def _begin_file(self, target: str, size: int, executable: bool) -> None:
        self._begin(tar.header(target, size, executable=executable), size)

    def _begin(self, header: bytes, size: int) -> None:
        if self._piece.size + size > PIECE:
            self._flush(whole=True)
        self._write(header)
        self._digest.update(header)
        self.files += 1
        self.disk += -(-size // DISK_BLOCK) * DISK_BLOCK

    def _write(self, data: bytes) -> None:
        self._piece.parts.append(data)
        self._piece.size += len(data)

    def _flush(self, *, whole: bool) -> None:
        if self._piece.size:
            self._piece.whole = whole
            self._emit(self._piece)
            self._piece = Piece()
