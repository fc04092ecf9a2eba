"""A difference: small, the same bytes from the same two tarballs, and only from one that a worker can begin from."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tarball_environment import Workshop

from python_package import pack
from python_package.errors import PackError, SpecError, SpecNotFoundError
from python_package.pack import entries
from python_package.pack.layer_cache import LayerCache

LONG = "long/" + "name-" * 40


@pytest.fixture(scope="module")
def tarballs(workshop: Workshop) -> tuple[Path, Path]:
    """Return two tarballs that differ by a distribution's version."""
    made = []
    for number in (0, 1):
        prefix = workshop.environment(
            workshop.folder / f"t{number}", "holder", wheels=[workshop.wheel("paints", version=f"1.{number}")]
        )
        (prefix / LONG).parent.mkdir()
        (prefix / LONG).write_text("long\n")
        (prefix / "odd-\udcff").write_text("odd\n")
        (prefix / "link").symlink_to("l/" * 80 + "end")
        (prefix / "empty").mkdir()
        made.append(workshop.folder / f"t{number}.tar.gz")
        pack.pack(prefix, made[-1], cache=workshop.layers)
    return made[0], made[1]


def difference(old: Path, prefix: Path, folder: Path, cache: Path) -> bytes:
    """Pack an environment and return what it has beside the old tarball."""
    with pack.Packer(prefix, cache=cache) as packer, (folder / "delta").open("w+b") as file:
        packer.pack(folder / "new.tar.gz")
        packer.write_difference(file, pack.read_base(old), folder / "new.tar.gz")
    return (folder / "delta").read_bytes()


def inside(delta: bytes) -> dict[str, bytes]:
    """Return the files that a difference holds."""
    raw = b""
    for offset, length in re.findall(rb"\nchunk (\d+) (\d+)", delta[:4663]):
        raw += zlib.decompressobj(-15).decompress(delta[int(offset) : int(offset) + int(length)])
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
        return {member.name: (archive.extractfile(member) or io.BytesIO()).read() for member in archive}


def test_write__whatever_the_cache_knows__has_the_same_bytes(
    workshop: Workshop, tarballs: tuple[Path, Path], tmp_path: Path
) -> None:
    first = difference(tarballs[0], workshop.folder / "t1", tmp_path, workshop.layers)
    again = difference(tarballs[0], workshop.folder / "t1", tmp_path, workshop.layers)
    unknown = difference(tarballs[0], workshop.folder / "t1", tmp_path, tmp_path / "empty cache")

    assert first == again == unknown
    assert (tmp_path / "new.tar.gz").read_bytes() == tarballs[1].read_bytes()


def test_write__another_version_of_a_distribution__holds_only_that(
    workshop: Workshop, tarballs: tuple[Path, Path], tmp_path: Path
) -> None:
    delta = difference(tarballs[0], workshop.folder / "t1", tmp_path, workshop.layers)
    files = inside(delta)
    taken = json.loads(files.pop(".python-package-difference/taken"))
    program = files.pop(".python-package-difference/complete")
    whole = {entry.path for _, layer in _layers(tarballs[1], workshop.layers) for entry in layer}

    compile(program, "complete", "exec")
    assert len(delta) < 60_000
    assert delta.startswith(f"\n#python-package-difference 2\nfrom {pack.read(tarballs[0]).id} t0.tar.gz\n".encode())
    assert {*taken["file"], *taken["executable"], *taken["link"]} | files.keys() == whole | {
        "conda-meta/python-package-manifest"
    }
    assert all("paints" in path or path.startswith("conda-meta/") or path == "empty" for path in files)
    assert LONG in taken["file"]
    assert "odd-\udcff" in taken["file"]
    assert taken["link"].count("link") == 1


def _layers(tarball: Path, cache: Path) -> list[tuple[str, list[entries.Entry]]]:
    known = LayerCache(cache)
    return [
        (digest, entries.of_section(section, digest, known))
        for digest, section in entries.sections(tarball, pack.read(tarball), known)
    ]


def test_of_identity__every_layer__is_what_reading_it_gives(
    tarballs: tuple[Path, Path], workshop: Workshop, tmp_path: Path
) -> None:
    noted = [entry for _, layer in _layers(tarballs[0], workshop.layers) for entry in layer]
    read = [entry for _, layer in _layers(tarballs[0], tmp_path / "empty cache") for entry in layer]

    assert len(noted) > 1000
    assert noted == read
    assert entries.Entry("odd-\udcff", "file", hashlib.sha256(b"odd\n").hexdigest()) in noted
    assert {entry.kind for entry in noted} == {"file", "executable", "link", "folder"}


def test_write__base_of_another_platform__is_refused(
    workshop: Workshop, tarballs: tuple[Path, Path], tmp_path: Path
) -> None:
    base = pack.read_base(tarballs[0])
    other = replace(base, manifest=replace(base.manifest, subdir="linux-aarch64"))
    with pack.Packer(workshop.folder / "t1", cache=workshop.layers) as packer, (tmp_path / "d").open("w+b") as file:
        packer.pack(tmp_path / "new.tar.gz")
        with pytest.raises(PackError, match="is for linux-aarch64, and the new environment for linux-64"):
            packer.write_difference(file, other, tmp_path / "new.tar.gz")


def test_write__base_damaged_within__is_refused(
    workshop: Workshop, tarballs: tuple[Path, Path], tmp_path: Path
) -> None:
    data = bytearray(tarballs[0].read_bytes())
    data[len(data) // 2 : len(data) // 2 + 5000] = bytes(5000)
    (tmp_path / "old.tar.gz").write_bytes(data)

    with pytest.raises(PackError, match=r"cannot read .*old\.tar\.gz"):
        difference(tmp_path / "old.tar.gz", workshop.folder / "t1", tmp_path, tmp_path / "empty cache")


SPOILED: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "cut": (lambda _, path: path.write_bytes(path.read_bytes()[:-1]), "is cut short or damaged"),
    "foreign": (lambda _, path: path.write_bytes(b"text"), "no manifest of python_package_create"),
    "difference": (lambda folder, path: shutil.copyfile(folder / "delta", path), "is a difference itself"),
    "python 2": (
        lambda _, path: path.write_bytes(re.sub(rb"\npython 3\.(\d)", rb"\npython 2.\1", path.read_bytes(), count=1)),
        "has no Python 3",
    ),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_read_base__no_base__says_why(
    workshop: Workshop, tarballs: tuple[Path, Path], tmp_path: Path, kind: str
) -> None:
    difference(tarballs[0], workshop.folder / "t1", tmp_path, workshop.layers)
    shutil.copyfile(tarballs[0], tmp_path / "old.tar.gz")
    spoil, message = SPOILED[kind]
    spoil(tmp_path, tmp_path / "old.tar.gz")

    with pytest.raises(SpecError, match=message):
        pack.read_base(tmp_path / "old.tar.gz")


def test_read_base__odd_name_or_none__says_so(tarballs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "my old.tar.gz").symlink_to(tarballs[0])

    with pytest.raises(SpecError, match="rename it"):
        pack.read_base(tmp_path / "my old.tar.gz")
    with pytest.raises(SpecNotFoundError, match="no such file"):
        pack.read_base(tmp_path / "none.tar.gz")
    with pytest.raises(SpecNotFoundError, match="no such file"):
        pack.read_base(tmp_path)
