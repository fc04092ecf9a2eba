"""What is read of one input at most: what the user names may be a device without an end, a silent pipe, or a trap.

Each bound is a round number well above the largest real input that we know, and low enough that the worst input of
that size takes seconds and hundreds of megabytes, not minutes and gigabytes.
"""

from __future__ import annotations

import os
import stat

from python_package.errors import BoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

# Bytes of a script, a module or a notebook. Code hosts take files up to 100 MB; notebooks carry their pictures.
SCRIPT = 100 << 20
# Bytes of Python that are parsed, at up to 900 bytes of memory each. Of a larger file, only what imports is parsed.
PARSED = 2 << 20
# Bytes of Python of another version, which are parsed at about 50 kB/s where they are odd.
TOLERATED = 512 << 10
# Characters of an imported name, dots included; the longest that we know has 100.
NAME = 1_000
# Imported names of one file, each of which is looked up; the file with most that we know has 1,300.
IMPORTS = 20_000
# Bytes of a file that create reads. A lock of 5,000 packages has 5 MB, requirements with all their hashes 1 MB.
DOCUMENT = 16 << 20
# Seconds that a pipe may say nothing: what feeds it may have to start first, but not to compute for minutes.
SILENCE = 60.0

_CHUNK = 1 << 16


def read(path: str | os.PathLike[str], name: str, most: int) -> bytes:
    """Return a file's bytes; messages call it `name`.

    Raises OSError for one that cannot be read, BoundError for one of more than `most` bytes and for a pipe that says
    nothing for SILENCE.
    """
    # Without O_NONBLOCK, to open a pipe waits for its writer for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if status.st_size > most:
            raise _too_large(name, most)
        waits = not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode)
        chunks, size = [], 0
        while piece := _piece(descriptor, name, max(_CHUNK, status.st_size + 1), waits):
            chunks.append(piece)
            size += len(piece)
            if size > most:
                raise _too_large(name, most)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def read_stream(stream: BinaryIO, name: str, most: int) -> bytes:
    """Return what standard input has, for which there is no hurry; raise BoundError for more than `most` bytes."""
    data = stream.read(most + 1)
    if len(data) > most:
        raise _too_large(name, most)
    return data


def _piece(descriptor: int, name: str, size: int, waits: bool) -> bytes:
    while True:
        if waits and not os.isatty(descriptor):
            import select

            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(SILENCE * 1000):
                raise BoundError(f"{name}: a pipe that says nothing for {SILENCE:.0f} s; name a file, or what feeds it")
        try:
            return os.read(descriptor, size)
        except BlockingIOError:  # somebody else has read it meanwhile, or the terminal has no line yet
            os.set_blocking(descriptor, True)


def _too_large(name: str, most: int) -> BoundError:
    return BoundError(f"{name}: more than the {most >> 20} MiB that are read of such a file; is it the right one?")
