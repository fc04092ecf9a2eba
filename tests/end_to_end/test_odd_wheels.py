"""Wheels that are not as wheels are: each ends in an environment that works, or in one line and a documented code."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest
from desk import Desk, make_desk, one_line
from wheels import write_wheel

# What is done to a wheel's files, by name; the last is added as a second entry of its name.
ODD: Mapping[str, tuple[str, bytes | None]] = {
    "metadata-missing": ("odd-1.0.dist-info/METADATA", None),
    "metadata-not-utf-8": (
        "odd-1.0.dist-info/METADATA",
        b"Metadata-Version: 2.1\nName: odd\nVersion: 1.0\nAuthor: \xe9\n",
    ),
    "metadata-empty": ("odd-1.0.dist-info/METADATA", b""),
    "metadata-of-another": ("odd-1.0.dist-info/METADATA", b"Metadata-Version: 2.1\nName: other\nVersion: 2\n"),
    "wheel-missing": ("odd-1.0.dist-info/WHEEL", None),
    "wheel-not-utf-8": ("odd-1.0.dist-info/WHEEL", b"\xff\xfe"),
    "record-missing": ("odd-1.0.dist-info/RECORD", None),
    "record-not-utf-8": ("odd-1.0.dist-info/RECORD", b"odd.py,,\n\xe9,,\n"),
    "record-not-csv": ("odd-1.0.dist-info/RECORD", b'odd.py,"sha256=\n'),
    "entry-points-broken": ("odd-1.0.dist-info/entry_points.txt", b"[console_scripts\nx = = y\n"),
    "absolute-path": ("/tmp/python_package_odd_wheel", b"x"),  # noqa: S108
    "path-above": ("../../../../../../../../tmp/python_package_odd_wheel", b"x"),
    "name-of-300": ("odd/" + "x" * 300, b"x"),
    "twice": ("odd.py", b"A = 2\n"),
    "cut": ("", b""),
    "no-zip": ("", None),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, channel: Path, caches: dict[str, str]) -> Desk:
    return make_desk(tmp_path_factory.mktemp("odd"), channel, caches)


def odd(folder: Path, kind: str) -> Path:
    name, content = ODD[kind]
    wheel = write_wheel(folder, "odd", {"odd.py": "A = 1\n"})
    with ZipFile(wheel) as archive:
        files = {each: archive.read(each) for each in archive.namelist()}
    if not name:
        wheel.write_bytes(wheel.read_bytes()[:-30] if content is not None else b"<html>log in</html>")
        return wheel
    with ZipFile(wheel, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a second entry of one name
        for each, data in files.items():
            if each != name or kind == "twice":
                archive.writestr(each, data)
        if content is not None:
            archive.writestr(name, content)
    return wheel


OUTSIDE = Path("/tmp/python_package_odd_wheel")  # noqa: S108


# uv reads them here, whose own tests know the others.
@pytest.mark.parametrize("kind", ["metadata-missing", "record-not-utf-8", "absolute-path", "twice", "cut"])
def test_create__odd_wheel__is_installed_or_refused_in_one_line(shared: Desk, tmp_path: Path, kind: str) -> None:
    wheel = odd(tmp_path / "index", kind)
    environ = {"PIP_FIND_LINKS": str(wheel.parent), "UV_CACHE_DIR": str(tmp_path / "uv")}
    done = shared.create("-q", "--map=odd=odd", modules=("odd",), **environ)
    assert done.returncode in (0, 4, 6, 7, 8), done.stderr
    if done.returncode:
        assert "odd" in one_line(done.stderr)
    assert not OUTSIDE.exists()


@pytest.mark.parametrize("kind", ODD)
def test_channel__odd_wheel__is_packed_or_refused_in_one_line(tmp_path: Path, host_cache: Path, kind: str) -> None:
    wheel = odd(tmp_path / "index", kind)
    (tmp_path / "cache/python_package").mkdir(parents=True)
    (tmp_path / "cache/python_package/channel").symlink_to(host_cache)
    environ = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_FIND_LINKS": str(wheel.parent),
        "PIP_NO_INDEX": "1",
    }
    command = [sys.executable, "-m", "python_package.channel", "made", "odd", "--python", sys.executable]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 4, 7, 8), done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert done.stderr.splitlines()[-1].startswith("python_package.channel: ")
    assert not OUTSIDE.exists()
