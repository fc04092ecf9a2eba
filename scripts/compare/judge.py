"""Whether a tool's answer is the right one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass

from .corpus import Case

PASS = "pass"  # noqa: S105
NOT_SAID = "–"  # noqa: RUF001
_MANY = 20  # beyond, which they are changes with how long a tool waits for its index


@dataclass(frozen=True)
class Answer:
    """What a tool says: import names, distributions (each None if it never tells), all its text, its exit status."""

    imports: Set[str] | None
    packages: Set[str] | None
    text: str = ""
    status: int = 0


def canonical(name: str) -> str:
    """Return a distribution's name as PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imports(case: Case, answer: Answer) -> str:
    """Judge what a tool says is imported, by top-level names; of one that names only packages, those."""
    if answer.imports is None:
        return packages(case, answer)
    said = {name.partition(".")[0] for name in answer.imports}
    return _judge(case, answer, [{top} for top in _tops(case.imports)], set(_tops(case.optional)), said)


def packages(case: Case, answer: Answer) -> str:
    """Judge which distributions a tool would install."""
    if answer.packages is None:
        return NOT_SAID
    said = {canonical(name) for name in answer.packages}
    wanted = [_alternatives(name) for name in (*case.imports.values(), *case.packages) if name]
    allowed = {each for name in case.optional.values() for each in _alternatives(name)}
    if "" in case.imports.values() and not said and not all(_named(name, answer) for name in case.imports):
        return "fail (says nothing)"
    return _judge(case, answer, wanted, allowed, said)


def _judge(case: Case, answer: Answer, wanted: list[set[str]], allowed: set[str], said: set[str]) -> str:
    if case.or_refuses and not said and case.script in answer.text:
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


def _named(name: str, answer: Answer) -> bool:
    return name in answer.text


def best(verdicts: Iterable[str]) -> str:
    """Return the best of the verdicts on several ways to ask: a pass, else the least said against it."""
    return min(verdicts, key=lambda verdict: (verdict != PASS, verdict == NOT_SAID, len(verdict), verdict))
