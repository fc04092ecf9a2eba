"""What uv would install beside what is there already, for a Python that need not be there yet."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

from packaging import tags
from packaging.version import InvalidVersion, Version

from python_package.files import scratch
from python_package.import_names import table
from python_package.lock import Distribution
from python_package.pypi import platforms, pylock, recent, wheel
from python_package.pypi.pip_settings import PROJECT, Uv, for_uv, project
from python_package.spec import Index, canonical
from python_package.target import Target

# A line of uv's annotated requirements: a distribution, and for whom it is there.
_LINE = re.compile(r"(?P<name>[\w.-]+)(?:==| @ )\S+(?:\s+# via (?P<via>.*))?")

# A requirement with extras, or at an address.
_ASKED = re.compile(r"([\w.-]+)(\[| @)")


@dataclass(frozen=True)
class Destination:
    """What it is for: a Python's version and ABI, and the versions of the distributions that are there, by name.

    `machine` is the one that it is for, None for this one.
    `python` is an interpreter that can build what has no wheel, and `indexes` are those that the dependency file names.
    `refresh` has indexes asked anew.
    `metadata` has what a distribution says of itself, by canonical name, where that can be asked already.
    """

    version: str
    abi: str
    there: Mapping[str, str]
    python: str = sys.executable
    offline: bool = False
    indexes: tuple[Index, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    machine: Target | None = None
    refresh: bool = False


def abi(version: str, *, free_threaded: bool) -> str:
    """Return the ABI of a CPython as wheels name it: cp311, cp313t, cp37m."""
    minor = version.split(".")[:2]
    return f"cp{''.join(minor)}{'t' if free_threaded else 'm' if minor in (['3', '6'], ['3', '7']) else ''}"


def resolve(settled: Sequence[str], more: Sequence[str], destination: Destination) -> tuple[Distribution, ...]:
    """Return what would be installed for the requirements that are settled and for more, which a failure names.

    Raises SolveError when no index has a requirement or it conflicts with what is there, UnreachableError when an
    index does not answer.
    """
    if not (settled or more):
        return ()
    if not destination.offline:
        for_uv(named=destination.indexes).require_admission([*settled, *more], destination.python)
    text = _compile(settled, more, destination, "--format", "pylock.toml")
    there = {canonical(name) for name in destination.there}
    return pylock.parse(text, destination.version, destination.abi, without=there, machine=destination.machine)


def foresee(
    settled: Sequence[str], more: Sequence[str], destination: Destination
) -> dict[Distribution, tuple[str, ...]]:
    """Return what would be installed beside Conda's packages, as `resolve` does, each with those that need it.

    A Conda package may be a project of another name, which uv would install once more.
    """
    found = resolve(settled, more, destination)
    while other := {each.name: version for each in found if (version := _provided(each.name, destination.there))}:
        destination = replace(destination, there={**destination.there, **other})
        found = resolve(settled, more, destination)
    lines = _compile(settled, more, destination, "--annotation-style", "line").splitlines() if found else ()
    needed = {match["name"]: _via(match["via"]) for match in map(_LINE.match, lines) if match}
    return {each: needed.get(each.name, ()) for each in found}


def _compile(settled: Sequence[str], more: Sequence[str], destination: Destination, *form: str) -> str:
    """Let uv resolve, or recall what it said a few minutes ago; return what it prints in a form of its own."""
    requirements = [*settled, *more]
    uv = for_uv(named=destination.indexes)

    def ask() -> str:
        return _ask(uv, requirements, more, destination, form)

    if destination.offline or uv.options or any(" @ " in each for each in requirements):
        return ask()
    # A home may be several machines'.
    question = (
        requirements,
        replace(destination, python="", refresh=False),
        next(tags.platform_tags()),
        form,
        metadata.version("uv"),
    )
    return recent.recall(repr(question), uv.environ, ask, refresh=destination.refresh)


def _ask(
    uv: Uv, requirements: Sequence[str], more: Sequence[str], destination: Destination, form: Sequence[str]
) -> str:
    """Let uv resolve now."""
    with scratch.folder() as folder:
        constraints = folder / "constraints.txt"
        constraints.write_text("".join(_constraints(requirements, destination, folder)), encoding="utf-8")
        argv = ["compile", "--quiet", "--no-header", *form, "--constraint", str(constraints)]
        argv += ["--refresh"] if destination.refresh else []
        argv += ["--python", destination.python, "--python-version", destination.version, *uv.options]
        machine = destination.machine
        argv += ["--python-platform", platforms.for_uv(machine)] if machine else []
        argv += [
            *(["--offline"] if destination.offline else []),
            str(project(folder, requirements, destination.indexes) or "-"),
        ]
        return uv.pip(argv, more, "".join(f"{line}\n" for line in requirements)).stdout


def _constraints(requirements: Iterable[str], destination: Destination, folder: Path) -> Iterator[str]:
    """Yield a constraint for each distribution that is there: that very one, which needs nothing from PyPI.

    The index may lack its version, so an empty wheel stands for it, but where it is asked for at an address or with
    extras: these the index has to know if it does not say itself which it has.
    """
    asked = {canonical(match[1]): match[2] for match in map(_ASKED.match, requirements) if match}
    for name, version in destination.there.items():
        name = canonical(name)
        says = destination.metadata.get(name, "") if asked.get(name) == "[" else ""
        try:
            stand_in = wheel.write(folder, name, str(Version(version)), metadata=says)
        except InvalidVersion:
            continue  # no index has it
        yield f"{name} @ {stand_in.as_uri()}\n" if says or name not in asked else f"{name}=={version}\n"


def _provided(name: str, conda: Mapping[str, str]) -> str:
    """Return the version of the Conda package that is a PyPI project, perhaps by another name, or ''."""
    return next((conda[other] for other in table.load().conda(name) if other in conda), "")


def _via(text: str | None) -> tuple[str, ...]:
    parts = [part.strip() for part in (text or "").split(",")]
    return tuple(part for part in parts if part and not part.startswith(("-", f"{PROJECT} (")))
