"""Tarballs that are damaged, replaced or written by an enemy, and places that an environment cannot be used from."""

from __future__ import annotations

import os
import random
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from run_tarball import Entry, Environment, chunk_offsets, environment, pack
from run_worker import SHELLS, Worker, lines

GREETING = "hello from the environment\n"


@pytest.fixture(params=SHELLS)
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path, request.param)
    yield made
    made.stop()


def refused(result: subprocess.CompletedProcess[str], code: int, says: str = "") -> None:
    assert (result.returncode, result.stdout, lines(result.stderr)) == (code, "", 1), result.stderr
    assert says in result.stderr


# ---- What came out is what was promised


@pytest.mark.parametrize("cores", ["1", "2"])
@pytest.mark.parametrize("form", [1, 2])
@pytest.mark.parametrize("chunk", [1, 2])
def test_unpack__a_chunks_first_byte_is_damaged__exits_3(worker: Worker, chunk: int, form: int, cores: str) -> None:
    tarball = worker.pack(env=replace(environment(), form=form))
    data = bytearray(tarball.read_bytes())
    data[chunk_offsets(tarball)[chunk][0]] ^= 0xFF
    tarball.write_bytes(data)
    refused(worker.run("venv", "greet", CORES=cores), 3)
    assert not worker.envs()


@pytest.mark.parametrize("cores", ["1", "2"])
@pytest.mark.parametrize("form", [1, 2])
def test_unpack__zeros_in_place_of_a_chunk__exits_3(worker: Worker, form: int, cores: str) -> None:
    tarball = worker.pack(env=replace(environment(), form=form))
    data = bytearray(tarball.read_bytes())
    offset, length = chunk_offsets(tarball)[1]
    data[offset : offset + length] = bytes(length)
    tarball.write_bytes(data)
    refused(worker.run("venv", "greet", CORES=cores), 3)
    assert not worker.envs()


def test_unpack__zeros_at_the_end__exits_3(worker: Worker) -> None:
    tarball = worker.pack()
    data = tarball.read_bytes()
    tarball.write_bytes(data[: len(data) // 3] + bytes(len(data) - len(data) // 3))
    refused(worker.run("venv", "greet"), 3)


def test_unpack__a_tarball_of_old_that_counts_nothing__runs(worker: Worker) -> None:
    worker.pack(env=replace(environment(), form=1, counted=False))
    assert worker.run("venv", "greet").stdout == GREETING


@pytest.mark.parametrize("cores", ["1", "2", "27"])
@pytest.mark.parametrize("source", ["itself", "another"])
def test_unpack__a_chunk_in_the_place_of_another_like_it__exits_3(worker: Worker, source: str, cores: str) -> None:
    """Lengths and numbers are as promised: the checksum alone tells."""
    tarball, other = worker.pack(env=_alike(0)), worker.pack("other", _alike(12))
    data, donor = bytearray(tarball.read_bytes()), (tarball if source == "itself" else other).read_bytes()
    place, chunk = next(
        (mine, theirs)
        for mine in chunk_offsets(tarball)[3:-1]
        for theirs in chunk_offsets(tarball if source == "itself" else other)[3:-1]
        if mine[1] == theirs[1] and data[mine[0] : sum(mine)] != donor[theirs[0] : sum(theirs)]
    )
    data[place[0] : sum(place)] = donor[chunk[0] : sum(chunk)]
    if source == "itself":  # the two change places
        data[chunk[0] : sum(chunk)] = donor[place[0] : sum(place)]
    tarball.write_bytes(data)
    refused(worker.run("venv", "greet", CORES=cores), 3)
    assert not worker.envs()


def _alike(start: int) -> Environment:
    """Return an environment with twelve chunks of much the same length."""
    env = environment()
    for number in range(start, start + 12):
        env = env.having(Entry(f"lib/{number:02}", random.Random(number).randbytes(2000)))  # noqa: S311
    return env.having(Entry("lib/last"))


def test_unpack__the_manifests_own_checksum_is_damaged__the_whole_is_checked_in_one_stream(worker: Worker) -> None:
    """It is in a comment, which is of no checksum: with it the manifest cannot be compared, but the tarball can."""
    tarball = worker.pack()
    data = tarball.read_bytes()
    place = data.index(b"holds ") + len("holds 1 1024 ")
    tarball.write_bytes(data[:place] + (b"1" if data[place : place + 1] != b"1" else b"2") + data[place + 1 :])
    assert worker.run("venv", "greet", CORES="2").stdout == GREETING


@pytest.mark.parametrize("size", ["9" * 30, "1 2", "", "-1", "08"])
def test_manifest__an_archive_size_that_is_no_number__exits_3(worker: Worker, size: str) -> None:
    worker.pack(env=environment().stating(archive=size))
    refused(worker.run("venv", "greet"), 3)


def test_manifest__python_that_is_a_path__makes_no_folder_elsewhere(worker: Worker) -> None:
    worker.pack(env=environment().stating(python=f"/../../../../../../../..{worker.root}/planted.x"))
    refused(worker.run("venv", "greet"), 3)
    assert not list(worker.root.rglob("planted*"))


def test_info__escape_sequences_in_the_manifest__are_not_printed(worker: Worker) -> None:
    worker.pack(env=environment().stating(python="3.11\x1b]0;evil\x07"))
    result = worker.run("--info", "venv")
    assert "\x1b" not in result.stdout + result.stderr


# ---- Nothing is written elsewhere


@pytest.mark.parametrize("cores", ["1", "4"])
def test_unpack__a_link_and_a_file_through_it__writes_nothing_outside(worker: Worker, cores: str) -> None:
    outside = worker.root / "outside"
    outside.mkdir()
    link = _Link("lib/way", str(outside))
    env = environment().having(link).having(Entry("lib/data2", b"x" * 100_000)).having(Entry("lib/way/planted"))
    worker.pack(env=env)
    worker.run("venv", "greet", CORES=cores)
    assert list(outside.iterdir()) == []


def test_unpack__a_hard_link_to_a_file_elsewhere__exits_3(worker: Worker) -> None:
    precious = worker.root / "precious"
    precious.write_text("precious\n")
    worker.pack(env=environment().having(Entry("lib/way", str(precious).encode(), kind=tarfile.LNKTYPE)))
    refused(worker.run("venv", "greet"), 3)
    assert precious.stat().st_nlink == 1


@pytest.mark.parametrize("name", ["ready", "used", "lock"])
def test_unpack__our_own_state_as_links_in_the_tarball__writes_nothing_outside(worker: Worker, name: str) -> None:
    precious = worker.root / "precious"
    precious.write_text("precious\n")
    worker.pack(env=environment().having(_Link(f".python_package_run/{name}", str(precious))))
    refused(worker.run("venv", "greet"), 3)
    assert precious.read_text() == "precious\n"


@pytest.mark.parametrize("name", ["ready", "used", "lock"])
def test_unpack_to__our_own_state_as_links__is_refused(worker: Worker, name: str) -> None:
    precious = worker.root / "precious"
    precious.write_text("precious\n")
    state = worker.task / "env" / ".python_package_run"
    state.mkdir(parents=True)
    (state / name).symlink_to(precious)
    worker.pack()
    refused(worker.run("-e", "venv.tar.gz", "-u", "env", "greet"), 3, "is a link")
    assert precious.read_text() == "precious\n"


# ---- One file from the first byte to the last


def test_unpack__another_tarball_takes_its_place_meanwhile__is_not_stored_under_the_first_ones_id(
    worker: Worker,
) -> None:
    first = worker.pack()
    other = pack(worker.task / "other", environment().having(Entry("lib/other")))
    names = {path: _id(path) for path in (first, other)}
    wanted = names[other]
    # nproc is asked after the manifest was read and before anything is unpacked.
    worker.add_tool("nproc", f"[ ! -e {other} ] || mv {other} {first}; echo 2")
    assert worker.run("venv", "greet").stdout == GREETING
    for env in worker.envs():
        assert (env / "lib/other").exists() == (env.name == wanted)


# ---- Where an environment cannot be used from


def test_cache__a_colon_in_its_path__another_place_is_taken(worker: Worker) -> None:
    home = worker.root / "ho:me"
    home.mkdir()
    worker.pack()
    result = worker.run("venv", "command -v greet", HOME=str(home))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(str(worker.tmp))


@pytest.mark.parametrize("how", ["cache", "unpack-to", "directory"])
def test_place_of_the_users__a_colon_in_its_path__exits_4(worker: Worker, how: str) -> None:
    place = worker.task / "a:b"
    place.mkdir()
    worker.pack()
    if how == "cache":
        result = worker.run("venv", "greet", PYTHON_PACKAGE_CACHE=str(place))
    elif how == "unpack-to":
        result = worker.run("-e", "venv.tar.gz", "-u", "a:b/env", "greet")
    else:
        subprocess.run(["tar", "xzf", "venv.tar.gz", "-C", place], cwd=worker.task, check=True)
        result = worker.run("-e", place, "greet")
    refused(result, 4, "colon")


def test_cache__others_may_write_to_it_although_it_is_warm__exits_3(worker: Worker) -> None:
    worker.pack()
    cache = worker.root / "shared"
    cache.mkdir()
    assert worker.run("venv", "greet", PYTHON_PACKAGE_CACHE=str(cache)).returncode == 0
    cache.chmod(0o777)
    refused(worker.run("venv", "greet", PYTHON_PACKAGE_CACHE=str(cache)), 3, "others may write")


def test_cache__relative_xdg_cache_home__does_not_count(worker: Worker) -> None:
    worker.pack()
    assert worker.run("venv", "greet", XDG_CACHE_HOME="here").stdout == GREETING
    assert not (worker.task / "here").exists()
    assert len(worker.envs()) == 1


# ---- Killed and closed


def test_replace__killed_while_it_asked_whether_the_environment_is_used__keeps_it(worker: Worker) -> None:
    worker.pack()
    assert worker.run("-e", "venv.tar.gz", "-u", "env", "greet").returncode == 0
    state = worker.task / "env" / ".python_package_run"
    task = worker.start("-e", "venv.tar.gz", "-u", "env", "sh", "-c", "echo on; sleep 30")
    assert task.stdout
    assert task.stdout.readline() == "on\n"
    (state / "ready").rename(state / "retired")  # what a killed one leaves
    pack(worker.task / "new.tar.gz", environment().having(Entry("lib/new")))
    result = worker.run("-e", "new.tar.gz", "-u", "env", "greet")
    assert (result.returncode, lines(result.stderr)) == (3, 1)
    assert (worker.task / "env" / "bin" / "python").exists()
    assert not (worker.task / "env" / "lib" / "new").exists()


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "0<&- 2>&-"])
def test_run__closed_streams_on_a_cold_cache__runs_the_task(worker: Worker, closed: str) -> None:
    worker.pack()
    script = f'{" ".join(worker.shell)} {worker.wrapper} venv "greet; : >ran" {closed}'
    result = subprocess.run(["/bin/sh", "-c", script], cwd=worker.task, env=worker.env, timeout=60)
    assert result.returncode in (0, 1)  # greet cannot write to a closed stream
    assert (worker.task / "ran").exists()


@pytest.mark.parametrize("cores", ["1" * 40, "0", "-3", "many", "", "100000"])
def test_run__cores_of_any_size__runs(worker: Worker, cores: str) -> None:
    worker.pack()
    assert worker.run("venv", "greet", CORES=cores).stdout == GREETING


# ---- The sandbox


def test_sandbox__what_the_tarball_brings__runs_inside_alone(worker: Worker) -> None:
    planted = Path.home() / f".ppr-test-{os.getpid()}"
    evil = f"#!/bin/sh\necho evil >{planted}\necho x >$0.relocated\n"
    worker.pack(env=environment(unpack=evil))
    try:
        result = worker.run("--sandbox", "-e", "venv.tar.gz", "-u", "env", "greet")
        assert not planted.exists(), result.stderr
    finally:
        planted.unlink(missing_ok=True)


class _Link(Entry):
    """A symbolic link."""

    def __init__(self, name: str, target: str) -> None:
        super().__init__(name, target.encode(), 0o777, tarfile.SYMTYPE)


def _id(path: Path) -> str:
    line = next(each for each in path.read_bytes()[:4096].split(b"\n") if each.startswith(b"id "))
    return line.split()[1].decode()
