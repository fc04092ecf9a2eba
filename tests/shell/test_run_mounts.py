"""python_package_run where file systems are mounted so that no program starts, or are on a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_tarball import Entry, environment
from run_worker import PATIENCE, SHELLS, Worker, lines, tool

GREETING = "hello from the environment\n"


@pytest.fixture(params=SHELLS)
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    """Return a worker that is not below /tmp, which some tests mount."""
    root = Path(tempfile.mkdtemp(prefix="python_package_test-", dir="/var/tmp"))
    worker = Worker(root, request.param)
    worker.pack()
    yield worker
    worker.stop()
    shutil.rmtree(root)


def run_with(worker: Worker, noexec: list[Path], *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the wrapper where these folders are file systems of their own, mounted noexec; then say what is in them."""
    for folder in noexec:
        folder.mkdir(parents=True, exist_ok=True)
    script = """
        while [ "$1" != -- ]; do mount -t tmpfs -o noexec,mode=1777 tmpfs "$1" || exit 99; shift; done
        shift
        exec "$@"
    """
    command = [tool("unshare"), "-rm", "/bin/sh", "-c", script, "sh", *map(str, noexec), "--"]
    return subprocess.run(
        [*command, *worker.shell, str(worker.wrapper), *args],
        cwd=worker.task,
        env={**worker.env, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


# ---- noexec


def test_noexec__home__the_next_place_is_taken(worker: Worker) -> None:
    for _ in ("cold", "warm"):
        result = run_with(worker, [worker.home], "venv", "greet")
        assert (result.returncode, result.stdout, result.stderr) == (0, GREETING, "")
    (env,) = worker.envs(worker.tmp / f"python_package_run-{os.geteuid()}")
    assert worker.relocations(env.parent) == [str(env)]


def test_noexec__all_but_the_last_place__the_last_is_taken(worker: Worker) -> None:
    """There are more of them than a replaced tarball is tried again."""
    names = ("WORK_QUEUE_SANDBOX", "WORKER_TMPDIR", "_CONDOR_SCRATCH_DIR", "SLURM_TMPDIR", "XDG_CACHE_HOME")
    places = {name: str(worker.root / name) for name in names}

    result = run_with(worker, [Path(place) for place in places.values()], "venv", "greet", **places)

    assert (result.returncode, result.stdout, result.stderr) == (0, GREETING, "")
    assert len(worker.envs(worker.tmp / f"python_package_run-{os.geteuid()}")) == 1


def test_noexec__tmpdir_too__tmp_is_taken(worker: Worker) -> None:
    result = run_with(worker, [worker.home, worker.tmp], "venv", 'greet; echo "$CONDA_PREFIX"')

    assert (result.returncode, result.stderr) == (0, "")
    greeting, prefix = result.stdout.splitlines(keepends=True)
    assert greeting == GREETING
    assert Path(prefix.strip()).parent == Path(f"/tmp/python_package_run-{os.geteuid()}")  # noqa: S108
    shutil.rmtree(prefix.strip())


def test_noexec__every_place__exits_4_and_names_them(worker: Worker) -> None:
    result = run_with(worker, [worker.home, worker.tmp, Path("/tmp")], "venv", "echo outside")  # noqa: S108

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    user = os.geteuid()
    assert str(worker.cache) in result.stderr
    for folder in (worker.tmp, "/tmp"):  # noqa: S108
        assert f"{folder}/python_package_run-{user}" in result.stderr
    assert "mounted noexec" in result.stderr
    assert "set PYTHON_PACKAGE_CACHE" in result.stderr


@pytest.mark.parametrize("how", ["-u", "PYTHON_PACKAGE_CACHE"])
def test_noexec__place_that_the_user_named__exits_4(worker: Worker, how: str) -> None:
    place = worker.root / "scratch"
    if how == "-u":
        result = run_with(worker, [place], "-u", f"{place}/env", "venv", "echo outside")
    else:
        result = run_with(worker, [place], "venv", "echo outside", PYTHON_PACKAGE_CACHE=f"{place}/cache")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert str(place) in result.stderr
    assert "mounted noexec" in result.stderr
    assert not worker.envs()


def test_noexec__directory__exits_4_and_says_so(worker: Worker) -> None:
    place = worker.root / "scratch"
    unpack = f'mkdir "{place}/env" && tar xzf venv.tar.gz -C "{place}/env" && exec "$@"'
    place.mkdir()
    script = f'mount -t tmpfs -o noexec tmpfs "{place}" && {unpack}'
    command = [tool("unshare"), "-rm", "/bin/sh", "-c", script, "sh", *worker.shell, str(worker.wrapper)]

    result = subprocess.run(
        [*command, "-e", str(place / "env"), "echo", "outside"],
        cwd=worker.task,
        env={**worker.env, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert f"{place}/env" in result.stderr
    # busybox takes what root may not execute for executable.
    assert ("Permission denied" if worker.busybox else "mounted noexec") in result.stderr


# ---- Networks

NOTE = "python_package_run: note: {} is on a network ({}), where Python starts slowly; "
# As the kernel calls them where they are mounted; this machine need not have them.
FILE_SYSTEMS = ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "smb3", "ceph", "afs", "fuse.sshfs")


def mount_network(worker: Worker, kind: str, *later: str) -> None:
    """Let the kernel's list say that the home is a file system of this kind, and what else is mounted later."""
    mounts = worker.root / "mounts"
    lines = ["rootfs / rootfs rw 0 0", f"server:/home {worker.home} {kind} rw,vers=4.2 0 0", *later]
    mounts.write_text("".join(f"{line}\n" for line in lines))
    source = worker.wrapper.read_text()
    assert source.count("</proc/self/mounts") == 1
    worker.wrapper.write_text(source.replace("/proc/self/mounts", str(mounts)))


@pytest.mark.parametrize("kind", FILE_SYSTEMS)
def test_network__home__is_said_when_it_is_unpacked_and_not_again(worker: Worker, kind: str) -> None:
    mount_network(worker, kind)

    cold = worker.run("venv", "greet")
    warm = worker.run("venv", "greet")

    assert (cold.stdout, warm.stdout, warm.stderr) == (GREETING, GREETING, "")
    assert lines(cold.stderr) == 1
    assert cold.stderr.startswith(NOTE.format(worker.cache, kind))
    assert "PYTHON_PACKAGE_CACHE" in cold.stderr


def test_network__twenty_tasks_at_once__one_says_it(worker: Worker) -> None:
    mount_network(worker, "nfs4")

    started = [worker.start("venv", "greet") for _ in range(20)]
    said = [process.communicate(timeout=PATIENCE) for process in started]

    assert {out for out, _ in said} == {GREETING}
    assert [lines(err) for _, err in said if err] == [1]


@pytest.mark.parametrize("name", ["WORK_QUEUE_SANDBOX", "PYTHON_PACKAGE_CACHE", "SLURM_TMPDIR"])
def test_network__place_that_somebody_chose__is_used_without_a_word(worker: Worker, name: str) -> None:
    mount_network(worker, "nfs4")
    place = worker.root / "scratch"
    place.mkdir(mode=0o700)
    worker.env[name] = str(place)

    result = worker.run("venv", "greet")

    assert (result.stdout, result.stderr) == (GREETING, "")


def test_network__local_file_systems__are_no_network(worker: Worker) -> None:
    """What the kernel says of two of them, tmpfs among them."""
    for folder, env in (("/dev/shm", environment()), (worker.root, environment().having(Entry("more")))):  # noqa: S108
        home = tempfile.mkdtemp(prefix="python_package_test-", dir=folder)
        try:
            worker.pack(env=env)
            result = worker.run("venv", "greet", HOME=home)
        finally:
            shutil.rmtree(home)
        assert (result.stdout, result.stderr) == (GREETING, "")


def test_network__local_disk_mounted_over_it__is_no_network(worker: Worker) -> None:
    mount_network(worker, "nfs4", f"/dev/sda1 {worker.home}/.cache ext4 rw 0 0")

    result = worker.run("venv", "greet")

    assert (result.stdout, result.stderr) == (GREETING, "")


def test_network__home_with_a_blank__is_found_in_the_kernels_list(worker: Worker) -> None:
    home = worker.root / "my home\tand its\\"
    home.mkdir()
    escaped = str(home).replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")
    mount_network(worker, "ext4", f"server:/home {escaped} nfs4 rw 0 0")

    result = worker.run("venv", "greet", HOME=str(home))

    assert result.stdout == GREETING
    assert "is on a network (nfs4)" in result.stderr


def test_network__list_that_cannot_be_read__is_not_talked_of(worker: Worker) -> None:
    mount_network(worker, "nfs4")
    (worker.root / "mounts").unlink()

    result = worker.run("venv", "greet")

    assert (result.stdout, result.stderr) == (GREETING, "")
