"""Conda's environment.yml, and poncho's JSON, which says the same in other words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from python_package.conda.match_specs import parse_spec
from python_package.create.inputs import requirements_txt
from python_package.create.inputs.given import Given
from python_package.errors import SpecError
from python_package.files.documents import yaml_value
from python_package.spec import Spec, is_package

_IGNORED = {"name", "prefix"}
_KNOWN = {"channels", "dependencies"}


def environment(text: str, source: str, python: str) -> Given:
    """Read an environment.yml."""
    try:
        data = yaml_value(text)
    except ValueError as error:
        raise SpecError(f"{source}: not YAML: {error}") from None
    if not isinstance(data, dict) or "dependencies" not in data:
        raise SpecError(f'{source}: not an environment of Conda\'s: "dependencies" is missing')
    ignored = [f"{source}: {key} is left out" for key in sorted(set(map(str, data)) - _KNOWN - _IGNORED)]
    given = _given(data["dependencies"], data.get("channels"), (), source, python)
    return Given(given.spec, (*ignored, *given.notes))


def poncho(data: Mapping[str, Any], source: str, python: str) -> Given:
    """Read poncho's package specification, already known to be an object."""
    for key in ("git", "http"):
        if data.get(key):
            raise SpecError(
                f'{source}: "{key}" is data for tasks, not a package; send it to the worker as an input file'
            )
    if unknown := sorted(set(data) - {"conda", "pip", "git", "http"}):
        raise SpecError(f'{source}: unknown key "{unknown[0]}"; the keys of poncho are "conda" and "pip"')
    conda = data.get("conda") or {}
    if not isinstance(conda, dict):
        raise SpecError(f'{source}: "conda" must be an object with "channels" and "packages"')
    wanted = [
        *_list(conda.get("packages"), source, "packages"),
        *_list(conda.get("dependencies"), source, "dependencies"),
    ]
    return _given(wanted, conda.get("channels"), _list(data.get("pip"), source, "pip"), source, python)


@dataclass(frozen=True)
class Conda:
    """Match specs in our terms: the version of Python, the packages, the channels that some name, and notes."""

    python: str
    packages: tuple[str, ...]
    channels: tuple[str, ...]
    notes: tuple[str, ...]


def packages(dependencies: Iterable[object], source: str) -> Conda:
    """Read Conda's match specs; raises SpecError for what is none, or cannot be done."""
    version, found, places, notes = "", [], [], []
    for dependency in dependencies:
        channel, name, constraint, build = _parsed(dependency, source)
        if channel and channel not in places:
            places.append(channel)
        if build:
            notes.append(f"{source}: {name}: its version counts, the build {build} does not")
        if channel and (name == "python" or name.startswith("_")):
            notes.append(f"{source}: {name}: the channel {channel} is one of those to look in, but not the only one")
        if name == "python":
            version = _python(constraint)
        elif name.startswith("_"):
            notes.append(f"{source}: {name} is left out: the solver knows when it is needed")
        else:
            found.append(f"conda:{channel and f'{channel}::'}{name}{constraint}")
    return Conda(version, tuple(found), tuple(places), tuple(notes))


def _given(dependencies: object, channels: object, pip: Iterable[Any], source: str, python: str) -> Given:
    places = [str(channel) for channel in _list(channels, source, "channels") if channel != "nodefaults"]
    pip, specs = list(pip), []
    for dependency in _list(dependencies, source, "dependencies"):
        if isinstance(dependency, dict):
            if set(dependency) != {"pip"}:
                raise SpecError(f'{source}: "dependencies" holds {dependency!r}; only "pip" may be an object')
            pip += _list(dependency["pip"], source, "pip")
        else:
            specs.append(dependency)
    found = packages(specs, source)
    lines = "".join(f"{_text(line, source, 'pip')}\n" for line in pip)
    by_pip = requirements_txt.requirements(lines, source, python, only="pypi:", kind="pip")
    spec = Spec(
        found.python,
        (),
        packages=tuple(sorted({*found.packages, *by_pip.spec.packages})),
        pins=by_pip.spec.pins,
        channels=tuple(dict.fromkeys([*places, *found.channels])),
        indexes=by_pip.spec.indexes,
    )
    return Given(spec, (*found.notes, *by_pip.notes))


def _parsed(dependency: object, source: str) -> tuple[str, str, str, str]:
    """Return channel, name, version constraint (PEP 440) and build of a Conda match spec."""
    text = _text(dependency, source, "dependencies")
    problem = f'{source}: "dependencies" holds {text!r}, which is not a package with a version, such as numpy=1.26'
    try:
        channel, name, version, build = parse_spec(text)
    except ValueError as error:
        raise SpecError(f"{problem}: {error}") from None
    clauses = [
        f"=={clause}" if clause[0].isalnum() else clause for clause in version.split(",") if clause not in ("", "*")
    ]
    constraint = ",".join(clauses)
    if "://" in text and "::" in text:
        raise SpecError(f'{problem.partition(",")[0]}: write the address into "channels", and here only the name')
    if "://" in text or not (name.startswith("_") or is_package(f"conda:{name}{constraint}")):
        raise SpecError(problem)
    return channel, name, constraint, build


def _python(constraint: str) -> str:
    """Return a full version where the constraint names one: Conda's =3.11.7 and ==3.11.7 both mean it."""
    full = re.fullmatch(r"==(\d+\.\d+\.\d+)(\.\*)?", constraint)
    return full[1] if full else constraint


def _list(value: object, source: str, key: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise SpecError(f'{source}: "{key}" must be a list')
    return value


def _text(value: object, source: str, key: str) -> str:
    if not isinstance(value, str) or "\n" in value:
        raise SpecError(f'{source}: "{key}" holds {value!r}, which is not a package')
    return value
