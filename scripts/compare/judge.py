"""Read what a tool prints, and judge whether that is the right answer. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from scripts.compare.corpus import Case

PASS = "pass"  # noqa: S105
NOT_SAID = "–"  # noqa: RUF001
# Beyond this many, how many names are too many depends on how long a tool waits for its index.
_MANY = 20
# What Debian's tool adds to every environment.
_ALWAYS = {"python", "pip"}
# A line of our `--explain`: a module or package, how much it is needed, what it becomes.
_EXPLAINED = re.compile(r"^(\S+) +(required|conditional|optional|by name) +(.+)$", re.MULTILINE)
_NO_PACKAGE = ("refused", "comes with python", "left out")


@dataclass(frozen=True)
class Answer:
    """What a tool says of a case."""

    # Import names and distributions, each None if the tool never tells them.
    imports: Set[str] | None
    packages: Set[str] | None
    # All its text, on both streams, and its exit status.
    text: str = ""
    status: int = 0


@dataclass(frozen=True)
class Row:
    """A line of a table: a case, what it is about, and the verdict on each tool."""

    case: str
    about: str
    verdicts: Mapping[str, str]


def canonical(name: str) -> str:
    """Return a distribution's name as PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_ours(status: int, text: str, report: str) -> Answer:
    """Read what `python_package_analyze --explain` prints: the modules, and the packages they become."""
    lines = _EXPLAINED.findall(report)
    modules = frozenset(name for name, need, _ in lines if need != "by name")
    packages = frozenset(re.split(r"[^\w.-]", became)[0] for _, _, became in lines if became not in _NO_PACKAGE)
    return Answer(modules, packages, text + report, status)


def read_debian(status: int, text: str, report: str) -> Answer:
    """Read an environment.yml in JSON: `name=version=build`, and pip's packages as `name==version`."""
    found: set[str] = set()
    for entry in json.loads(report).get("dependencies", []) if report.strip() else []:
        found.update(entry["pip"] if isinstance(entry, dict) else [entry])
    names = {entry.partition("=")[0] for entry in found}
    return Answer(None, frozenset(names - _ALWAYS), text, status)


def read_requirements(status: int, text: str, report: str) -> Answer:
    """Read a requirements.txt, as pipreqs and pigar print it."""
    lines = [line.strip() for line in report.splitlines()]
    found = [re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*(?=$|==|>=|~=)", line) for line in lines]
    return Answer(None, frozenset(match.group() for match in found if match), text + report, status)


def read_deptry(status: int, text: str, report: str) -> Answer:
    """Read deptry's JSON: the modules that are imported but not declared, or declared only by other packages."""
    issues = json.loads(report) if report else []
    modules = {issue["module"] for issue in issues if issue["error"]["code"] in ("DEP001", "DEP003", "DEP004")}
    # Status 1 means that it found something; a failure leaves no report.
    return Answer(frozenset(modules), None, text, 0 if report else status)


def read_fawltydeps(status: int, text: str, report: str) -> Answer:
    """Read FawltyDeps' JSON: undeclared imports, and the installed packages that may provide each."""
    try:
        undeclared = json.loads(report)["undeclared_deps"]
    except ValueError:
        return Answer(frozenset(), frozenset(), text + report, status)
    imports = frozenset(each["name"] for each in undeclared)
    packages = frozenset(name for each in undeclared for name in each["candidates"])
    # Where no installed package provides an import, it names only the import.
    return Answer(imports, None if imports and not packages else packages, text, 0 if status in (0, 3) else status)


READERS: Mapping[str, Callable[[int, str, str], Answer]] = {
    "ours": read_ours,
    "debian": read_debian,
    "pipreqs": read_requirements,
    "pigar": read_requirements,
    "deptry": read_deptry,
    "fawltydeps": read_fawltydeps,
}


def imports(case: Case, answer: Answer) -> str:
    """Judge the imports that a tool names, by their top level; a tool that names only packages is judged by those."""
    if answer.imports is None:
        return packages(case, answer)
    said = {name.partition(".")[0] for name in answer.imports}
    return _judge(case, answer, [{top} for top in _tops(case.needed)], set(_tops(case.allowed)), said)


def packages(case: Case, answer: Answer) -> str:
    """Judge which distributions a tool would install."""
    if answer.packages is None:
        return NOT_SAID
    said = {canonical(name) for name in answer.packages}
    wanted = [_alternatives(name) for name in (*case.needed.values(), *case.requested) if name]
    allowed = {each for name in case.allowed.values() for each in _alternatives(name)}
    if "" in case.needed.values() and not said and not all(name in answer.text for name in case.needed):
        return "fail (says nothing)"
    return _judge(case, answer, wanted, allowed, said)


def judged(case: Case, answers: Sequence[Answer]) -> tuple[str, str]:
    """Return the best verdicts on the imports and on the packages of several answers."""
    return best(imports(case, answer) for answer in answers), best(packages(case, answer) for answer in answers)


def best(verdicts: Iterable[str]) -> str:
    """Return the best verdict on several ways to ask: a pass, or else the mildest failure."""
    return min(verdicts, key=lambda verdict: (verdict != PASS, verdict == NOT_SAID, len(verdict), verdict))


def _judge(case: Case, answer: Answer, wanted: Sequence[Set[str]], allowed: Set[str], said: Set[str]) -> str:
    if case.refuses and not said and case.script in answer.text:
        return PASS
    missing = sum(not (alternatives & said) for alternatives in wanted)
    extra = len(said - allowed - set().union(*wanted))
    if not missing and not extra:
        return PASS
    if not said and answer.status:
        return "fail (stops)"
    if extra > _MANY:
        return "fail (adds many)"
    parts = [f"lacks {missing}"] * bool(missing) + [f"adds {extra}"] * bool(extra)
    return f"fail ({', '.join(parts)})"


def _tops(names: Iterable[str]) -> list[str]:
    return [name.partition(".")[0] for name in names]


def _alternatives(name: str) -> set[str]:
    return {canonical(each) for each in name.split("|")}
