"""What was compiled on this machine tells which libraries of this machine it needs."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from python_package.create.install import foreign_libraries

XY = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An environment's bones: an interpreter, and a distribution with a copy of `_bz2`, which needs libbz2."""
    site = tmp_path / f"env/lib/python{XY}/site-packages"
    (site / "pkg").mkdir(parents=True)
    (tmp_path / "env/bin").mkdir()
    (tmp_path / "env/bin/python").symlink_to(sys.executable)
    extension = importlib.util.find_spec("_bz2")
    assert extension and extension.origin
    shutil.copy(extension.origin, site / "pkg/_bz2.so")
    return tmp_path / "env"


def describe(prefix: Path, *tags: str, record: str = "pkg/_bz2.so,sha256=x,1\npkg/__init__.py,,\n") -> None:
    info = prefix / f"lib/python{XY}/site-packages/pkg-1.0.dist-info"
    info.mkdir()
    info.joinpath("WHEEL").write_text("Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags))
    info.joinpath("RECORD").write_text(record)


def test_needs__compiled_here__names_the_machines_libraries(prefix: Path) -> None:
    describe(prefix, f"cp{XY.replace('.', '')}-cp{XY.replace('.', '')}-linux_x86_64")
    assert foreign_libraries(prefix) == {"pkg": ("libbz2.so.1.0",)}


def test_needs__library_in_the_prefix__is_not_the_machines(prefix: Path) -> None:
    from python_package import elf

    describe(prefix, f"cp{XY.replace('.', '')}-cp{XY.replace('.', '')}-linux_x86_64")
    built = prefix / f"lib/python{XY}/site-packages/pkg/_bz2.so"
    loader = elf.read(Path(sys.executable).resolve()).loader
    assert loader
    host = elf.libraries(built, loader)["libbz2.so.1.0"]
    assert host
    shutil.copy(host, prefix / "lib/libbz2.so.1.0")
    elf.set_rpath([built], prefix / "lib")
    assert foreign_libraries(prefix) == {}


@pytest.mark.parametrize("tags", [("cp311-cp311-manylinux_2_17_x86_64",), ("py3-none-any",), ()])
def test_needs__wheel_of_an_index__is_not_looked_at(prefix: Path, tags: tuple[str, ...]) -> None:
    describe(prefix, *tags)
    assert foreign_libraries(prefix) == {}


def test_needs__file_that_record_names_is_gone__is_passed_over(prefix: Path) -> None:
    describe(prefix, "cp311-cp311-linux_x86_64", record="pkg/gone.so,sha256=x,1\n")
    assert foreign_libraries(prefix) == {}


def test_needs__no_record__is_passed_over(prefix: Path) -> None:
    describe(prefix, "cp311-cp311-linux_x86_64")
    next(prefix.rglob("RECORD")).unlink()
    assert foreign_libraries(prefix) == {}
