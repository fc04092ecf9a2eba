"""Compress pieces side by side, and hand the results over in order."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import NamedTuple

import deflate

from python_package.pack.archive import Piece

# Measured on an environment of 514 MB, one core, against zlib 4, which is conda-pack's default: libdeflate 1, 2, 3 are
# 3.6, 2.7, 2.5 times as fast at 1.041, 1.006, 0.992 of its size; isal 3 4.3 times at 1.073; zlib-ng 2, 3 2.2, 1.9 times
# at 1.071, 1.020. Level 1 loses 2 % on modules and 5 % on libraries: only pieces of many files get it.
# scripts/bench_pack.py measures the whole.
CODEC = "libdeflate-1-2"
_MANY_FILES = 100


class GzipMember(NamedTuple):
    """One gzip member: its length, the raw bytes and entries in it, and whether it ends where an entry ends."""

    length: int
    raw: int
    entries: int
    whole: bool


class Compressed(NamedTuple):
    """A member with its bytes, what identifies its content, and the files that were not as expected."""

    member: GzipMember
    data: bytes | bytearray
    identity: bytes
    wrong: tuple[str, ...]


@dataclass
class Compressor:
    """Runs ahead of its reader by `ahead` pieces at most: that many times a few pieces is the memory it needs."""

    pool: Executor
    ahead: int
    # Actions in their order; True beside one that waits for a piece.
    _queue: deque[tuple[bool, Callable[[], None]]] = field(default_factory=deque)

    def compress(self, piece: Piece, done: Callable[[Compressed], None]) -> None:
        """Compress a piece; call `done` in this thread when all that was asked before is done."""
        if piece.data:
            self._drain(self.ahead)
            future = self.pool.submit(compress, piece)
            self._queue.append((True, lambda: done(future.result())))

    def then(self, action: Callable[[], None]) -> None:
        """Call `action` in this thread when all that was asked before is done."""
        self._queue.append((False, action))
        self._drain(self.ahead)

    def finish(self) -> None:
        """Wait for everything."""
        self._drain(-1)

    def _drain(self, most: int) -> None:
        while self._queue and (sum(waits for waits, _ in self._queue) > most or not self._queue[0][0]):
            _, action = self._queue.popleft()
            action()


def compress(piece: Piece) -> Compressed:
    """Return the gzip member of a piece."""
    identity = []
    wrong = []
    data = memoryview(piece.data)
    for digest, start, end, name, expected in piece.items:
        identity.append(digest)
        if name:
            actual = hashlib.sha256(data[start:end])
            identity.append(actual.digest())
            if expected and actual.hexdigest() != expected:
                wrong.append(name)
    member = deflate.gzip_compress(data, 1 if piece.entries >= _MANY_FILES else 2)
    about = GzipMember(len(member), len(data), piece.entries, piece.whole)
    return Compressed(about, member, b"".join(identity), tuple(wrong))
