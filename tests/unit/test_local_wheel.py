"""The user's own modules become one wheel."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from python_package.errors import SolveError, SpecError
from python_package.pypi import local_wheel, wheel
from python_package.pypi.wheel_cache import WheelCache


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder with a module, a package with data, and much that is not to travel."""
    files = {
        "helper.py": "WORD = 'hello'\n",
        "native.cpython-311-x86_64-linux-gnu.so": "not really\n",
        "pkg/__init__.py": "",
        "pkg/sub/deep.py": "from pathlib import Path\nTEXT = (Path(__file__).parent / 'a,b.txt').read_text()\n",
        "pkg/sub/a,b.txt": "data\n",
        "pkg/run.sh": "#!/bin/sh\n",
        "pkg/__pycache__/x.cpython-311.pyc": "",
        "pkg/stale.pyc": "",
        "pkg/.git/HEAD": "",
        "pkg/.hidden": "",
        "space/inner.py": "",
        "outside/secret.txt": "",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "pkg/run.sh").chmod(0o700)
    (tmp_path / "pkg/link.txt").symlink_to("sub/a,b.txt")
    (tmp_path / "pkg/loop").symlink_to(".")
    (tmp_path / "pkg/away").symlink_to("../outside")
    return tmp_path


def named(home: Path, *names: str) -> list[tuple[str, str]]:
    places = {"helper": "helper.py", "native": "native.cpython-311-x86_64-linux-gnu.so"}
    return [(name, str(home / places.get(name, name))) for name in names]


def paths(members: tuple[wheel.Member, ...]) -> list[str]:
    return [member.path for member in members]


def test_members__module_and_package__keep_their_paths_and_data(home: Path) -> None:
    members, left_out = local_wheel.members(named(home, "helper", "pkg", "native"))
    assert paths(members) == [
        "helper.py",
        "native.cpython-311-x86_64-linux-gnu.so",
        "pkg/__init__.py",
        "pkg/link.txt",
        "pkg/run.sh",
        "pkg/sub/a,b.txt",
        "pkg/sub/deep.py",
    ]
    assert left_out == (str(home / "pkg/away"),)


def test_members__package_named_by_its_init__is_the_folder(home: Path) -> None:
    members, _ = local_wheel.members([("pkg", str(home / "pkg/__init__.py"))])
    assert "pkg/sub/deep.py" in paths(members)


def test_members__part_of_a_package__has_its_place_and_may_be_named_twice(home: Path) -> None:
    alone, _ = local_wheel.members([("pkg.sub.deep", str(home / "pkg/sub/deep.py"))])
    assert paths(alone) == ["pkg/sub/deep.py"]
    both, _ = local_wheel.members([("pkg", str(home / "pkg")), ("pkg.sub.deep", str(home / "pkg/sub/deep.py"))])
    assert paths(both).count("pkg/sub/deep.py") == 1


def test_members__path_does_not_exist__is_an_invalid_spec(home: Path) -> None:
    with pytest.raises(SpecError, match=r"local module gone: .*/gone does not exist; analyze again"):
        local_wheel.members(named(home, "gone"))


def test_members__two_files_for_one_place__is_an_invalid_spec(home: Path) -> None:
    with pytest.raises(SpecError, match=r"both want to be pkg/sub\.py"):
        local_wheel.members([("pkg.sub", str(home / "helper.py")), ("pkg.sub", str(home / "pkg/sub/deep.py"))])


def test_build__twice_elsewhere_with_another_umask__is_the_same_to_the_byte(home: Path, tmp_path: Path) -> None:
    first = local_wheel.build(local_wheel.members(named(home, "helper", "pkg"))[0], wheels=WheelCache(tmp_path / "c1"))
    before = os.umask(0o077)
    (home / "helper.py").chmod(0o600)
    os.utime(home / "helper.py", (0, 0))
    second = local_wheel.build(local_wheel.members(named(home, "pkg", "helper"))[0], wheels=WheelCache(tmp_path / "c2"))
    os.umask(before)
    assert first.path.read_bytes() == second.path.read_bytes()
    assert (first.name, first.version) == (local_wheel.NAME, second.version)


def test_build__content_or_mode_changes__changes_the_version(home: Path, tmp_path: Path) -> None:
    def version() -> str:
        return local_wheel.build(
            local_wheel.members(named(home, "helper"))[0], wheels=WheelCache(tmp_path / "cache")
        ).version

    first = version()
    (home / "helper.py").write_text("WORD = 'other'\n")
    second = version()
    (home / "helper.py").chmod(0o755)
    assert len({first, second, version()}) == 3


def test_build__wheel__is_what_an_installer_takes_and_its_record_is_right(home: Path, tmp_path: Path) -> None:
    wheel = local_wheel.build(
        local_wheel.members(named(home, "helper", "pkg"))[0], wheels=WheelCache(tmp_path / "cache")
    )
    target = tmp_path / "installed"
    argv = [find_uv_bin(), "pip", "install", "--offline", "--no-deps", "--python", sys.executable]
    subprocess.run([*argv, "--target", str(target), str(wheel.path)], check=True, capture_output=True)
    show = "import helper, pkg.sub.deep; print(helper.WORD, pkg.sub.deep.TEXT)"
    done = subprocess.run([sys.executable, "-c", show], env={"PYTHONPATH": str(target)}, capture_output=True, text=True)
    assert done.stdout.split() == ["hello", "data"], done.stderr
    assert (target / "pkg/run.sh").stat().st_mode & 0o111
    with zipfile.ZipFile(wheel.path) as archive:
        own = f"python_package_local-{wheel.version}.dist-info/RECORD"
        rows = list(csv.reader(archive.read(own).decode().splitlines()))
        assert sorted(row[0] for row in rows) == sorted(archive.namelist())
        for path, digest, size in rows:
            data = archive.read(path)
            expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert path == own or (digest, int(size)) == (f"sha256={expected}", len(data))


# collisions


def refuse(home: Path, site: Path, *names: str, standard: tuple[str, ...] = ()) -> None:
    wanted = named(home, *names)
    local_wheel.refuse_collisions(wanted, local_wheel.members(wanted)[0], site, standard)


@pytest.mark.parametrize("installed", ["pkg.py", "pkg/__init__.py", "pkg.cpython-311-x86_64-linux-gnu.so", "pkg/a.py"])
def test_refuse_collisions__package_of_an_installed_name__is_refused(
    home: Path, tmp_path: Path, installed: str
) -> None:
    site = tmp_path / "site-packages"
    (site / installed).parent.mkdir(parents=True)
    (site / installed).touch()
    refuse(home, site, "helper")
    with pytest.raises(SolveError, match=r"the local module pkg \(.*/pkg\) has the name of one in the environment"):
        refuse(home, site, "helper", "pkg")


def test_refuse_collisions__owner_is_known__is_named(home: Path, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "stranger-1.0.dist-info").mkdir(parents=True)
    (site / "pkg.py").touch()
    (site / "stranger-1.0.dist-info/METADATA").write_text("Name: stranger\nVersion: 1.0\n")
    (site / "stranger-1.0.dist-info/RECORD").write_text("pkg.py,,\n")
    with pytest.raises(SolveError, match=r"has the name of one of stranger in the environment"):
        refuse(home, site, "pkg")


def test_refuse_collisions__other_names_and_metadata__are_no_matter(home: Path, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "pkg.dist-info").mkdir(parents=True)
    (site / "pkg_more.py").touch()
    refuse(home, site, "helper", "pkg")


def test_refuse_collisions__namespace_shared_by_both__is_fine_unless_a_file_is_the_same(
    home: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site-packages"
    (site / "space").mkdir(parents=True)
    (site / "space/theirs.py").touch()
    refuse(home, site, "space")
    (site / "space/inner.py").touch()
    with pytest.raises(SolveError, match="the local module space"):
        refuse(home, site, "space")


def test_refuse_collisions__namespace_here_but_a_package_there__is_refused(home: Path, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "space").mkdir(parents=True)
    (site / "space/__init__.py").touch()
    with pytest.raises(SolveError, match="the local module space"):
        refuse(home, site, "space")


def test_refuse_collisions__name_of_pythons_own__is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(SolveError, match=r"the local module pkg .* has the name of one of Python's own; rename it"):
        refuse(home, tmp_path, "pkg", standard=("json", "pkg"))
