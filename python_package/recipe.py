"""The recipe: Spec -> prefix -> tarball."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from python_package import names
from python_package.errors import PackError, SolveError, UnreachableError, UsageError
from python_package.spec import Spec

if TYPE_CHECKING:
    from python_package.environment import condarc
    from python_package.environment.conda import Channels, Solution

Interpreter = Literal["auto", "channel", "host"]

DEFAULT_CHANNEL = "conda-forge"

# What Conda itself refuses in a name, and what a shell or an option parser would misread.
_NAME = re.compile(r"[^\W-][\w.+@=,-]*\Z")
_RESERVED = ("base", "root")


class Progress(Protocol):
    """What is told while an environment is made; counts are since the start of their phase."""

    def phase(self, title: str) -> None:
        """Begin a phase."""

    def note(self, line: str) -> None:
        """Say something that the user must know although nothing failed."""

    def downloaded(self, done: int, total: int) -> None:
        """Report bytes fetched, of those known to be needed so far."""

    def linked(self, done: int, total: int) -> None:
        """Report packages linked, of all."""

    def packed(self, done: int, total: int) -> None:
        """Report layers packed, of all."""


class Silent:
    """A Progress that says nothing."""

    def phase(self, title: str) -> None:
        """Ignore."""

    def note(self, line: str) -> None:
        """Ignore."""

    def downloaded(self, done: int, total: int) -> None:
        """Ignore."""

    linked = packed = downloaded


@dataclass(frozen=True)
class Created:
    """What was made: the environment's prefix, its tarball, and the seconds that each phase took."""

    prefix: Path
    tarball: Path
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class _Plan:
    """What will be linked from which channels, and what is left to PyPI."""

    channels: Channels
    solution: Solution
    requirements: tuple[str, ...]


def validate_name(name: str) -> str:
    """Return the environment's name if Conda, a shell and a file system all take it; raise UsageError else."""
    if not _NAME.match(name) or name in _RESERVED or len(os.fsencode(name)) > 200:
        raise UsageError(
            f"{name!r} cannot name an environment: use letters, digits and any of _ . + @ = , - (not first: . -), "
            f"and none of {', '.join(_RESERVED)}"
        )
    return name


def create(
    spec: Spec,
    name: str,
    *,
    directory: str | os.PathLike[str] = ".",
    channels: Sequence[str] = (),
    offline: bool = False,
    interpreter: Interpreter = "auto",
    check: bool = True,
    python: str = "python3",
    command: str = "python_package.create",
    progress: Progress | None = None,
) -> Created:
    """Build the Conda environment `name` in the default directory of environments and pack it into `directory`.

    `channels` replace those of the user's condarc. `interpreter` says where `python` comes from: a channel, this
    host's own `python` (which is then packaged), or `auto`: the host's when no channel answers and it has exactly
    the version asked for. An environment or tarball of the same name is replaced when the new ones are complete.

    Raises UsageError for a bad name, SolveError when something is in no channel and no index or conflicts,
    UnreachableError when a channel or index does not answer, BrokenModuleError when a module does not import, and
    PackError when something cannot be written; after each of them, all that existed before is as it was.
    """
    from python_package import tarball
    from python_package.environment import condarc, prefix, pypi
    from python_package.environment.check import check as check_modules

    validate_name(name)
    directory = Path(directory).absolute()
    output = directory / f"{name}.tar.gz"
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PackError(f"cannot write {output}: the folder {directory} is not writable")
    if output.is_dir():
        raise PackError(f"cannot write {output}: a folder has that name; move it or choose another name")
    progress = progress or Silent()
    clock = _Clock(progress)
    config = condarc.load()
    partial = output.with_name(f".{output.name}.new")
    with prefix.stage(prefix.envs_dir(config), name) as staged:
        try:
            with clock.phase("solve"):
                packages = names.resolve(spec.modules, names.import_path(python))
                plan = _plan(spec, packages, channels, config, offline or config.offline, interpreter, python, progress)
            with clock.phase("link"):
                plan.channels.link(plan.solution, staged.path, progress)
            if plan.requirements:
                with clock.phase("install from PyPI"):
                    pypi.install(staged.path, plan.requirements, offline=offline or config.offline)
            if check:
                with clock.phase("check"):
                    check_modules(staged.path, spec.modules)
            with clock.phase("pack"):
                prefix.write_history(staged.path, plan.solution.specs, command)
                tarball.pack(staged.path, partial, progress=progress.packed)
                tarball.relocate(staged.path, str(staged.path), str(staged.target))
            staged.commit()
            partial.replace(output)
            prefix.register(staged.target)
        finally:
            partial.unlink(missing_ok=True)
    return Created(staged.target, output, clock.seconds)


def _plan(
    spec: Spec,
    packages: Sequence[names.Package],
    channels: Sequence[str],
    config: condarc.Condarc,
    offline: bool,
    interpreter: Interpreter,
    python: str,
    progress: Progress,
) -> _Plan:
    """Decide where everything comes from, and solve."""
    from python_package.environment.conda import Channels

    def open_channels(named: Sequence[str]) -> Channels:
        resolved = [url for channel in named for url in config.resolve(channel)]
        return Channels(resolved, offline=offline, strict_priority=config.strict_priority)

    if interpreter == "host":
        return _solve(spec, packages, open_channels([*_host(spec, python, progress), *channels]))
    usual = open_channels(channels or config.channels or (DEFAULT_CHANNEL,))
    try:
        return _solve(spec, packages, usual)
    except UnreachableError as error:
        if interpreter == "channel":
            raise
        unreachable = error
    if _host_version(python) != spec.python:
        raise UnreachableError(
            f"{unreachable}; this machine's own python3 could stand in if it were {spec.python}, "
            f"but it is {_host_version(python)}"
        )
    progress.note(f"{unreachable}; using this machine's own python3 {spec.python}, and PyPI")
    return _solve(spec, packages, open_channels(_host(spec, python, progress)))


def _solve(spec: Spec, packages: Sequence[names.Package], channels: Channels) -> _Plan:
    """Take from the channels what they have, in one consistent solve, and leave the rest to PyPI."""
    version = spec.python.rstrip("+")
    found = channels.versions(["python", *(package.conda for package in packages)])
    if version not in found.get("python", ()):
        raise SolveError(_no_python(version, found.get("python", set()), channels.names))
    specs = [f"python =={version}", *sorted({package.conda for package in packages} & set(found))]
    rest = [package for package in packages if package.conda not in found]
    for package in rest:
        if not package.pypi:
            raise SolveError(
                f"{package.module}: its package {package.conda} is in no channel of {', '.join(channels.names)}, "
                "and not on PyPI; name a channel that has it with --channel"
            )
    return _Plan(channels, channels.solve(specs), tuple(sorted({package.pypi for package in rest})))


def _no_python(version: str, available: set[str], channels: Sequence[str]) -> str:
    minor = ".".join(version.split(".")[:2]) + "."
    near = [v for v in available if v.startswith(minor)] or list(available)
    near.sort(key=lambda v: [int(part) for part in re.findall(r"\d+", v)])
    offer = f"they have {', '.join(near[-8:])}" if near else "they have no python at all"
    return f"python {version} is in no channel of {', '.join(channels)}: {offer}"


def _host_version(python: str) -> str:
    from python_package.channel.interpreter import ask

    return ask(python).version


def _host(spec: Spec, python: str, progress: Progress) -> tuple[str]:
    """Return the channel that holds this host's own interpreter, made now if need be."""
    from python_package import channel

    if _host_version(python) != spec.python:
        raise SolveError(
            f"python {spec.python} is not this machine's: its {python} is {_host_version(python)}; "
            "use --interpreter channel, or analyze again here"
        )
    progress.phase("package this machine's python3")
    return (str(channel.host_channel(python=python).path),)


class _Clock:
    """Announces phases and keeps the seconds that each took."""

    def __init__(self, progress: Progress, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._now = now

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        self._progress.phase(title)
        start = self._now()
        yield
        self.seconds[title] = self._now() - start
