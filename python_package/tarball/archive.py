"""The archive that conda-pack's Packer fills: files go in, pieces of raw tar come out."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from python_package.tarball import normalize, tar

# Raw tar bytes of a piece at most, save for headers: one large package spreads over cores, and memory stays flat.
PIECE = 16 << 20

# A file occupies whole blocks of this size on nearly every file system.
DISK_BLOCK = 4096


class Item(NamedTuple):
    """Raw bytes of a piece: a header (or padding), then data.

    `name` is set where `data` is a whole file, and `expected` where its sha256 is known. `digest` is what stands
    for the content of a file that was read in several items.
    """

    header: bytes
    data: bytes = b""
    name: str = ""
    expected: str = ""
    digest: bytes = b""


@dataclass
class Piece:
    """A run of raw tar bytes; `entries` begin in it; `whole` says that it ends where one ends."""

    items: list[Item] = field(default_factory=list)
    size: int = 0
    entries: int = 0
    whole: bool = True


class Archive:
    """Turns files into normalised tar entries and hands over the pieces.

    Every entry's owner, time and mode are fixed: only names, contents, link targets and the owner's x bit count.
    `expect` returns the sha256 in hex that a source ought to have, or ""; `edit` takes a path in the environment
    and the file's bytes and returns what is shipped instead.
    """

    def __init__(
        self,
        prefix: str,
        emit: Callable[[Piece], None],
        *,
        expect: Callable[[str], str] = lambda _: "",
        edit: Callable[[str, bytes], bytes] = lambda _, data: data,
    ) -> None:
        self._prefix = prefix
        self._emit = emit
        self._expect = expect
        self._edit = edit
        self._piece = Piece()
        self.files = 0
        self.disk = 0
        # What was shipped instead of a file's own bytes, by target.
        self.edited: dict[str, bytes] = {}
        # Large files that were not as expected; of others the pipeline tells.
        self.wrong: list[str] = []

    def add(self, source: str, target: str) -> None:
        """Add the file, symbolic link or empty directory `source` as `target`, as it is."""
        try:
            descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            self._begin(
                tar.header(target, kind=tar.SYMLINK, target=normalize.destination(self._prefix, source, target)), 0
            )
            return
        try:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                self._begin(tar.header(target + "/", kind=tar.DIRECTORY), 0)
                return
            header = tar.header(target, status.st_size, executable=bool(status.st_mode & stat.S_IXUSR))
            if status.st_size <= PIECE:
                self._add_file(header, _read(descriptor, source, status.st_size), target, self._expect(source))
            else:
                self._add_large(header, descriptor, source, target, status.st_size)
        finally:
            os.close(descriptor)

    def add_bytes(self, source: str, data: bytes, target: str) -> None:
        """Add `data`, edited, as `target`, with the x bit of the file `source`."""
        edited = self._edit(target, data)
        expected = self._expect(source)
        if edited is not data or target.startswith("bin/"):  # whose first line conda-pack has changed already
            self.edited[target] = edited
            expected = ""
        executable = bool(os.stat(source).st_mode & stat.S_IXUSR)
        self._add_file(tar.header(target, len(edited), executable=executable), edited, target, expected)

    def add_text(self, target: str, data: bytes, *, executable: bool = False) -> None:
        """Add `data` as `target`."""
        self._add_file(tar.header(target, len(data), executable=executable), data, target, "")

    def close(self) -> None:
        """Hand over what is left."""
        self._flush(whole=True)

    def _add_file(self, header: bytes, data: bytes, name: str, expected: str) -> None:
        self._begin(header, len(data), Item(header, data, name, expected))

    def _add_large(self, header: bytes, descriptor: int, source: str, target: str, size: int) -> None:
        """Add a file in several pieces, so that its size does not count in memory."""
        self._begin(header, size)
        digest = hashlib.sha256()
        left = size
        while left:
            data = _read(descriptor, source, min(left, PIECE))
            left -= len(data)
            digest.update(data)
            self._append(Item(b"", data))
            if left:
                self._flush(whole=False)
        self._append(Item(tar.padding(size), digest=digest.digest()))
        if self._expect(source) not in ("", digest.hexdigest()):
            self.wrong.append(target)

    def _begin(self, header: bytes, size: int, item: Item | None = None) -> None:
        if self._piece.size + size > PIECE:
            self._flush(whole=True)
        self._append(item or Item(header, digest=header))
        self._piece.entries += 1
        self.files += 1
        self.disk += -(-size // DISK_BLOCK) * DISK_BLOCK

    def _append(self, item: Item) -> None:
        self._piece.items.append(item)
        self._piece.size += len(item.header) + len(item.data)

    def _flush(self, *, whole: bool) -> None:
        if self._piece.items:
            self._piece.whole = whole
            self._emit(self._piece)
            self._piece = Piece()


def _read(descriptor: int, source: str, size: int) -> bytes:
    data = os.read(descriptor, size)
    while len(data) < size:
        more = os.read(descriptor, size - len(data))
        if not more:
            raise OSError(errno.EIO, f"became shorter while it was read: {source}")
        data += more
    return data
