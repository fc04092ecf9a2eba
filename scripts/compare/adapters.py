"""A tool's output -> an Answer. Pure: each takes the exit status, the text on both streams, and the report if any."""

from __future__ import annotations

import json
import re

from .judge import Answer

# What Debian's tool adds to every environment.
_ALWAYS = {"python", "pip"}


def ours(status: int, text: str, report: str) -> Answer:
    """Read the report of ours.py: the dependency file's modules and the packages that create would take for them."""
    data = json.loads(report) if report else {"modules": [], "packages": []}
    return Answer(frozenset(data["modules"]), frozenset(data["packages"]), text, status)


def debian(status: int, text: str, report: str) -> Answer:
    """Read an environment.yml in JSON: `name=version=build`, and pip's as `name==version`."""
    found: set[str] = set()
    for entry in json.loads(report).get("dependencies", []) if report.strip() else []:
        found.update(entry["pip"] if isinstance(entry, dict) else [entry])
    names = {entry.partition("=")[0] for entry in found}
    return Answer(None, frozenset(names - _ALWAYS), text, status)


def requirements(status: int, text: str, report: str) -> Answer:
    """Read a requirements.txt, as pipreqs and pigar print it."""
    lines = [line.strip() for line in report.splitlines()]
    found = [re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*(?=$|==|>=|~=)", line) for line in lines]
    return Answer(None, frozenset(match.group() for match in found if match), text + report, status)


def deptry(status: int, text: str, report: str) -> Answer:
    """Read deptry's JSON: the modules that are imported without being declared, or only by way of others."""
    issues = json.loads(report) if report else []
    modules = {issue["module"] for issue in issues if issue["error"]["code"] in ("DEP001", "DEP003", "DEP004")}
    # To find something is exit status 1; to fail is to leave no report.
    return Answer(frozenset(modules), None, text, 0 if report else status)


def fawltydeps(status: int, text: str, report: str) -> Answer:
    """Read FawltyDeps' JSON: undeclared imports, and the installed packages that may provide each."""
    try:
        undeclared = json.loads(report)["undeclared_deps"]
    except ValueError:
        return Answer(frozenset(), frozenset(), text + report, status)
    imports = frozenset(each["name"] for each in undeclared)
    packages = frozenset(name for each in undeclared for name in each["candidates"])
    # Where no installed package provides an import, it tells the import only.
    return Answer(imports, None if imports and not packages else packages, text, 0 if status in (0, 3) else status)
