"""What is in a packed layer: read from its compressed bytes once, and kept in the cache of layers."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tarfile import BLOCKSIZE, DIRTYPE, GNUTYPE_LONGLINK, GNUTYPE_LONGNAME, REGTYPE, SYMTYPE
from typing import IO, Any, BinaryIO, NamedTuple, cast

from isal import isal_zlib

from python_package.errors import PackError
from python_package.pack.layer import PackedLayer
from python_package.pack.layer_cache import LayerCache
from python_package.pack.layer_keys import combine
from python_package.pack.manifest import HEAD_SIZE, TAIL_SIZE, Manifest

_BLOCK = 1 << 20

# Its stubs do not say what it is.
_ISAL_ERROR = cast("type[Exception]", isal_zlib.error)

_KINDS = {REGTYPE: "file", SYMTYPE: "link", DIRTYPE: "folder"}


class Entry(NamedTuple):
    """A file, an "executable", a "link" or a "folder"; `digest` is the sha256 of its content, or of where it leads."""

    path: str
    kind: str
    digest: str


@dataclass(frozen=True)
class Section:
    """Compressed bytes of a tarball that hold so many whole entries."""

    file: Path
    offset: int
    length: int
    entries: int

    def members(self) -> Iterator[tuple[tarfile.TarInfo, Iterator[bytes]]]:
        """Yield each entry with its content, which must be taken before the next one; raise PackError if damaged."""
        if not self.length:
            return
        number = 0
        try:
            with (
                self.file.open("rb") as file,
                tarfile.open(
                    fileobj=cast(BinaryIO, _Inflated(file, self.offset, self.length)),
                    mode="r|",
                    bufsize=_BLOCK,
                    encoding="utf-8",
                    errors="surrogateescape",
                ) as archive,
            ):
                for number, member in enumerate(archive, 1):  # noqa: B007  # how many there were
                    yield member, _blocks(archive.extractfile(member) if member.isreg() else None)
        except (OSError, tarfile.TarError, _ISAL_ERROR) as error:
            raise PackError(f"cannot read {self.file}: {error}") from None
        if number != self.entries:  # tarfile takes what is no header for the end
            raise PackError(f"cannot read {self.file}: it is damaged: {number} files in place of {self.entries}")


def _blocks(content: IO[bytes] | None) -> Iterator[bytes]:
    while content and (data := content.read(_BLOCK)):
        yield data


@dataclass
class _Inflated:
    """What comes out of a part of a file."""

    file: BinaryIO
    offset: int
    length: int
    _rest: bytes = b""
    _inflate: Any = field(default_factory=lambda: isal_zlib.decompressobj(wbits=-isal_zlib.MAX_WBITS))

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer at the end."""
        parts = [self._rest]
        held = len(self._rest)
        while held < size and self.length:
            data = os.pread(self.file.fileno(), min(_BLOCK, self.length), self.offset)
            if not data:
                raise tarfile.ReadError("it became shorter while it was read")
            self.offset, self.length = self.offset + len(data), self.length - len(data)
            parts.append(self._inflate.decompress(data))
            held += len(parts[-1])
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]


def sections(tarball: Path, manifest: Manifest, cache: LayerCache) -> Iterator[tuple[str, Section]]:
    """Yield the layers of a tarball, each with what identifies its content: it is one where the cache knows no more."""
    known = cache.find(combine("layers", manifest.id))
    whole = [manifest.id, manifest.archive - TAIL_SIZE - HEAD_SIZE, manifest.files - 1]
    layers: list[Any] = known.summary if known else [whole]
    offset = HEAD_SIZE
    for digest, length, number in layers:
        yield digest, Section(tarball, offset, length, number)
        offset += length


def keep(cache: LayerCache, digest: str, file: BinaryIO, found: Sequence[Entry]) -> None:
    """Have the cache know the entries of a layer with that digest; `file` is any that is open."""
    cache.keep(combine("entries", digest), file, 0, 0, found)


def keep_layers(cache: LayerCache, identity: str, file: BinaryIO, layers: Sequence[PackedLayer]) -> None:
    """Have the cache know the layers of the tarball with that content id; `file` is any that is open."""
    if not cache.find(key := combine("layers", identity)):
        lengths = [sum(piece.length for piece in layer.pieces) for layer in layers]
        summary = [(layer.digest, length, layer.files) for layer, length in zip(layers, lengths, strict=True)]
        cache.keep(key, file, 0, 0, summary)


def of_section(section: Section, digest: str, cache: LayerCache) -> list[Entry]:
    """Return the entries of a layer, which are read where the cache does not know them."""
    if known := cache.find(combine("entries", digest)):
        return [Entry(*entry) for entry in known.summary]
    found = []
    for member, content in section.members():
        read = hashlib.sha256(member.linkname.encode("utf-8", "surrogateescape"))
        for data in content:
            read.update(data)
        kind = "executable" if member.isreg() and member.mode & stat.S_IXUSR else _KINDS[member.type]
        found.append(Entry(member.name, kind, read.hexdigest()))
    with section.file.open("rb") as file:
        keep(cache, digest, file, found)
    return found


def of_identity(identity: bytes) -> list[Entry]:
    """Return the entries of a layer from what its digest is of: their headers, and behind those of files a sha256."""
    found = []
    long: dict[bytes, bytes] = {}
    place = 0
    while place < len(identity):
        head = identity[place : place + BLOCKSIZE]
        place += BLOCKSIZE
        kind = head[156:157]
        if kind in (GNUTYPE_LONGNAME, GNUTYPE_LONGLINK):
            size = int(head[124:136].rstrip(b"\0 "), 8)
            long[kind] = identity[place : place + size].rstrip(b"\0")
            place += -(-size // BLOCKSIZE) * BLOCKSIZE
            continue
        name = long.pop(GNUTYPE_LONGNAME, head[:100].rstrip(b"\0")).decode("utf-8", "surrogateescape")
        if kind == REGTYPE:
            executable = int(head[100:108].rstrip(b"\0 "), 8) & stat.S_IXUSR
            found.append(Entry(name, "executable" if executable else "file", identity[place : place + 32].hex()))
            place += 32
        else:
            leads_to = long.pop(GNUTYPE_LONGLINK, head[157:257].rstrip(b"\0"))
            found.append(Entry(name.rstrip("/"), _KINDS[kind], hashlib.sha256(leads_to).hexdigest()))
    return found
