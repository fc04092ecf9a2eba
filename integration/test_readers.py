"""Whoever reads a .tar.gz gets all of it. tests/unit/test_pack_readers.py has the readers that need no packages."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from integration import images
from integration.docker import Container
from integration.machines import Environment

_HERE = Path(__file__).parent / "readers"

# Unpack by GNU tar and by another way, which leaves its files in the folder that is $1, and compare.
_COMPARE = """
mkdir -p /tmp/expected "$1"
tar xzf /job.tar.gz -C /tmp/expected
{way}
diff -r --no-dereference /tmp/expected "$1"
find "$1" ! -type d | wc -l
"""


@pytest.fixture(scope="module")
def machine(small: Environment) -> Iterator[Container]:
    """A machine with the tarball as /job.tar.gz, and without a network."""
    mounts = ("--volume", f"{small.tarball}:/job.tar.gz:ro", "--volume", f"{_HERE}:/readers:ro")
    started = Container.start("readers", images.readers(), ("--network", "none", *mounts))
    try:
        yield started
    finally:
        started.remove()


@pytest.fixture(scope="module")
def raw(small: Environment) -> bytes:
    """The tar archive, as Python's gzip reads it."""
    return gzip.decompress(small.tarball.read_bytes())


@pytest.mark.parametrize(
    ("command", "times"),
    [
        ("pigz -dc /job.tar.gz | sha256sum | cut -d ' ' -f 1", 1),
        ("node /readers/readers.js /job.tar.gz", 2),
        ("java -cp /usr/share/java/commons-compress.jar /readers/Readers.java /job.tar.gz | head -n 2", 2),
    ],
    ids=["pigz", "node", "java"],
)
def test_tarball__programs_that_decompress__get_every_byte(
    machine: Container, raw: bytes, command: str, times: int
) -> None:
    done = machine.exec("sh", "-c", command).ok()
    assert done.out.split() == [hashlib.sha256(raw).hexdigest()] * times


def test_tarball__by_commons_compress__has_every_entry(machine: Container, raw: bytes) -> None:
    command = "java -cp /usr/share/java/commons-compress.jar /readers/Readers.java /job.tar.gz"
    with tarfile.open(fileobj=BytesIO(raw)) as archive:
        expected = len(archive.getnames())
    assert machine.exec("sh", "-c", command).ok().out.split()[-1] == str(expected)


@pytest.mark.parametrize(
    "way",
    [
        'bsdtar -xf /job.tar.gz -C "$1"',
        'tar2sqfs -q "$1.sqfs" </job.tar.gz && rdsquashfs -q -u / -p "$1" "$1.sqfs"',
    ],
    ids=["bsdtar", "tar2sqfs"],
)
def test_tarball__by_others_that_unpack__has_every_file(machine: Container, raw: bytes, way: str) -> None:
    name = way.split()[0]
    done = machine.exec("sh", "-euc", _COMPARE.format(way=way), "sh", f"/tmp/{name}").ok()
    with tarfile.open(fileobj=BytesIO(raw)) as archive:
        expected = sum(not entry.isdir() for entry in archive)
    assert done.out.split() == [str(expected)]
