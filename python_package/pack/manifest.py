"""The beginning and the end of the tarball: what gzip wants there, and a text that says what is between.

The tarball is one gzip member (RFC 1952). A stored block holds the manifest, so that it can be read as it stands. Then
come blocks of deflate that end with a byte where a chunk ends, and an empty last block.
"""

from __future__ import annotations

import re
import struct
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from zlib_ng import zlib_ng

from python_package.errors import PackError
from python_package.pack.archive import header

NAME = "conda-meta/python-package-manifest"
HEADING = "#python-package-manifest 2"

# The fields that every manifest has.
_TEXTS = ("id", "subdir", "glibc", "python")
_NUMBERS = ("size", "files", "archive")

# A chunk is what one stream of a parallel unpack takes; more would not help, and the manifest stays one page.
MAX_CHUNKS = 48

# Of the libraries that are named, and of a path of one: what the page has room for beside its chunks.
_MAX_LIBRARIES = 8
_MAX_PATH = 80

# The text is padded to this many bytes, so that the chunks' offsets are known before their number is.
_TEXT_SIZE = 4096

# The tar entry of the manifest is behind the header of a stored block, whose bits say that others follow (RFC 1951).
ENTRY_SIZE = tarfile.BLOCKSIZE + _TEXT_SIZE
_BLOCK = struct.pack("<BHH", 0, ENTRY_SIZE, ENTRY_SIZE ^ 0xFFFF)

# gzip's header: a comment, no time, an unknown system. The comment tells of the manifest's own chunk what the manifest
# tells of all others: it cannot hold the CRC of itself.
_GZIP = bytes.fromhex("1f8b08100000000000ff")
_START = 50
_COMMENT = "\nchunk {} {}\nholds 1 {} {:<10}\n\0"
HEAD_SIZE = _START + len(_BLOCK) + ENTRY_SIZE

# The end: an empty last block, the CRC of all, and their length modulo 2^32.
_LAST_BLOCK = b"\3\0"
TAIL_SIZE = len(_LAST_BLOCK) + 8


class Chunk(NamedTuple):
    """A run of deflate blocks that holds whole tar entries: its place in the archive, and what comes out of it.

    A worker gives it a header and a trailer of gzip, which then compares `raw`, the number of tar bytes, and their
    `crc` with what comes out. The worker itself compares `entries`, because tar may not notice that there are none.
    """

    offset: int
    length: int
    entries: int
    raw: int
    crc: int


@dataclass(frozen=True)
class Manifest:
    """What a worker must know before it unpacks; sizes are bytes, `glibc` and `python` may be "none".

    `created_by` is the command that made the tarball and its version, empty in tarballs of version 1. `relocated`
    counts the files that hold the prefix: only python_package_run or conda-unpack makes them right.

    `glibc_of` is the file that needs that glibc, "" where none was measured. `microarchitecture` is the processor that
    is needed, as archspec names it, and the package that declares so, or (). `libraries` are (name, a file that needs
    it) of those that only the machine can have. `unchecked` says that no import was tried. `slim` are the kinds of
    files that were left out.

    `chunks` are contiguous, in order, from HEAD_SIZE to TAIL_SIZE before the end of the archive.
    """

    id: str
    subdir: str
    glibc: str
    python: str
    size: int
    files: int
    archive: int
    chunks: tuple[Chunk, ...]
    created_by: str = ""
    relocated: int = 0
    glibc_of: str = ""
    microarchitecture: tuple[str, ...] = ()
    libraries: tuple[tuple[str, str], ...] = ()
    unchecked: bool = False
    slim: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Return the text form: a blank line, the heading, one `key value` a line, `end`."""
        lines = ["", HEADING, *(f"{key} {getattr(self, key)}" for key in (*_TEXTS, *_NUMBERS))]
        if self.created_by:
            lines += [f"created-by {self.created_by}", f"relocated {self.relocated}"]
        rest = []
        for chunk in self.chunks:
            rest.append(f"chunk {chunk.offset} {chunk.length}")
            rest.append(f"holds {chunk.entries} {chunk.raw} {chunk.crc}")
        rest += ["end", ""]
        for line in self._needs() if self.created_by else ():
            if len("\n".join([*lines, line, *rest])) <= _TEXT_SIZE:
                lines.append(line)
        return "\n".join([*lines, *rest])

    def _needs(self) -> Iterator[str]:
        """Yield what else a machine must have, the most important first: there may not be room for all."""
        if self.unchecked:
            yield "imports unchecked"
        if self.slim:
            yield f"slim {','.join(self.slim)}"
        if self.microarchitecture:
            yield "microarchitecture " + " ".join(map(_shown, self.microarchitecture))
        if self.glibc_of:
            yield f"glibc-of {_shown(self.glibc_of)}"
        named = [(name, path) for name, path in self.libraries if name == _shown(name) and " " not in name]
        yield from (f"library {name} {_shown(path)}" for name, path in named[:_MAX_LIBRARIES])

    @classmethod
    def parse(cls, text: str) -> Manifest:
        """Parse the text form, padding included; raises ValueError for anything else."""
        lines = text.strip("\n").split("\n")
        if lines[0] != HEADING or lines[-1] != "end":
            raise ValueError("not a manifest of version 2")
        fields: dict[str, str] = {}
        chunks: list[Chunk] = []
        libraries: list[tuple[str, str]] = []
        for line in lines[1:-1]:
            key, _, value = line.partition(" ")
            if key == "chunk":
                offset, length = value.split(" ")
                chunks.append(Chunk(int(offset), int(length), 0, 0, 0))
            elif key == "holds" and chunks:
                entries, raw, crc = value.split(" ")
                chunks[-1] = chunks[-1]._replace(entries=int(entries), raw=int(raw), crc=int(crc))
            elif key == "library":
                name, _, path = value.partition(" ")
                libraries.append((name, path))
            else:
                fields[key] = value
        try:
            known: dict[str, Any] = {key: fields[key] for key in _TEXTS}
            known.update((key, int(fields[key])) for key in _NUMBERS)
        except KeyError as error:
            raise ValueError(f"the manifest has no {error.args[0]}") from None
        known.update(created_by=fields.get("created-by", ""), relocated=int(fields.get("relocated", 0)))
        known.update(glibc_of=fields.get("glibc-of", ""), unchecked=fields.get("imports") == "unchecked")
        known.update(slim=tuple(filter(None, fields.get("slim", "").split(","))))
        known.update(microarchitecture=tuple(fields.get("microarchitecture", "").split()), libraries=tuple(libraries))
        return cls(**known, chunks=tuple(chunks))

    def head(self) -> bytes:
        """Return the archive's first HEAD_SIZE bytes: gzip's header and the manifest."""
        entry = self._entry()
        comment = _COMMENT.format(_START, len(_BLOCK) + ENTRY_SIZE, ENTRY_SIZE, zlib_ng.crc32(entry))
        return b"".join((_GZIP, comment.encode("ascii"), _BLOCK, entry))

    def tail(self) -> bytes:
        """Return the archive's last TAIL_SIZE bytes."""
        crc, size = zlib_ng.crc32(self._entry()), ENTRY_SIZE
        for chunk in self.chunks:
            crc = zlib_ng.crc32_combine(crc, chunk.crc, chunk.raw)
            size += chunk.raw
        return _LAST_BLOCK + struct.pack("<II", crc, size & 0xFFFFFFFF)

    def _entry(self) -> bytes:
        text = self.to_text().encode("ascii")
        if len(text) > _TEXT_SIZE:
            raise ValueError(f"the manifest has {len(text)} bytes; {_TEXT_SIZE} is the most")
        return header(NAME, _TEXT_SIZE) + text.ljust(_TEXT_SIZE, b"\n")


def _shown(text: str) -> str:
    """Return a path as the manifest may have it: only the end of a long one, of characters that a wrapper takes."""
    return re.sub(r"[^a-zA-Z0-9._+/:=,@ -]", "_", text if len(text) <= _MAX_PATH else f"...{text[3 - _MAX_PATH :]}")


def read(archive: Path) -> Manifest:
    """Read the manifest of a tarball without decompressing it.

    Raises PackError when there is none, as in a tarball of plain conda-pack.
    """
    try:
        with archive.open("rb") as file:
            head = file.read(HEAD_SIZE)
        return Manifest.parse(head[HEAD_SIZE - _TEXT_SIZE :].decode("ascii"))
    except (OSError, ValueError) as error:
        raise PackError(f"{archive}: no manifest of python_package_create in it: {error}") from None
