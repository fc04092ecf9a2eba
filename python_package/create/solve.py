"""Decide where everything comes from: which channels, which of their packages, what is left to PyPI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from python_package import import_names
from python_package.address import listed
from python_package.conda.condarc import Condarc
from python_package.conda.match_specs import fits
from python_package.conda.solver import Channels, Solution
from python_package.create import python_version
from python_package.create.assignment import Assigned, assign
from python_package.errors import HostPythonError, RefusedError, SolveError, UnreachableError
from python_package.host_python.channel import default_cache
from python_package.lock import LOCAL_CHANNEL
from python_package.progress import Progress
from python_package.spec import Spec

Interpreter = Literal["auto", "channel", "host"]

DEFAULT_CHANNEL = "conda-forge"


@dataclass(frozen=True)
class Sources:
    """Where packages may come from.

    `channels` replace those of the dependency file, and these those of the condarc. `interpreter` says where python
    itself comes from: a channel, this host's own `python` (which is then packaged), or `auto`: the host's when no
    channel answers and its version is the one. `exact` refuses a later patch release in place of one that the channels
    lack.
    """

    condarc: Condarc
    channels: tuple[str, ...] = ()
    offline: bool = False
    interpreter: Interpreter = "auto"
    python: str = "python3"
    exact: bool = False

    def open(self, named: Sequence[str]) -> Channels:
        """Return the channels that the names stand for; raise SolveError if the configuration forbids one of them."""
        ours = (str(default_cache()), default_cache().as_uri(), LOCAL_CHANNEL)
        others = [channel for channel in named if not channel.startswith(ours)]
        self.condarc.require_allowed(address for channel in others for address in self.condarc.resolve(channel))
        return Channels(named, offline=self.offline, config=self.condarc)


@dataclass(frozen=True)
class Plan:
    """What will be linked from which channels and asked of PyPI, for which modules.

    `dropped` are the optional modules that are left out.
    """

    channels: Channels
    solution: Solution
    assigned: tuple[Assigned, ...]
    dropped: tuple[str, ...] = ()

    @property
    def python(self) -> str:
        """Return the version of Python that was solved for."""
        return next(package.version for package in self.solution.packages if package.name == "python")


def make(spec: Spec, packages: Sequence[import_names.Package], sources: Sources, progress: Progress) -> Plan:
    """Decide and solve.

    Raises SolveError when something is in no channel and no index or conflicts, UnreachableError when a channel does
    not answer and this host cannot stand in, ContentError when one answers with something else, HostPythonError when
    this host's interpreter is wanted and there is none.
    """
    if sources.interpreter == "host":
        opened = sources.open([_host(spec, sources.python, progress), *(sources.channels or spec.channels)])
        return _solve(spec, packages, opened, sources, progress)
    configured = tuple(channel.reveal() for channel in sources.condarc.channels)
    usual = sources.channels or spec.channels or configured or (DEFAULT_CHANNEL,)
    try:
        return _solve(spec, packages, sources.open(usual), sources, progress)
    except RefusedError:
        raise  # a wrong password, say: not to be answered with packages from elsewhere
    except UnreachableError as error:
        if sources.interpreter == "channel":
            raise
        unreachable = error
    return _without_channels(spec, packages, sources, unreachable, progress)


def _without_channels(
    spec: Spec,
    packages: Sequence[import_names.Package],
    sources: Sources,
    unreachable: UnreachableError,
    progress: Progress,
) -> Plan:
    """Take this machine's own interpreter and PyPI; what is wrong with that comes after what was wrong first."""
    of_channels = [p.conda[0] for p in packages if p.conda and not p.pypi and p.module not in spec.optional]
    if of_channels:
        raise UnreachableError(f"{unreachable}; only a channel has {', '.join(sorted(of_channels))}")
    try:
        _, own = _own(spec, sources.python)
        if not python_version.satisfies(own, spec.python):
            raise UnreachableError(
                f"{unreachable}; this machine's own python3 could stand in if it were {spec.python}, but it is {own}"
            )
        host = sources.open([_host(spec, sources.python, progress)])
    except HostPythonError as error:
        raise UnreachableError(f"{unreachable}; this machine's own python3 cannot stand in: {error}") from None
    progress.note(f"{unreachable}; using this machine's own python3 {own}, and PyPI")
    try:
        return _solve(spec, packages, host, sources, progress)
    except SolveError as error:
        raise UnreachableError(f"{unreachable}; with this machine's own python3 and PyPI alone: {error}") from None


def _solve(
    spec: Spec, packages: Sequence[import_names.Package], channels: Channels, sources: Sources, progress: Progress
) -> Plan:
    """Take from the channels what they have, in one consistent solve, and leave the rest to PyPI."""
    where = listed(channels.names)
    available = channels.available(
        (name for package in packages for name in package.conda),
        (name for package in packages if not package.pypi for name in package.conda),
    )
    python = python_version.choose(
        spec.python,
        available.pythons,
        lambda: _version_if_any(sources.python),
        where=where,
        exact=sources.exact,
    )
    if python.note:
        progress.note(python.note)
    found = available.for_python(python.version, fits)
    where = f"{where} for python {python.version}"
    assignment = assign(packages, found, pins=spec.pins, optional=spec.optional, where=where)
    for note in assignment.notes:
        progress.note(note)
    optional = {each.spec for each in assignment.assigned if each.package.module in spec.optional}
    required = {each.spec for each in assignment.assigned if each.package.module not in spec.optional}
    base = [f"python =={python.version}", *sorted(required - {""})]
    solution, refused = _most(channels, base, sorted(optional - required - {""}))
    dropped = set(assignment.dropped)
    for each in assignment.assigned:
        if each.spec and each.spec in refused:
            dropped.add(each.package.module)
            progress.note(f"{each.package.module}: optional, and left out: {refused[each.spec]}")
    taken = tuple(each for each in assignment.assigned if each.package.module not in dropped)
    return Plan(channels, solution, taken, tuple(sorted(dropped)))


def _most(channels: Channels, specs: Sequence[str], optional: Sequence[str]) -> tuple[Solution, dict[str, str]]:
    """Solve with as many of the optional specs as agree with the rest; return also why each other was refused."""
    try:
        return channels.solve([*specs, *optional]), {}
    except SolveError:
        if not optional:
            raise
    solution = channels.solve(specs)
    taken: list[str] = []
    refused = {}
    for spec in optional:
        try:
            solution = channels.solve([*specs, *taken, spec])
            taken.append(spec)
        except SolveError as error:
            refused[spec] = str(error)
    return solution, refused


def _version_if_any(python: str) -> str | None:
    """Return the version of this machine's own interpreter, None where there is none: a channel's will do."""
    try:
        return _version(python)
    except HostPythonError:
        return None


def _version(python: str) -> str:
    from python_package.host_python.interpreter import ask

    return ask(python).version


def _own(spec: Spec, python: str) -> tuple[str, str]:
    """Return the interpreter of this machine that can stand in, `python` if no other is right, and its version."""
    own = _version(python)
    if not python_version.satisfies(own, spec.python):
        from python_package.host_python.on_path import on_path

        wanted = f"=={spec.python.rstrip('+')}" if python_version.is_full(spec.python) else spec.python
        for version, path in on_path(wanted):
            if python_version.satisfies(version, spec.python):
                return path, version
    return python, own


def _host(spec: Spec, python: str, progress: Progress) -> str:
    """Return the channel that holds this host's own interpreter, made now if need be."""
    from python_package import host_python as channel

    command, own = _own(spec, python)
    if not python_version.satisfies(own, spec.python):
        raise SolveError(
            f"python {spec.python} is not this machine's: its {python} is {own}; "
            "use --interpreter channel, or analyze again here"
        )
    progress.phase("package this machine's python3")
    return str(channel.host_channel(python=command).path)
