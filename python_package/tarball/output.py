"""The tarball being written: gzip members one after the other, then the manifest in the place kept before them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from io import FileIO

from python_package.tarball.manifest import MAX_CHUNKS, MEMBER_SIZE
from python_package.tarball.pipeline import Member
from python_package.tarball.store import Entry

# What a worker's creating one more file costs, in bytes that it could have written instead.
_ENTRY_COST = 16 << 10

# The kernel's ways to say that it cannot copy between these two files.
_CANNOT_COPY = frozenset({errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})
_COPY_SIZE = 1 << 20


class Output:
    """An unbuffered file, filled from behind the manifest's place."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._file.seek(MEMBER_SIZE)
        self._members: list[Member] = []

    @property
    def size(self) -> int:
        """Return the bytes of the tarball, the manifest's included."""
        return MEMBER_SIZE + sum(member.length for member in self._members)

    def write(self, member: Member, data: bytes | bytearray) -> None:
        """Add a member."""
        _write(self._file, data)
        self._members.append(member)

    def copy(self, entry: Entry, members: Iterable[Member]) -> None:
        """Add the members that a cache entry holds, and close it."""
        with entry.file:
            _copy(entry.file.fileno(), self._file, entry.length)
        self._members += members

    def chunks(self) -> tuple[tuple[int, int], ...]:
        """Return (offset, length) of the parts for a parallel unpack, of about the same work each."""
        return split(self._members)

    def finish(self, manifest: bytes) -> None:
        """Write the manifest's member."""
        self._file.seek(0)
        _write(self._file, manifest)


def split(members: Sequence[Member]) -> tuple[tuple[int, int], ...]:
    """Group members into at most MAX_CHUNKS runs that end where an entry ends."""
    share = sum(map(_cost, members)) / MAX_CHUNKS
    chunks: list[tuple[int, int]] = []
    start = end = MEMBER_SIZE
    cost = 0
    for number, member in enumerate(members, 1):
        end += member.length
        cost += _cost(member)
        # A chunk takes its share or more, so there are never more than MAX_CHUNKS, a last small one included.
        if number == len(members) or (member.whole and cost >= share):
            chunks.append((start, end - start))
            start, cost = end, 0
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
