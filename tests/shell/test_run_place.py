"""python_package_run: where environments go, when they leave, and machines on which they would not run."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_tarball import Entry, environment
from run_worker import PATIENCE, SHELLS, Worker, lines, wait_for

GREETING = "hello from the environment\n"
NOBODY = 65534
DAY = 86400

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")


@pytest.fixture(params=SHELLS)
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path, request.param)
    worker.pack()
    yield worker
    worker.stop()


@pytest.fixture
def nobodys(worker: Worker) -> Iterator[Worker]:
    """Return a worker that is run by an ordinary user, with a folder where that user may look."""
    root = Path(tempfile.mkdtemp(prefix="python_package_test-"))
    root.chmod(0o755)
    other = Worker(root, Path(worker.shell[0]).name)
    other.pack()
    other.user = NOBODY
    for folder in (other.home, other.task, other.tmp):
        os.chown(folder, NOBODY, NOBODY)
    yield other
    other.stop()
    shutil.rmtree(root)


# ---- Where


def test_place__work_queues_sandbox__comes_first(worker: Worker) -> None:
    sandbox = worker.root / "sandbox"
    sandbox.mkdir()
    cache = str(worker.root / "cache")

    for _ in ("cold", "warm"):
        result = worker.run("venv", "greet", WORK_QUEUE_SANDBOX=str(sandbox), PYTHON_PACKAGE_CACHE=cache)
        assert (result.stdout, result.stderr) == (GREETING, "")
    assert worker.relocations(sandbox) == [str(worker.envs(sandbox)[0])]
    assert not Path(cache).exists()


@pytest.mark.parametrize("preset", ["", "/nowhere", "venv.tar.gz"])
def test_place__sandbox_that_is_no_writable_directory__is_passed_over(worker: Worker, preset: str) -> None:
    result = worker.run("venv", "greet", WORK_QUEUE_SANDBOX=preset)

    assert (result.stdout, result.stderr) == (GREETING, "")
    assert worker.envs()


def test_place__relative_directories__become_absolute(worker: Worker) -> None:
    for name in ("WORK_QUEUE_SANDBOX", "PYTHON_PACKAGE_CACHE"):
        (worker.task / name).mkdir()
        worker.env[name] = name
        result = worker.run("venv", 'cd / && greet && echo "$CONDA_PREFIX"')
        del worker.env[name]
        assert result.stdout == f"{GREETING}{worker.envs(worker.task / name)[0]}\n"


JOBS = ("WORKER_TMPDIR", "_CONDOR_SCRATCH_DIR", "SLURM_TMPDIR")
ORDER = ("PYTHON_PACKAGE_CACHE", *JOBS, "XDG_CACHE_HOME", "HOME", "TMPDIR")


@pytest.mark.parametrize("name", ORDER)
def test_place__each_variable__is_honoured_in_its_turn(worker: Worker, name: str) -> None:
    for other in ORDER:
        worker.env.pop(other, None)
    chosen = {later: str(worker.root / f"new {later}") for later in ORDER[ORDER.index(name) :]}
    for folder in chosen.values():
        Path(folder).mkdir()
    worker.env |= chosen

    assert worker.run("venv", "greet").stdout == GREETING

    inside = {"XDG_CACHE_HOME": "python_package/envs", "HOME": ".cache/python_package/envs"}
    inside |= dict.fromkeys(JOBS, ".python_package_run")
    inside["TMPDIR"] = f"python_package_run-{os.geteuid()}"
    root = Path(chosen[name]) / inside.get(name, "")
    assert len(worker.envs(root)) == 1
    assert name == "PYTHON_PACKAGE_CACHE" or root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("preset", ["", "/nowhere", "venv.tar.gz", "/proc", "a:b"])
def test_place__jobs_directory_that_cannot_be_used__is_passed_over(worker: Worker, name: str, preset: str) -> None:
    (worker.task / "a:b").mkdir()
    worker.env[name] = preset

    result = worker.run("venv", "greet")

    assert (result.stdout, result.stderr) == (GREETING, "")
    assert worker.envs()
    assert not Path("/nowhere").exists()


@pytest.mark.parametrize("name", JOBS)
def test_place__jobs_directory__has_one_private_folder_of_ours(worker: Worker, name: str) -> None:
    """Its own mode is the engine's affair: TaskVine's is what the umask leaves of 0777."""
    scratch = worker.root / "scratch"
    scratch.mkdir()
    scratch.chmod(0o777)
    worker.env[name] = str(scratch)

    for _ in ("cold", "warm"):
        result = worker.run("venv", "greet")
        assert (result.stdout, result.stderr) == (GREETING, "")

    assert [entry.name for entry in scratch.iterdir()] == [".python_package_run"]
    assert (scratch / ".python_package_run").stat().st_mode & 0o777 == 0o700
    assert len(worker.relocations(scratch / ".python_package_run")) == 1
    assert not worker.cache.exists()


@pytest.mark.parametrize("name", JOBS)
def test_place__link_planted_in_a_jobs_directory__is_passed_over(worker: Worker, name: str) -> None:
    scratch, trap = worker.root / "scratch", worker.root / "trap"
    scratch.mkdir()
    trap.mkdir()
    (scratch / ".python_package_run").symlink_to(trap)
    worker.env[name] = str(scratch)

    result = worker.run("venv", "greet")

    assert (result.stdout, result.stderr) == (GREETING, "")
    assert not list(trap.iterdir())
    assert worker.envs()


@root_only
def test_place__jobs_directory_of_somebody_else__is_passed_over(nobodys: Worker) -> None:
    """Where a site sets it to /tmp, say."""
    for name in JOBS:
        nobodys.env[name] = "/tmp"  # noqa: S108
        result = nobodys.run("venv", "greet")
        assert (result.stdout, result.stderr) == (GREETING, "")
    assert len(nobodys.envs()) == 1
    assert not Path("/tmp/.python_package_run").exists()  # noqa: S108


def test_place__condors_documented_wrapper__needs_no_home(worker: Worker) -> None:
    """Under `set -e`, without HOME, in the directory that goes away with the job, and that has the wrapper itself."""
    scratch = worker.root / "dir_4711"
    scratch.mkdir()
    shutil.copy(worker.wrapper, scratch / "python_package_run")
    shutil.copy(worker.task / "venv.tar.gz", scratch)
    del worker.env["HOME"], worker.env["TMPDIR"]
    for _ in ("cold", "warm"):
        result = worker.run("venv", 'greet; echo "$CONDA_PREFIX"', cwd=scratch, _CONDOR_SCRATCH_DIR=str(scratch))
        (env,) = worker.envs(scratch / ".python_package_run")
        assert (result.stdout, result.stderr) == (f"{GREETING}{env}\n", "")


def test_place__no_home_and_no_tmpdir__is_in_tmp(worker: Worker) -> None:
    del worker.env["HOME"], worker.env["TMPDIR"]

    result = worker.run("venv", 'greet; echo "$CONDA_PREFIX"')

    greeting, prefix = result.stdout.splitlines(keepends=True)
    assert greeting == GREETING
    assert Path(prefix.strip()).parent == Path(f"/tmp/python_package_run-{os.geteuid()}")  # noqa: S108
    shutil.rmtree(prefix.strip())


def test_place__empty_environment__works(worker: Worker) -> None:
    path = worker.env["PATH"]
    worker.env.clear()
    if worker.busybox:
        worker.env["PATH"] = path

    assert worker.run("-u", worker.root / "env", "venv", "greet").stdout == GREETING


def test_place__home_that_cannot_be_written__is_passed_over(worker: Worker) -> None:
    result = worker.run("venv", "greet", HOME="/proc")

    assert (result.stdout, result.stderr) == (GREETING, "")
    assert worker.envs(worker.tmp / f"python_package_run-{os.geteuid()}")


def test_place__chosen_cache_that_cannot_be_used__exits_3(worker: Worker) -> None:
    for cache in ("venv.tar.gz", "/proc/nowhere"):
        result = worker.run("venv", "greet", PYTHON_PACKAGE_CACHE=cache)

        assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
        assert "PYTHON_PACKAGE_CACHE" in result.stderr


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_place__cache_that_others_may_write__is_refused(worker: Worker, mode: int) -> None:
    cache = worker.root / "cache"
    cache.mkdir()
    cache.chmod(mode)

    result = worker.run("venv", "greet", PYTHON_PACKAGE_CACHE=str(cache))

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert "others may write" in result.stderr
    assert not list(cache.iterdir())


def test_place__link_planted_in_tmp__is_refused(worker: Worker) -> None:
    trap = worker.root / "trap"
    trap.mkdir()
    (worker.tmp / f"python_package_run-{os.geteuid()}").symlink_to(trap)
    del worker.env["HOME"]

    result = worker.run("venv", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert str(worker.tmp) in result.stderr
    assert not list(trap.iterdir())


def test_place__cache_on_another_disk__may_be_reached_by_a_link(worker: Worker) -> None:
    scratch = worker.root / "scratch"
    scratch.mkdir(mode=0o700)
    worker.cache.parent.mkdir(parents=True)
    worker.cache.symlink_to(scratch)

    assert worker.run("venv", "greet").stdout == GREETING
    assert worker.envs(scratch)


@root_only
def test_place__another_users_directory_in_tmp__is_refused_and_nothing_in_it_is_run(nobodys: Worker) -> None:
    """What is planted there is whole and ready, but it is the other user's."""
    planted = nobodys.tmp / f"python_package_run-{NOBODY}"
    nobodys.user = None
    nobodys.run("venv", "greet", PYTHON_PACKAGE_CACHE=str(planted))
    planted.chmod(0o777)
    nobodys.user = NOBODY
    del nobodys.env["HOME"]

    result = nobodys.run("venv", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert str(planted) in result.stderr


@root_only
def test_place__ordinary_user__can_unpack_read_only_directories_and_clean_up(nobodys: Worker) -> None:
    sealed = Entry("share/sealed", mode=0o555, kind=b"5")
    nobodys.pack(env=environment().having(Entry("share/sealed/a"), Entry("share/sealed/b"), sealed))
    result = nobodys.run("venv", "greet")
    assert (result.stdout, result.stderr) == (GREETING, "")

    root = nobodys.envs()[0]
    assert (root / "bin/greet").stat().st_uid == NOBODY
    (root / ".python_package_run/ready").unlink()
    (root / "share/sealed").chmod(0o555)
    assert nobodys.run("venv", "greet").stdout == GREETING
    assert nobodys.relocations() == [str(root)]


@root_only
def test_place__unreadable_tarball__exits_3(nobodys: Worker) -> None:
    (nobodys.task / "venv.tar.gz").chmod(0o600)

    result = nobodys.run("venv", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)


@root_only
def test_place__read_only_working_directory_and_home__work(nobodys: Worker) -> None:
    for folder in (nobodys.task, nobodys.home):
        os.chown(folder, 0, 0)

    for _ in ("cold", "warm"):
        result = nobodys.run("venv", "greet")
        assert (result.stdout, result.stderr) == (GREETING, "")


@root_only
def test_place__unpack_to_where_one_may_not_write__exits_3(nobodys: Worker) -> None:
    result = nobodys.run("-u", nobodys.root / "env", "venv", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)


# ---- How long


def _age(env: Path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(env / ".python_package_run/used", (then, then))


def _unpack_another(worker: Worker, name: str) -> str:
    worker.pack(name, environment().having(Entry(f"share/{name}")))
    result = worker.run(name, "greet")
    assert result.stdout == GREETING
    return result.stderr


def test_prune__environment_unused_for_long__is_removed(worker: Worker) -> None:
    _unpack_another(worker, "recent")
    (recent,) = worker.envs()
    worker.run("venv", "greet")
    (old,) = set(worker.envs()) - {recent}
    _age(recent, 29)
    _age(old, 31)

    assert _unpack_another(worker, "new") == ""

    assert old not in worker.envs()
    assert recent in worker.envs()
    assert worker.run("venv", "greet").stdout == GREETING


def test_prune__use__keeps_it(worker: Worker) -> None:
    worker.run("venv", "greet")
    (env,) = worker.envs()
    _age(env, 31)
    worker.run("venv", "greet")

    _unpack_another(worker, "new")

    assert env in worker.envs()


def test_prune__running_task__keeps_it(worker: Worker) -> None:
    running = worker.start("venv", "read x <&1; greet; sleep 20")
    (env,) = [wait_for(worker.cache, "*/.python_package_run/ready").parents[1]]
    time.sleep(0.2)
    _age(env, 31)

    _unpack_another(worker, "new")

    assert env in worker.envs()
    assert running.poll() is None or running.communicate()
    assert worker.run("venv", "greet").stdout == GREETING
    assert worker.relocations().count(str(env)) == 1


def test_prune__environment_being_unpacked__is_left_alone(worker: Worker) -> None:
    worker.pack(env=environment('prefix=${0%/bin/conda-unpack}; echo "$prefix" >"$prefix/relocated"; sleep 2'))
    first = worker.start("venv", "greet")
    env = wait_for(worker.cache, "*/relocated").parent
    _age(env, 31)

    _unpack_another(worker, "new")

    assert first.communicate(timeout=PATIENCE) == (GREETING, "")
    assert env in worker.envs()


def test_prune__remains_of_a_crash__are_removed(worker: Worker) -> None:
    worker.run("venv", "greet")
    (env,) = worker.envs()
    (env / ".python_package_run/ready").unlink()
    _age(env, 31)

    _unpack_another(worker, "new")

    assert env not in worker.envs()


@pytest.mark.parametrize(("days", "age", "kept"), [("0", 1000, True), ("5", 4, True), ("5", 6, False), ("x", 99, True)])
def test_prune__days__are_the_users_choice(worker: Worker, days: str, age: int, kept: bool) -> None:
    worker.run("venv", "greet")
    (env,) = worker.envs()
    _age(env, age)

    worker.env["PYTHON_PACKAGE_CACHE_DAYS"] = days

    said = _unpack_another(worker, "new")

    assert (env in worker.envs()) == kept
    assert ("not a number" in said) == (days == "x")


def test_prune__work_queues_sandbox__is_not_ours_to_prune(worker: Worker) -> None:
    sandbox = worker.root / "sandbox"
    sandbox.mkdir()
    worker.env["WORK_QUEUE_SANDBOX"] = str(sandbox)
    worker.run("venv", "greet")
    (env,) = worker.envs(sandbox)
    _age(env, 99)

    _unpack_another(worker, "new")

    assert env in worker.envs(sandbox)


# ---- On which machine


def _subdir() -> str:
    return {"x86_64": "linux-64", "i686": "linux-32"}.get(platform.machine(), f"linux-{platform.machine()}")


def test_platform__another_architecture__exits_4_and_names_both(worker: Worker) -> None:
    worker.pack(env=environment().stating(subdir="osx-riscv"))

    result = worker.run("venv", "echo outside")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert "osx-riscv" in result.stderr
    assert _subdir() in result.stderr
    assert not worker.cache.exists() or not list(worker.cache.iterdir())


def test_platform__every_architecture__has_condas_name(worker: Worker) -> None:
    for machine, subdir in (
        ("Linux x86_64", "linux-64"),
        ("Linux i686", "linux-32"),
        ("Linux aarch64", "linux-aarch64"),
        ("Linux ppc64le", "linux-ppc64le"),
        ("Linux s390x", "linux-s390x"),
        ("Darwin x86_64", "osx-64"),
        ("Darwin arm64", "osx-arm64"),
    ):
        worker.add_tool("uname", f'case "$*" in -sm) echo {machine} ;; *) echo host ;; esac')
        worker.pack(env=environment().stating(subdir="linux-other"))
        assert f"this machine is {subdir}\n" in worker.run("venv", "greet").stderr

        worker.pack(env=environment().stating(subdir=subdir))
        assert worker.run("venv", "greet").stdout == GREETING


def test_platform__environment_unpacked_by_a_newer_machine__exits_4(worker: Worker) -> None:
    """As in a home that unequal machines share."""
    worker.pack(env=environment().stating(subdir=_subdir(), glibc="2.28"))
    assert worker.run("venv", "greet").stdout == GREETING
    worker.add_tool("getconf", "echo glibc 2.17")

    result = worker.run("venv", "echo outside")

    assert (result.returncode, result.stdout) == (4, "")
    assert worker.envs()


def test_platform__glibc_too_old__exits_4_and_names_both(worker: Worker) -> None:
    """Asks the machine for real; busybox has no getconf, so there its dynamic loader is asked."""
    worker.pack(env=environment().stating(subdir=_subdir(), glibc="2.999"))

    result = worker.run("venv", "echo outside")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert "needs glibc 2.999" in result.stderr
    assert re.search(rf"has glibc {re.escape(platform.libc_ver()[1])}$", result.stderr)


def test_platform__glibc__is_compared_by_number(worker: Worker) -> None:
    for here, needed, fits in (
        ("2.36", "2.36", True),
        ("2.36", "2.9", True),
        ("2.9", "2.36", False),
        ("2.17", "2.28", False),
        ("3.0", "2.36", True),
        ("2.99", "3.0", False),
        ("2.5", "none", True),
    ):
        worker.add_tool("getconf", f"echo glibc {here}")
        worker.pack(env=environment().stating(subdir=_subdir(), glibc=needed))

        assert worker.run("venv", "greet").returncode == (0 if fits else 4), (here, needed)


def test_platform__musl__exits_4(worker: Worker) -> None:
    """The machine is one on which the wrapper looks for loaders somewhere else."""
    (worker.root / "lib").mkdir()
    (worker.root / "lib/ld-musl-x86_64.so.1").touch()
    source, moved = re.subn(r"(?<= )/lib(64)?(?=/[l*])", f"{worker.root}/lib", worker.wrapper.read_text())
    assert moved == 5
    worker.wrapper.write_text(source)
    worker.add_tool("getconf", "exit 1")
    worker.pack(env=environment().stating(subdir=_subdir(), glibc="2.17"))

    result = worker.run("venv", "echo outside")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert "needs glibc 2.17 or newer, but this machine has musl" in result.stderr


def test_platform__unknown_libc__is_given_a_try(worker: Worker) -> None:
    source, moved = re.subn(r"(?<= )/lib(64)?(?=/[l*])", "/nowhere", worker.wrapper.read_text())
    assert moved == 5
    worker.wrapper.write_text(source)
    worker.add_tool("getconf", "exit 1")
    worker.pack(env=environment().stating(subdir=_subdir(), glibc="2.17"))

    assert worker.run("venv", "greet").stdout == GREETING


def test_space__disk_too_small__exits_3_and_names_both(worker: Worker) -> None:
    worker.pack(env=environment().stating(size=str(1 << 50)))

    result = worker.run("venv", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert "needs 1073741824 MiB" in result.stderr
    assert re.search(r"only \d+ MiB are free", result.stderr)
    assert not worker.envs()


def test_space__odd_names_in_df__do_not_confuse(worker: Worker) -> None:
    worker.pack(env=environment().stating(size="4096"))
    for mount in ("/mnt", "/mnt/100% mine"):
        for device in ("/dev/sda1", "//server/my share"):
            for free in (3, 5):
                head = "Filesystem 1024-blocks Used Available Capacity Mounted on"
                line = f"{device}  900  895  {free}  99% {mount}"
                worker.add_tool("df", f"echo '{head}'; echo '{line}'")
                to = worker.root / f"{mount}{device}{free}".replace("/", "_")

                result = worker.run("-e", "venv.tar.gz", "-u", to, "greet")

                assert result.returncode == (0 if free == 5 else 3), (line, result.stderr)
