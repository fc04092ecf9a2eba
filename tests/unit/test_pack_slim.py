"""A tarball without some kinds of files is whole in itself, the same each time, and its environment stays as it was."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
from conda_pack.core import load_environment
from tarball_environment import Workshop
from wheels import write_wheel

from python_package import pack
from python_package.pack import Packer, slim

SITE = "lib/python3.*/site-packages"


@pytest.fixture(scope="module")
def fat(workshop: Workshop) -> Path:
    """A wheel that has some of each kind."""
    return write_wheel(
        workshop.folder / "wheels",
        "fat",
        {
            "fat/__init__.py": "ANSWER = 42\n",
            "fat/__init__.pyi": "ANSWER: int\n",
            "fat/py.typed": "",
            "fat/include/fat.h": "int fat;\n",
            "fat/libfat.a": b"!<arch>\n",
            "fat/tests/__init__.py": "",
            "fat/tests/test_fat.py": "import fat\n",
            "fat-1.0.data/data/share/man/man1/fat.1": ".TH FAT 1\n",
        },
        entry_points="[console_scripts]\nfat = fat:main\n",
    )


@pytest.fixture(scope="module")
def prefix(workshop: Workshop, fat: Path) -> Path:
    """A small environment."""
    return workshop.environment(workshop.folder / "slim", "holder", wheels=[fat])


@pytest.fixture(scope="module")
def unpacked(workshop: Workshop, fat: Path) -> Path:
    """An environment with numpy from a channel, without all that it can do without, unpacked and relocated."""
    numpy = workshop.environment(workshop.folder / "numpy", "holder", "numpy", "pip", wheels=[fat])
    pack.pack(numpy, workshop.folder / "slim.tar.gz", cache=workshop.layers, slim=tuple(slim.KINDS))
    folder = workshop.folder / "unslim"
    folder.mkdir()
    subprocess.run(["tar", "-xzf", workshop.folder / "slim.tar.gz", "-C", folder], check=True)
    subprocess.run([folder / "bin/python", "-B", folder / "bin/conda-unpack"], check=True)
    return folder


def names(tarball: Path) -> set[str]:
    with tarfile.open(tarball) as archive:
        return set(archive.getnames())


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("kind", "of_fat"),
    [
        ("headers", {"include/fat.h"}),
        ("static", {"libfat.a"}),
        ("tests", {"tests/__init__.py", "tests/test_fat.py"}),
        ("docs", set()),
        ("stubs", {"__init__.pyi", "py.typed"}),
        ("bytecode", set()),
    ],
)
def test_pack__slim_of_one_kind__lacks_that_alone(
    workshop: Workshop, prefix: Path, tmp_path: Path, kind: str, of_fat: set[str]
) -> None:
    pack.pack(prefix, tmp_path / "whole.tar.gz", cache=workshop.layers)
    made = pack.pack(prefix, tmp_path / "slim.tar.gz", cache=workshop.layers, slim=[kind])
    assert pack.read(tmp_path / "slim.tar.gz").slim == made.slim == (kind,)
    whole, left = names(tmp_path / "whole.tar.gz"), names(tmp_path / "slim.tar.gz")
    site = next(name for name in whole if name.endswith("site-packages/fat/__init__.py")).removesuffix(
        "fat/__init__.py"
    )
    lost = whole - left
    assert left <= whole
    assert lost
    modules = {name for name in lost if name.startswith(f"{site}fat/") and not name.endswith(".pyc")}
    assert modules == {f"{site}fat/{name}" for name in of_fat}
    assert ("share/man/man1/fat.1" in lost) == (kind == "docs")
    compiled = {name for name in left if name.endswith(".pyc")}
    assert bool(compiled) == (kind != "bytecode")
    if kind != "bytecode":
        assert all(name.endswith(".pyc") and "/test" in name for name in lost if "__pycache__" in name)


def test_pack__slim__every_list_of_files_agrees_with_the_tree(unpacked: Path) -> None:
    there = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if not path.is_dir()}
    listed = set()
    for record in (unpacked / "conda-meta").glob("*.json"):
        data = json.loads(record.read_text())
        assert set(data["files"]) <= there, record.name
        assert {entry["_path"] for entry in data["paths_data"]["paths"]} == set(data["files"])
        listed.update(data["files"])
        for entry in data["paths_data"]["paths"]:
            if entry.get("sha256") and not entry.get("prefix_placeholder") and entry["path_type"] == "hardlink":
                assert digest(unpacked / entry["_path"]) == entry["sha256"], entry["_path"]
    assert len(listed) > 1000
    records = sorted(unpacked.glob(f"{SITE}/*.dist-info/RECORD"))
    assert {path.parent.name.split("-")[0] for path in records} >= {"fat", "numpy", "pip"}
    for path in (
        "_core/include/numpy/ndarraytypes.h",
        "random/lib/libnpyrandom.a",
        "linalg/tests",
        "linalg/__init__.pyi",
    ):
        assert not list(unpacked.glob(f"{SITE}/numpy/{path}"))
    assert not list(unpacked.rglob("*.pyc"))
    for record in records:
        rows = [row for row in csv.reader(record.read_text().splitlines()) if row]
        missing = [row[0] for row in rows if not (record.parent.parent / row[0]).exists()]
        assert (missing, bool(rows)) == ([], True), record


def test_pack__slim__pip_and_conda_pack_find_nothing_wrong(unpacked: Path) -> None:
    python = unpacked / "bin/python"
    checked = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, check=False, timeout=120)
    assert (checked.returncode, checked.stdout) == (0, "No broken requirements found.\n"), checked.stderr
    shown = subprocess.check_output([python, "-m", "pip", "show", "-f", "fat"], text=True, timeout=120)
    assert "fat/__init__.py" in shown
    assert "test_fat" not in shown
    assert any(
        file.target.endswith("fat/__init__.py") for file in load_environment(str(unpacked), on_missing_cache="ignore")
    )
    said = subprocess.check_output(
        [python, "-c", "import fat, numpy; print(fat.ANSWER, numpy.ones(2).sum())"], text=True
    )
    assert said == "42 2.0\n"


def test_pack__slim__the_environment_itself_has_all_and_is_renamed_with_all(workshop: Workshop, tmp_path: Path) -> None:
    wheel = write_wheel(
        tmp_path,
        "texts",
        {"texts/__init__.py": "", "texts/tests/test_it.py": ""},
        tag="py3-none-linux_x86_64",  # built here: it may hold the prefix
    )
    made = workshop.environment(tmp_path / "env", "holder", wheels=[wheel])
    script = next(made.glob(f"{SITE}/texts/tests")) / "test_it.py"
    script.unlink()
    script.write_text(f"HERE = {str(made)!r}\n")
    with Packer(made, cache=workshop.layers, slim=["tests"]) as packer:
        packer.pack(tmp_path / "env.tar.gz")
        packer.relocate("/somewhere/else")
    assert script.read_text() == "HERE = '/somewhere/else'\n"
    assert not any("test_it" in name for name in names(tmp_path / "env.tar.gz"))


def test_pack__slim_again__is_the_same_to_the_last_byte_with_and_without_the_cache(
    workshop: Workshop, prefix: Path, tmp_path: Path
) -> None:
    pack.pack(prefix, tmp_path / "first.tar.gz", cache=workshop.layers, slim=tuple(slim.KINDS))
    first = digest(tmp_path / "first.tar.gz")
    kinds = tuple(slim.KINDS)[::-1]
    pack.pack(prefix, tmp_path / "cold.tar.gz", cache=tmp_path / "cache", slim=kinds)
    assert digest(tmp_path / "cold.tar.gz") == first

    def refuse(_contents: object, layers: object, *_: object) -> list[dict[str, str]]:
        assert not layers, "a layer is not in the cache"
        return []

    pack.pack(prefix, tmp_path / "warm.tar.gz", cache=tmp_path / "cache", slim=kinds, compiler=refuse)
    assert digest(tmp_path / "warm.tar.gz") == first


def test_pack__whole_after_slim__is_what_it_was(prefix: Path, tmp_path: Path) -> None:
    pack.pack(prefix, tmp_path / "before.tar.gz", cache=tmp_path / "fresh")
    for kind in ("headers", "tests", "bytecode"):
        pack.pack(prefix, tmp_path / "slim.tar.gz", cache=tmp_path / "cache", slim=[kind])
    pack.pack(prefix, tmp_path / "after.tar.gz", cache=tmp_path / "cache")
    assert digest(tmp_path / "after.tar.gz") == digest(tmp_path / "before.tar.gz")
    assert pack.read(tmp_path / "after.tar.gz").slim == ()


def test_copy__a_slim_environment__believes_in_its_place_and_changes_nothing(workshop: Workshop, prefix: Path) -> None:
    before = {path: path.lstat() for path in prefix.rglob("*")}
    folder = prefix / "copy"
    try:
        with Packer(prefix, cache=workshop.layers, slim=["tests", "bytecode"]) as packer:
            packer.copy(folder)
        assert (folder / "etc/holder.conf").read_text() == f"root = {folder}/share\nagain = {folder}\n"
        library = (folder / "lib/libholder.so").read_bytes()
        assert library.count(f"{folder}/lib".encode()) == 2
        assert (folder / "bin/fat").read_text().splitlines()[0].endswith(f"{folder}/bin/python")
        site = next(folder.glob(SITE))
        assert (site / "fat/__init__.py").stat().st_ino == next(prefix.glob(f"{SITE}/fat/__init__.py")).stat().st_ino
        assert not (site / "fat/tests").exists()
        assert not list(folder.rglob("*.pyc"))
        assert (folder / "lib/link.so").readlink() == Path("libholder.so")
        subprocess.run(["rm", "-r", folder], check=True)
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)
    after = {path: path.lstat() for path in prefix.rglob("*")}
    assert {
        path: (each.st_ino, each.st_size, each.st_mtime_ns) for path, each in after.items() if not path.is_dir()
    } == {path: (each.st_ino, each.st_size, each.st_mtime_ns) for path, each in before.items() if not path.is_dir()}
