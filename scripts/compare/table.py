"""The matrix as Markdown. Pure, and the same for the same verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .judge import NOT_SAID, PASS


@dataclass(frozen=True)
class Row:
    """A case, and each tool's verdict on it."""

    case: str
    about: str
    verdicts: Mapping[str, str]


def table(rows: Sequence[Row], tools: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    """Return the lines of a table, the sums last."""
    lines = [_line(["case", "what", *(titles[tool] for tool in tools)]), _line(["---"] * (len(tools) + 2))]
    lines += [_line([f"`{row.case}`", row.about, *(row.verdicts[tool] for tool in tools)]) for row in rows]
    return [*lines, _line(["**passed**", "", *(_sum(rows, tool) for tool in tools)])]


def _sum(rows: Sequence[Row], tool: str) -> str:
    judged = [row.verdicts[tool] for row in rows if row.verdicts[tool] != NOT_SAID]
    return f"**{sum(verdict == PASS for verdict in judged)} of {len(judged)}**" if judged else NOT_SAID


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
