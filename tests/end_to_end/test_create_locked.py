"""A lock made by a real create makes the same tarball again, byte for byte, or says why it cannot."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from desk import OURS, PYTHON, Desk, make_desk, one_line
from locks import as_json
from rattler import LockFile

from python_package.conda import lockfile
from python_package.conda.records import PLATFORM, to_rattler
from python_package.conda.solver import Channels
from python_package.pack import read

LOCK = "conda-meta/python-package.lock"


@dataclass(frozen=True)
class Original:
    """A tarball that was made with a lock: of a channel, an index, and the user's own module."""

    desk: Desk
    tarball: bytes
    lock: str

    def packed(self, member: str) -> str:
        """Return a text in the tarball, as plain tar extracts it."""
        return subprocess.check_output(["tar", "xzOf", str(self.desk.cwd / "env.tar.gz"), member], text=True)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, channel: Path, caches: dict[str, str]) -> Original:
    root = tmp_path_factory.mktemp("original")
    desk = make_desk(root, copy(channel, root / "channel"), caches)
    (desk.home / "mine.py").write_text("ANSWER = 43\n")
    spec = desk.spec("antigravity", "idna", "nowhere", "onlypypi", optional=["nowhere"],
                     local={"mine": str(desk.home / "mine.py")})  # fmt: skip
    done = desk.run("-c", str(desk.channel), *OURS, "--lock", "env.lock", "--sbom", "env.json", spec, "env")
    assert done.returncode == 0, done.stderr
    return Original(desk, (desk.cwd / "env.tar.gz").read_bytes(), (desk.cwd / "env.lock").read_text())


@pytest.fixture
def other(original: Original, tmp_path: Path) -> Desk:
    """Return another person's desk, in whose job lies the lock; the caches and the index are the same."""
    (tmp_path / "home").mkdir()
    (tmp_path / "their job").mkdir()
    (tmp_path / "their job" / "env.lock").write_text(original.lock)
    environ = {**original.desk.environ, "HOME": str(tmp_path / "home")}
    return replace(original.desk, home=tmp_path / "home", cwd=tmp_path / "their job", environ=environ)


def copy(channel: Path, target: Path) -> Path:
    """Copy a channel by hard links: what is changed in it must be put in place anew."""
    shutil.copytree(channel, target, copy_function=os.link)
    return target


def cold(desk: Desk, tmp_path: Path) -> dict[str, str]:
    """Return what makes all caches of ours but that of wheels empty."""
    ours = tmp_path / "cold" / "python_package"
    ours.mkdir(parents=True)
    (ours / "wheels").symlink_to(Path(desk.environ["XDG_CACHE_HOME"], "python_package", "wheels"))
    return {"XDG_CACHE_HOME": str(ours.parent)}


def change(desk: Desk, old: str, new: str) -> None:
    text = (desk.cwd / "env.lock").read_text()
    assert old in text
    (desk.cwd / "env.lock").write_text(text.replace(old, new))


def refused(desk: Desk, code: int, *argv: str, **extra: str) -> str:
    """Run a create that must fail and leave nothing; return its one line."""
    done = desk.run(*argv, **extra)
    assert done.returncode == code, done.stderr
    assert list(desk.cwd.glob("*.tar.gz")) == []
    assert list(desk.cwd.glob(".*")) == []
    assert not (desk.envs / "env").exists()
    return one_line(done.stderr)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002  # the base class's name


# the lock


def test_create__lock__is_read_by_py_rattler_with_every_package_and_its_sum(original: Original, tmp_path: Path) -> None:
    for text in (original.lock, original.packed(LOCK)):
        (tmp_path / "pixi.lock").write_text(text)
        file = LockFile.from_path(tmp_path / "pixi.lock")
        environment = file.default_environment()
        assert environment is not None
        packages = environment.packages(file.platforms()[0]) or []
        names = {package.name for package in packages}
        assert names == {"ca-certificates", "idna", "onlypypi", "python", "python-package-local", "python_abi"}
        assert all(package.hashes and package.hashes.sha256 for package in packages)


def test_create__lock_in_the_tarball__has_nothing_of_the_machine(original: Original) -> None:
    text = original.packed(LOCK)
    assert str(original.desk.home.parent) not in text
    assert str(original.desk.channel) not in text
    assert "caches" not in text
    assert str(original.desk.channel) in original.lock


def test_create__lock__is_in_the_environment_too(original: Original) -> None:
    assert (original.desk.envs / "env" / LOCK).read_text() == original.packed(LOCK)


def test_create__lock_cannot_be_written__exits_7_before_anything(other: Desk) -> None:
    line = refused(other, 7, "--lock", "nowhere/env.lock", other.spec(), "env")
    assert "nowhere" in line
    assert not other.envs.exists()


def test_create__lock_and_tarball_have_one_name__exits_7(other: Desk) -> None:
    assert "two outputs have that name" in refused(other, 7, "--lock", "env.tar.gz", other.spec(), "env")


def test_create__fails_after_the_lock_was_written__keeps_the_old_lock(other: Desk, original: Original) -> None:
    spec = other.spec("broken")
    refused(other, 6, "-c", str(other.channel), *OURS, "--lock", "env.lock", spec, "env")
    assert (other.cwd / "env.lock").read_text() == original.lock


# --locked: the same


def test_create__locked_without_any_cache_of_ours__gives_the_same_bytes(
    original: Original, other: Desk, tmp_path: Path
) -> None:
    done = other.run("--locked", "env.lock", "env", **cold(other, tmp_path))
    assert done.returncode == 0, done.stderr
    assert (other.cwd / "env.tar.gz").read_bytes() == original.tarball
    assert "solve" not in done.stderr
    show = "import idna, mine, onlypypi; print(mine.ANSWER + onlypypi.ANSWER)"
    assert subprocess.check_output([other.envs / "env" / "bin" / "python", "-c", show], text=True) == "85\n"


def test_create__locked_and_lock__writes_the_same_lock(original: Original, other: Desk) -> None:
    done = other.run("--locked", "env.lock", "--lock", "again.lock", "other")
    assert done.returncode == 0, done.stderr
    assert (other.cwd / "again.lock").read_text() == original.lock
    assert (other.cwd / "other.tar.gz").read_bytes() == original.tarball


def test_create__locked_by_the_lock_of_the_tarball__finds_the_files_and_gives_the_same_bytes(
    original: Original, other: Desk, channel: Path, tmp_path: Path
) -> None:
    (other.cwd / "env.lock").write_text(original.packed(LOCK))
    none = {**cold(other, tmp_path), "RATTLER_CACHE_DIR": str(tmp_path / "packages")}
    assert "name it with --channel" in refused(other, 5, "--locked", "env.lock", "env", **none)
    done = other.run("--locked", "env.lock", "-c", str(channel), "env", **none)
    assert done.returncode == 0, done.stderr
    assert (other.cwd / "env.tar.gz").read_bytes() == original.tarball


def test_create__file_names_like_options_after_a_double_dash__are_names(other: Desk) -> None:
    (other.cwd / "-deps.json").write_text("{")
    assert "-deps.json" in refused(other, 3, "--lock", "new.lock", "--", "-deps.json", "env")


def test_create__locked_with_its_dependency_file__gives_the_same_bytes(original: Original, other: Desk) -> None:
    shutil.copy(original.desk.cwd / "deps.json", other.cwd)
    done = other.run("deps.json", "--locked", "env.lock", "env")
    assert done.returncode == 0, done.stderr
    assert (other.cwd / "env.tar.gz").read_bytes() == original.tarball


def test_create__locked_offline_with_channel_and_index_gone__gives_the_same_bytes(other: Desk, tmp_path: Path) -> None:
    root = tmp_path / "www"
    copy(other.channel, root / "channel")
    wheel = next(other.channel.parent.glob("index/onlypypi-1.0*.whl"))
    (root / "simple" / "onlypypi").mkdir(parents=True)
    shutil.copy(wheel, root / wheel.name)
    (root / "simple" / "onlypypi" / "index.html").write_text(f'<a href="/{wheel.name}">{wheel.name}</a>')
    with served(root) as url:
        nothing_near = {"PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0", "UV_DEFAULT_INDEX": f"{url}/simple"}
        spec = other.spec("idna", "onlypypi")
        done = other.run(
            "-c", f"{url}/channel", *OURS, "--lock", "env.lock", spec, "env",
            **nothing_near,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        again = ("--offline", "--locked", "env.lock", "again")
        done = other.run(*again, UV_CACHE_DIR=str(tmp_path / "empty"), **nothing_near)
        assert done.returncode == 5
        assert "onlypypi" in one_line(done.stderr)
    done = other.run(*again, **nothing_near)
    assert done.returncode == 0, done.stderr
    assert (other.cwd / "again.tar.gz").read_bytes() == (other.cwd / "env.tar.gz").read_bytes()
    assert url in (other.cwd / "env.lock").read_text()


# --locked: refused


def test_create__locked_with_another_dependency_file__exits_3_and_says_what_differs(other: Desk) -> None:
    line = refused(other, 3, "--locked", "env.lock", other.spec("idna", "numpy"), "env")
    assert "the lock was made from another dependency file" in line
    assert "modules: antigravity, nowhere, onlypypi only there, numpy only here" in line


def test_create__locked_and_a_channel_serves_another_file__exits_8_and_names_it(
    other: Desk, channel: Path, tmp_path: Path
) -> None:
    mirror = copy(channel, tmp_path / "mirror")
    change(other, str(other.channel), str(mirror))
    package = next(mirror.glob("noarch/idna-*.conda"))
    package.unlink()
    shutil.copy(next(mirror.glob("noarch/pip-*.conda")), package)
    assert f"{package} is not the package that was promised" in refused(other, 8, "--locked", "env.lock", "env")


def test_create__locked_and_an_address_serves_another_file__exits_8_and_names_it(
    other: Desk, channel: Path, tmp_path: Path
) -> None:
    mirror = copy(channel, tmp_path / "mirror")
    package = next(mirror.glob("noarch/idna-*.conda"))
    package.unlink()
    shutil.copy(next(mirror.glob("noarch/pip-*.conda")), package)
    with served(mirror) as url:
        change(other, f"file://{other.channel}", url)
        change(other, str(other.channel), url)
        line = refused(other, 8, "--locked", "env.lock", "env", RATTLER_CACHE_DIR=str(tmp_path / "packages"))
    assert f"{url}/noarch/{package.name} is not the package that was promised" in line


def test_create__locked_with_another_sum_of_a_package__exits_8(other: Desk) -> None:
    text = (other.cwd / "env.lock").read_text()
    entry = text.split("noarch/idna-")[2].split("\n- ")[0]
    (sha256,) = (line for line in entry.splitlines() if line.startswith("  sha256: "))
    change(other, sha256, "  sha256: " + "ab" * 32)
    assert "noarch/idna-" in refused(other, 8, "--locked", "env.lock", "env")


@pytest.mark.parametrize("name", ["onlypypi", "python_package_local"])
def test_create__locked_and_a_wheel_is_another__exits_8_and_names_it(other: Desk, name: str) -> None:
    text = (other.cwd / "env.lock").read_text()
    entry = next(each for each in text.split("\n- ")[::-1] if f"/{name}-" in each)
    (sha256,) = (line for line in entry.splitlines() if line.startswith("  sha256: "))
    change(other, sha256, "  sha256: " + "ab" * 32)
    assert f"{name}-" in refused(other, 8, "--locked", "env.lock", "env")


def test_create__locked_and_a_wheel_from_an_address_is_another__exits_8_and_names_it(
    other: Desk, original: Original, tmp_path: Path
) -> None:
    index = original.desk.home.parent / "index"
    shutil.copytree(index, tmp_path / "www")
    shutil.copy(index / "broken-1.0-py3-none-any.whl", tmp_path / "www" / "onlypypi-1.0-py3-none-any.whl")
    with served(tmp_path / "www") as url:
        change(other, f"{index}/", f"{url}/")
        line = refused(other, 8, "--locked", "env.lock", "env")
    assert "onlypypi==1.0 from PyPI is not the file that was promised" in line


def test_create__locked_and_a_wheel_is_nowhere__exits_5_and_names_it(other: Desk) -> None:
    change(other, "/onlypypi-1.0-", "/onlypypi-1.1-")
    line = refused(other, 5, "--locked", "env.lock", "env", PIP_FIND_LINKS="")
    assert "onlypypi-1.1-py3-none-any.whl is not in the cache of wheels" in line


def test_create__locked_and_a_package_is_nowhere__exits_5_and_names_it(
    other: Desk, channel: Path, tmp_path: Path
) -> None:
    mirror = copy(channel, tmp_path / "mirror")
    change(other, str(other.channel), str(mirror))
    package = next(mirror.glob("noarch/idna-*.conda"))
    package.unlink()
    line = refused(other, 5, "--locked", "env.lock", "env", **cold(other, tmp_path))
    assert f"{package}: there is no such package" in line
    assert "--channel" in line


def test_create__locked_for_another_platform__exits_4_and_names_both(other: Desk) -> None:
    change(other, "- name: linux-64", "- name: osx-arm64")
    change(other, "      linux-64:", "      osx-arm64:")
    line = refused(other, 4, "--locked", "env.lock", "env")
    assert "the lock is for osx-arm64, and this machine is linux-64" in line


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "not a lock of python_package_create"), (b"\xff", "not UTF-8"), (b"# python-package: {}\n", "damaged")],
)
def test_create__locked_by_no_lock__exits_3_and_names_it(other: Desk, content: bytes, says: str) -> None:
    (other.cwd / "env.lock").write_bytes(content)
    line = refused(other, 3, "--locked", "env.lock", "env")
    assert "env.lock: " in line
    assert says in line


def test_create__locked_by_an_absent_file__exits_2(other: Desk) -> None:
    assert "absent.lock: No such file" in refused(other, 2, "--locked", "absent.lock", "env")


@pytest.mark.parametrize(
    "argv",
    [
        ("env",),
        ("--locked", "env.lock"),
        ("--locked", "env.lock", "--map", "a=b", "env"),
        ("--locked", "env.lock", "--interpreter", "host", "env"),
        ("--locked", "env.lock", "--strict-names", "env"),
        ("--locked", "env.lock", "--exact", "env"),
        ("--locked", "env.lock", "--dry-run", "env"),
        ("--lock", "new.lock", "--dry-run", "deps.json", "env"),
        ("--sbom", "env.json", "--dry-run", "deps.json", "env"),
        ("--locked", "env.lock", "deps.json", "env", "more"),
    ],
)
def test_create__locked_in_another_form__exits_1(other: Desk, argv: tuple[str, ...]) -> None:
    other.spec()
    refused(other, 1, *argv)


def test_solve__records_of_a_channel__are_as_a_lock_gives_them_back(channel: Path) -> None:
    packages = Channels([str(channel)]).solve(["idna"]).packages
    assert as_json(lockfile.canonical(map(to_rattler, packages), PLATFORM)) == as_json(packages)


def test_create__lock__has_the_dependency_file_in_its_first_line(original: Original) -> None:
    header = json.loads(original.lock.partition("\n")[0].removeprefix("# python-package: "))
    assert header["spec"]["python"] == PYTHON
    assert header["spec"]["local"] == {"mine": "mine.py"}
    assert header["dropped"] == ["nowhere"]
    assert header["direct"] == ["python-package-local"]
    assert header["specs"] == [f"python =={PYTHON}", "idna"]


# the bill of materials


def test_create__sbom__is_valid_and_has_the_packages_of_the_lock(original: Original) -> None:
    text = (original.desk.cwd / "env.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    found = {each["name"]: each for each in bill["components"]}
    assert set(found) == {"ca-certificates", "idna", "onlypypi", "python", "python-package-local", "python_abi"}
    assert found["idna"]["hashes"][-1]["content"] in original.lock
    assert found["idna"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert bill["metadata"]["component"]["version"] == read(original.desk.cwd / "env.tar.gz").id
    assert str(original.desk.home.parent) not in text


def test_create__sbom_of_the_locked_again__is_the_same(original: Original, other: Desk) -> None:
    done = other.run("--locked", "env.lock", "--sbom", "again.json", "env")
    assert done.returncode == 0, done.stderr
    assert (other.cwd / "again.json").read_bytes() == (original.desk.cwd / "env.json").read_bytes()


def test_create__sbom_cannot_be_written__exits_7_before_anything(other: Desk) -> None:
    assert "nowhere" in refused(other, 7, "--sbom", "nowhere/env.json", other.spec(), "env")
