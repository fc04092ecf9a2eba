"""Run our tools and others' on hard cases, and write docs/comparison.md.

Without options every tool runs on every case. With --only, --tool or --short, what the tools say is printed instead,
and the exit status is 1 if one of our own verdicts is not a pass. All that is installed for this lies below
$XDG_CACHE_HOME/python_package/compare, which you can delete at any time.
"""

from __future__ import annotations

import argparse
import difflib
import fcntl
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts.compare import corpus, document, judge, peers, stand_ins, tasks
from scripts.compare.corpus import ROOT, Case
from scripts.compare.judge import NOT_SAID, PASS, Row

DOCUMENT = ROOT / "docs" / "comparison.md"
TOOLS = (*peers.TOOLS, "by-hand")
# Cases of every kind, which our own tool answers in seconds and without a network.
SHORT = ("dynamic", "folder-one-bad-file", "latin-1", "notebook", "well-known-names", "import:cv2", "import:utils")


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="CASE", nargs="+", help="only these cases")
    parser.add_argument("--tool", choices=TOOLS, help="only this tool")
    parser.add_argument("--short", action="store_true", help="a few cases, only our own tool, without a network")
    parser.add_argument("--check", action="store_true", help="exit 1 if docs/comparison.md would change")
    arguments = parser.parse_args(argv)
    only = SHORT if arguments.short else arguments.only
    chosen = [case for case in corpus.compared() if only is None or case.name in only]
    tried = [each for each in tasks.BEHAVIOURS if only is None or tasks.RUN + each.name in only]
    names = {*(case.name for case in chosen), *(tasks.RUN + each.name for each in tried)}
    if unknown := [name for name in only or () if name not in names]:
        parser.error(f"no case {unknown[0]}; docs/comparison.md lists them")
    tools = ["ours"] if arguments.short else [tool for tool in TOOLS if arguments.tool in (None, tool)]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = (cache / "python_package" / "compare").absolute()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock, stand_ins.pypi() as index:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run lays its own cases out in the same places
        workshop = peers.Workshop(home, index)
        workshop.prepare(tools)
        if only is not None or arguments.tool:
            return _print(workshop, chosen, tried, tools)
        return _write(workshop, chosen, tried, check=arguments.check)


def _print(
    workshop: peers.Workshop, chosen: Iterable[Case], tried: Sequence[tasks.Behaviour], tools: Sequence[str]
) -> int:
    """Print what the tools say and the verdicts on it; return 1 if one on our own tool is not a pass."""
    ours = []
    for case in chosen:
        for tool in (tool for tool in tools if tool in peers.TOOLS):
            answers = workshop.ask(tool, case)
            for answer in answers:
                print(f"{case.name} {tool}: {document.describe(answer)}", flush=True)
            imports, packages = judge.judged(case, answers)
            print(f"{case.name} {tool}: imports {imports}, packages {packages}", flush=True)
            ours += [imports, packages] if tool == "ours" else []
    rows = _try(workshop, tried, [tool for tool in tools if tool in tasks.TOOLS])
    ours += [row.verdicts.get("ours", NOT_SAID) for row in rows]
    return 0 if set(ours) <= {PASS, NOT_SAID} else 1


def _write(workshop: peers.Workshop, chosen: Sequence[Case], tried: Sequence[tasks.Behaviour], *, check: bool) -> int:
    """Write the document, or return 1 and print the difference if `check` finds one."""
    installed = [_ask(workshop, case, peers.TOOLS) for case in chosen if not case.bare]
    bare = [_ask(workshop, case, document.BARE) for case in chosen if case.bare]
    text = document.render(installed, bare, _try(workshop, tried, tasks.TOOLS), workshop.debian_version())
    if not check:
        DOCUMENT.write_text(text, encoding="utf-8")
        print(text, end="")
        return 0
    before = DOCUMENT.read_text(encoding="utf-8")
    old, new = before.splitlines(), text.splitlines()
    print("\n".join(difflib.unified_diff(old, new, "docs/comparison.md", "this run", lineterm="", n=0)))
    return 0 if before == text else 1


def _ask(workshop: peers.Workshop, case: Case, tools: Iterable[str]) -> document.Asked:
    """Ask tools about a case in every way that each has; keep the best verdicts."""
    verdicts = {tool: judge.judged(case, workshop.ask(tool, case)) for tool in tools}
    return document.Asked(
        case,
        {tool: imports for tool, (imports, _) in verdicts.items()},
        {tool: packages for tool, (_, packages) in verdicts.items()},
    )


def _try(workshop: peers.Workshop, tried: Sequence[tasks.Behaviour], tools: Sequence[str]) -> list[Row]:
    """Try tools on the way from an environment to a task; print the verdicts as they come."""
    if not tried or not tools:
        return []
    site = tasks.Site(workshop)
    rows = []
    for behaviour in tried:
        verdicts = {tool: behaviour.verdict(site, tool) for tool in tools}
        rows.append(Row(tasks.RUN + behaviour.name, behaviour.about, verdicts))
        print(rows[-1].case, *(f"{tool}: {verdict}" for tool, verdict in verdicts.items()), file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
