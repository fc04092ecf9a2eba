"""docs/comparison.md: what was compared, how, and the tables."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import behaviours, tools
from .corpus import Case
from .judge import NOT_SAID, Answer
from .table import Row, table

TITLES = {
    "ours": "ours",
    "debian": "Debian's",
    "pipreqs": "pipreqs",
    "pigar": "pigar",
    "deptry": "deptry",
    "fawltydeps": "FawltyDeps",
    "by-hand": "conda-pack by hand",
}
BARE = ("ours", "pipreqs", "pigar")

HEAD = Path(__file__).with_name("comparison.md.in")


@dataclass(frozen=True)
class Asked:
    """A case, and the verdicts on what each tool says of its imports and of its packages."""

    case: Case
    imports: Mapping[str, str]
    packages: Mapping[str, str]


def render(installed: Sequence[Asked], bare: Sequence[Asked], tried: Sequence[Row], debian: str) -> str:
    """Return the whole document."""
    names = list(tools.TOOLS)
    parts = [
        HEAD.read_text(encoding="utf-8").format(
            debian=debian, python=platform.python_version(), not_said=NOT_SAID, **tools.PEERS
        ),
        "## What is imported\n",
        "Scripts, notebooks and folders; all that they import is installed, unless it says otherwise. `corpus:` cases "
        "are those of `tests/corpus`.\n",
        *table([Row(each.case.name, each.case.about, each.imports) for each in installed], names, TITLES),
        "",
        "## Which packages that is: all installed\n",
        "The cases whose packages have other names than their imports.\n",
        *table(
            [Row(each.case.name, each.case.about, each.packages) for each in installed if each.case.renamed],
            names,
            TITLES,
        ),
        "",
        "## Which packages that is: nothing installed\n",
        "Of the tools that know names by themselves. For an import of nobody's known project the right answer is none, "
        "and to say so.\n",
        *table([Row(each.case.name, each.case.about, each.packages) for each in bare], BARE, TITLES),
        "",
        "## From an environment to a running task\n",
        "Ours: `python_package_create` and `python_package_run`. The others have conda-pack's tarball of the very same "
        "environment.\n",
        *table(tried, behaviours.TOOLS, TITLES),
    ]
    return "\n".join(parts) + "\n"


def describe(answer: Answer) -> str:
    """Return all that a tool says, on one line or more."""
    parts = [
        f"{what} {' '.join(sorted(names)) or 'none'}"
        for what, names in (("imports", answer.imports), ("packages", answer.packages))
        if names is not None
    ]
    return "; ".join([*parts, f"status {answer.status}"]) + (f"\n{answer.text.strip()}" if answer.text.strip() else "")
