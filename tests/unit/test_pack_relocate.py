"""A staged environment is rewritten so that its folder can be renamed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from tarball_environment import HELD, LIBRARY, Workshop

from python_package import pack
from python_package.errors import PackError


@pytest.fixture
def staged(workshop: Workshop) -> Path:
    """A fresh environment at a staging path."""
    name = f".{len(list(workshop.folder.iterdir()))}.new"
    prefix = workshop.environment(workshop.folder / name, "holder", "idna", wheels=[workshop.wheel()])
    (prefix / "share/mine.cfg").write_text(f"here = {prefix}\n")
    return prefix


def relocate(prefix: Path, cache: Path, new: str) -> None:
    with pack.Packer(prefix, cache=cache) as packer:
        packer.relocate(new)


def holders(folder: Path, text: str) -> list[str]:
    """Return the files that hold a text, by grep."""
    found = subprocess.run(["grep", "-rlF", "--", text, folder], capture_output=True, text=True)
    return [os.path.relpath(line, folder) for line in found.stdout.splitlines()]


def test_relocate__a_staged_environment__mentions_only_its_new_place(staged: Path, workshop: Workshop) -> None:
    target = staged.with_name(staged.name[1:-4])
    assert len(holders(staged, str(staged))) > 5
    modes = {path.name: path.stat().st_mode for path in (staged / "bin").iterdir() if path.exists()}
    relocate(staged, workshop.layers, str(target))
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


def test_relocate__a_file_with_other_names__is_not_written_through_them(
    staged: Path, workshop: Workshop, tmp_path: Path
) -> None:
    for name in ("bin/colours", "lib/libholder.so", "conda-meta/holder-1.0-0.json"):
        (tmp_path / Path(name).name).hardlink_to(staged / name)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    relocate(staged, workshop.layers, str(staged)[:-4])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert (staged / "bin/colours").read_bytes() != before[tmp_path / "colours"]


def test_relocate__records__hold_the_hash_of_what_is_there(staged: Path, workshop: Workshop) -> None:
    relocate(staged, workshop.layers, str(staged)[:-4])
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
    before = pack.pack(staged, tmp_path / "before.tar.gz", cache=workshop.layers)
    target = staged.with_name(staged.name[1:-4])
    relocate(staged, workshop.layers, str(target))
    after = pack.pack(staged.rename(target), tmp_path / "after.tar.gz", cache=workshop.layers)
    assert after == before


def test_relocate__to_a_path_that_code_must_escape__leaves_code_that_compiles(staged: Path, workshop: Workshop) -> None:
    relocate(staged, workshop.layers, "/it's")
    spelled = [staged / name for name in holders(staged, "/it\\'s") if name.endswith(".py")]
    assert spelled
    for path in spelled:
        compile(path.read_bytes(), path.name, "exec")


def test_relocate__an_environment_known_whole__finds_the_same_files(staged: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    with pack.Packer(staged, cache=tmp_path / "layers") as first:
        first.pack(tmp_path / "first.tar.gz")
        subprocess.run(["cp", "-al", "--", staged, again], check=True)
        first.relocate("/new/place")
    known = holders(staged, "/new/place")
    subprocess.run(["rm", "-rf", "--", staged], check=True)
    again.rename(staged)
    with pack.Packer(staged, cache=tmp_path / "layers") as second:
        assert second.id == pack.read(tmp_path / "first.tar.gz").id
        second.relocate("/new/place")
    assert sorted(holders(staged, "/new/place")) == sorted(known)
    assert holders(staged, str(staged)) == []


def test_relocate__a_loose_file_that_changed__is_looked_at_anew(staged: Path, tmp_path: Path) -> None:
    mine = staged / "share/mine.cfg"
    mine.write_text("here = elsewhere\n")
    for text in ("here = elsewhere\n", f"here = {staged}\n"):
        mine.write_text(text)
        with pack.Packer(staged, cache=tmp_path / "layers") as packer:
            packer.pack(tmp_path / "out.tar.gz")
            subprocess.run(["cp", "-al", "--", staged, tmp_path / "kept"], check=True)
            packer.relocate("/new/place")
        moved = mine.read_text()
        subprocess.run(["rm", "-rf", "--", staged], check=True)
        (tmp_path / "kept").rename(staged)
    assert moved == "here = /new/place\n"


def test_relocate__no_room_in_a_library__raises_before_anything_changes(staged: Path, workshop: Workshop) -> None:
    before = {path: path.read_bytes() for path in (staged / "bin").iterdir() if path.is_file()}
    longer = str(staged) + "x"
    with pytest.raises(PackError, match=r"libholder\.so: no room for"):
        relocate(staged, workshop.layers, longer)
    assert {path: path.read_bytes() for path in (staged / "bin").iterdir() if path.is_file()} == before
    assert holders(staged, longer) == []


def test_relocate__to_where_it_is__does_nothing(staged: Path, workshop: Workshop) -> None:
    before = {path: path.lstat().st_ino for path in staged.rglob("*")}
    relocate(staged, workshop.layers, str(staged))
    assert {path: path.lstat().st_ino for path in staged.rglob("*")} == before


def test_relocate__no_environment__raises(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="not a conda environment"):
        relocate(tmp_path, tmp_path / "layers", "/new")
