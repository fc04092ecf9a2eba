"""The ways in which a user brings an environment to an engine, and what each took."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from pathlib import Path

# The files that a user writes, one folder for each engine; what is copied from them stands between two marks.
LINES = Path(__file__).parent / "lines"
_START, _END = "# [lines]", "# [end]"


@dataclass(frozen=True)
class Way:
    """Whose lines the user copies, and whose tarball they get."""

    name: str
    lines: str  # of a file's name: ours, conda-pack
    tarball: str  # whose: ours, plain


OURS = Way("ours", "ours", "ours")
# The lines that conda-pack's users write, with a tarball of ours in place of theirs.
UNCHANGED = Way("unchanged", "conda-pack", "ours")
PLAIN = Way("plain", "conda-pack", "plain")
WAYS = (OURS, UNCHANGED, PLAIN)


@dataclass
class Results:
    """Seconds to the first result, by engine and way, in the order in which they ran."""

    seconds: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, engine: str, way: Way, seconds: float) -> None:
        """Remember one."""
        self.seconds.setdefault(engine, {})[way.name] = seconds


def copied(file: Path) -> str:
    """Return the lines of a case's file that a user copies: those between its marks."""
    _, start, rest = file.read_text(encoding="utf-8").partition(f"{_START}\n")
    lines, end, _ = rest.partition(_END)
    if not start or not end:
        raise ValueError(f"{file}: no lines between {_START} and {_END}")
    return textwrap.dedent(lines.rstrip(" "))
