"""Packages are what their channel promises: archives on disk, downloads, and what the cache was unpacked from."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from tarball_environment import _add_package

from python_package.conda import checksums
from python_package.conda.checksums import Archive, Seals
from python_package.conda.solver import Channels, Solution
from python_package.errors import ChecksumError, UnreachableError
from python_package.files import disk
from python_package.progress import Silent


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002  # the base class's name


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two channels, whose package `tool` has the same name and another content."""
    root = tmp_path_factory.mktemp("pair")
    for kind in ("good", "evil"):
        _add_package(root / kind, "tool", {"share/tool.txt": f"{kind}\n"})
    return root


@pytest.fixture
def folder(pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the good channel, on a machine with empty caches."""
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return shutil.copytree(pair / "good" / "channel", tmp_path / "channel")


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    """Return the address at which the channel is served."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def archive_of(folder: Path) -> Path:
    (path,) = folder.glob("linux-64/tool-*.conda")
    return path


def spoil(pair: Path, folder: Path) -> str:
    """Put another file of the same name where the package was; return the sha256 that was promised."""
    path = archive_of(folder)
    promised = hashlib.sha256(path.read_bytes()).hexdigest()
    shutil.copyfile(archive_of(pair / "evil" / "channel"), path)
    return promised


def solve(channel: Path | str, *, offline: bool = False) -> tuple[Channels, Solution]:
    channels = Channels([str(channel)], offline=offline)
    return channels, channels.solve(["tool"])


# link


def test_link__archive_in_a_folder_was_exchanged__is_refused_by_name_and_not_unpacked(
    pair: Path, folder: Path, tmp_path: Path
) -> None:
    channels, solution = solve(folder)
    promised = spoil(pair, folder)
    with pytest.raises(ChecksumError, match="is not the package that was promised") as caught:
        channels.link(solution, tmp_path / "env", Silent())
    assert str(archive_of(folder)) in str(caught.value)
    assert promised in str(caught.value)
    assert not list((tmp_path / "rattler").glob("pkgs/tool*"))
    assert not (tmp_path / "env").exists()


def test_link__archive_is_put_right_again__links(pair: Path, folder: Path, tmp_path: Path) -> None:
    channels, solution = solve(folder)
    spoil(pair, folder)
    with pytest.raises(ChecksumError):
        channels.link(solution, tmp_path / "env", Silent())
    shutil.copyfile(archive_of(pair / "good" / "channel"), archive_of(folder))
    channels.link(solution, tmp_path / "env", Silent())
    assert (tmp_path / "env/share/tool.txt").read_text() == "good\n"


def test_link__match_spec_that_asked__is_in_condas_record(folder: Path, tmp_path: Path) -> None:
    """Where py-rattler's own objects are no longer as match_specs.requested has them, `conda update` forgets it."""
    channels = Channels([str(folder)])
    channels.link(channels.solve(["tool >=0"]), tmp_path / "env", Silent())
    (record,) = (tmp_path / "env/conda-meta").glob("tool-*.json")
    assert json.loads(record.read_bytes())["requested_specs"] == ["tool >=0"]


def test_link__cache_was_unpacked_from_another_file__is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    channels, solution = solve(folder)
    channels.link(solution, tmp_path / "env", Silent())
    (unpacked,) = (path for path in (tmp_path / "rattler/pkgs").glob("tool-*") if path.is_dir())
    listing = unpacked / "info/paths.json"
    listing.write_text(listing.read_text().replace("sha256", "sha257"))
    with pytest.raises(ChecksumError, match="unpacked from another file") as caught:
        channels.link(solution, tmp_path / "again", Silent())
    assert str(unpacked) in str(caught.value)


def test_link__archive_is_gone_but_was_unpacked_before__links(folder: Path, tmp_path: Path) -> None:
    channels, solution = solve(folder)
    channels.link(solution, tmp_path / "env", Silent())
    archive_of(folder).unlink()
    channels.link(solution, tmp_path / "again", Silent())
    assert (tmp_path / "again/share/tool.txt").exists()


def test_link__archive_is_gone_and_the_cache_was_cleaned__is_unreachable(folder: Path, tmp_path: Path) -> None:
    channels, solution = solve(folder)
    channels.link(solution, tmp_path / "env", Silent())
    archive = archive_of(folder)
    archive.unlink()
    shutil.rmtree(tmp_path / "rattler/pkgs")
    with pytest.raises(UnreachableError, match="there is no such package") as caught:
        channels.link(solution, tmp_path / "again", Silent())
    assert str(archive) in str(caught.value)


def test_link__archive_is_gone_and_was_never_seen__is_unreachable(folder: Path, tmp_path: Path) -> None:
    channels, solution = solve(folder)
    archive_of(folder).unlink()
    with pytest.raises(UnreachableError, match="there is no such package"):
        channels.link(solution, tmp_path / "env", Silent())


def test_link__download_is_not_what_the_channel_promised__is_refused_by_name(
    pair: Path, folder: Path, served: str, tmp_path: Path
) -> None:
    channels, solution = solve(served)
    promised = spoil(pair, folder)
    with pytest.raises(ChecksumError, match="is not the package that was promised") as caught:
        channels.link(solution, tmp_path / "env", Silent())
    assert f"{served}/linux-64/{archive_of(folder).name}" in str(caught.value)
    assert promised in str(caught.value)


def test_link__offline_and_not_in_the_cache__is_unreachable(served: str, tmp_path: Path) -> None:
    solve(served)  # the index is in the cache from now on
    channels, solution = solve(served, offline=True)
    with pytest.raises(UnreachableError, match="not in the cache of packages, and --offline forbids to fetch it"):
        channels.link(solution, tmp_path / "env", Silent())


def test_link__offline_and_in_the_cache__links(served: str, folder: Path, tmp_path: Path) -> None:
    channels, solution = solve(served)
    channels.link(solution, tmp_path / "env", Silent())
    archive_of(folder).unlink()
    channels, solution = solve(served, offline=True)
    channels.link(solution, tmp_path / "again", Silent())
    assert (tmp_path / "again/share/tool.txt").exists()


# Seals


def sealed(tmp_path: Path, content: bytes = b"package") -> Archive:
    path = tmp_path / "a.conda"
    path.write_bytes(content)
    return Archive(path, hashlib.sha256(b"package").hexdigest())


def test_verify__archive_as_promised__passes(tmp_path: Path) -> None:
    Seals(tmp_path / "seals").verify([sealed(tmp_path)])


def test_verify__archive_differs__names_it_and_both_sums(tmp_path: Path) -> None:
    archive = sealed(tmp_path, b"tampered")
    with pytest.raises(ChecksumError, match=hashlib.sha256(b"tampered").hexdigest()) as caught:
        Seals(tmp_path / "seals").verify([archive])
    assert archive.sha256 in str(caught.value)


def test_verify__again__does_not_read_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = sealed(tmp_path)
    Seals(tmp_path / "seals").verify([archive])
    monkeypatch.setattr(disk, "sha256", lambda path: pytest.fail(f"{path} was read again"))
    Seals(tmp_path / "seals").verify([archive])


def test_verify__content_changed_at_the_same_size_and_time__is_noticed(tmp_path: Path) -> None:
    archive = sealed(tmp_path)
    before = archive.path.stat()
    Seals(tmp_path / "seals").verify([archive])
    archive.path.write_bytes(b"PACKAGE")
    os.utime(archive.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ChecksumError):
        Seals(tmp_path / "seals").verify([archive])


def test_verify__cache_cannot_be_written__passes(tmp_path: Path) -> None:
    (tmp_path / "seals").write_text("a file, no folder")
    Seals(tmp_path / "seals").verify([sealed(tmp_path)])


def test_verify__far_too_many_seals__begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "_MOST", 3)
    for number in range(5):
        archive = replace(sealed(tmp_path), path=tmp_path / f"{number}.conda")
        archive.path.write_bytes(b"package")
        Seals(tmp_path / "seals").verify([archive])
    assert len(list((tmp_path / "seals").iterdir())) == 2


@pytest.mark.parametrize(
    ("packed", "unpacked", "same"),
    [
        ("list", "list", True),
        ("list", "another", False),
        ("list", None, False),
        (None, None, True),
        (None, "list", False),
    ],
)
def test_verify_unpacked__archive_of_the_older_format__compares_the_lists_of_files(
    tmp_path: Path, packed: str | None, unpacked: str | None, same: bool
) -> None:
    with tarfile.open(tmp_path / "a.tar.bz2", "w:bz2") as tar:
        for name in ["bin/tool", *(["info/paths.json"] if packed else [])]:
            member = tarfile.TarInfo(name)
            member.size = len(packed or "")
            tar.addfile(member, io.BytesIO((packed or "").encode()))
    (tmp_path / "a" / "info").mkdir(parents=True)
    if unpacked:
        (tmp_path / "a" / "info" / "paths.json").write_text(unpacked)
    archive = Archive(tmp_path / "a.tar.bz2", hashlib.sha256((tmp_path / "a.tar.bz2").read_bytes()).hexdigest())
    record = {"sha256": archive.sha256, "link": {"source": str(tmp_path / "a")}}
    (tmp_path / "prefix" / "conda-meta").mkdir(parents=True)
    (tmp_path / "prefix" / "conda-meta" / "a.json").write_text(json.dumps(record))
    with nullcontext() if same else pytest.raises(ChecksumError, match="unpacked from another file"):
        Seals(tmp_path / "seals").verify_unpacked(tmp_path / "prefix", [archive])


def test_local__of_a_folder_with_a_space__is_its_path() -> None:
    archive = checksums.local("file:///a%20b/linux-64/x.conda", "0102")
    assert archive == Archive(Path("/a b/linux-64/x.conda"), "0102")


@pytest.mark.parametrize(("url", "sha256"), [("https://example.org/x.conda", "01"), ("file:///x.conda", "")])
def test_local__elsewhere_or_nothing_promised__is_none(url: str, sha256: str) -> None:
    assert checksums.local(url, sha256) is None
