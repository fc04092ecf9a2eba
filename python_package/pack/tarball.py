"""The tarball being written: pieces one after the other, then the manifest in the place kept before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from zlib_ng import zlib_ng

from python_package import __version__
from python_package.files import disk
from python_package.pack.archive import DISK_BLOCK, END, Piece
from python_package.pack.compression import DeflatedPiece, compress
from python_package.pack.contents import Contents
from python_package.pack.layer import PackedLayer, relocated
from python_package.pack.layer_cache import CachedLayer
from python_package.pack.layer_keys import combine
from python_package.pack.manifest import HEAD_SIZE, MAX_CHUNKS, TAIL_SIZE, Chunk, Manifest
from python_package.pack.needs import of_environment

# What a worker's creating one more file costs, in bytes that it could have written instead.
_ENTRY_COST = 16 << 10

# Told of (bytes done, bytes in all).
Progress = Callable[[int, int], None]


@dataclass
class Tarball:
    """A file, filled from behind the manifest's place.

    `progress` is told of the bytes done and of those in all, `total`, which records of installation give: headers and
    compiled files are not in it.
    """

    file: BinaryIO
    total: int
    progress: Progress
    _done: int = 0
    layers: list[PackedLayer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file.seek(HEAD_SIZE)

    def write(self, data: bytes) -> None:
        """Add a piece."""
        self.file.write(data)

    def complete(self, layer: PackedLayer) -> None:
        """Say that all pieces of a layer are written."""
        self.layers.append(layer)

    def copy(self, cached: CachedLayer, layer: PackedLayer) -> None:
        """Add a layer from the cache."""
        with cached.path.open("rb") as file:
            disk.copy(file, self.file, 0, cached.length)
        self.advance(sum(piece.raw for piece in layer.pieces))
        self.complete(layer)

    def finish(self, contents: Contents, *, unchecked: bool = False) -> Manifest:
        """Write the end of the archive, and its manifest; `unchecked` says that no import was tried."""
        self.advance(self.total)
        end = Piece()
        end.data += END
        compressed = compress(end)
        self.write(compressed.data)
        needs = of_environment(contents, [layer.facts.needs for layer in self.layers])
        manifest = Manifest(
            id=content_id(self.layers),
            subdir=contents.subdir,
            glibc=".".join(map(str, needs.glibc)) or "none",
            python=contents.version,
            size=DISK_BLOCK + sum(layer.disk for layer in self.layers),
            files=1 + sum(layer.files for layer in self.layers),
            archive=self.file.tell() + TAIL_SIZE,
            chunks=split([*(piece for layer in self.layers for piece in layer.pieces), compressed.piece]),
            relocated=len(relocated(layer.facts for layer in self.layers)),
            created_by=f"python_package_create {__version__}",
            glibc_of=needs.glibc_of,
            microarchitecture=tuple(needs.microarchitecture),
            libraries=tuple(needs.libraries),
            unchecked=unchecked,
            slim=contents.slim,
        )
        self.write(manifest.tail())
        self.file.seek(0)
        self.write(manifest.head())
        return manifest

    def advance(self, size: int) -> None:
        """Tell that so many more bytes are done."""
        self._done = min(self._done + size, self.total)
        self.progress(self._done, self.total)


def content_id(layers: Sequence[PackedLayer]) -> str:
    """Return what identifies the content of a tarball with these layers, the environment's own the last."""
    return combine(*(layer.digest for layer in layers))[:20]


def split(pieces: Sequence[DeflatedPiece]) -> tuple[Chunk, ...]:
    """Group pieces into at most MAX_CHUNKS runs that end where an entry ends."""
    share = sum(map(_cost, pieces)) / MAX_CHUNKS
    chunks: list[Chunk] = []
    start = HEAD_SIZE
    run: list[DeflatedPiece] = []
    for number, piece in enumerate(pieces, 1):
        run.append(piece)
        # A chunk takes its share or more, so there are never more than MAX_CHUNKS, a last small one included.
        if number == len(pieces) or (piece.whole and sum(map(_cost, run)) >= share):
            chunks.append(_join(start, run))
            start += chunks[-1].length
            run = []
    return tuple(chunks)


def _join(start: int, pieces: Sequence[DeflatedPiece]) -> Chunk:
    crc = 0
    for piece in pieces:
        crc = zlib_ng.crc32_combine(crc, piece.crc, piece.raw)
    return Chunk(
        start,
        length=sum(piece.length for piece in pieces),
        entries=sum(piece.entries for piece in pieces),
        raw=sum(piece.raw for piece in pieces),
        crc=crc,
    )


def _cost(piece: DeflatedPiece) -> int:
    return piece.raw + piece.entries * _ENTRY_COST
