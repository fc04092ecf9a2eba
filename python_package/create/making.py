"""An empty prefix becomes an environment: of what a dependency file asks for, or of what a lock says."""

from __future__ import annotations

from pathlib import Path

from python_package.conda.records import PLATFORM
from python_package.conda.solver import Solution
from python_package.create import install, locked_files, solve
from python_package.create.clock import Clock
from python_package.create.requirements import Wanted
from python_package.create.solve import Sources
from python_package.lock import Lock
from python_package.pypi import uv_pip
from python_package.spec import Spec


def make(prefix: Path, spec: Spec, wanted: Wanted, sources: Sources, clock: Clock) -> Lock:
    """Solve, link and install what a dependency file wants; return of what the environment was made.

    Raises as `plan.make`, `Channels.link` and `filling.fill` do.
    """
    for note in wanted.notes:
        clock.progress.note(note)
    with clock.phase("solve"):
        chosen = solve.make(spec, wanted.packages, sources, clock.progress)
    with clock.phase("link"):
        chosen.channels.link(chosen.solution, prefix, clock.progress)
    filled = install.fill(
        prefix, spec, chosen, wanted, offline=sources.offline, phase=clock.phase, note=clock.progress.note
    )
    solution = chosen.solution
    return Lock(
        spec, PLATFORM, chosen.channels.urls, solution.specs, solution.packages, filled.distributions, filled.dropped
    )


def repeat(prefix: Path, spec: Spec, lock: Lock, sources: Sources, clock: Clock) -> Lock:
    """Link and install what a lock says, and nothing else; return the lock with where its files are now.

    Raises SpecError when the lock is of another dependency file, and as `locate`, `Channels.link` and
    `pypi.install_locked` do.
    """
    lock.check(spec)
    channels = sources.open([*sources.channels, *(channel.reveal() for channel in lock.channels)])
    with clock.phase("find"):
        found = locked_files.locate(lock, channels)
    with clock.phase("link"):
        channels.link(Solution(found.records, found.specs), prefix, clock.progress)
    if found.distributions:
        with clock.phase("install from PyPI"):
            uv_pip.install_locked(prefix, found.distributions, indexes=spec.indexes, offline=sources.offline)
    return found
