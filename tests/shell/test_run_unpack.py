"""python_package_run unpacks once, whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from run_tarball import PYTHON, UNPACK, Entry, Environment, chunk_offsets, environment, pack, pack_plainly
from run_worker import PATIENCE, SHELLS, Worker, lines, tool, wait_for

Writer = Callable[[Path, Environment], Path]
GREETING = "hello from the environment\n"
# Relocation that lasts until the test makes the file `go`, a minute at most.
HELD = UNPACK + 'for i in $(seq 600); do [ ! -e "$prefix/go" ] || exit 0; sleep 0.1; done\n'


@pytest.fixture(params=SHELLS)
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path, request.param)
    yield worker
    worker.stop()


def large(unpack: str = UNPACK) -> Environment:
    """Return an environment of some hundred files in many chunks, for what has to take time."""
    env = environment(unpack)
    noise = random.Random(0)  # noqa: S311
    for number in range(24):
        files = (Entry(f"lib/{number}/{name}", noise.randbytes(6_000), 0o644) for name in range(12))
        env = env.having(Entry(f"lib/{number}", kind=tarfile.DIRTYPE), *files)
    return env


def contents(env: Environment, root: Path) -> dict[str, bytes]:
    """Return what the files of an unpacked environment hold."""
    files = [entry.name for chunk in env.chunks for entry in chunk if entry.kind == tarfile.REGTYPE]
    return {name: (root / name).read_bytes() for name in files}


def expected(env: Environment) -> dict[str, bytes]:
    """Return what the files of an environment must hold."""
    return {entry.name: entry.content for chunk in env.chunks for entry in chunk if entry.kind == tarfile.REGTYPE}


# ---- Once


@pytest.mark.parametrize("cores", ["1", "3", "64", "", "many", "0", "plain"])
def test_unpack__every_file__is_there(worker: Worker, cores: str) -> None:
    env = large()
    (pack_plainly if cores == "plain" else pack)(worker.task / "venv.tar.gz", env)

    result = worker.run("venv", "greet", CORES=cores)

    assert (result.stdout, result.stderr) == (GREETING, "")
    assert contents(env, worker.envs()[0]) == expected(env)
    assert (worker.envs()[0] / "bin/greet").stat().st_mode & 0o111
    assert not (worker.envs()[0] / "lib/0/0").stat().st_mode & 0o111


@pytest.mark.parametrize("write", [pack, pack_plainly])
def test_unpack__second_task__uses_the_first_ones_environment(worker: Worker, write: Writer) -> None:
    tarball = write(worker.task / "venv.tar.gz", environment())
    worker.run("venv", "greet")
    copy = worker.root / "copy.tar.gz"
    shutil.copyfile(tarball, copy)

    assert worker.run("venv", "greet").stdout == GREETING
    assert worker.run(worker.root / "copy", "greet").stdout == GREETING
    assert worker.relocations() == [str(worker.envs()[0])]


@pytest.mark.parametrize("write", [pack, pack_plainly])
@pytest.mark.parametrize("tasks", [2, 20])
def test_unpack__many_tasks_at_once__unpack_once(worker: Worker, write: Writer, tasks: int) -> None:
    write(worker.task / "venv.tar.gz", large("sleep 0.2\n" + UNPACK))

    started = [worker.start("venv", "greet") for _ in range(tasks)]
    results = [(*process.communicate(timeout=PATIENCE), process.returncode) for process in started]

    assert results == [(GREETING, "", 0)] * tasks
    assert len(worker.relocations()) == 1


def test_unpack__different_tarball_of_the_same_name__is_told_apart(worker: Worker) -> None:
    for write in (pack, pack_plainly, pack):
        for text in (b"#!/bin/sh\necho one\n", b"#!/bin/sh\necho two\n"):
            write(worker.task / "venv.tar.gz", environment().having(Entry("bin/number", text)))
            assert worker.run("venv", "number").stdout.encode() in text


def test_unpack__the_tarball__is_not_changed(worker: Worker) -> None:
    tarball = worker.pack()
    before = tarball.read_bytes(), tarball.stat().st_mtime_ns
    worker.run("venv", "greet")

    assert (tarball.read_bytes(), tarball.stat().st_mtime_ns) == before


def test_unpack__a_task_that_outlives_its_caller__holds_no_lock(worker: Worker) -> None:
    worker.pack()
    running = worker.start("-e", "venv.tar.gz", "-u", "env", "sh", "-c", "echo on; exec sleep 20")
    assert running.stdout
    assert running.stdout.readline() == "on\n"
    (worker.task / "env/.python_package_run/ready").unlink()

    assert worker.run("-w", "0", "-e", "venv.tar.gz", "-u", "env", "greet").stdout == GREETING
    assert running.poll() is None


def test_unpack__waiting_too_long__exits_3_and_harms_nobody(worker: Worker) -> None:
    worker.pack(env=environment(HELD))
    first = worker.start("venv", "greet")
    env = wait_for(worker.cache, "*/relocated").parent

    for patience in ("0", "1"):
        result = worker.run("-w", patience, "venv", "greet")
        assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
        assert f"more than {patience} s" in result.stderr
    (env / "go").touch()
    assert first.communicate(timeout=PATIENCE) == (GREETING, "")
    assert len(worker.relocations()) == 1


def test_unpack__flock_without_timeouts__is_waited_for(tmp_path: Path) -> None:
    """As with Alpine's busybox."""
    worker = Worker(tmp_path, "dash")
    worker.add_tool("flock", f'[ "$1" != -w ] || exit 1\nexec {tool("flock")} "$@"')
    worker.pack(env=environment(HELD))
    first = worker.start("venv", "greet")
    env = wait_for(worker.cache, "*/relocated").parent

    assert worker.run("-w", "1", "venv", "greet").returncode == 3
    second = worker.start("venv", "greet")
    time.sleep(0.5)
    (env / "go").touch()
    assert second.communicate(timeout=PATIENCE) == (GREETING, "")
    assert first.communicate(timeout=PATIENCE) == (GREETING, "")
    assert len(worker.relocations()) == 1


def test_unpack__lock_taken_with_an_old_number__is_given_back(tmp_path: Path) -> None:
    """Without flock. Between the look for the last number and the next one others came and went, and one has stayed."""
    worker = Worker(tmp_path, "busybox")
    worker.pack()
    ln = f"{tool('busybox')} ln"
    worker.add_tool("ln", f'{ln} -s {os.getpid()}.{os.uname().nodename} env/.python_package_run/turn.9; exec {ln} "$@"')

    result = worker.run("-w", "0", "-e", "venv.tar.gz", "-u", "env", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert [path.name for path in (worker.task / "env/.python_package_run").glob("turn.*")] == ["turn.9"]


# ---- Whole


def test_unpack__killed_at_any_moment__the_next_task_recovers(worker: Worker) -> None:
    """Ten times: kill the process group, as workers do, a little later each time, then run."""
    env = large("sleep 0.1\n" + UNPACK)
    pack(worker.task / "venv.tar.gz", env)
    start = time.monotonic()
    worker.run("venv", "greet")
    whole = time.monotonic() - start
    unfinished = 0
    for step in range(10):
        shutil.rmtree(worker.cache)
        process = worker.start("venv", "sleep 20")
        time.sleep(whole * step / 10)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        unfinished += not list(worker.cache.glob("*/.python_package_run/ready"))

        result = worker.run("venv", "greet")

        assert (result.stdout, result.stderr) == (GREETING, "")
        assert contents(env, worker.envs()[0]) == expected(env)
    assert unfinished > 3


def test_unpack__only_the_wrapper_killed__the_next_task_waits_for_what_is_left(worker: Worker) -> None:
    """The processes that still unpack hold the lock, so the next one does not write where they write."""
    worker.pack(env=environment(HELD))
    process = worker.start("venv", "greet")
    env = wait_for(worker.cache, "*/relocated").parent
    process.kill()

    second = worker.start("venv", "greet")
    time.sleep(0.5)
    (env / "go").touch()
    assert second.communicate(timeout=PATIENCE) == (GREETING, "")
    process.communicate(timeout=PATIENCE)
    assert len(worker.relocations()) == 1


def test_unpack__remains_of_a_crash__are_not_used(worker: Worker) -> None:
    worker.pack()
    worker.run("venv", "greet")
    root = worker.envs()[0]
    (root / ".python_package_run/ready").unlink()
    (root / "lib/junk").mkdir()
    (root / "lib/junk/file").touch()
    (root / ".hidden").touch()
    (root / "lib/junk").chmod(0o555)
    (root / "bin/greet").write_text("#!/bin/sh\necho half an environ")

    assert worker.run("venv", "greet").stdout == GREETING
    assert not (root / "lib/junk").exists()
    assert not (root / ".hidden").exists()
    assert worker.relocations() == [str(root)]


@pytest.mark.parametrize("marker", ["", "{id}\n/elsewhere\n"])
def test_unpack__marker_of_something_else__is_not_believed(worker: Worker, marker: str) -> None:
    worker.pack()
    worker.run("venv", "greet")
    root = worker.envs()[0]
    (root / ".python_package_run/ready").write_text(marker.format(id=root.name))
    (root / "relocated").write_text("")

    assert worker.run("venv", "greet").stdout == GREETING
    assert worker.relocations() == [str(root)]


def test_unpack__cache_was_moved__is_unpacked_for_the_new_place(worker: Worker) -> None:
    worker.pack()
    worker.run("venv", "greet", PYTHON_PACKAGE_CACHE=str(worker.root / "old"))
    (worker.root / "old").rename(worker.root / "new")

    worker.run("venv", "greet", PYTHON_PACKAGE_CACHE=str(worker.root / "new"))

    assert worker.relocations(worker.root / "new") == [str(worker.envs(worker.root / "new")[0])]


@pytest.mark.parametrize("warm", [False, True])
def test_unpack__tarball_cut_short__exits_3(worker: Worker, warm: bool) -> None:
    tarball = worker.pack()
    whole = tarball.read_bytes()
    chunks = chunk_offsets(tarball)
    if warm:
        worker.run("venv", "greet")
    for length in (0, 5, 300, 700, chunks[0][0], chunks[1][0], chunks[2][0] + 7, len(whole) - 1):
        tarball.write_bytes(whole[:length])

        result = worker.run("venv", "greet")

        assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
        assert str(tarball) in result.stderr
        assert len(worker.envs()) == warm
    assert "instead of" in result.stderr


def test_unpack__plain_tarball_cut_short__exits_3(worker: Worker) -> None:
    tarball = pack_plainly(worker.task / "venv.tar.gz", large())
    whole = tarball.read_bytes()
    for length in (0, 5, 300, len(whole) // 2, len(whole) - 1):
        tarball.write_bytes(whole[:length])

        result = worker.run("venv", "greet")

        assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
        assert not worker.envs()


@pytest.mark.parametrize("cores", ["1", "2", "27"])
@pytest.mark.parametrize(("form", "what"), [(2, "data"), (1, "data"), (1, "checksum")])
def test_unpack__damaged_chunk__exits_3(worker: Worker, cores: str, form: int, what: str) -> None:
    """A wrong checksum is noticed by gzip alone: tar has got all its bytes by then."""
    tarball = pack(worker.task / "venv.tar.gz", replace(large(), form=form))
    chunks = chunk_offsets(tarball)
    whole = tarball.read_bytes()
    ends = [offset + length for offset, length in chunks]
    if form == 1:  # the last chunk ends with a second member, that of the archive's end
        ends[-1] = whole.rindex(b"\x1f\x8b\x08")
    for number in (0, len(chunks) // 2, -1):
        data = bytearray(whole)
        data[(chunks[number][0] + ends[number]) // 2 if what == "data" else ends[number] - 8] ^= 0xFF
        tarball.write_bytes(data)

        result = worker.run("venv", "greet", CORES=cores)

        assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
        assert result.stderr.startswith(f"python_package_run: cannot extract {tarball} into {worker.cache}/")
        assert not worker.envs()


@pytest.mark.parametrize("form", [1, 2])
@pytest.mark.parametrize("old", [b"python 3.11.7", b"id ", b"chunk ", b"\nend\n"])
def test_unpack__damaged_manifest__exits_3(worker: Worker, old: bytes, form: int) -> None:
    tarball = worker.pack(env=replace(environment(), form=form))
    data = tarball.read_bytes()
    place = data.index(old) + len(old) - 2
    tarball.write_bytes(data[:place] + b"~" + data[place + 1 :])

    result = worker.run("venv", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert not worker.envs()


@pytest.mark.parametrize("form", [1, 2])
@pytest.mark.parametrize("cores", [1, 2, 5])
def test_unpack__several_cores__each_gets_chunks_at_the_first_try(worker: Worker, cores: int, form: int) -> None:
    """One gzip a core: none is asked again for the whole."""
    gzip = f"{tool('busybox')} gzip" if worker.busybox else tool("gzip")
    worker.add_tool("gzip", f'echo gzip >>{worker.root}/asked; exec {gzip} "$@"')
    env = replace(large(), form=form)
    pack(worker.task / "venv.tar.gz", env)

    assert worker.run("venv", "greet", CORES=str(cores)).stdout == GREETING

    assert lines((worker.root / "asked").read_text()) == cores
    assert contents(env, worker.envs()[0]) == expected(env)


def test_unpack__chunks_that_shrink_by_different_ratios__streams_get_equal_work(worker: Worker) -> None:
    """What comes out of gzip is the work: text of a megabyte may be a kilobyte in the tarball."""
    gzip = f"{tool('busybox')} gzip" if worker.busybox else tool("gzip")
    worker.add_tool("gzip", f'{gzip} "$@" | tee "{worker.root}/out.$$"')
    noise = random.Random(0)  # noqa: S311
    contents = (bytes(900_000), bytes(450_000), bytes(450_000), noise.randbytes(100_000))
    env = environment()
    for number, content in enumerate(contents):
        env = env.having(Entry(f"lib/{number}", content, 0o644))
    pack(worker.task / "venv.tar.gz", env)

    assert worker.run("venv", "greet", CORES="2").stdout == GREETING

    first, second = (path.stat().st_size for path in worker.root.glob("out.*"))
    assert max(first, second) < 1.3 * min(first, second)


def test_unpack__dd_that_knows_no_flags__the_whole_is_unpacked_in_one_stream(worker: Worker) -> None:
    """As that of an old busybox."""
    dd = f"{tool('busybox')} dd" if worker.busybox else tool("dd")
    worker.add_tool("dd", f'case "$*" in *iflag*) echo "dd: bad operand" >&2; exit 1 ;; esac; exec {dd} "$@"')
    env = large()
    pack(worker.task / "venv.tar.gz", env)

    result = worker.run("venv", "greet", CORES="2")

    assert (result.stdout, result.stderr) == (GREETING, "")
    assert contents(env, worker.envs()[0]) == expected(env)


def test_unpack__streams_that_get_in_each_others_way__one_goes_alone(worker: Worker) -> None:
    """As GNU tar may, where two make the same directory: it says that there is none, and fails."""
    tar = f"{tool('busybox')} tar" if worker.busybox else tool("tar")
    failing = 'echo "tar: lib/0/0: Cannot open: No such file or directory" >&2; cat >/dev/null; exit 2'
    worker.add_tool("tar", f'mkdir "{worker.root}/once" 2>/dev/null && {{ {failing}; }}; exec {tar} "$@"')
    env = large()
    pack(worker.task / "venv.tar.gz", env)

    result = worker.run("venv", "greet", CORES="2")

    assert (result.stdout, result.stderr) == (GREETING, "")
    assert contents(env, worker.envs()[0]) == expected(env)


@pytest.mark.parametrize("content", [b"not gzip at all\n", bytes(100_000), b"\x1f\x8b\x08 and then nothing"])
def test_unpack__no_tarball_at_all__exits_3(worker: Worker, content: bytes) -> None:
    (worker.task / "venv.tar.gz").write_bytes(content)

    result = worker.run("venv", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)


def test_unpack__tar_cannot_write__exits_3_and_leaves_nothing(worker: Worker) -> None:
    """The limit of a file's size stands for a full disk, which only root could make."""
    env = environment().having(Entry("lib/big", bytes(3 << 20), 0o644))
    pack(worker.task / "venv.tar.gz", env)
    # Ignored, the signal becomes an error of write(2).
    limited = f"trap '' XFSZ; ulimit -f 2048; exec {' '.join(worker.shell)} {worker.wrapper} venv greet"

    result = subprocess.run(
        [tool("bash"), "-c", limited],
        cwd=worker.task,
        env=worker.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert "lib/big" in result.stderr or "write error" in result.stderr
    assert not worker.envs()


@pytest.mark.parametrize(
    ("python", "unpack", "reason"),
    [
        (
            PYTHON,
            "#!/bin/sh\necho Traceback >&2\necho 'ValueError: negative padding' >&2\nexit 1\n",
            "negative padding",
        ),
        ("#!/no/such/interpreter\n", UNPACK, "bin/python"),
        ("#!/bin/sh\nkill -9 $$\n", UNPACK, "conda-unpack"),
    ],
)
def test_unpack__cannot_be_relocated__exits_4(worker: Worker, python: str, unpack: str, reason: str) -> None:
    worker.pack(env=environment(unpack, python))

    result = worker.run("venv", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert reason in result.stderr
    assert not worker.envs()


@pytest.mark.parametrize("names", [("README",), ("top/bin/python",), ("bin/python3",)])
def test_unpack__not_an_environment__exits_4(worker: Worker, names: tuple[str, ...]) -> None:
    entries = tuple(Entry(name, PYTHON.encode()) for name in names)
    for write in (pack, pack_plainly):
        write(worker.task / "venv.tar.gz", Environment((entries,)))

        # The machine's own programs must not be run in its place.
        result = worker.run("venv", "echo outside")

        assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
        assert "no bin/python" in result.stderr
        assert not worker.envs()


def test_unpack__read_only_directories__can_be_removed_afterwards(worker: Worker) -> None:
    env = environment().having(Entry("share/sealed", kind=tarfile.DIRTYPE, mode=0o555), Entry("share/sealed/file"))
    for write in (pack, pack_plainly):
        write(worker.task / "venv.tar.gz", env)
        result = worker.run("venv", "greet")
        if worker.busybox and os.geteuid() != 0:
            # busybox's tar seals a directory before its files come; python_package_create makes none such.
            assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
        else:
            assert result.stdout == GREETING
    for root in worker.envs():
        assert (root / "share/sealed").stat().st_mode & 0o700 == 0o700


# ---- Into a directory of the caller's


def test_unpack_to__new_directory__becomes_the_environment(worker: Worker) -> None:
    worker.pack()

    for _ in ("cold", "warm"):
        result = worker.run("-e", "venv.tar.gz", "-u", "deep/env", "sh", "-c", 'echo "$CONDA_PREFIX"')
        assert (result.stdout, result.stderr) == (f"{worker.task}/deep/env\n", "")
    assert (worker.task / "deep/env/relocated").read_text() == f"{worker.task}/deep/env\n"
    assert not worker.cache.exists()


def test_unpack_to__truncated_tarball_before__does_not_poison_it(worker: Worker) -> None:
    tarball = pack_plainly(worker.task / "venv.tar.gz", large())
    whole = tarball.read_bytes()
    tarball.write_bytes(whole[: len(whole) // 2])
    assert worker.run("-e", tarball, "-u", "env", "greet").returncode == 3
    tarball.write_bytes(whole)

    result = worker.run("-e", tarball, "-u", "env", "greet")

    assert (result.stdout, result.stderr) == (GREETING, "")


def test_unpack_to__another_tarball__replaces_the_environment(worker: Worker) -> None:
    worker.pack()
    worker.run("-e", "venv.tar.gz", "-u", "env", "greet")
    worker.pack(env=environment().having(Entry("bin/new", b"#!/bin/sh\necho new\n")))

    assert worker.run("-e", "venv.tar.gz", "-u", "env", "new").stdout == "new\n"
    worker.pack(env=environment().having(Entry("bin/newer", b"#!/bin/sh\necho newer\n")))
    assert worker.run("-e", "venv.tar.gz", "-u", "env", "newer").stdout == "newer\n"
    assert not (worker.task / "env/bin/new").exists()


def test_unpack_to__another_tarball_while_a_task_runs__exits_3(worker: Worker) -> None:
    worker.pack()
    worker.pack("other", environment().having(Entry("bin/new", b"#!/bin/sh\necho new\n")))
    running = worker.start("-e", "venv.tar.gz", "-u", "env", "sh", "-c", "until [ -e stop ]; do sleep 0.1; done; greet")
    wait_for(worker.task, "env/.python_package_run/ready")

    result = worker.run("-e", "other.tar.gz", "-u", "env", "new")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert "a task is running" in result.stderr
    assert worker.run("-e", "venv.tar.gz", "-u", "env", "greet").stdout == GREETING
    (worker.task / "stop").touch()
    assert running.communicate(timeout=PATIENCE) == (GREETING, "")
    assert worker.run("-e", "other.tar.gz", "-u", "env", "new").stdout == "new\n"


def test_unpack_to__directory_was_moved__is_unpacked_anew(worker: Worker) -> None:
    worker.pack()
    worker.run("-e", "venv.tar.gz", "-u", "env", "greet")
    (worker.task / "env").rename(worker.task / "moved")

    assert worker.run("-e", "venv.tar.gz", "-u", "moved", "greet").stdout == GREETING
    assert (worker.task / "moved/relocated").read_text() == f"{worker.task}/moved\n"


def test_unpack_to__directory_of_somebody_elses_files__is_refused_untouched(worker: Worker) -> None:
    worker.pack()
    precious = worker.task / "home"
    precious.mkdir()
    (precious / ".thesis").write_text("years")

    result = worker.run("-e", "venv.tar.gz", "-u", precious, "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert [path.name for path in precious.iterdir()] == [".thesis"]


def test_unpack_to__a_file__exits_3(worker: Worker) -> None:
    worker.pack()
    (worker.task / "file").write_text("mine")

    result = worker.run("-e", "venv.tar.gz", "-u", "file", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert (worker.task / "file").read_text() == "mine"


def test_unpack_to__empty_directory_that_exists__is_used(worker: Worker) -> None:
    worker.pack()
    (worker.task / "env").mkdir()

    assert worker.run("-e", "venv.tar.gz", "-u", "env", "greet").stdout == GREETING
