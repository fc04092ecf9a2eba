"""Rebuild import_names/data/generated.txt from data in other projects' wheels: python -m scripts.build_names [FOLDER].

Wheels that are not in FOLDER (default: a temporary one) are downloaded into it. The recorded sources give the same
bytes on any platform and any Python.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from python_package.import_names.table import FILES, Table, slips
from python_package.spec import canonical
from python_package.stdlib import standard_once
from scripts.names.shared import UNRANKED, chosen, decided, fillers_of, namespace, portions, words
from scripts.names.sources import SOURCES, STDLIB_LIST, Facts, read

OUTPUT = Path(__file__).parents[1] / "python_package" / "import_names" / "data" / FILES[1]

# A name resembles another one that is one slip away and ranks at least this many times higher.
BETTER_KNOWN = 20
STANDARD = "in the standard library of another version of Python"
OTHER_SYSTEMS = {"pywin32": "Windows", "pyobjc": "macOS"}


def generate(facts: Facts, kept: Table, standard: frozenset[str]) -> str:
    """Return the sections of the table, without the names that the hand-written table `kept` has."""
    claims = _claims(facts, kept, standard)
    fillers = fillers_of(facts)
    spaces = {name: own for name in claims if (own := namespace(name, claims[name], fillers, facts)) is not None}
    filled = portions(facts, kept, spaces, fillers)
    rows = {name: ["!", STANDARD] for name in standard if not kept.row(name)}
    ranks = {}
    for name, by_project in claims.items():
        project, rivals = chosen(name, by_project)
        if name in spaces:
            own = spaces[name]
            rows[name] = ["*", own] if own else ["*"]
            rows[name] += ["|", *[each for each in (project, *rivals) if each != own]] if own and project != own else []
        elif system := next((told for start, told in OTHER_SYSTEMS.items() if project.startswith(start)), None):
            rows[name] = ["!", f"part of {project}, which is for {system} only"]
        elif _tells(name, project, claims, kept, spaces):
            rows[name] = [project] if rivals or project != canonical(name) else []
            rows[name] += ["|", *rivals] if rivals else []
            ranks[name] = facts.rank.get(project, UNRANKED)
    for name, like in _resembling(ranks).items():
        rows[name].append(f"~{like}")
    conda = {
        project: package
        for project, (package, _) in facts.forge.items()
        if package != project and not kept.conda(project)[:-1]
    }
    filling = {project for projects in filled.values() for project in projects}
    covered = {row[0] for row in rows.values() if row} | {canonical(name) for name in rows} | filling
    unclear = [name for name in facts.rank if not facts.provides.get(name) and name not in facts.forge.keys() | covered]
    sections = {
        "imports": [" ".join([name, *rows[name]]) for name in sorted(rows)],
        "portions": [" ".join([name, *words(name, filled[name])]) for name in sorted(filled) if filled[name]],
        "conda": [f"{project} {conda[project]}" for project in sorted(conda)],
        "assumed": sorted(project for project in unclear if not re.search(r"(^types-|stubs$|^\d)", project)),
    }
    return "".join(f"[{title}]\n" + "".join(f"{line}\n" for line in lines) for title, lines in sections.items())


def _claims(facts: Facts, kept: Table, standard: frozenset[str]) -> dict[str, dict[str, float]]:
    """Return the well-known projects that claim each import; a rank counts more, the better the claim is."""
    claimants = Counter(name for provided in facts.provides.values() for name in provided)
    claims: dict[str, dict[str, float]] = defaultdict(dict)
    for project in facts.rank.keys() | facts.forge.keys():
        packaged = facts.forge.get(project, ("", ""))[1]
        provided = facts.provides.get(project, frozenset())
        tops = {canonical(name.partition(".")[0]) for name in provided}
        for name in {*provided, packaged}:
            if not re.fullmatch(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", name, re.ASCII) or name.endswith("__mypyc"):
                continue
            if name.partition(".")[0] in standard or kept.row(name) or ("." in name and name != packaged):
                continue
            if name not in provided and provided and canonical(name.partition(".")[0]) not in tops:
                continue  # the wheel itself says otherwise
            by_product = project in tops and canonical(name) != project
            # Packaged by mistake: tests, utils, docs, examples ...
            if not _akin(name, project) and claimants[name] > (4 if by_product else 14):
                continue
            weight = facts.rank.get(project, UNRANKED) * (4 if by_product else 1)
            claims[name][project] = weight / 3 if name == packaged else weight
    for name, project in facts.stubs.items():
        if not kept.row(name) and name not in standard and project in facts.rank:
            claims[name] = {project: 0}  # people decided this, so it is beyond doubt
    return claims


def _tells(
    name: str, project: str, claims: Mapping[str, Mapping[str, float]], kept: Table, spaces: Mapping[str, str]
) -> bool:
    """Tell whether a row adds something to the rows of its namespace, and can be believed."""
    top = name.partition(".")[0]
    if name == top:
        return True
    if kept.row(top):  # conda-forge's recipes name these for any module that they happen to test
        return project.endswith(f"-{canonical(name)}")
    return project != canonical(name) and (project not in claims.get(top, ()) or spaces.get(top) == "")


def _akin(name: str, project: str) -> bool:
    flat = canonical(name).replace("-", "")
    return flat in project.replace("-", "") or project.replace("-", "") in flat


def _resembling(ranks: Mapping[str, int]) -> dict[str, str]:
    """Return the names that are one slip away from a much better known name."""
    famous: dict[str, str] = {name.lower(): name for name in sorted(ranks, key=lambda name: (-ranks[name], name))}
    found = {}
    for name, rank in ranks.items():
        near = [famous[slip] for slip in slips(name.lower()) if slip in famous] if len(name) > 4 else []
        best = min(near, key=lambda other: (ranks[other], other), default=name)
        if ranks[best] * BETTER_KNOWN < rank and ranks[best] < 3000:
            found[name] = best
    return found


def _header() -> str:
    lines = ["The projects of import names. Made by scripts/build_names.py; `table.py` says what the rows mean.", ""]
    lines += [f"{s.gives}: {s.project} {s.version} ({s.licence}; data of {s.date})" for s in SOURCES]
    lines += [f"the standard libraries: stdlib-list {STDLIB_LIST}"]
    lines += ["", "NOTICE has their copyrights, LICENSES their licences."]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def main(folder: Path) -> None:
    """Rebuild the table, and print how many projects of namespaces it tells apart."""
    if version("stdlib-list") != STDLIB_LIST:
        sys.exit(f"the table is made with stdlib-list {STDLIB_LIST}, not {version('stdlib-list')}")
    texts = [(OUTPUT.parent / FILES[0]).read_text(encoding="ascii")]
    facts = read(folder)
    OUTPUT.write_text(_header() + generate(facts, Table(*texts), standard_once()), encoding="ascii")
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes", file=sys.stderr)
    shared = decided(facts, Table(*texts, OUTPUT.read_text(encoding="ascii")))
    famous = facts.rank.keys() | facts.forge.keys()
    told = [project for found, _ in shared.values() for project in found]
    rest = [project for _, others in shared.values() for project in others]
    print(f"{len(shared)} namespaces; some name below them decides for {_share(told, rest)} projects,", file=sys.stderr)
    known = _share([p for p in told if p in famous], [p for p in rest if p in famous])
    print(f"for {known} of the well-known ones; every other name is refused", file=sys.stderr)


def _share(told: Sequence[str], rest: Sequence[str]) -> str:
    return f"{len(told)} of {len(told) + len(rest)} ({len(told) / (len(told) + len(rest)):.1%})"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
