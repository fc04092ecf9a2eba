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

# By which a tar archive ends.
END = bytes(1024)
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
    """What a tarball holds: its entries, in chunks, and what its manifest says.

    In form 1 chunks are gzip members of their own; the first wrappers did not count what is in them.
    """

    chunks: tuple[tuple[Entry, ...], ...]
    facts: dict[str, str] = field(default_factory=dict)
    form: int = 2
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
    raw = [_entries(entries) for entries in env.chunks]
    if env.form == 2:
        raw[-1] += END
        chunks = [_deflate(data) for data in raw]
    else:
        chunks = [gzip.compress(data, mtime=0) for data in raw]
        chunks[-1] += gzip.compress(END, mtime=0)
        raw[-1] += END
    # The manifest holds offsets that depend on its own length: write it until it no longer moves.
    first, entry = b"", b""
    while True:
        text = _manifest(env, len(first), chunks, [entry, *raw])
        entry = _entries((Entry(MANIFEST, text.encode(), 0o644),))
        written = _head(entry) if env.form == 2 else _stored(entry)
        if len(written) == len(first):
            break
        first = written
    end = b"\3\0" + _trailer(b"".join((entry, *raw))) if env.form == 2 else b""
    path.write_bytes(written + b"".join(chunks) + end)
    return path


def _manifest(env: Environment, offset: int, chunks: list[bytes], raw: list[bytes]) -> str:
    """Return the text of a manifest; `raw` begins with its own entry, which the first chunk of form 1 counts."""
    facts = {
        "id": hashlib.sha256(b"".join(chunks)).hexdigest()[:20],
        "glibc": "none",
        "python": "3.11.7",
        "size": str(sum(len(entry.content) for chunk in env.chunks for entry in chunk)),
        "files": str(sum(map(len, env.chunks))),
        "archive": str(offset + sum(map(len, chunks)) + (10 if env.form == 2 else 0)),
        **env.facts,
    }
    lines = []
    own, *raw = raw
    for number, (chunk, entries, data) in enumerate(zip(chunks, env.chunks, raw, strict=True)):
        lines.append(f"chunk {offset} {len(chunk)}")
        if env.form == 2:
            lines.append(f"holds {len(entries)} {len(data)} {zlib.crc32(data)}")
        elif env.counted:
            lines.append(f"holds {len(entries) + (not number)} {len(data) + (0 if number else len(own))}")
        offset += len(chunk)
    head = [f"{key} {value}" for key, value in facts.items()]
    return "\n".join(["", f"#python-package-manifest {env.form}", *head, *lines, "end", ""])


def pack_plainly(path: Path, env: Environment) -> Path:
    """Write a tarball as other programs do: one gzip member, no manifest."""
    data = b"".join(map(_entries, env.chunks)) + END
    path.write_bytes(gzip.compress(data, mtime=0))
    return path


def chunk_offsets(path: Path) -> list[tuple[int, int]]:
    """Return (offset, length) of each chunk but the manifest's own, as the manifest tells."""
    lines = path.read_bytes()[:4096].split(b"\nend\n")[0].partition(b"\n#python-package-manifest")[2].split(b"\n")
    chunks = [line.split()[1:] for line in lines if line.startswith(b"chunk ")]
    return [(int(offset), int(length)) for offset, length in chunks]


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


def _deflate(data: bytes) -> bytes:
    """Return blocks of deflate that end with a byte, and of which none is the last."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)


def _head(entry: bytes) -> bytes:
    """Return a gzip header with a comment, which tells of the stored block with that entry, and the block."""
    offset = 10 + len(_comment(10, entry))
    comment = _comment(offset, entry)
    return bytes.fromhex("1f8b08100000000000ff") + comment + _block(entry, last=False)


def _comment(offset: int, entry: bytes) -> bytes:
    return f"\nchunk {offset} {len(entry) + 5}\nholds 1 {len(entry)} {zlib.crc32(entry):<10}\n\0".encode()


def _block(data: bytes, *, last: bool) -> bytes:
    return struct.pack("<BHH", last, len(data), len(data) ^ 0xFFFF) + data


def _trailer(data: bytes) -> bytes:
    return struct.pack("<II", zlib.crc32(data), len(data))


def _stored(data: bytes) -> bytes:
    """Return one gzip member that holds the data in a single stored block."""
    return bytes.fromhex("1f8b08000000000000ff") + _block(data, last=True) + _trailer(data)
