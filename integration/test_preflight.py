"""A worker that cannot run the environment says so in one line that names both sides, and has unpacked nothing."""

from __future__ import annotations

import pytest

from integration.conftest import Workers
from integration.docker import Done
from integration.machines import CLEAN, MUSL, OLD, SMALL, Environment, Job
from python_package import pack


def _assert_refused(job: Job, done: Done, status: int, *said: str) -> None:
    assert (done.status, done.stdout) == (status, b"")
    (line,) = done.err.splitlines()
    assert line.startswith("python_package_run: ")
    for part in said:
        assert part in line
    assert job.sh("find /tmp -type f -size +0").out == ""


def test_run__worker_with_musl__is_refused(workers: Workers, rich: Environment) -> None:
    job = workers(MUSL).job(rich)
    floor = pack.read(rich.tarball).glibc
    _assert_refused(job, job.run(rich, "python3 -c 'print(1)'"), 4, f"needs glibc {floor}", "has musl")


def test_run__worker_with_an_old_glibc__is_refused(workers: Workers, rich: Environment) -> None:
    job = workers(OLD).job(rich)
    floor = pack.read(rich.tarball).glibc
    done = job.run(rich, "python3 -c 'print(1)'")
    if tuple(map(int, floor.split("."))) <= (2, 31):  # this machine's python was built for old systems
        assert done.out == "1\n"
    else:
        _assert_refused(job, done, 4, f"needs glibc {floor}", "has glibc 2.31")


def test_run__worker_of_another_architecture__is_refused(workers: Workers, rich: Environment) -> None:
    job = workers.new(CLEAN).job(rich)
    subdir = pack.read(rich.tarball).subdir
    # The kernel then says `i686` (or armv8l) for this process.
    done = job.sh("exec setarch linux32 ./python_package_run rich 'python3 -c pass'")
    _assert_refused(job, done, 4, f"is for {subdir}", "this machine is linux-")


def test_run__worker_with_too_little_space__is_refused(workers: Workers, rich: Environment) -> None:
    job = workers(SMALL).job(rich)
    needed = pack.read(rich.tarball).size >> 20
    _assert_refused(job, job.run(rich, "python3 -c pass"), 3, f"needs {needed} MiB", "only 40 MiB are free")


@pytest.mark.parametrize("kept", [0.3, 0.999])
def test_run__tarball_cut_short_on_its_way__is_refused(workers: Workers, rich: Environment, kept: float) -> None:
    job = workers.new(CLEAN).job(rich)
    whole = rich.tarball.read_bytes()
    (job.folder / rich.tarball.name).unlink()
    (job.folder / rich.tarball.name).write_bytes(whole[: int(len(whole) * kept)])
    _assert_refused(job, job.run(rich, "python3 -c pass"), 3, "cut short", str(len(whole)))
