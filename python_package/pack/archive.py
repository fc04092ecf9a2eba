"""The archive that conda-pack's Packer fills: files go in, pieces of raw tar come out."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from python_package.pack import normalize, tar

# Raw tar bytes of a piece: one large package spreads over cores, and memory stays flat.
PIECE = 16 << 20

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


class Piece:
    """A run of raw tar bytes: the first `size` of `data`, a buffer that is used again for other pieces.

    `entries` begin in it; `whole` says that it ends where one ends.
    """

    def __init__(self) -> None:
        self.data = bytearray(PIECE)
        self.clear()

    def clear(self) -> None:
        """Make the piece empty."""
        self.size = 0
        self.items: list[Item] = []
        self.entries = 0
        self.whole = True

    def append(self, data: bytes) -> memoryview:
        """Add bytes, for which there must be room, and return them."""
        view = memoryview(self.data)[self.size : self.size + len(data)]
        view[:] = data
        self.size += len(data)
        return view

    def read(self, descriptor: int, size: int, source: str) -> memoryview:
        """Add that many bytes of a file, for which there must be room, and return them."""
        view = memoryview(self.data)[self.size : self.size + size]
        done = 0
        while done < size:
            count = os.readv(descriptor, [view[done:]])
            if not count:
                raise OSError(errno.EIO, f"became shorter while it was read: {source}")
            done += count
        self.size += size
        return view


class Archive:
    """Turns files into normalised tar entries and hands over the pieces.

    Every entry's owner, time and mode are fixed: only names, contents, link targets and the owner's x bit count.
    `take` returns an empty piece. `expect` returns the sha256 in hex that a source ought to have, or ""; `edit`
    takes a path in the environment and the file's bytes and returns what is shipped instead.
    """

    def __init__(
        self,
        prefix: str,
        take: Callable[[], Piece],
        emit: Callable[[Piece], None],
        *,
        expect: Callable[[str], str],
        edit: Callable[[str, bytes], bytes],
    ) -> None:
        self._prefix = prefix
        self._take = take
        self._emit = emit
        self._expect = expect
        self._edit = edit
        self._piece = take()
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
            destination = normalize.destination(self._prefix, source, target)
            self._add_header(tar.header(target, kind=tar.SYMLINK, target=destination))
            return
        try:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                self._add_header(tar.header(target + "/", kind=tar.DIRECTORY))
                return
            header = tar.header(target, status.st_size, executable=bool(status.st_mode & stat.S_IXUSR))
            self._add_file(
                header, status.st_size, lambda piece, count: piece.read(descriptor, count, source), target,
                self._expect(source),
            )  # fmt: skip
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
        self._add_data(tar.header(target, len(edited), executable=executable), edited, target, expected)

    def add_text(self, target: str, data: bytes, *, executable: bool = False) -> None:
        """Add `data` as `target`."""
        self._add_data(tar.header(target, len(data), executable=executable), data, target, "")

    def close(self) -> None:
        """Hand over what is left, perhaps nothing; after that nothing can be added."""
        self._piece.whole = True
        self._emit(self._piece)

    def _add_data(self, header: bytes, data: bytes, target: str, expected: str) -> None:
        stream = io.BytesIO(data)
        self._add_file(header, len(data), lambda piece, count: piece.append(stream.read(count)), target, expected)

    def _add_header(self, header: bytes) -> None:
        self._begin(header, 0)
        self._piece.items.append(Item(header))

    def _add_file(
        self, header: bytes, size: int, fill: Callable[[Piece, int], memoryview], target: str, expected: str
    ) -> None:
        """Add an entry whose content `fill` appends to pieces; one that fills more than a piece is cut."""
        room = size + len(tar.padding(size))
        self._begin(header, room)
        self.disk += -(-size // DISK_BLOCK) * DISK_BLOCK
        if len(header) + room <= PIECE:
            start = self._piece.size
            fill(self._piece, size)
            self._piece.items.append(Item(header, start, self._piece.size, target, expected))
        else:
            digest = hashlib.sha256()
            left = size
            while left:
                if self._piece.size == PIECE:
                    self._flush(whole=False)
                count = min(left, PIECE - self._piece.size)
                digest.update(fill(self._piece, count))
                left -= count
            self._piece.items.append(Item(header + digest.digest()))
            if expected not in ("", digest.hexdigest()):
                self.wrong.append(target)
        self._piece.append(tar.padding(size))

    def _begin(self, header: bytes, room: int) -> None:
        """Begin an entry, in a new piece if there is not that much room behind the header."""
        if self._piece.size + len(header) + room > PIECE:
            self._flush(whole=True)
        self._piece.append(header)
        self._piece.entries += 1
        self.files += 1

    def _flush(self, *, whole: bool) -> None:
        self._piece.whole = whole
        self._emit(self._piece)
        self._piece = self._take()
