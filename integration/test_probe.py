"""What a worker says about itself is what its environments are made for, or a refusal on the user's machine."""

from __future__ import annotations

import json

import pytest

from integration.conftest import Workers
from integration.machines import BUSYBOX, CLEAN, MUSL, OLD, Builder, Environment, Kind
from python_package import pack
from python_package.target import Target


def _probe(workers: Workers, builder: Builder, kind: Kind) -> str:
    """Probe a worker, and return the name of the file that holds what it said, on the builder."""
    said = workers(kind).job().sh("exec ./python_package_run --probe").ok().stdout
    path = builder.folder / f"{kind.name}.probe.json"
    path.write_bytes(said)
    return path.name


@pytest.mark.parametrize("kind", [CLEAN, BUSYBOX, OLD], ids=lambda kind: kind.name)
def test_probe__worker_with_glibc__is_a_target_and_names_where_it_unpacks(
    workers: Workers, builder: Builder, kind: Kind
) -> None:
    path = builder.folder / _probe(workers, builder, kind)
    ours = builder.run("python3", "-c", "import platform; print(platform.libc_ver()[1])").ok().out.strip()
    expected = "2.31" if kind is OLD else ours
    target = Target.load(str(path))
    assert "{}.{}".format(*target.glibc) == expected
    places = [place for place in json.loads(path.read_text())["places"] if not place["noexec"]]
    assert any(place["free"] > 0 for place in places)


def test_create__target_of_a_worker_like_this_one__runs_there(workers: Workers, builder: Builder) -> None:
    (builder.folder / "probed.json").write_text('{"python": ">=3.10", "modules": ["tqdm"]}')
    builder.run("python_package_create", "--target", _probe(workers, builder, CLEAN), "probed.json", "probed").ok()
    made = Environment("probed", builder.folder / "probed.tar.gz", "")
    done = workers(CLEAN).job(made).run(made, "python3 -c 'import tqdm; print(1)'")
    assert (done.status, done.out) == (0, "1\n"), done.err


def test_create__target_with_an_old_glibc__is_refused_here_with_both_versions(
    workers: Workers, builder: Builder, rich: Environment
) -> None:
    floor = pack.read(rich.tarball).glibc
    done = builder.run("python_package_create", "--target", _probe(workers, builder, OLD), "rich.json", "older")
    if tuple(map(int, floor.split("."))) <= (2, 31):  # this machine's python was built for old systems
        assert done.status == 0, done.err
        return
    assert done.status == 4
    assert not (builder.folder / "older.tar.gz").exists()
    line = done.err.splitlines()[-1]
    assert "__glibc >=" in line
    assert "old.probe.json has __glibc 2.31" in line


def test_create__target_with_musl__is_refused_here(workers: Workers, builder: Builder) -> None:
    (builder.folder / "musl.json").write_text('{"python": ">=3.10", "modules": []}')
    done = builder.run("python_package_create", "--target", _probe(workers, builder, MUSL), "musl.json", "musl")
    assert done.status == 3
    (line,) = done.err.splitlines()
    assert "musl.probe.json" in line
    assert "that machine has musl, and Conda's packages need glibc" in line
