"""Write the tables of docs/explanation/growth.md: what shipping costs from a few workers up to thousands.

usage: python -m scripts.docs.growth
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "growth.md"
WORKERS = (10, 1_000, 10_000)
GIGABIT = 125e6  # bytes a second
OPERATIONS = 50_000  # that the file system's metadata server answers in a second: assumed
SERVERS = 10  # that send a shared file system's data, each as fast as the manager: assumed
FANOUT = 8  # sbcast's greatest
AT_ONCE = 10  # workers that one TaskVine worker sends a file to, unless it is tuned


@dataclass(frozen=True)
class Constants:
    """What was measured of one environment."""

    tarball: int  # bytes
    difference: int  # bytes, for a changed line in a local module
    unpack: float  # seconds of one core
    assemble: float  # the same, for an environment that is made of its base and the difference
    plain_task: int  # operations of one task on the shared file system that holds the environment
    first_task: int  # the same, where the file system holds the tarball and the task is a worker's first one
    next_task: int  # for every further task


MEDIUM = Constants(170_600_000, 89_000, 5.2, 1.7, 5_521, 45, 5)


def manager(workers: int, size: int, bandwidth: float) -> float:
    """Return the seconds in which the manager sends a file to one worker after the other."""
    return workers * size / bandwidth


def broadcast(workers: int, size: int, bandwidth: float, *, fanout: int = FANOUT) -> float:
    """Return the seconds of a tree in which each node passes every block on to `fanout` others, one level at a time."""
    levels, reached = 0, 0
    while reached < workers:
        levels += 1
        reached += fanout**levels
    return min(workers, levels * fanout) * size / bandwidth


def peers(workers: int, size: int, bandwidth: float, *, at_once: int = AT_ONCE) -> float:
    """Return the seconds in which whoever has the whole file sends it to `at_once` others, until all have it."""
    rounds, having = 0, 1
    while having < workers + 1:
        rounds += 1
        having *= at_once + 1
    return min(workers, rounds * at_once) * size / bandwidth


def shared(workers: int, size: int, bandwidth: float, *, operations: int) -> float:
    """Return the seconds in which a shared file system answers all workers' operations and sends `size` to each."""
    return workers * size / (SERVERS * bandwidth) + workers * operations / OPERATIONS


def rows(constants: Constants) -> list[str]:
    """Return the table of seconds: one line for each way."""
    tarball, unpack = constants.tarball, constants.unpack
    ways: Sequence[tuple[str, Callable[[int, float], float]]] = (
        ("the manager sends the tarball", lambda n, b: manager(n, tarball, b) + unpack),
        (f"`sbcast`, fanout {FANOUT}", lambda n, b: broadcast(n, tarball, b) + unpack),
        (f"peers, {AT_ONCE} at once", lambda n, b: peers(n, tarball, b) + unpack),
        ("peers, one at a time", lambda n, b: peers(n, tarball, b, at_once=1) + unpack),
        (
            "the tarball on a shared file system",
            lambda n, b: shared(n, tarball, b, operations=constants.first_task) + unpack,
        ),
        (
            "the manager sends a difference",
            lambda n, b: manager(n, constants.difference, b) + constants.assemble,
        ),
        (
            "a plain environment on the shared file system, each task, names alone",
            lambda n, b: shared(n, 0, b, operations=constants.plain_task),
        ),
        (
            "the tarball on the shared file system, each next task",
            lambda n, b: shared(n, 0, b, operations=constants.next_task),
        ),
    )
    head = [f"{number:,}, {speed} Gbit/s" for speed in (1, 10) for number in WORKERS]
    lines = [f"| way | {' | '.join(head)} |", f"|---|{'---|' * len(head)}"]
    for name, seconds in ways:
        cells = [_time(seconds(number, speed * GIGABIT)) for speed in (1, 10) for number in WORKERS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def filled(page: str) -> str:
    """Return the page with its table as it is computed."""
    table = "\n".join(rows(MEDIUM)) + "\n"
    return re.sub(
        r"(?s)(<!-- table -->\n).*?(<!-- end of the table -->)", lambda match: match[1] + table + match[2], page
    )


def _time(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= 2 * length:
            return f"{seconds / length:.{1 if seconds < 10 * length else 0}f} {unit}"
    return f"{seconds * 1000:.2g} ms" if seconds < 0.1 else f"{seconds:.1f} s"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
