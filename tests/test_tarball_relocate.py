"""A staged environment is rewritten so that its folder can be renamed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from tarball_environment import HELD, LIBRARY, Workshop

from python_package import tarball
from python_package.errors import PackError


@pytest.fixture
def staged(workshop: Workshop) -> Path:
    """A fresh environment at a staging path."""
    name = f".{len(list(workshop.folder.iterdir()))}.new"
    prefix = workshop.environment(workshop.folder / name, "holder", "idna", wheels=[workshop.wheel()])
    (prefix / "share/mine.cfg").write_text(f"here = {prefix}\n")
    return prefix


def holders(folder: Path, text: str) -> list[str]:
    """Return the files that hold a text, by grep."""
    found = subprocess.run(["grep", "-rlF", "--", text, folder], capture_output=True, text=True)
    return [os.path.relpath(line, folder) for line in found.stdout.splitlines()]


def test_relocate__a_staged_environment__mentions_only_its_new_place(staged: Path) -> None:
    target = staged.with_name(staged.name[1:-4])
    assert len(holders(staged, str(staged))) > 5
    modes = {path.name: path.stat().st_mode for path in (staged / "bin").iterdir() if path.exists()}
    tarball.relocate(staged, str(staged), str(target))
    assert holders(staged, str(staged)) == []
    assert {path.name: path.stat().st_mode for path in (staged / "bin").iterdir() if path.exists()} == modes
    staged.rename(target)
    run = subprocess.run([target / "bin/colours"], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("command of colours\n", "")
    assert (target / "share/mine.cfg").read_text() == f"here = {target}\n"
    room = len(HELD) - len(str(target))
    assert (target / "lib/libholder.so").read_bytes() == LIBRARY.replace(
        HELD.encode() + b"/lib:" + HELD.encode() + b"/lib64",
        bytes(target) + b"/lib:" + bytes(target) + b"/lib64" + bytes(2 * room),
    ).replace(HELD.encode(), bytes(target) + bytes(room))


def test_relocate__a_file_with_other_names__is_not_written_through_them(staged: Path, tmp_path: Path) -> None:
    for name in ("bin/colours", "lib/libholder.so", "conda-meta/holder-1.0-0.json"):
        (tmp_path / Path(name).name).hardlink_to(staged / name)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    tarball.relocate(staged, str(staged), str(staged)[:-4])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert (staged / "bin/colours").read_bytes() != before[tmp_path / "colours"]


def test_relocate__records__hold_the_hash_of_what_is_there(staged: Path) -> None:
    tarball.relocate(staged, str(staged), str(staged)[:-4])
    checked = 0
    for record in (staged / "conda-meta").glob("*.json"):
        for path in json.loads(record.read_bytes())["paths_data"]["paths"]:
            if "sha256_in_prefix" in path and path["path_type"] == "hardlink":
                content = (staged / path["_path"]).read_bytes()
                assert hashlib.sha256(content).hexdigest() == path["sha256_in_prefix"], path
                checked += 1
    assert checked >= 3


def test_relocate__packed_before_or_after__is_the_same_tarball(
    staged: Path, workshop: Workshop, tmp_path: Path
) -> None:
    before = tarball.pack(staged, tmp_path / "before.tar.gz", cache=workshop.layers)
    target = staged.with_name(staged.name[1:-4])
    tarball.relocate(staged, str(staged), str(target))
    after = tarball.pack(staged.rename(target), tmp_path / "after.tar.gz", cache=workshop.layers)
    assert after == before


def test_relocate__no_room_in_a_library__raises_before_anything_changes(staged: Path) -> None:
    before = {path: path.read_bytes() for path in (staged / "bin").iterdir() if path.is_file()}
    longer = str(staged) + "x"
    with pytest.raises(PackError, match=r"libholder\.so: no room for"):
        tarball.relocate(staged, str(staged), longer)
    assert {path: path.read_bytes() for path in (staged / "bin").iterdir() if path.is_file()} == before
    assert holders(staged, longer) == []


def test_relocate__to_where_it_is__does_nothing(staged: Path) -> None:
    before = {path: path.lstat().st_ino for path in staged.rglob("*")}
    tarball.relocate(staged, str(staged), str(staged))
    assert {path: path.lstat().st_ino for path in staged.rglob("*")} == before


def test_relocate__no_environment__raises(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="not a conda environment"):
        tarball.relocate(tmp_path, str(tmp_path), "/new")
