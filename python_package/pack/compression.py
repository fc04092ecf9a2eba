"""Compress pieces side by side, and hand the results over in order."""

from __future__ import annotations

import hashlib
import types
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import NamedTuple

import isal
from isal import isal_zlib
from zlib_ng import zlib_ng

from python_package.pack.archive import Piece

# Measured on an environment of 510 MB, one core, against zlib 4, which is conda-pack's default: zlib-ng 2, 3 are 2.2,
# 1.8 times as fast at 1.073, 1.022 of its size; isal 1, 2, 3 7.8, 7, 5.4 times at 1.115, 1.09, 1.077. libdeflate cannot
# flush. isal 3 makes other bytes on other processors (AVX2, AVX-512); isal 1 and 2 only where there is no SSE 4.2,
# zlib-ng nowhere. isal alone makes too large a tarball, zlib-ng alone too slow a pack: each compresses a part of every
# piece, so that the share is the same for libraries, modules and data. scripts/bench_pack.py measures the whole.
# Other versions may make other bytes.
CODEC = f"isal {isal.ISAL_VERSION} 2, zlib-ng {zlib_ng.ZLIBNG_RUNTIME_VERSION} 3"
_SHARE_OF_ISAL = 1 / 3


class DeflatedPiece(NamedTuple):
    """What is known of a piece: its length, the raw bytes in it, their CRC, its entries, whether it ends with one."""

    length: int
    raw: int
    crc: int
    entries: int
    whole: bool


class Compressed(NamedTuple):
    """A piece with its bytes, what identifies its content, and the files that were not as expected."""

    piece: DeflatedPiece
    data: bytes
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
    """Return a piece as blocks of deflate that end with a byte and refer to nothing before: any others may follow."""
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
    cut = int(len(data) * _SHARE_OF_ISAL)
    packed = _deflate(data[:cut], isal_zlib, 2) + _deflate(data[cut:], zlib_ng, 3)
    about = DeflatedPiece(len(packed), len(data), zlib_ng.crc32(data), piece.entries, piece.whole)
    return Compressed(about, packed, b"".join(identity), tuple(wrong))


def _deflate(data: memoryview, library: types.ModuleType, level: int) -> bytes:
    compressor = library.compressobj(level, library.DEFLATED, -library.MAX_WBITS)
    packed: bytes = compressor.compress(data) + compressor.flush(library.Z_FULL_FLUSH)
    return packed
