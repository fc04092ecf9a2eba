"""What uv would install beside a solution, without an environment to install it into."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from python_package import import_names
from python_package.files import scratch
from python_package.files.disk import path_of
from python_package.lock import Distribution
from python_package.pypi import pylock, wheel
from python_package.pypi.pip_settings import PROJECT, Uv, for_uv, project
from python_package.spec import Index, canonical

# A line of uv's annotated requirements: a distribution, and for whom it is there.
_LINE = re.compile(r"(?P<name>[\w.-]+)(?:==(?P<version>\S+)| @ (?P<url>\S+))(?:\s+# via (?P<via>.*))?")

# A requirement with extras, or at an address.
_ASKED = re.compile(r"([\w.-]+)(\[| @)")

_ROUNDS = 5  # each finds a distribution that a channel has under another name, of which there are few


@dataclass(frozen=True)
class Foreseen:
    """A distribution that would be installed, the size of its file where that is known, and who needs it."""

    distribution: Distribution
    size: int | None
    needed_by: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """What it is for: a Python's version and ABI, and the versions of the distributions that are there, by name.

    `python` is an interpreter that can build what has no wheel, and `indexes` are those that the dependency file names.
    `metadata` has what a distribution says of itself, by canonical name, where that can be asked already.
    """

    version: str
    abi: str
    conda: Mapping[str, str]
    python: str = sys.executable
    offline: bool = False
    indexes: tuple[Index, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


def foresee(settled: Sequence[str], more: Sequence[str], target: Target) -> tuple[Foreseen, ...]:
    """Return what would be installed for the requirements that are settled and for more, which a failure names.

    Raises SolveError when no index has a requirement or it conflicts with what Conda installs, UnreachableError when
    an index does not answer.
    """
    requirements = [*settled, *more]
    if not requirements:
        return ()
    uv = for_uv(named=target.indexes)
    if not target.offline:
        uv.require_admission(requirements, target.python)
    options = ["--python", target.python, "--python-version", target.version]
    options += [*(["--offline"] if target.offline else []), *uv.options]
    lines = _resolved(requirements, more, target, uv, options)
    needed = {match["name"]: _via(match["via"]) for match in lines}
    pins = [with_user(match[0].partition(" #")[0], requirements) for match in lines]
    if not pins:
        return ()
    wanted = {canonical(Requirement(each).name) for each in requirements}
    with scratch.folder() as folder:
        explicit = project(folder, pins, [index for index in target.indexes if set(index.packages) & wanted])
        argv = ["compile", "--quiet", "--no-deps", "--no-header", "--format", "pylock.toml", *options]
        text = uv.pip([*argv, str(explicit or "-")], more, "".join(f"{pin}\n" for pin in pins)).stdout
    sizes = _sizes(text)
    return tuple(
        Foreseen(each, sizes.get(each.location) or size_of(each.location), needed.get(each.name, ()))
        for each in pylock.parse(text, target.version, target.abi)
    )


def _resolved(
    requirements: Sequence[str], named: Sequence[str], target: Target, uv: Uv, options: Sequence[str]
) -> list[re.Match[str]]:
    """Return uv's line for each distribution that is not there; a failure names the requirements that are `named`."""
    pinned = {canonical(name): version for name, version in target.conda.items()}
    for _ in range(_ROUNDS):
        with scratch.folder() as folder:
            constraints = folder / "constraints.txt"
            constraints.write_text("".join(_constraints(pinned, requirements, target, folder)), encoding="utf-8")
            argv = ["compile", "--quiet", "--no-header", "--annotation-style", "line"]
            explicit = project(folder, requirements, target.indexes)
            argv += ["--constraint", str(constraints), *options, str(explicit or "-")]
            report = uv.pip(argv, named, "".join(f"{line}\n" for line in requirements)).stdout
        lines = [match for match in map(_LINE.match, report.splitlines()) if match]
        other = {match["name"]: _provided(match["name"], target.conda) for match in lines}
        missing = {name: version for name, version in other.items() if version and name not in pinned}
        if not missing:
            break
        pinned |= missing
    return [match for match in lines if match["name"] not in pinned]


def _constraints(pinned: Mapping[str, str], requirements: Iterable[str], target: Target, folder: Path) -> Iterator[str]:
    """Yield a constraint for each distribution that is there: that very one, which needs nothing from PyPI.

    The index may lack its version, so an empty wheel stands for it, but where it is asked for at an address or with
    extras: these the index has to know if it does not say itself which it has.
    """
    asked = {canonical(match[1]): match[2] for match in map(_ASKED.match, requirements) if match}
    for name, version in pinned.items():
        says = target.metadata.get(name, "") if asked.get(name) == "[" else ""
        try:
            stand_in = wheel.write(folder, name, str(Version(version)), metadata=says)
        except InvalidVersion:
            continue  # no index has it
        yield f"{name} @ {stand_in.as_uri()}\n" if says or name not in asked else f"{name}=={version}\n"


def with_user(pin: str, requirements: Iterable[str]) -> str:
    """Return a pin with the user and password of the requirement that asked for it, which a report does not show."""
    name = canonical(re.split(r"[ =]", pin)[0])
    for each in requirements:
        if canonical(re.split(r"[ \[]", each)[0]) == name and (user := re.search(r"://[^/@\s]+@", each)):
            return re.sub(r"://(?:[^/@\s]+@)?", lambda _: user[0], pin, count=1)
    return pin


def _provided(name: str, conda: Mapping[str, str]) -> str:
    """Return the version of the Conda package that is a PyPI project, perhaps by another name, or ''."""
    (package,) = import_names.requested([name])
    return next((conda[other] for other in package.conda if other in conda), "")


def _via(text: str | None) -> tuple[str, ...]:
    parts = [part.strip() for part in (text or "").split(",")]
    return tuple(part for part in parts if part and not part.startswith(("-", f"{PROJECT} (")))


def _sizes(text: str) -> dict[str, int]:
    files = [
        file
        for package in pylock.loads(text).packages
        for file in (*(package.wheels or ()), package.sdist, package.archive)
        if file is not None
    ]
    return {file.url: file.size for file in files if file.url and file.size}


def size_of(location: str) -> int | None:
    """Return the size of a file on this machine, None for what is elsewhere."""
    path = path_of(location)
    return path.stat().st_size if location.startswith("file:") and path.is_file() else None
