"""Run ours and others' tools on hard cases; write docs/comparison.md.  usage: compare.py [--case NAME] [--tool NAME]

Without options every tool is run on every case, and the document is written; `--check` exits 1 if that would change
it. With --case or --tool just those are run, and what the tools say is printed. All that is installed for it is below
$XDG_CACHE_HOME/python_package/compare, to be thrown away at any time.
"""

from __future__ import annotations

import argparse
import difflib
import fcntl
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from compare import behaviours, corpus, document, judge, pipeline, standins, tools
from compare.corpus import Case
from compare.table import Row

DOCUMENT = Path(__file__).parents[1] / "docs" / "comparison.md"
# With nothing installed these have nothing to say of packages.
ONLY_INSTALLED = ("debian", "deptry", "fawltydeps")


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", metavar="NAME", help="only this case")
    parser.add_argument("--tool", choices=[*tools.TOOLS, "by-hand"], help="only this tool")
    parser.add_argument("--check", action="store_true", help="exit 1 if docs/comparison.md would change")
    arguments = parser.parse_args()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    workshop = tools.Workshop((cache / "python_package" / "compare").absolute())
    workshop.home.mkdir(parents=True, exist_ok=True)
    lock = (workshop.home / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)  # another run has its own cases in the same places
    wanted = [tool for tool in (*tools.TOOLS, "by-hand") if arguments.tool in (None, tool)]
    workshop.prepare(wanted)
    chosen = [case for case in corpus.load() if arguments.case in (None, case.name)]
    tried = [each for each in behaviours.BEHAVIOURS if arguments.case in (None, behaviours.RUN + each.name)]
    if not chosen and not tried:
        parser.error(f"no case {arguments.case}; docs/comparison.md lists them")
    whole = arguments.case is None and arguments.tool is None
    asked = [tool for tool in wanted if tool in tools.TOOLS]
    installed = _analyze(workshop, [case for case in chosen if not case.bare], asked, whole)
    bare = _analyze(workshop, [case for case in chosen if case.bare], asked, whole)
    rows = _try(workshop, tried, [tool for tool in wanted if tool in behaviours.TOOLS]) if tried else []
    if not whole:
        return 0
    text = document.render(installed, bare, rows, workshop.debian_version())
    if arguments.check:
        before = DOCUMENT.read_text(encoding="utf-8")
        said = [text.splitlines() for text in (before, text)]
        print("\n".join(difflib.unified_diff(*said, "docs/comparison.md", "this run", lineterm="", n=0)))
        return 0 if before == text else 1
    DOCUMENT.write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


def _analyze(
    workshop: tools.Workshop, chosen: Sequence[Case], asked: Sequence[str], whole: bool
) -> list[document.Asked]:
    """Ask each tool about each case, in every way that it has, and keep its best verdicts."""
    found = []
    with standins.pypi() as workshop.index:
        for case in chosen:
            imports, packages = dict.fromkeys(asked, judge.NOT_SAID), dict.fromkeys(asked, judge.NOT_SAID)
            for tool in asked:
                if case.bare and tool in ONLY_INSTALLED and whole:
                    continue
                answers = workshop.ask(tool, case)
                imports[tool] = judge.best(judge.imports(case, answer) for answer in answers)
                packages[tool] = judge.best(judge.packages(case, answer) for answer in answers)
                if not whole:
                    for answer in answers:
                        print(f"{case.name} {tool}: {document.describe(answer)}", flush=True)
                    print(f"{case.name} {tool}: imports {imports[tool]}, packages {packages[tool]}", flush=True)
            found.append(document.Asked(case, imports, packages))
    return found


def _try(workshop: tools.Workshop, tried: Sequence[behaviours.Behaviour], asked: Sequence[str]) -> list[Row]:
    if not asked:
        return []
    site = pipeline.Site(workshop)
    rows = []
    for behaviour in tried:
        verdicts = {tool: behaviour.verdict(site, tool) for tool in asked}
        rows.append(Row(behaviours.RUN + behaviour.name, behaviour.about, verdicts))
        print(rows[-1].case, *(f"{tool}: {verdict}" for tool, verdict in verdicts.items()), file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
