"""The wrapper runs tarballs of old, and a wrapper of old runs today's."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_tarball import MANIFEST, Entry, environment
from run_worker import SHELLS, Worker, lines

from python_package.pack.manifest import HEADING

OLD = Path(__file__).parent / "old"
GREETING = "hello from the environment\n"


@pytest.fixture(params=SHELLS)
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path, request.param)
    made.add_tool("uname", '[ "$1" = -n ] && exec hostname; echo Linux x86_64')  # for which the old tarball is
    yield made
    made.stop()


@pytest.fixture
def old_wrapper(worker: Worker) -> None:
    worker.wrapper.write_bytes(gzip.decompress((OLD / "python_package_run.gz").read_bytes()))


def unpacked(worker: Worker) -> dict[str, bytes]:
    """Return the files of the one environment in the cache, without what the wrapper notes."""
    (root,) = worker.envs()
    paths = (path for path in root.rglob("*") if path.is_file() and path.parent.name != ".python_package_run")
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("cores", ["1", "2", "27"])
def test_run__a_tarball_of_old__is_whole(worker: Worker, cores: str) -> None:
    tarball = shutil.copy(OLD / "venv.tgz", worker.task / "venv.tar.gz")
    result = worker.run("venv", "greet", CORES=cores)
    assert (result.returncode, result.stdout, result.stderr) == (0, GREETING, "")
    subprocess.run(["tar", "xzf", tarball, "-C", worker.root / "tools"], check=True)
    plain = {
        str(path.relative_to(worker.root / "tools")): path.read_bytes()
        for path in (worker.root / "tools").rglob("*")
        if path.is_file() and path.name != "uname"
    }
    assert len(plain) == 13
    assert unpacked(worker) == plain


def test_info__a_tarball_of_old__prints_its_manifest_and_packages(worker: Worker) -> None:
    shutil.copy(OLD / "venv.tgz", worker.task / "venv.tar.gz")
    result = worker.run("--info", "venv")
    assert result.stderr == ""
    assert "id 0750f9d6fb2a3fcdecbb\n" in result.stdout
    assert "package python-3.11.7-0\n" in result.stdout


@pytest.mark.parametrize("cores", ["1", "2"])
@pytest.mark.parametrize("place", [0, 4700, 4900, 6000, 11138])
def test_run__a_damaged_tarball_of_old__exits_3(worker: Worker, place: int, cores: str) -> None:
    data = bytearray((OLD / "venv.tgz").read_bytes())
    data[place] ^= 0x10
    (worker.task / "venv.tar.gz").write_bytes(data)
    result = worker.run("venv", "greet", CORES=cores)
    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert not worker.envs()


@pytest.mark.usefixtures("old_wrapper")
def test_run__lines_that_a_wrapper_of_old_does_not_know__are_passed_over(worker: Worker) -> None:
    library = "libcuda.so.1 lib/python3.11/site-packages/fast/it.so"
    more = {"glibc-of": "lib/libcrypt.so.1", "microarchitecture": "x86_64_v3 fast", "library": library}
    worker.pack(env=environment().stating(**more, imports="unchecked"))
    result = worker.run("venv", "greet")
    assert (result.returncode, result.stdout, result.stderr) == (0, GREETING, "")


@pytest.mark.usefixtures("old_wrapper")
@pytest.mark.parametrize("cores", ["1", "2"])
def test_run__todays_tarball_by_a_wrapper_of_old__is_whole(worker: Worker, cores: str) -> None:
    env = environment().having(Entry("lib/more", b"more\n", 0o644))
    worker.pack(env=env)
    result = worker.run("venv", "greet", CORES=cores)
    assert (result.returncode, result.stdout, result.stderr) == (0, GREETING, "")
    found = unpacked(worker)
    assert found.pop(MANIFEST).startswith(f"\n{HEADING}\n".encode())
    del found["relocated"]
    assert found == {entry.name: entry.content for chunk in env.chunks for entry in chunk}


@pytest.mark.usefixtures("old_wrapper")
@pytest.mark.parametrize("length", [100, 1200, -1])
def test_run__todays_tarball_cut_short_by_a_wrapper_of_old__exits_3(worker: Worker, length: int) -> None:
    tarball = worker.pack()
    tarball.write_bytes(tarball.read_bytes()[:length])
    result = worker.run("venv", "greet")
    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
