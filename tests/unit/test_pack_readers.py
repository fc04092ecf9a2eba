"""Whoever reads a .tar.gz gets all of it. integration/test_readers.py has the readers that need packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from hashlib import sha256
from pathlib import Path

import pytest
import pythons
from tarball_environment import Workshop

from python_package import pack

# Of each entry its name, kind, x bits, and where it leads or the hash of what it holds.
LIST = """
import hashlib, json, sys, tarfile
found = []
with tarfile.open(sys.argv[1], sys.argv[2]) as archive:
    for entry in archive:
        file = archive.extractfile(entry) if entry.isreg() else None
        content = hashlib.sha256(file.read()).hexdigest() if file else entry.linkname
        found.append([entry.name, entry.type.decode(), entry.mode, content])
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def packed(workshop: Workshop) -> Path:
    """The tarball of an environment, in several chunks."""
    prefix = workshop.environment(workshop.folder / "readable", "idna", wheels=[workshop.wheel()])
    output = workshop.folder / "readable.tar.gz"
    assert len(pack.pack(prefix, output, cache=workshop.layers).chunks) > 3
    return output


@pytest.fixture(scope="module")
def raw(packed: Path) -> bytes:
    """The tar archive, by zlib, which stops where the first gzip member ends: nothing is behind that."""
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    found = inflate.decompress(packed.read_bytes())
    assert inflate.eof
    assert not inflate.unused_data
    return found


@pytest.fixture(scope="module")
def entries(raw: bytes, workshop: Workshop) -> list[list[object]]:
    """What LIST finds in the tar archive itself."""
    (workshop.folder / "readable.tar").write_bytes(raw)
    found = _list(Path(sys.executable), workshop.folder / "readable.tar", "r:")
    assert len(found) > 1000
    return found


def _list(python: Path, archive: Path, mode: str) -> list[list[object]]:
    done = subprocess.run([python, "-c", LIST, archive, mode], capture_output=True, check=True, timeout=60)
    found: list[list[object]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "command", [["gzip", "-dc"], ["busybox", "gunzip", "-c"], ["rapidgzip", "-d", "-c", "-P", "2"]]
)
def test_pack__programs_that_decompress__print_every_byte(command: list[str], packed: Path, raw: bytes) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run([*command, packed], capture_output=True, check=True, timeout=60, env={"PATH": path})
    assert (done.stdout == raw, done.stderr) == (True, b"")


def test_pack__by_gzip__is_sound(packed: Path) -> None:
    assert subprocess.run(["gzip", "-tv", packed], capture_output=True, check=True).stderr.endswith(b"\t OK\n")


@pytest.mark.parametrize("tar", [["tar"], ["busybox", "tar"]])
def test_pack__by_gnu_tar_and_busybox__every_file_is_there(
    tar: list[str], packed: Path, entries: list[list[object]], tmp_path: Path
) -> None:
    listed = subprocess.run([*tar, "tzf", packed], check=True, capture_output=True, text=True)
    assert (listed.stdout.splitlines(), listed.stderr) == ([entry[0] for entry in entries], "")
    subprocess.run([*tar, "xzf", packed, "-C", tmp_path], check=True)
    for name, kind, mode, content in entries:
        path = tmp_path / str(name)
        if kind == "0":
            assert sha256(path.read_bytes()).hexdigest() == content
            assert bool(path.stat().st_mode & 0o100) == bool(int(str(mode)) & 0o100)
        elif kind == "2":
            assert str(path.readlink()) == content


@pytest.mark.parametrize("mode", ["r:gz", "r|gz"])
@pytest.mark.parametrize("version", [(3, 9), (3, 13)])
def test_pack__by_pythons_tarfile__every_entry_is_there(
    version: tuple[int, int], mode: str, packed: Path, entries: list[list[object]]
) -> None:
    python = pythons.installed().get(version, pythons.system())
    assert _list(python, packed, mode) == entries
