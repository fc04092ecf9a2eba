"""docs/comparison.md: what was compared, how, and the tables. Pure, and the same for the same verdicts."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.compare import peers, tasks
from scripts.compare.corpus import Case
from scripts.compare.judge import NOT_SAID, PASS, Answer, Row

TITLES = {
    "ours": "ours",
    "debian": "Debian's",
    "pipreqs": "pipreqs",
    "pigar": "pigar",
    "deptry": "deptry",
    "fawltydeps": "FawltyDeps",
    "by-hand": "conda-pack by hand",
}
# The tools that know names by themselves; with nothing installed the others have nothing to say of packages.
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
    head = HEAD.read_text(encoding="utf-8").format(
        debian=debian, python=platform.python_version(), not_said=NOT_SAID, **peers.PEERS
    )
    imports = [_row(each, each.imports) for each in installed]
    packages = [_row(each, each.packages) for each in installed if each.case.renamed]
    names = [_row(each, each.packages) for each in bare]
    parts = [
        head,
        "## Imports\n",
        "What a script, notebook or folder imports. Each row is a file of `tests/corpus`. All that the script imports "
        "is installed, unless the row says otherwise.\n",
        *table(imports, peers.TOOLS, TITLES),
        "",
        "## Packages, when they are installed\n",
        "The rows in which a package is named differently from its import.\n",
        *table(packages, peers.TOOLS, TITLES),
        "",
        "## Packages, when nothing is installed\n",
        "Only tools that know names by themselves. The right answer for an import that no known project provides is to "
        "name no package and to say so.\n",
        *table(names, BARE, TITLES),
        "",
        "## From an environment to a running task\n",
        "We use `python_package_create` and `python_package_run`; the others get conda-pack's tarball of the same "
        "environment.\n",
        *table(tried, tasks.TOOLS, TITLES),
    ]
    return "\n".join(parts) + "\n"


def table(rows: Sequence[Row], tools: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    """Return the lines of a Markdown table, with the sums last."""
    lines = [_line(["case", "what", *(titles[tool] for tool in tools)]), _line(["---"] * (len(tools) + 2))]
    lines += [_line([f"`{row.case}`", row.about, *(row.verdicts[tool] for tool in tools)]) for row in rows]
    return [*lines, _line(["**passed**", "", *(_sum(rows, tool) for tool in tools)])]


def describe(answer: Answer) -> str:
    """Return all that a tool says, on one line or more."""
    parts = [
        f"{what} {' '.join(sorted(names)) or 'none'}"
        for what, names in (("imports", answer.imports), ("packages", answer.packages))
        if names is not None
    ]
    return "; ".join([*parts, f"status {answer.status}"]) + (f"\n{answer.text.strip()}" if answer.text.strip() else "")


def _row(asked: Asked, verdicts: Mapping[str, str]) -> Row:
    return Row(asked.case.name, asked.case.about.rstrip("."), verdicts)


def _sum(rows: Sequence[Row], tool: str) -> str:
    judged = [row.verdicts[tool] for row in rows if row.verdicts[tool] != NOT_SAID]
    return f"**{sum(verdict == PASS for verdict in judged)} of {len(judged)}**" if judged else NOT_SAID


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
