"""A folder becomes an indexed channel: nothing is made twice, nothing half, and failures say what to mend."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from wheels import write_wheel

from python_package import elf
from python_package.errors import PackError, SolveError, UnreachableError
from python_package.host_python import channel as local
from python_package.host_python import cpython
from python_package.host_python.channel import build, default_cache, host_channel
from python_package.host_python.interpreter import ask
from python_package.pypi import pip_wheels

HERE = ask(sys.executable)


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all that pip may look at."""
    folder = tmp_path / "links"
    write_wheel(folder, "upper", {"upper.py": ""}, requires=("lower>=1",))
    write_wheel(folder, "lower", {"lower.py": ""}, version="1.5")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


@pytest.fixture
def make(tmp_path: Path, host_cache: Path) -> Callable[..., list[str]]:
    """Return a function that builds tmp_path/channel of requirements and returns the lines of its progress."""

    def made(*requirements: str) -> list[str]:
        lines: list[str] = []
        build(tmp_path / "channel", requirements, python=sys.executable, cache_dir=host_cache, progress=lines.append)
        return lines

    return made


def packages(channel: Path) -> dict[str, float]:
    """Return the packages that the index of a channel lists, with the times at which they were made."""
    found = {}
    for repodata in channel.glob("*/repodata.json"):
        for name in json.loads(repodata.read_text())["packages.conda"]:
            found[name.rsplit("-", 2)[0]] = (repodata.parent / name).stat().st_mtime_ns
    return found


@pytest.fixture
def dead_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An index that refuses every connection, as the only one."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with socket.socket() as held:  # bound but not listening
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/simple"
        monkeypatch.setenv("PIP_INDEX_URL", url)
        yield url


# build


@pytest.mark.usefixtures("links")
def test_build__requirements__adds_them_and_all_they_need(tmp_path: Path, make: Callable[..., list[str]]) -> None:
    lines = make("upper")
    assert set(packages(tmp_path / "channel")) == {"python", "python_abi", "ca-certificates", "upper", "lower"}
    assert lines == ["Fetching upper", "Packing lower 1.5", "Packing upper 1.0"]
    shown = [path.name for path in (tmp_path / "channel").iterdir() if not path.name.startswith(".")]
    assert sorted(shown) == [elf.subdir(HERE.executable), "noarch"]


def test_build__all_there_already__fetches_and_makes_nothing(
    tmp_path: Path, links: Path, make: Callable[..., list[str]]
) -> None:
    make("upper")
    before = packages(tmp_path / "channel")
    index = (tmp_path / "channel/noarch/repodata.json").stat().st_mtime_ns
    shutil.rmtree(links)
    assert make("upper", "lower<2") == []
    assert make() == []
    assert packages(tmp_path / "channel") == before
    assert (tmp_path / "channel/noarch/repodata.json").stat().st_mtime_ns == index


@pytest.mark.usefixtures("links")
def test_build__more_requirements__keeps_what_there_is(tmp_path: Path, make: Callable[..., list[str]]) -> None:
    make("lower")
    before = packages(tmp_path / "channel")
    assert make("upper") == ["Fetching upper", "Packing upper 1.0"]
    assert {**packages(tmp_path / "channel"), **before} == packages(tmp_path / "channel")


def test_build__a_version_that_is_not_there__is_added(
    tmp_path: Path, links: Path, make: Callable[..., list[str]]
) -> None:
    make("lower")
    write_wheel(links, "lower", {"lower.py": ""}, version="3")
    assert "Packing lower 3" in make("lower>=2")
    assert len(list((tmp_path / "channel/noarch").glob("lower-*.conda"))) == 2


@pytest.mark.usefixtures("links")
def test_build__package_was_removed_and_its_wheel_has_changed__is_made_and_indexed_anew(
    tmp_path: Path, links: Path, make: Callable[..., list[str]]
) -> None:
    make("lower")
    package = tmp_path / "channel/noarch/lower-1.5-py_0.conda"
    package.unlink()
    write_wheel(links, "lower", {"lower.py": "CHANGED = True\n"}, version="1.5")
    assert make("lower") == ["Fetching lower", "Packing lower 1.5"]
    listed = json.loads((package.parent / "repodata.json").read_text())["packages.conda"][package.name]
    assert listed["sha256"] == hashlib.sha256(package.read_bytes()).hexdigest()


def test_build__marker_that_excludes_this_machine__needs_nothing(make: Callable[..., list[str]]) -> None:
    make()
    assert make("nowhere; sys_platform == 'win32'") == []


def test_build__source_only__is_built(tmp_path: Path, links: Path, make: Callable[..., list[str]]) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (project / "backend.py").write_text(
        "import shutil\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        f"    return shutil.copy({str(links / 'lower-1.5-py3-none-any.whl')!r}, folder).rsplit('/')[-1]\n"
    )
    assert "Packing lower 1.5" in make(str(project))


@pytest.mark.usefixtures("links")
def test_build__source_does_not_build__says_so_and_leaves_nothing(
    tmp_path: Path, make: Callable[..., list[str]]
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/pyproject.toml").write_text("[build-system]\nrequires = []\nbuild-backend = 'nowhere'\n")
    with pytest.raises(PackError, match="pip cannot make its wheels"):
        make(str(tmp_path / "project"))
    assert list((tmp_path / "channel").rglob("*.conda")) == []


@pytest.mark.parametrize(
    ("requirements", "message"),
    [
        (("nowhere",), "nowhere: No matching distribution found for nowhere"),
        (("lower>=99",), "lower>=99: No matching distribution found for lower>=99"),
        (("upper", "lower<1"), "Cannot install .* conflicting dependencies"),
        (("not a requirement!",), "Invalid requirement"),
    ],
)
def test_build__requirement_that_cannot_be_met__is_a_solve_error_and_leaves_nothing(
    tmp_path: Path, links: Path, make: Callable[..., list[str]], requirements: tuple[str, ...], message: str
) -> None:
    write_wheel(links, "lower", {}, version="0.5")
    with pytest.raises(SolveError, match=message):
        make(*requirements)
    assert [path.name for path in (tmp_path / "channel").iterdir()] == [".lock"]


def test_build__index_refuses_connections__is_unreachable(dead_index: str, make: Callable[..., list[str]]) -> None:
    with pytest.raises(UnreachableError, match=f"idna: the package index does not answer: {dead_index}/idna/"):
        make("idna")


@pytest.mark.parametrize(("status", "error"), [(503, UnreachableError), (403, UnreachableError), (404, SolveError)])
@pytest.mark.usefixtures("dead_index")
def test_build__index_answers_with_a_failure__is_told_from_a_missing_project(
    make: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    error: type[Exception],
) -> None:
    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        with pytest.raises(error):
            make("idna")
        server.shutdown()


def test_build__a_wheel_is_broken__leaves_nothing_half_made(
    tmp_path: Path, links: Path, make: Callable[..., list[str]]
) -> None:
    write_wheel(links, "lower", {"../evil": ""}, version="1.6")
    write_wheel(links, "above", {}, requires=("upper",))
    with pytest.raises(PackError, match="has no place in an environment"):
        make("above")
    assert list((tmp_path / "channel").rglob("*.conda")) == []


def test_build__folder_is_a_file__says_so(tmp_path: Path, make: Callable[..., list[str]]) -> None:
    (tmp_path / "channel").touch()
    with pytest.raises(PackError, match=r"channel cannot be written: .*File exists"):
        make()


def test_build__package_cut_short_in_the_folder__is_named(tmp_path: Path, make: Callable[..., list[str]]) -> None:
    make()
    package = next((tmp_path / "channel").glob("*/python-3*.conda"))
    whole = package.read_bytes()
    package.write_bytes(whole[: len(whole) // 2])
    (tmp_path / "channel/noarch/repodata.json").unlink()
    with pytest.raises(PackError, match=rf"{package.name}: not a Conda package: cut short\? remove it"):
        make()
    package.unlink()
    make()
    assert package.read_bytes() == whole


def test_build__index_is_not_whole__is_made_anew(tmp_path: Path, make: Callable[..., list[str]]) -> None:
    make()
    (tmp_path / "channel/noarch/repodata.json").write_text("{")
    make()
    assert set(packages(tmp_path / "channel")) == {"python", "python_abi", "ca-certificates"}


@pytest.mark.usefixtures("links")
def test_build__killed_before_its_end__the_next_one_finishes(tmp_path: Path, make: Callable[..., list[str]]) -> None:
    half = tmp_path / "channel/.unfinished/noarch"
    half.mkdir(parents=True)
    (half / "lower-1.5-py_0.conda").write_text("half")
    make("upper")
    assert (tmp_path / "channel/noarch/lower-1.5-py_0.conda").stat().st_size > 500
    assert not half.exists()


@pytest.mark.usefixtures("links")
def test_build__two_at_once__both_find_a_whole_channel(tmp_path: Path, host_cache: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from python_package.host_python.channel import build\n"
        "build(sys.argv[1], sys.argv[3:], python=sys.executable, cache_dir=Path(sys.argv[2]))\n"
        "sys.stdout.flush(); os._exit(0)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "channel"), str(host_cache)]
    both = [subprocess.Popen([*command, name], stderr=subprocess.PIPE) for name in ("upper", "lower")]
    assert [(process.communicate(timeout=120)[1], process.returncode) for process in both] == [(b"", 0)] * 2
    assert set(packages(tmp_path / "channel")) == {"python", "python_abi", "ca-certificates", "upper", "lower"}


# pip and its settings


@pytest.mark.usefixtures("links")
@pytest.mark.network
def test_fetch__pip_that_uv_brings__serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_CONFIG_FILE", "PIP_NO_INDEX"):
        monkeypatch.delenv(name)
    found = pip_wheels.fetch(
        ["lower"],
        HERE.executable,
        HERE.version,
        tmp_path / "wheels",
        progress=lambda _: None,
        find_pip=pip_wheels.pip_of_uv,
    )
    assert [path.name for path in found] == ["lower-1.5-py3-none-any.whl"]


def test_find_pip__python_too_old_for_ours__lets_uv_bring_one() -> None:
    assert pip_wheels.find_pip(HERE.executable, HERE.version)[:2] == [sys.executable, "-I"]
    assert "tool" in pip_wheels.find_pip(HERE.executable, "3.5.0")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"UV_DEFAULT_INDEX": "corp=https://h/simple"}, {"PIP_INDEX_URL": "https://h/simple"}),
        ({"UV_INDEX_URL": "https://h/simple", "PIP_INDEX_URL": "https://p"}, {"PIP_INDEX_URL": "https://p"}),
        ({"UV_INDEX": "a=https://a https://b"}, {"PIP_EXTRA_INDEX_URL": "https://a https://b"}),
        ({"UV_FIND_LINKS": "/one,/two"}, {"PIP_FIND_LINKS": "/one /two"}),
        ({"UV_OFFLINE": "1"}, {"PIP_NO_INDEX": "1"}),
        ({"UV_INDEX": " "}, {}),
        ({"PIP_REQUIRE_VIRTUALENV": "1"}, {}),
    ],
)
def test_pip_environ__uvs_settings__hold_for_pip(environ: dict[str, str], expected: dict[str, str]) -> None:
    found = {name: value for name, value in pip_wheels.pip_environ(environ).items() if name.startswith("PIP_")}
    guards = {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    assert found == expected | guards


# host_channel


def test_host_channel__made_once__is_found_again(host_cache: Path) -> None:
    compiled: list[int] = []
    first = host_channel(host_cache, python=sys.executable, compiled=lambda done, _: compiled.append(done))
    assert compiled == []
    assert set(packages(first)) == {"python", "python_abi", "ca-certificates"}
    assert (first.parent, first.name.partition("-")[0]) == (host_cache, HERE.version)


def test_host_channel__first_time__is_made_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        assert not list(tmp_path.glob(f"{HERE.version}-*"))
        raise PackError("no more space")

    monkeypatch.setattr(cpython, "write", write)
    with pytest.raises(PackError, match="no more space"):
        host_channel(tmp_path, python=sys.executable)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_host_channel__made_anew__removes_those_that_were_not_used_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpython, "write", lambda *_: None)  # what is in it does not matter here
    days = 24 * 3600
    for name, age in (("3.9.1-0123456789ab", 100 * days), ("3.9.2-0123456789ab", 80 * days)):
        (tmp_path / name / "noarch").mkdir(parents=True)
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    made = host_channel(tmp_path, python=sys.executable)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "3.9.2-0123456789ab", made.name}


def test_host_channel__used__counts_as_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpython, "write", lambda *_: None)
    made = host_channel(tmp_path, python=sys.executable)
    os.utime(made, (1, 1))
    assert host_channel(tmp_path, python=sys.executable) == made
    assert made.stat().st_mtime > time.time() - 3600


def test_identity__interpreter_is_another__changes(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("one")
    interpreter = replace(HERE, executable=tmp_path / "python")
    first = local.identity(interpreter)
    assert local.identity(interpreter) == first
    os.utime(tmp_path / "python", (1, 1))
    assert len({first, local.identity(interpreter), local.identity(HERE)}) == 3


def test_host_channel__cache_cannot_be_written__says_how_to_mend_it(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(PackError, match=r"cache cannot be written; XDG_CACHE_HOME may name another .*File exists"):
        host_channel(tmp_path / "cache", python=sys.executable)


def test_default_cache__xdg_cache_home__is_heeded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "python_package/channel"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert default_cache() == Path("/home/me/.cache/python_package/channel")
