"""Compare the time of python_package_run with that of what it replaces.  usage: -m scripts.bench_run TARBALL CHANNEL

First task: against `tar xzf`, conda-unpack and bin/activate, on tmpfs and on disk; against what pixi-unpack does, which
is py-rattler's installation of the same packages from the local CHANNEL with an empty cache; and with 1, 2, 4 and 8
streams. Every next task: against the bare command. And 200 tasks that start at once on a machine that has not unpacked
anything yet.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.bench_create import LINK, SIZES

WRAPPER = Path(__file__).parents[1] / "python_package" / "run" / "python_package_run"
SHORT = bool(os.environ.get("BENCH_SHORT"))  # only tries that everything works
COLD_ROUNDS, WARM_ROUNDS, TASKS = (1, 3, 5) if SHORT else (7, 60, 200)
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "ash"]}

# What people type without it; $0 is the tarball, $1 the directory.
BY_HAND = """
mkdir "$1" && tar xzf "$0" -C "$1" --no-same-owner && "$1/bin/python" "$1/bin/conda-unpack" &&
source "$1/bin/activate" && true
"""


def main() -> None:
    """Measure and print the table."""
    tarball = str(Path(sys.argv[1]).resolve())
    for place in ("/dev/shm", tempfile.gettempdir()):  # noqa: S108
        _first_task(tarball, place)
    _streams(tarball)
    _as_pixi_unpack(tarball, str(Path(sys.argv[2]).resolve()))
    for shell in SHELLS:
        if shutil.which(shell):
            _next_task(tarball, shell)
    _all_at_once(tarball)


def _first_task(tarball: str, place: str) -> None:
    by_hand: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory(dir=place) as folder:
        env = f"{folder}/env"
        for _ in range(COLD_ROUNDS):
            for command, times in (
                (["bash", "-c", BY_HAND, tarball, env], by_hand),
                ([str(WRAPPER), "-e", tarball, "-u", env, "/bin/true"], ours),
            ):
                os.sync()
                times.append(_seconds(command))
                shutil.rmtree(env)
    hand, run = statistics.median(by_hand), statistics.median(ours)
    print(f"first task in {place:9} by hand {hand:8.2f} s   ours {run:8.2f} s   ratio {hand / run:.2f}")


def _streams(tarball: str) -> None:
    times: dict[int, list[float]] = {1: [], 2: [], 4: [], 8: []}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        command = [str(WRAPPER), "-e", tarball, "-u", f"{folder}/env", "/bin/true"]
        for _ in range(COLD_ROUNDS):
            for streams, each in times.items():
                each.append(_seconds(command, CORES=str(streams)))
                shutil.rmtree(f"{folder}/env")
    alone = statistics.median(times[1])
    for streams, each in times.items():
        taken = statistics.median(each)
        cores = len(os.sched_getaffinity(0))
        print(f"first task, {streams} streams on {cores} cores   ours {taken:8.2f} s   ratio {alone / taken:.2f}")


def _as_pixi_unpack(tarball: str, channel: str) -> None:
    """Compare with py-rattler, which does not have what comes from PyPI to install."""
    size = Path(tarball).name.removesuffix(".tar.gz")
    specs = [f"python =={'.'.join(map(str, sys.version_info[:3]))}", *SIZES[size]]
    theirs: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        for _ in range(COLD_ROUNDS):
            command = [sys.executable, "-c", LINK, channel, f"{folder}/rattler", *specs]
            theirs.append(_seconds(command, RATTLER_CACHE_DIR=f"{folder}/cache"))
            ours.append(_seconds([str(WRAPPER), "-e", tarball, "-u", f"{folder}/env", "/bin/true"]))
            for name in ("rattler", "cache", "env"):
                shutil.rmtree(f"{folder}/{name}")
    peer, run = statistics.median(theirs), statistics.median(ours)
    print(f"first task, as pixi-unpack {peer:8.2f} s   ours {run:8.2f} s   ratio {peer / run:.2f}")


def _next_task(tarball: str, shell: str) -> None:
    bare: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHON_PACKAGE_CACHE"] = f"{folder}/cache"
        command = [*SHELLS[shell], str(WRAPPER), "-e", tarball, "/bin/true"]
        _seconds(command)
        for _ in range(WARM_ROUNDS):
            bare.append(_seconds(["/bin/true"]))
            ours.append(_seconds(command))
    alone, run = statistics.median(bare) * 1000, statistics.median(ours) * 1000
    print(f"next task, {shell:12} bare    {alone:8.2f} ms  ours {run:8.2f} ms  added {run - alone:.2f} ms")


def _all_at_once(tarball: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHON_PACKAGE_CACHE"] = f"{folder}/cache"
        command = [str(WRAPPER), "-d", "-e", tarball, "/bin/true"]
        start = time.perf_counter()
        tasks = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(TASKS)]
        said = "".join(task.communicate()[1] for task in tasks)
        taken = time.perf_counter() - start
    succeeded = sum(task.returncode == 0 for task in tasks)
    unpacked = said.count(": unpacking ")
    print(f"{TASKS} tasks at once     {taken:8.2f} s   succeeded {succeeded}   unpacked {unpacked} time(s)")


def _seconds(command: list[str], **environ: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, **environ})
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
