"""The tarball's first gzip member: a stored text that says what the archive holds and where its parts begin."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import deflate

from python_package.errors import PackError
from python_package.pack.archive import header

NAME = "conda-meta/python-package-manifest"
HEADING = "#python-package-manifest 1"

# The fields that every manifest has.
_TEXTS = ("id", "subdir", "glibc", "python")
_NUMBERS = ("size", "files", "archive")

# A chunk is what one stream of a parallel unpack takes; more would not help, and the manifest stays one page.
MAX_CHUNKS = 60

# The text is padded to this many bytes, so that the chunks' offsets are known before their number is.
_TEXT_SIZE = 4096

# The tar bytes in the member, one entry's.
ENTRY_SIZE = tarfile.BLOCKSIZE + _TEXT_SIZE
# The header of gzip and of one stored block come before them (RFC 1952, 1951), the CRC and the length behind.
_BEFORE = 10 + 5
MEMBER_SIZE = _BEFORE + ENTRY_SIZE + 8


class Chunk(NamedTuple):
    """A run of whole gzip members that holds whole tar entries: its place in the archive, and what comes out of it.

    `entries` and `raw`, which counts tar bytes, are what a worker compares with what it unpacked, because gzip may
    stop at a damaged place and say nothing. The first chunk's hold the manifest's own. 0 in tarballs of old.
    """

    offset: int
    length: int
    entries: int = 0
    raw: int = 0


@dataclass(frozen=True)
class Manifest:
    """What a worker must know before it unpacks; sizes are bytes, `glibc` and `python` may be "none".

    `created_by` is the command that made the tarball and its version, empty in tarballs of version 1. `relocated`
    counts the files that hold the prefix: only python_package_run or conda-unpack makes them right.

    `chunks` are contiguous, in order, from the end of the first member to the end of the archive.
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

    def to_text(self) -> str:
        """Return the text form: a blank line, the heading, one `key value` a line, `end`."""
        lines = ["", HEADING, *(f"{key} {getattr(self, key)}" for key in (*_TEXTS, *_NUMBERS))]
        if self.created_by:
            lines += [f"created-by {self.created_by}", f"relocated {self.relocated}"]
        for chunk in self.chunks:
            lines.append(f"chunk {chunk.offset} {chunk.length}")
            # A line of its own: wrappers of old know of two numbers, and pass over lines that they do not know.
            if chunk.entries:
                lines.append(f"holds {chunk.entries} {chunk.raw}")
        return "\n".join([*lines, "end", ""])

    @classmethod
    def parse(cls, text: str) -> Manifest:
        """Parse the text form, padding included; raises ValueError for anything else."""
        lines = text.strip("\n").split("\n")
        if lines[0] != HEADING or lines[-1] != "end":
            raise ValueError("not a manifest of version 1")
        fields: dict[str, str] = {}
        chunks: list[Chunk] = []
        for line in lines[1:-1]:
            key, _, value = line.partition(" ")
            if key == "chunk":
                offset, length = value.split(" ")
                chunks.append(Chunk(int(offset), int(length)))
            elif key == "holds" and chunks:
                entries, raw = value.split(" ")
                chunks[-1] = chunks[-1]._replace(entries=int(entries), raw=int(raw))
            else:
                fields[key] = value
        try:
            known: dict[str, Any] = {key: fields[key] for key in _TEXTS}
            known.update((key, int(fields[key])) for key in _NUMBERS)
        except KeyError as error:
            raise ValueError(f"the manifest has no {error.args[0]}") from None
        known.update(created_by=fields.get("created-by", ""), relocated=int(fields.get("relocated", 0)))
        return cls(**known, chunks=tuple(chunks))

    def to_member(self) -> bytes:
        """Return the archive's first gzip member, MEMBER_SIZE bytes long."""
        text = self.to_text().encode("ascii")
        if len(text) > _TEXT_SIZE:
            raise ValueError(f"the manifest has {len(text)} bytes; {_TEXT_SIZE} is the most")
        return bytes(deflate.gzip_compress(header(NAME, _TEXT_SIZE) + text.ljust(_TEXT_SIZE, b"\n"), 0))


def read(archive: Path) -> Manifest:
    """Read the manifest of a tarball without decompressing it.

    Raises PackError when there is none, as in a tarball of plain conda-pack.
    """
    try:
        with archive.open("rb") as file:
            member = file.read(MEMBER_SIZE)
        start = _BEFORE + tarfile.BLOCKSIZE
        return Manifest.parse(member[start : start + _TEXT_SIZE].decode("ascii"))
    except (OSError, ValueError) as error:
        raise PackError(f"{archive}: no manifest of python_package_create in it: {error}") from None
