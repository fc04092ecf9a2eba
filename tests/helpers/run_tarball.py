"""Small environments for the wrapper's tests, packed in the format that `python_package.pack` writes.

Their `bin/python` is a shell script, so that a test costs milliseconds.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

MANIFEST = "conda-meta/python-package-manifest"
PYTHON = '#!/bin/sh\n[ "$1" != -Es ] || shift\nexec /bin/sh "$@"\n'
# Where it ran is what relocation means here; how often is what the tests count.
UNPACK = '#!/bin/sh\nprefix=${0%/bin/conda-unpack}\necho "$prefix" >>"$prefix/relocated"\n'


@dataclass(frozen=True)
class Entry:
    """One member of the archive: a file unless `kind` says otherwise; the content of a link is where it leads."""

    name: str
    content: bytes = b""
    mode: int = 0o755
    kind: bytes = tarfile.REGTYPE


@dataclass(frozen=True)
class Environment:
    """What a tarball holds: its entries, in chunks, and what its manifest says; of old it did not count them."""

    chunks: tuple[tuple[Entry, ...], ...]
    facts: dict[str, str] = field(default_factory=dict)
    counted: bool = True

    def having(self, *entries: Entry) -> Environment:
        """Return this environment with one more chunk."""
        return replace(self, chunks=(*self.chunks, entries))

    def stating(self, **facts: str) -> Environment:
        """Return this environment with these lines in its manifest."""
        return replace(self, facts={**self.facts, **facts})


def environment(unpack: str = UNPACK, python: str = PYTHON) -> Environment:
    """Return the smallest environment that works, in three chunks."""
    return Environment(
        (
            (Entry("bin/python", python.encode()), Entry("bin/conda-unpack", unpack.encode())),
            (Entry("bin/greet", b"#!/bin/sh\necho hello from the environment\n"),),
            (Entry("lib/data", b"x" * 4096, 0o644), Entry("etc/note", b"note\n", 0o644)),
        )
    )


def pack(path: Path, env: Environment) -> Path:
    """Write a tarball with a manifest."""
    chunks = [gzip.compress(_entries(entries), mtime=0) for entries in env.chunks]
    chunks[-1] += gzip.compress(bytes(1024), mtime=0)
    facts = {
        "id": hashlib.sha256(b"".join(chunks)).hexdigest()[:20],
        "glibc": "none",
        "python": "3.11.7",
        "size": str(sum(len(entry.content) for chunk in env.chunks for entry in chunk)),
        "files": str(sum(map(len, env.chunks))),
        **env.facts,
    }
    # The manifest holds offsets that depend on its own length: write it until it no longer moves.
    first = b""
    while True:
        offset, lines = len(first), []
        for number, (chunk, entries) in enumerate(zip(chunks, env.chunks, strict=True)):
            lines.append(f"chunk {offset} {len(chunk)}")
            if env.counted:
                own = _plain(first) if number == 0 else b""
                lines.append(f"holds {len(entries) + (not number)} {len(own) + len(gzip.decompress(chunk))}")
            offset += len(chunk)
        head = [
            f"{key} {value}" for key, value in ({**facts, "archive": env.facts.get("archive", str(offset))}).items()
        ]
        text = "\n".join(["", "#python-package-manifest 1", *head, *lines, "end", ""])
        written = _stored(_entries((Entry(MANIFEST, text.encode(), 0o644),)))
        if len(written) == len(first):
            path.write_bytes(written + b"".join(chunks))
            return path
        first = written


def pack_plainly(path: Path, env: Environment) -> Path:
    """Write a tarball as other programs do: one gzip member, no manifest."""
    data = b"".join(map(_entries, env.chunks)) + bytes(1024)
    path.write_bytes(gzip.compress(data, mtime=0))
    return path


def chunk_offsets(path: Path) -> list[tuple[int, int]]:
    """Return (offset, length) of each chunk, as the manifest tells."""
    lines = path.read_bytes()[:4096].split(b"\nend\n")[0].split(b"\n")
    chunks = [line.split()[1:] for line in lines if line.startswith(b"chunk ")]
    return [(int(offset), int(length)) for offset, length in chunks]


def _plain(member: bytes) -> bytes:
    return gzip.decompress(member) if member else b""


def _entries(entries: tuple[Entry, ...]) -> bytes:
    """Return tar entries without the blocks that end an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.mode, info.type, info.mtime = entry.mode, entry.kind, 1_000_000_000
            if entry.kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = entry.content.decode()
            else:
                info.size = len(entry.content)
            archive.addfile(info, io.BytesIO(entry.content))
        end = archive.offset
    return buffer.getvalue()[:end]


def _stored(data: bytes) -> bytes:
    """Return one gzip member that holds the data in a single stored block."""
    block = b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data
    return bytes.fromhex("1f8b08000000000000ff") + block + struct.pack("<II", zlib.crc32(data), len(data))
