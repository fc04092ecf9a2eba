"""python -m scripts.faults [--only NUMBER|TOPIC ...] [--before COMMIT|none] [--tries N]: inject the faults.

Without --only the table of docs/reliability.md is written. Exit status: 1 when a try ended wrong in this checkout, or
when an injector finds nothing in the earlier commit.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scripts import faults
from scripts.faults import checkouts, report
from scripts.faults.injection import Commands, Fault, Supplies, Try, registered

# The commit before the faults were mended.
BEFORE = "46f3051"
_FRAME = ("__main__", "checkouts", "injection", "report")


def main(argv: Sequence[str]) -> int:
    """Inject what is asked for, and tell how it ended."""
    parser = argparse.ArgumentParser(prog="python -m scripts.faults", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--only", nargs="+", metavar="NUMBER|TOPIC", help="just these; docs/reliability.md stays as it is"
    )
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT", help="what to compare with; none: nothing")
    parser.add_argument("--tries", type=int, metavar="N", help="at most N tries of each")
    arguments = parser.parse_args(argv)
    for module in pkgutil.iter_modules(faults.__path__):
        if module.name not in _FRAME:
            importlib.import_module(f"{faults.__name__}.{module.name}")
    chosen = [each for each in registered() if not arguments.only or {each.number, each.topic} & set(arguments.only)]
    if not chosen:
        parser.error("there is no such number or topic")
    today = checkouts.commands(checkouts.HERE)
    before = None if arguments.before == "none" else checkouts.at(arguments.before)
    if before is None:
        print("faults: not compared with an earlier commit", file=sys.stderr)
    sides = [(today, checkouts.supplies(today, "today"))]
    if before is not None:
        earlier = checkouts.commands(before)
        sides.append((earlier, checkouts.supplies(earlier, "before")))
    rows = []
    for each in chosen:
        tries = min(each.tries, arguments.tries or each.tries)
        start = time.monotonic()
        right = [_right(each, tries, *side) for side in sides]
        row = report.Row(each, tries, right[0], right[1] if before is not None else None)
        rows.append(row)
        print(f"{row.line()}  ({time.monotonic() - start:.0f} s)", flush=True)
    if not arguments.only and not arguments.tries and before is not None:
        report.write(rows, arguments.before)
    return 0 if all(row.is_well for row in rows) else 1


def _right(each: Fault, tries: int, commands: Commands, supplies: Supplies) -> int:
    """Return how many tries of an injector end right; what it raises itself is wrong, and is told."""
    right = 0
    for index in range(tries):
        folder = Path(tempfile.mkdtemp(prefix="pypkg-fault-"))
        (folder / "home").mkdir()
        try:
            right += bool(each.attempt(Try(commands, supplies, folder, index, tries)))
        except Exception as error:  # an injector that breaks must not hide the others
            print(f"faults: {each.topic}: {each.what}: {type(error).__name__}: {error}", file=sys.stderr)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return right


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
