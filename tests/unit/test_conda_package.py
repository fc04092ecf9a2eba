"""A staged tree becomes one .conda package, whatever the umask, the hour or the machine's temper."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conda_package_streaming.package_streaming import stream_conda_component

from python_package.conda.records import index_channel
from python_package.conda.solver import Channels
from python_package.errors import PackError
from python_package.host_python import conda_package
from python_package.progress import Silent

INDEX = {"name": "thing", "version": "1.0", "build": "0", "subdir": "noarch", "depends": []}


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A tree with a file of every kind."""
    stage = tmp_path / "stage"
    for folder in ("bin", "lib/empty", "share"):
        (stage / folder).mkdir(parents=True)
    (stage / "bin/run").write_text(f"#!{conda_package.PLACEHOLDER}/bin/python\n")
    (stage / "bin/run").chmod(0o700)
    (stage / "lib/compiled").write_bytes(conda_package.PLACEHOLDER.encode() + b"\0")
    (stage / "lib/plain").write_text("plain\n")
    (stage / "lib/link").symlink_to("plain")
    (stage / "share/lib").symlink_to("../lib")
    return stage


def members(made: Path, component: str) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Yield the tar entries of a package's component, "pkg" or "info"."""
    with made.open("rb") as stream:
        for tar, member in stream_conda_component(made.name, stream, component):
            content = tar.extractfile(member) if member.isreg() else None
            yield member, content.read() if content else b""


def info(made: Path, name: str) -> Any:
    return json.loads(next(data for member, data in members(made, "info") if member.name == f"info/{name}"))


def write(stage: Path, channel: Path, **index: Any) -> Path:
    return conda_package.write(stage, conda_package.scan(stage), channel, {**INDEX, **index})


def test_scan__every_kind_of_file__is_described_as_conda_does(stage: Path) -> None:
    entries = {entry.path: entry.to_json() for entry in conda_package.scan(stage)}
    assert list(entries) == ["bin/run", "lib/compiled", "lib/link", "lib/plain", "share/lib"]
    assert entries["lib/plain"] == {
        "_path": "lib/plain",
        "path_type": "hardlink",
        "sha256": hashlib.sha256(b"plain\n").hexdigest(),
        "size_in_bytes": 6,
    }
    assert (entries["bin/run"]["file_mode"], entries["lib/compiled"]["file_mode"]) == ("text", "binary")
    assert entries["bin/run"]["prefix_placeholder"] == conda_package.PLACEHOLDER
    assert entries["lib/link"]["path_type"] == entries["share/lib"]["path_type"] == "softlink"
    assert entries["lib/link"]["sha256"] == entries["lib/plain"]["sha256"]


@pytest.mark.parametrize("folder", ["info", "conda-meta"])
def test_scan__files_in_condas_own_folders__are_refused(stage: Path, folder: str) -> None:
    (stage / folder).mkdir()
    (stage / folder / "history").touch()
    with pytest.raises(PackError, match=f"{folder}/history"):
        conda_package.scan(stage)


def test_digest__content_name_or_executable_bit_changes__changes(stage: Path) -> None:
    digests = [conda_package.digest(conda_package.scan(stage))]
    (stage / "lib/plain").write_text("other\n")
    digests.append(conda_package.digest(conda_package.scan(stage)))
    (stage / "lib/plain").chmod(0o755)
    digests.append(conda_package.digest(conda_package.scan(stage)))
    (stage / "lib/plain").rename(stage / "lib/renamed")
    digests.append(conda_package.digest(conda_package.scan(stage)))
    assert len(set(digests)) == 4


def test_write__a_stage__holds_its_files_for_everybody(stage: Path, tmp_path: Path) -> None:
    made = write(stage, tmp_path / "channel")
    assert made == tmp_path / "channel/noarch/thing-1.0-0.conda"
    assert made.stat().st_mode & 0o777 == 0o644
    entries = {member.name: member for member, _ in members(made, "pkg")}
    assert {name: entry.mode for name, entry in entries.items() if entry.isreg()} == {
        "bin/run": 0o755,
        "lib/compiled": 0o644,
        "lib/plain": 0o644,
    }
    assert entries["share/lib"].linkname == "../lib"
    everything = [*entries.values(), *(member for member, _ in members(made, "info"))]
    assert {(e.uid, e.gid, e.uname, e.gname, e.mtime) for e in everything} == {(0, 0, "", "", 1577836800)}
    with zipfile.ZipFile(made) as archive:
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_write__binary_that_holds_the_prefix__is_linked_in_one_as_long_as_conda_builds(
    stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "cache"))
    write(stage, tmp_path / "channel")
    index_channel(tmp_path / "channel")
    prefix = Path(str(tmp_path / "deep").ljust(255, "x"))
    channels = Channels([str(tmp_path / "channel")])
    channels.link(channels.solve(["thing"]), prefix, Silent())
    assert (prefix / "lib/compiled").read_bytes() == bytes(prefix) + b"\0"


def test_write__index_of_a_platform__is_completed(stage: Path, tmp_path: Path) -> None:
    made = write(stage, tmp_path, subdir="linux-aarch64", depends=["python"])
    assert info(made, "index.json") == {
        "arch": "aarch64",
        "build": "0",
        "build_number": 0,
        "constrains": [],
        "depends": ["python"],
        "name": "thing",
        "platform": "linux",
        "subdir": "linux-aarch64",
        "timestamp": 1577836800000,
        "version": "1.0",
    }
    assert info(made, "paths.json")["paths_version"] == 1
    assert info(made, "paths.json")["paths"] == [entry.to_json() for entry in conda_package.scan(stage)]


def test_write__twice_with_other_umask_and_times__gives_the_same_bytes(stage: Path, tmp_path: Path) -> None:
    first = write(stage, tmp_path / "first").read_bytes()
    for path in stage.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (1, 1))
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o666)
    umask = os.umask(0o077)
    try:
        second = write(stage, tmp_path / "second")
    finally:
        os.umask(umask)
    assert second.read_bytes() == first
    assert second.stat().st_mode & 0o777 == 0o644


def test_write__source_date_epoch__is_the_time_of_all(
    stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    made = write(stage, tmp_path)
    assert {member.mtime for member, _ in members(made, "pkg")} == {1000000000}
    assert info(made, "index.json")["timestamp"] == 1000000000000


def test_write__source_date_epoch_is_no_number__says_so(
    stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(PackError, match="SOURCE_DATE_EPOCH is 'yesterday'"):
        write(stage, tmp_path)


def test_write__channel_cannot_be_written__names_the_package(stage: Path, tmp_path: Path) -> None:
    (tmp_path / "noarch").write_text("in the way")
    with pytest.raises(PackError, match=r"noarch/thing-1\.0-0\.conda: cannot be written: File exists"):
        write(stage, tmp_path)


def test_write__a_file_vanishes_meanwhile__leaves_the_old_package_and_nothing_else(stage: Path, tmp_path: Path) -> None:
    old = write(stage, tmp_path / "channel").read_bytes()
    entries = conda_package.scan(stage)
    (stage / "lib/plain").unlink()
    with pytest.raises(PackError, match="No such file"):
        conda_package.write(stage, entries, tmp_path / "channel", INDEX)
    left = [path for path in (tmp_path / "channel").rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["thing-1.0-0.conda"]
    assert left[0].read_bytes() == old
