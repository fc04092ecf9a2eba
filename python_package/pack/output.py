"""The tarball being written: gzip members one after the other, then the manifest in the place kept before them."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from io import FileIO

from python_package import __version__
from python_package.pack import tar
from python_package.pack.archive import DISK_BLOCK, Piece
from python_package.pack.identity import combine
from python_package.pack.layer import Summary
from python_package.pack.manifest import ENTRY_SIZE, MAX_CHUNKS, MEMBER_SIZE, Chunk, Manifest
from python_package.pack.pipeline import Member, compress
from python_package.pack.store import Entry

# What a worker's creating one more file costs, in bytes that it could have written instead.
_ENTRY_COST = 16 << 10

# The kernel's ways to say that it cannot copy between these two files.
_CANNOT_COPY = frozenset({errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})
_COPY_SIZE = 1 << 20


class Output:
    """An unbuffered file, filled from behind the manifest's place; `progress` gets the raw bytes of each member."""

    def __init__(self, file: FileIO, progress: Callable[[int], None]) -> None:
        self._file = file
        self._file.seek(MEMBER_SIZE)
        self._progress = progress
        self._advised = MEMBER_SIZE
        self._members: list[Member] = []
        self._summaries: list[Summary] = []

    def write(self, member: Member, data: bytes | bytearray) -> None:
        """Add a member."""
        _write(self._file, data)
        self._add((member,))

    def complete(self, summary: Summary) -> None:
        """Say that all members of a layer are written."""
        self._summaries.append(summary)

    def copy(self, entry: Entry, summary: Summary) -> None:
        """Add a layer from the cache."""
        with entry.path.open("rb") as layer:
            _copy(layer.fileno(), self._file, entry.length)
        self._add(summary.members)
        self.complete(summary)

    def finish(self, *, version: str, subdir: str) -> Manifest:
        """Write the end of the archive, and the manifest of an environment with that python on that platform."""
        end = Piece()
        end.append(tar.END)
        compressed = compress(end)
        self.write(compressed.member, compressed.data)
        glibc = max((summary.filled.glibc for summary in self._summaries), default=())
        manifest = Manifest(
            id=content_id(self._summaries),
            subdir=subdir,
            glibc=".".join(map(str, glibc)) or "none",
            python=version,
            size=DISK_BLOCK + sum(summary.disk for summary in self._summaries),
            files=1 + sum(summary.files for summary in self._summaries),
            archive=self._file.tell(),
            chunks=split(self._members),
            created_by=f"python_package_create {__version__}",
        )
        self._file.seek(0)
        _write(self._file, manifest.to_member())
        return manifest

    def _add(self, members: Sequence[Member]) -> None:
        self._members += members
        # Have the kernel write to disk while we go on, so that fsync has little left to wait for.
        with contextlib.suppress(OSError):
            end = self._file.tell()
            os.posix_fadvise(self._file.fileno(), self._advised, end - self._advised, os.POSIX_FADV_DONTNEED)
            self._advised = end
        self._progress(sum(member.raw for member in members))


def content_id(summaries: Sequence[Summary]) -> str:
    """Return what identifies the content of a tarball with these layers, ours the last."""
    return combine(*(summary.digest for summary in summaries))[:20]


def split(members: Sequence[Member]) -> tuple[Chunk, ...]:
    """Group members into at most MAX_CHUNKS runs that end where an entry ends."""
    share = sum(map(_cost, members)) / MAX_CHUNKS
    chunks: list[Chunk] = []
    start = end = MEMBER_SIZE
    entries, raw, cost = 1, ENTRY_SIZE, 0  # the manifest's own
    for number, member in enumerate(members, 1):
        end += member.length
        entries += member.entries
        raw += member.raw
        cost += _cost(member)
        # A chunk takes its share or more, so there are never more than MAX_CHUNKS, a last small one included.
        if number == len(members) or (member.whole and cost >= share):
            chunks.append(Chunk(start, end - start, entries, raw))
            start, entries, raw, cost = end, 0, 0, 0
    return tuple(chunks)


def _cost(member: Member) -> int:
    return member.raw + member.entries * _ENTRY_COST


def _write(file: FileIO, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _copy(source: int, file: FileIO, length: int) -> None:
    """Append the first `length` bytes of `source`; within one file system the kernel may share the blocks."""
    done = 0
    while done < length:
        try:
            copied = os.copy_file_range(source, file.fileno(), length - done, done)
        except OSError as error:
            if error.errno not in _CANNOT_COPY:
                raise
            data = os.pread(source, min(length - done, _COPY_SIZE), done)
            _write(file, data)
            copied = len(data)
        if not copied:
            raise OSError(errno.EIO, "a file of the cache became shorter while it was copied")
        done += copied
