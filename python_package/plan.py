"""Decide where everything comes from: which channels, which of their packages, what is left to PyPI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from python_package import names
from python_package.environment import python as versions
from python_package.environment.conda import Channels, Solution
from python_package.environment.condarc import Condarc
from python_package.errors import SolveError, UnreachableError
from python_package.progress import Progress
from python_package.spec import Spec

Interpreter = Literal["auto", "channel", "host"]

DEFAULT_CHANNEL = "conda-forge"


@dataclass(frozen=True)
class Sources:
    """Where packages may come from.

    `channels` replace those of the condarc. `interpreter` says where python itself comes from: a channel, this host's
    own `python` (which is then packaged), or `auto`: the host's when no channel answers and its version is the one.
    `exact` refuses a later patch release in place of one that the channels lack.
    """

    condarc: Condarc
    channels: tuple[str, ...] = ()
    offline: bool = False
    interpreter: Interpreter = "auto"
    python: str = "python3"
    exact: bool = False

    def open(self, named: Sequence[str]) -> Channels:
        """Return the channels that the names stand for."""
        resolved = [url for channel in named for url in self.condarc.resolve(channel)]
        return Channels(resolved, offline=self.offline, strict_priority=self.condarc.strict_priority)


@dataclass(frozen=True)
class Plan:
    """What will be linked from which channels, and the requirements left to PyPI."""

    channels: Channels
    solution: Solution
    requirements: tuple[str, ...]


def make(spec: Spec, packages: Sequence[names.Package], sources: Sources, progress: Progress) -> Plan:
    """Decide and solve.

    Raises SolveError when something is in no channel and no index or conflicts, UnreachableError when a channel does
    not answer and this host cannot stand in.
    """
    if sources.interpreter == "host":
        opened = sources.open([_host(spec, sources.python, progress), *sources.channels])
        return _solve(spec, packages, opened, sources, progress)
    usual = sources.channels or sources.condarc.channels or (DEFAULT_CHANNEL,)
    try:
        return _solve(spec, packages, sources.open(usual), sources, progress)
    except UnreachableError as error:
        if sources.interpreter == "channel":
            raise
        unreachable = error
    own = _version(sources.python)
    if not versions.satisfies(own, spec.python):
        raise UnreachableError(
            f"{unreachable}; this machine's own python3 could stand in if it were {spec.python}, but it is {own}"
        )
    progress.note(f"{unreachable}; using this machine's own python3 {own}, and PyPI")
    return _solve(spec, packages, sources.open([_host(spec, sources.python, progress)]), sources, progress)


def _solve(
    spec: Spec, packages: Sequence[names.Package], channels: Channels, sources: Sources, progress: Progress
) -> Plan:
    """Take from the channels what they have, in one consistent solve, and leave the rest to PyPI."""
    found = channels.versions(["python", *(name for package in packages for name in package.conda)])
    python = versions.choose(
        spec.python,
        found.get("python", ()),
        lambda: _version(sources.python),
        where=", ".join(channels.names),
        exact=sources.exact,
    )
    if python.note:
        progress.note(python.note)
    specs, requirements = set(), set()
    for package in packages:
        name = next((name for name in package.conda if name in found), None)
        if name:
            specs.add(f"{name} {package.version}".strip())
        elif package.pypi:
            requirements.add(package.pypi + package.version)
        else:
            raise SolveError(
                f"{package.module}: its package {package.conda[0]} is in no channel of {', '.join(channels.names)}, "
                "and not on PyPI; name a channel that has it with --channel"
            )
    solution = channels.solve([f"python =={python.version}", *sorted(specs)])
    return Plan(channels, solution, tuple(sorted(requirements)))


def _version(python: str) -> str:
    from python_package.channel.interpreter import ask

    return ask(python).version


def _host(spec: Spec, python: str, progress: Progress) -> str:
    """Return the channel that holds this host's own interpreter, made now if need be."""
    from python_package import channel

    own = _version(python)
    if not versions.satisfies(own, spec.python):
        raise SolveError(
            f"python {spec.python} is not this machine's: its {python} is {own}; "
            "use --interpreter channel, or analyze again here"
        )
    progress.phase("package this machine's python3")
    return str(channel.host_channel(python=python).path)
