"""Compare the time of python_package_run with that of what it replaces.  usage: bench_run.py TARBALL

First task: against `tar xzf`, conda-unpack and bin/activate, on tmpfs and on disk. Every next task: against the bare
command. And 200 tasks that start at once on a machine that has not unpacked anything yet.
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


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
