"""Compress pieces side by side, and hand the results over in order."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import NamedTuple

import deflate

from python_package.tarball import tar
from python_package.tarball.archive import Piece

# libdeflate at level 2 or 3 is smaller and faster than zlib at 4, which is conda-pack's default
# (figures: docs/performance.md, scripts/bench_pack.py).
CODEC = "libdeflate-3"
_LEVEL = 3


class Member(NamedTuple):
    """One gzip member: its length, the raw bytes and entries in it, and whether it ends where an entry ends."""

    length: int
    raw: int
    entries: int
    whole: bool


class Compressed(NamedTuple):
    """A member with its bytes, what identifies its content, and the files that were not as expected."""

    member: Member
    data: bytes | bytearray
    identity: bytes
    wrong: tuple[str, ...]


class Pipeline:
    """Runs ahead of its reader by `ahead` pieces at most: that many times a few pieces is the memory it needs."""

    def __init__(self, pool: Executor, ahead: int) -> None:
        self._pool = pool
        self._ahead = ahead
        self._queue: deque[tuple[Future[Compressed] | None, Callable[..., None]]] = deque()
        self._running = 0

    def compress(self, piece: Piece, done: Callable[[Compressed], None]) -> None:
        """Compress a piece; call `done` in this thread when all that was asked before is done."""
        self._drain(self._ahead)
        self._queue.append((self._pool.submit(compress, piece), done))
        self._running += 1

    def then(self, action: Callable[[], None]) -> None:
        """Call `action` in this thread when all that was asked before is done."""
        self._queue.append((None, action))
        self._drain(self._ahead)

    def finish(self) -> None:
        """Wait for everything."""
        self._drain(-1)

    def _drain(self, most: int) -> None:
        while self._queue and (self._running > most or self._queue[0][0] is None):
            future, done = self._queue.popleft()
            if future is None:
                done()
            else:
                self._running -= 1
                done(future.result())


def compress(piece: Piece) -> Compressed:
    """Return the gzip member of a piece, and take the piece's bytes from it."""
    parts = []
    identity = []
    wrong = []
    for header, data, name, expected, digest in piece.items:
        parts += [header, data]
        if name:
            actual = hashlib.sha256(data)
            digest = header + actual.digest()
            parts.append(tar.padding(len(data)))
            if expected and actual.hexdigest() != expected:
                wrong.append(name)
        identity.append(digest)
    piece.items = []
    raw = b"".join(parts)
    parts.clear()
    member = deflate.gzip_compress(raw, _LEVEL)
    return Compressed(
        Member(len(member), len(raw), piece.entries, piece.whole), member, b"".join(identity), tuple(wrong)
    )
