"""The table of docs/reliability.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.faults.checkouts import HERE
from scripts.faults.injection import Fault

DOCUMENT = HERE / "docs" / "reliability.md"
_TABLE = re.compile(r"(?s)(<!-- table -->\n).*?(<!-- end of the table -->)")


@dataclass(frozen=True)
class Row:
    """How an injector ended: tries, how many were right today, and how many before (None: that was not tried)."""

    fault: Fault
    tries: int
    today: int
    before: int | None

    @property
    def is_well(self) -> bool:
        """Tell whether every try is right today, and the injector found its fault before."""
        found = self.before is None or self.fault.held == (self.before == self.tries)
        return self.today == self.tries and found

    def line(self) -> str:
        """Return the row for a person who watches."""
        before = "" if self.before is None else f", before {self.before}"
        mark = "ok   " if self.is_well else "WRONG"
        return f"{mark} {self.fault.number:>3} {self.fault.what}: {self.today} of {self.tries}{before}"


def write(rows: Sequence[Row], commit: str) -> None:
    """Put the rows into the document."""
    lines = [f"| topic | fault | tries | right at {commit} | right today |", "|---|---|---|---|---|"]
    lines += [f"| {row.fault.topic} | {row.fault.what} | {row.tries} | {row.before} | {row.today} |" for row in rows]
    total = sum(row.tries for row in rows)
    lines.append(f"| | **all** | {total} | {sum(row.before or 0 for row in rows)} | {sum(row.today for row in rows)} |")
    text = DOCUMENT.read_text(encoding="utf-8")
    table = "\n".join(lines) + "\n"
    DOCUMENT.write_text(_TABLE.sub(lambda match: match[1] + table + match[2], text), encoding="utf-8")
