"""Conda's environment.yml, and poncho's JSON, which says the same in other words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from python_package.conda.match_specs import parse_spec
from python_package.create.inputs import requirements_txt
from python_package.create.inputs.dependencies import Dependencies
from python_package.files.sections import Section
from python_package.spec import is_package

_UNSAID = {"channels", "dependencies", "name", "prefix"}


def environment(document: object, found: Dependencies) -> None:
    """Read an environment.yml."""
    if not isinstance(document, dict) or "dependencies" not in document:
        raise ValueError('not an environment of Conda\'s: "dependencies" is missing')
    for key in sorted(set(map(str, document)) - _UNSAID):
        found.note(f"{key} is left out")
    table = Section(document)
    _read(table.entries("dependencies"), table, [], found)


def poncho(document: object, found: Dependencies) -> None:
    """Read poncho's package specification."""
    data = Section(document)
    for key in ("git", "http"):
        if data.data.get(key):
            raise ValueError(f'"{key}" is data for tasks, not a package; send it to the worker as an input file')
    if unknown := sorted(set(data.data) - {"conda", "pip", "git", "http"}):
        raise ValueError(f'unknown key "{unknown[0]}"; the keys of poncho are "conda" and "pip"')
    conda = data.data.get("conda") or {}
    if not isinstance(conda, dict):
        raise ValueError('"conda" must be an object with "channels" and "packages"')
    table = Section(conda)
    _read([*table.entries("packages"), *table.entries("dependencies")], table, data.entries("pip"), found)


def match_specs(dependencies: Iterable[object], found: Dependencies) -> None:
    """Read Conda's match specs; the version of Python is set apart, and channels that some name are looked in, too."""
    for dependency in dependencies:
        channel, name, constraint, build = _parsed(dependency)
        if channel and channel not in found.channels:
            found.channels.append(channel)
        if build:
            found.note(f"{name}: its version counts, the build {build} does not")
        if channel and (name == "python" or name.startswith("_")):
            found.note(f"{name}: the channel {channel} is one of those to look in, but not the only one")
        if name == "python":
            # Conda's =3.11.7 and ==3.11.7 both mean the full version.
            full = re.fullmatch(r"==(\d+\.\d+\.\d+)(\.\*)?", constraint)
            found.requires = (full[1] if full else constraint) or found.requires
        elif name.startswith("_"):
            found.note(f"{name} is left out: the solver knows when it is needed")
        else:
            found.conda.append(f"conda:{channel and f'{channel}::'}{name}{constraint}")


def _read(dependencies: Iterable[object], table: Section, by_pip: list[object], found: Dependencies) -> None:
    found.channels += [str(each) for each in table.entries("channels") if each != "nodefaults"]
    by_pip, specs = [*by_pip], []
    for dependency in dependencies:
        if isinstance(dependency, dict):
            if set(dependency) != {"pip"}:
                raise ValueError(f'"dependencies" holds {dependency!r}; only "pip" may be an object')
            by_pip += Section(dependency).entries("pip")
        else:
            specs.append(dependency)
    match_specs(specs, found)
    lines = "".join(f"{_text(line, 'pip')}\n" for line in by_pip)
    found.wishes += requirements_txt.read(lines, found.source, found, only="pypi:", kind="pip")


def _parsed(dependency: object) -> tuple[str, str, str, str]:
    """Return channel, name, version constraint (PEP 440) and build of a Conda match spec."""
    text = _text(dependency, "dependencies")
    what = f'"dependencies" holds {text!r}'
    problem = f"{what}, which is not a package with a version, such as numpy=1.26"
    try:
        channel, name, version, build = parse_spec(text)
    except ValueError as error:
        raise ValueError(f"{problem}: {error}") from None
    clauses = [
        f"=={clause}" if clause[0].isalnum() else clause for clause in version.split(",") if clause not in ("", "*")
    ]
    constraint = ",".join(clauses)
    if "://" in text and "::" in text:
        raise ValueError(f'{what}: write the address into "channels", and here only the name')
    if "://" in text or not (name.startswith("_") or is_package(f"conda:{name}{constraint}")):
        raise ValueError(problem)
    return channel, name, constraint, build


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or "\n" in value:
        raise ValueError(f'"{key}" holds {value!r}, which is not a package')
    return value
