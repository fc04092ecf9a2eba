"""Import names become packages."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from python_package import names
from python_package.errors import SolveError
from python_package.names import Package


def install(site: Path, name: str, *, top_level: str = "", record: str = "", url: str = "") -> None:
    """Write a distribution's metadata as an installer does."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    if top_level:
        (info / "top_level.txt").write_text(top_level)
    (info / "RECORD").write_text(record)
    if url:
        (info / "direct_url.json").write_text(json.dumps({"url": url, "dir_info": {"editable": True}}))


@pytest.mark.parametrize(
    ("module", "pypi", "conda"),
    [
        ("numpy", "numpy", "numpy"),
        ("yaml", "PyYAML", "pyyaml"),
        ("sklearn", "scikit-learn", "scikit-learn"),
        ("matplotlib", "matplotlib", "matplotlib-base"),
        ("torch", "torch", "pytorch"),
        ("work_queue", "", "ndcctools"),
        ("Some_Name", "Some_Name", "some-name"),
    ],
)
def test_resolve__table_or_identity__gives_both_names(module: str, pypi: str, conda: str) -> None:
    assert names.resolve([module]) == (Package(module, pypi, conda),)


def test_resolve__what_the_interpreter_ships__is_never_looked_up() -> None:
    assert names.resolve(["antigravity", "this"]) == ()


def test_resolve__installed_distribution__wins_over_the_table(tmp_path: Path) -> None:
    install(tmp_path, "opencv-python", top_level="cv2\n")
    assert names.resolve(["cv2"], [str(tmp_path)]) == (Package("cv2", "opencv-python", "opencv-python"),)


def test_resolve__installed_under_the_tables_own_name__keeps_the_conda_name(tmp_path: Path) -> None:
    install(tmp_path, "Matplotlib", record="mpl_toolkits/mplot3d/__init__.py,,\nmatplotlib/__init__.py,,\n")
    assert names.resolve(["matplotlib", "mpl_toolkits"], [str(tmp_path)]) == (
        Package("matplotlib", "matplotlib", "matplotlib-base"),
        Package("mpl_toolkits", "matplotlib", "matplotlib-base"),
    )


def test_resolve__single_module_and_extension__are_found_in_record(tmp_path: Path) -> None:
    install(tmp_path, "one-file", record="single.py,,\none_file-1.0.dist-info/METADATA,,\n")
    install(tmp_path, "speedy", record="_fast.cpython-311-x86_64-linux-gnu.so,,\n")
    found = names.resolve(["single", "_fast"], [str(tmp_path)])
    assert [package.pypi for package in found] == ["speedy", "one-file"]


def test_resolve__editable_distribution__is_refused_by_name(tmp_path: Path) -> None:
    install(tmp_path, "my-lab", top_level="mylab\n", url="file:///home/me/lab")
    with pytest.raises(SolveError, match="mylab: your python3 has my-lab from file:///home/me/lab"):
        names.resolve(["mylab"], [str(tmp_path)])


def test_resolve__editable_distribution_not_asked_for__does_not_matter(tmp_path: Path) -> None:
    install(tmp_path, "my-lab", top_level="mylab\n", url="file:///home/me/lab")
    assert names.resolve(["numpy"], [str(tmp_path)]) == (Package("numpy", "numpy", "numpy"),)


def test_import_path__this_interpreter__holds_its_site_packages() -> None:
    assert set(names.import_path(sys.executable)) & set(sys.path)


def test_import_path__no_interpreter__is_empty() -> None:
    assert names.import_path("no-such-python") == ()
