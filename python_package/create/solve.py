"""Decide where everything comes from: which channels, which of their packages, what is left to PyPI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from python_package.address import listed
from python_package.conda.condarc import Condarc
from python_package.conda.match_specs import fits
from python_package.conda.records import PLATFORM
from python_package.conda.solver import Channels, Solution
from python_package.create import python_version
from python_package.create.locked_files import locate
from python_package.create.optional import left_out, with_optional
from python_package.create.options import CreateOptions
from python_package.create.requirements import Assigned, Wanted, assign
from python_package.errors import HostPythonError, RefusedError, SolveError, UnreachableError
from python_package.host_python.channel import default_cache, host_channel, oldest_glibc
from python_package.host_python.interpreter import Interpreter, ask
from python_package.import_names.package import Package
from python_package.lock import LOCAL_CHANNEL, Lock
from python_package.progress import Clock, Progress
from python_package.pypi.resolution import abi
from python_package.spec import Spec
from python_package.target import Target

DEFAULT_CHANNEL = "conda-forge"


@dataclass(frozen=True)
class Plan:
    """What will be linked from which channels and asked of PyPI, for which modules.

    `dropped` are the optional modules that are left out. `locked` is the lock that the environment is made from, with
    where its files are now. `target` is the machine that it is for, if that was named.
    """

    channels: Channels
    solution: Solution
    assigned: tuple[Assigned, ...] = ()
    dropped: tuple[str, ...] = ()
    locked: Lock | None = None
    target: Target | None = None

    @property
    def python(self) -> str:
        """Return the version of Python that was solved for."""
        return next(package.version for package in self.solution.packages if package.name == "python")

    @property
    def abi(self) -> str:
        """Return the ABI of that Python as wheels name it: cp311, cp313t."""
        of_python = (package for package in self.solution.packages if package.name in ("python", "python_abi"))
        return abi(self.python, free_threaded=any(package.build.endswith("t") for package in of_python))


def open_channels(named: Sequence[str], options: CreateOptions, condarc: Condarc) -> Channels:
    """Return the channels that names stand for; raise SolveError if the condarc forbids one of them."""
    ours = (str(default_cache()), default_cache().as_uri(), LOCAL_CHANNEL)
    others = [channel for channel in named if not channel.startswith(ours)]
    condarc.require_allowed(address for channel in others for address in condarc.resolve(channel))
    return Channels(named, offline=options.offline, refresh=options.refresh, config=condarc, target=options.target)


def plan(spec: Spec, wanted: Wanted, options: CreateOptions, condarc: Condarc, clock: Clock) -> Plan:
    """Decide and solve, or find what a lock says and nothing else.

    Raises SolveError when something is in no channel and no index or conflicts, UnreachableError when a channel does
    not answer and this host cannot stand in, ContentError when one answers with something else, HostPythonError when
    this host's interpreter is wanted and there is none; SpecError when the lock is of another dependency file, and as
    `locked_files.locate` does.
    """
    if options.locked:
        options.locked.check(spec)
        named = [*options.channels, *(channel.reveal() for channel in options.locked.channels)]
        channels = open_channels(named, options, condarc)
        with clock.phase("find"):
            found = locate(options.locked, channels)
        return Plan(channels, Solution(found.records, found.specs), locked=found, target=found.target)
    for note in wanted.notes:
        clock.progress.note(note)
    with clock.phase("solve"):
        return _solve(_Task(spec, wanted.packages, options, condarc, clock.progress))


def _solve(task: _Task) -> Plan:
    spec, options = task.spec, task.options
    if options.interpreter == "host":
        return task.solve([task.host()[0], *(options.channels or spec.channels)])
    configured = tuple(channel.reveal() for channel in task.condarc.channels)
    try:
        return task.solve(options.channels or spec.channels or configured or (DEFAULT_CHANNEL,))
    except RefusedError:
        raise  # a wrong password, say: not to be answered with packages from elsewhere
    except UnreachableError as error:
        if options.interpreter == "channel":
            raise
        unreachable = error
    return task.without_channels(unreachable)


@dataclass(frozen=True)
class _Task:
    """What is to be solved, and how."""

    spec: Spec
    packages: Sequence[Package]
    options: CreateOptions
    condarc: Condarc
    progress: Progress

    def solve(self, named: Sequence[str]) -> Plan:
        """Take from channels what they have, in one consistent solve, and leave the rest to PyPI."""
        spec, packages = self.spec, self.packages
        channels = open_channels(named, self.options, self.condarc)
        where = listed(channels.names)
        available = channels.available(
            (name for package in packages for name in package.conda),
            (name for package in packages if not package.pypi for name in package.conda),
        )
        python, note = python_version.choose(
            spec.python, available.pythons, lambda: self._users.version, where=where, exact=self.options.exact
        )
        found = available.for_python(python, fits)
        assignment = assign(
            packages, found, pins=spec.pins, optional=spec.optional, where=f"{where} for python {python}"
        )
        for each in (*filter(None, [note]), *assignment.notes):
            self.progress.note(each)
        required = {each.spec for each in assignment.assigned if each.package.module not in spec.optional} - {""}
        optional = {each.spec for each in assignment.assigned} - required - {""}
        solution, refused = with_optional(
            lambda settled, more: channels.solve([*settled, *more]),
            [f"python =={python}", *sorted(required)],
            sorted(optional),
            (SolveError,),
        )
        failed = {each.package.module: refused[each.spec] for each in assignment.assigned if each.spec in refused}
        for module, why in failed.items():
            self.progress.note(left_out(module, why))
        dropped = {*assignment.dropped, *failed}
        taken = tuple(each for each in assignment.assigned if each.package.module not in dropped)
        return Plan(channels, solution, taken, tuple(sorted(dropped)), target=self.options.target)

    def host(self) -> tuple[str, str]:
        """Return the channel that holds this host's own interpreter, made now if need be, and that one's version.

        Raises HostPythonError if there is none that fits the target, SolveError if its version is another.
        """
        target = self.options.target
        if target and target.subdir != PLATFORM:
            raise HostPythonError(
                f"this machine's own python3 is for {PLATFORM}, and {target} is {target.subdir}; "
                f"take python from a channel that has it for {target.subdir} (--channel, --interpreter channel)"
            )
        own = self._own()
        if not python_version.satisfies(own.version, self.spec.python):
            raise SolveError(
                f"python {self.spec.python} is not this machine's: its {self.options.python} is {own.version}; "
                "use --interpreter channel, or analyze again here"
            )
        self.progress.phase("package this machine's python3")
        channel = host_channel(python=own, compiled=self.progress.compiled)
        needed = oldest_glibc(channel)
        if target and needed > target.glibc:
            raise HostPythonError(
                "this machine's own python3 {} needs glibc {}.{}, and {} has {}.{}; take python from a channel "
                "(--interpreter channel), or from a folder that `python3 -m python_package.channel` made on such a "
                "machine (--channel FOLDER)".format(own.version, *needed, target, *target.glibc)
            )
        return str(channel), own.version

    def without_channels(self, unreachable: UnreachableError) -> Plan:
        """Take this machine's own interpreter and PyPI; what is wrong with that comes after what was wrong first."""
        optional = self.spec.optional
        of_channels = [p.conda[0] for p in self.packages if p.conda and not p.pypi and p.module not in optional]
        if of_channels:
            raise UnreachableError(f"{unreachable}; only a channel has {', '.join(sorted(of_channels))}")
        try:
            host, own = self.host()
        except (HostPythonError, SolveError) as error:
            raise UnreachableError(f"{unreachable}; this machine's own python3 cannot stand in: {error}") from None
        self.progress.note(f"{unreachable}; using this machine's own python3 {own}, and PyPI")
        try:
            return self.solve([host])
        except SolveError as error:
            raise UnreachableError(f"{unreachable}; with this machine's own python3 and PyPI alone: {error}") from None

    def _own(self) -> Interpreter:
        """Return this machine's interpreter that can stand in, the user's own if no other is right."""
        wanted = self.spec.python
        if not python_version.satisfies(self._users.version, wanted):
            from python_package.host_python.on_path import on_path

            fitting = f"=={wanted.rstrip('+')}" if python_version.is_full(wanted) else wanted
            for version, path in on_path(fitting):
                if python_version.satisfies(version, wanted):
                    return ask(path)
        return self._users

    @cached_property
    def _users(self) -> Interpreter:
        """The user's own interpreter, asked once: it may be a shim that takes its time."""
        return ask(self.options.python)
