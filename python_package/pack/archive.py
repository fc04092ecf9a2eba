"""The tar archive that conda-pack's Packer fills: files go in, pieces of raw tar come out."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, NamedTuple

from python_package.pack import normalize

# Raw tar bytes of a piece: one large package spreads over cores, and memory stays flat.
PIECE = 4 << 20

# Two blocks of zeros, by which a tar archive ends.
END = bytes(2 * tarfile.BLOCKSIZE)

# 1980-01-01, the oldest time that every archive format can hold. No entry keeps the time of its file.
_MTIME = 315532800
_MODES = {tarfile.REGTYPE: 0o644, tarfile.SYMTYPE: 0o777, tarfile.DIRTYPE: 0o755}

_ELF = b"\x7fELF"

# A file occupies whole blocks of this size on nearly every file system.
DISK_BLOCK = 4096


class Item(NamedTuple):
    """What identifies a part of a piece: `digest`, and the content from `start` to `end` if it is a whole file.

    `expected` is the sha256 that the file `name` ought to have, or "".
    """

    digest: bytes
    start: int = 0
    end: int = 0
    name: str = ""
    expected: str = ""


@dataclass
class Piece:
    """A run of raw tar bytes; `entries` begin in it, and `whole` says that it ends where one ends."""

    data: bytearray = field(default_factory=bytearray)
    items: list[Item] = field(default_factory=list)
    entries: int = 0
    whole: bool = True


@dataclass
class ArchiveWriter:
    """Turns files into normalised tar entries and hands over the pieces.

    Every entry's owner, time and mode are fixed: only names, contents, link targets and the owner's x bit count.
    `emit` takes a piece that is full. `expect` returns the sha256 in hex that a source ought to have, or ""; `edit`
    takes a path in the environment and the file's bytes and returns what is shipped instead. `files` and `disk` count
    what was added, `edited` is what was shipped instead of a file's own bytes, by target, `elf` are the targets of ELF
    files, and `wrong` are the large files that were not as expected; compressing tells of the others.
    """

    prefix: str
    emit: Callable[[Piece], None]
    expect: Callable[[str], str]
    edit: Callable[[str, bytes], bytes]
    files: int = 0
    disk: int = 0
    edited: dict[str, bytes] = field(default_factory=dict)
    elf: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _piece: Piece = field(default_factory=Piece)

    def add(self, source: str, target: str) -> None:
        """Add the file, symbolic link or empty directory `source` as `target`, as it is."""
        status = os.lstat(source)
        if stat.S_ISLNK(status.st_mode):
            destination = normalize.destination(self.prefix, source, target)
            self._add_header(header(target, kind=tarfile.SYMTYPE, target=destination))
        elif stat.S_ISDIR(status.st_mode):
            self._add_header(header(target, kind=tarfile.DIRTYPE))
        else:
            with open(source, "rb") as file:
                self._add_file(target, status.st_size, status.st_mode, partial(_read, file), self.expect(source))

    def add_bytes(self, source: str, data: bytes, target: str) -> None:
        """Add `data`, edited, as `target`, with the x bit of the file `source`."""
        edited = self.edit(target, data)
        expected = self.expect(source)
        if edited is not data or target.startswith("bin/"):  # whose first line conda-pack has changed already
            self.edited[target] = edited
            expected = ""
        self._add_file(target, len(edited), os.stat(source).st_mode, io.BytesIO(edited).read, expected)

    def add_text(self, target: str, data: bytes, *, executable: bool = False) -> None:
        """Add `data` as `target`."""
        self._add_file(target, len(data), stat.S_IXUSR if executable else 0, io.BytesIO(data).read, "")

    def close(self) -> None:
        """Hand over what is left, perhaps nothing; after that nothing can be added."""
        self._flush(whole=True)

    def _add_header(self, head: bytes) -> None:
        self._begin(head, 0)
        self._piece.items.append(Item(head))

    def _add_file(self, target: str, size: int, mode: int, read: Callable[[int], bytes], expected: str) -> None:
        """Add an entry with `size` bytes that `read` returns; one that fills more than a piece is cut."""
        head = header(target, size, executable=bool(mode & stat.S_IXUSR))
        padding = bytes(-size % tarfile.BLOCKSIZE)
        self._begin(head, size + len(padding))
        start = len(self._piece.data)
        self.disk += -(-size // DISK_BLOCK) * DISK_BLOCK
        if len(head) + size + len(padding) <= PIECE:
            self._piece.data += read(size)
            self._note_elf(target, start)
            self._piece.items.append(Item(head, start, start + size, target, expected))
        else:
            digest = hashlib.sha256()
            left = size
            while left:
                if len(self._piece.data) == PIECE:
                    self._flush(whole=False)
                part = read(min(left, PIECE - len(self._piece.data)))
                digest.update(part)
                self._piece.data += part
                if left == size:
                    self._note_elf(target, start)
                left -= len(part)
            self._piece.items.append(Item(head + digest.digest()))
            if expected not in ("", digest.hexdigest()):
                self.wrong.append(target)
        self._piece.data += padding

    def _note_elf(self, target: str, start: int) -> None:
        """Note an ELF file by its first bytes, which no one has to read again for that."""
        if self._piece.data.startswith(_ELF, start):
            self.elf.append(target)

    def _begin(self, head: bytes, room: int) -> None:
        """Begin an entry, in a new piece if there is not that much room behind its header."""
        if len(self._piece.data) + len(head) + room > PIECE:
            self._flush(whole=True)
        self._piece.data += head
        self._piece.entries += 1
        self.files += 1

    def _flush(self, *, whole: bool) -> None:
        self._piece.whole = whole
        self.emit(self._piece)
        self._piece = Piece()


def header(
    name: str, size: int = 0, *, kind: bytes = tarfile.REGTYPE, executable: bool = False, target: str = ""
) -> bytes:
    """Return the header of a tar entry: it depends on nothing but the name, the size and what is told here.

    It is in GNU's format, which GNU tar, busybox and tarfile all read.
    """
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname, entry.mtime = kind, size, target, _MTIME
    entry.mode = 0o755 if executable else _MODES[kind]
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise OSError(errno.EIO, "became shorter while it was read", file.name)
    return data
