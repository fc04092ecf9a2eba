"""Rebuild python_package/names/generated.txt from what other projects' wheels know.  usage: build_names.py [FOLDER]

The wheels are downloaded into FOLDER (default: a temporary one) unless they are there.
"""

from __future__ import annotations

import ast
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from python_package.analysis.stdlib import standard_once
from python_package.names.table import FILES, Table, canonical, slips

OUTPUT = Path(__file__).parents[1] / "python_package" / "names" / FILES[1]


@dataclass(frozen=True)
class Source:
    """A wheel, and the file in it that is read."""

    project: str
    version: str
    member: str
    licence: str
    date: str  # of the data
    gives: str


SOURCES = (
    Source("pigar", "2.2.0", "pigar/.db.sqlite3", "BSD-3-Clause", "2025-11-09", "what each project's wheel provides"),
    Source(
        "conda-pypi",
        "0.13.1",
        "conda_pypi/grayskull_pypi_mapping.json",
        "MIT",
        "2026-10",
        "the projects that conda-forge has, their packages and imports",
    ),
    Source("mypy", "2.4.1", "mypy/stubinfo.py", "MIT", "2026-10-28", "the projects that typeshed has stubs for"),
    Source(
        "guarddog",
        "3.2.0",
        "guarddog/analyzer/metadata/resources/top_pypi_packages.json",
        "Apache-2.0",
        "2026-06-16",
        "the 15,000 most downloaded projects, in order (after top-pypi-packages)",
    ),
)

# Of what is not among the most downloaded ones, but on conda-forge.
UNRANKED = 40_000
# A project is chosen over one that provides the same import when it is so many times further up ...
AHEAD = 2
# ... and beyond doubt when it is so many times further up; else the other is named as its rival.
BEYOND_DOUBT = 8
# A name one slip away from one that is so many times further up resembles it.
BETTER_KNOWN = 20
# What tells builds of one project apart.
BUILDS = re.compile(r"-(cpu|gpu|cu(da)?\d+x?|rocm\w*|tpu|wheel|numpy\d|nightly|predict|headless)\b")
STANDARD = "in the standard library of another version of Python"
OTHER_SYSTEMS = {"pywin32": "Windows", "pyobjc": "macOS"}


@dataclass(frozen=True)
class Facts:
    """What the sources say, all projects by canonical name."""

    provides: Mapping[str, frozenset[str]]  # project -> imports
    forge: Mapping[str, tuple[str, str]]  # project -> (Conda package, import)
    stubs: Mapping[str, str]  # import -> project
    rank: Mapping[str, int]


def read(folder: Path) -> Facts:
    """Read the sources' wheels in a folder."""
    pigar, forge, stubs, top = (_member(folder, source) for source in SOURCES)
    rows = json.loads(forge.read_text()).values()
    return Facts(
        _pigar(pigar),
        {canonical(row["pypi_name"]): (row["conda_name"], row["import_name"]) for row in rows},
        _stubs(stubs.read_text()),
        {canonical(name): at for at, name in reversed(list(enumerate(json.loads(top.read_text())["packages"], 1)))},
    )


def generate(facts: Facts, kept: Table, standard: frozenset[str]) -> str:
    """Return the sections of the table; names that `kept` has are left to it."""
    claims = _claims(facts, kept, standard)
    namespaces = {name for name, by_project in claims.items() if _is_namespace(name, by_project)}
    portions = _portions(facts, kept, namespaces)
    rows = {name: ["!", STANDARD] for name in standard if not kept.row(name)}
    ranks = {}
    for name, by_project in claims.items():
        project, rivals = _chosen(name, by_project)
        if name in namespaces:
            rows[name] = ["*"]
        elif system := next((told for start, told in OTHER_SYSTEMS.items() if project.startswith(start)), None):
            rows[name] = ["!", f"part of {project}, which is for {system} only"]
        elif _tells(name, project, claims, kept):
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
    covered = {words[0] for words in rows.values() if words} | {canonical(name) for name in rows} | set(portions)
    unclear = [name for name in facts.rank if not facts.provides.get(name) and name not in facts.forge.keys() | covered]
    sections = {
        "imports": [" ".join([name, *rows[name]]) for name in sorted(rows)],
        "portions": portions,
        "conda": [f"{project} {conda[project]}" for project in sorted(conda)],
        "assumed": sorted(project for project in unclear if not re.search(r"(^types-|stubs$|^\d)", project)),
    }
    return "".join(f"[{title}]\n" + "".join(f"{line}\n" for line in lines) for title, lines in sections.items())


def _claims(facts: Facts, kept: Table, standard: frozenset[str]) -> dict[str, dict[str, float]]:
    """Return the well-known projects that claim each import, with their rank weighed by how good the claim is."""
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
            # Left over by careless packaging: tests, utils, docs, examples ...
            if not _akin(name, project) and claimants[name] > (4 if by_product else 14):
                continue
            weight = facts.rank.get(project, UNRANKED) * (4 if by_product else 1)
            claims[name][project] = weight / 3 if name == packaged else weight
    for name, project in facts.stubs.items():
        if not kept.row(name) and name not in standard and project in facts.rank:
            claims[name] = {project: 0}  # people decided: beyond doubt
    return claims


def _tells(name: str, project: str, claims: Mapping[str, Mapping[str, float]], kept: Table) -> bool:
    """Tell whether a row says more than the rows of its namespace do, and can be believed."""
    top = name.partition(".")[0]
    if name == top:
        return True
    if kept.row(top):  # conda-forge's recipes name these for any module that they happen to test
        return project.endswith(f"-{canonical(name)}")
    return project != canonical(name) and project not in claims.get(top, ())


def _is_namespace(name: str, claims: Mapping[str, float]) -> bool:
    """Tell whether several projects that are named after an import fill it, and are not builds of one thing."""
    own = canonical(name)
    named = [project for project in claims if project.startswith(f"{own}-") and not BUILDS.search(project)]
    return "." not in name and own not in claims and len(named) > 2


def _chosen(name: str, claims: Mapping[str, float]) -> tuple[str, list[str]]:
    """Return the project of an import, and those that another reader of its script might mean."""
    ordered = sorted(claims, key=lambda project: (claims[project], project))
    best = ordered[0]
    own = canonical(name)
    if own in claims and claims[own] < AHEAD * claims[best]:
        return own, []
    return best, [project for project in ordered[1:] if claims[project] < BEYOND_DOUBT * claims[best]][:3]


def _akin(name: str, project: str) -> bool:
    flat = canonical(name).replace("-", "")
    return flat in project.replace("-", "") or project.replace("-", "") in flat


def _portions(facts: Facts, kept: Table, namespaces: set[str]) -> list[str]:
    """Return the well-known projects that fill namespaces, the best known first."""
    found = {}
    for namespace in namespaces.union(kept.namespaces()):
        start = canonical(namespace) + "-"
        for project in facts.rank.keys() | facts.forge.keys():
            provided = {name.partition(".")[0] for name in facts.provides.get(project, ())}
            fills = not provided or namespace in provided
            if project.startswith(start) and fills and not kept.row(project.replace("-", ".")):
                found[project] = facts.rank.get(project, UNRANKED)
    return sorted(found, key=lambda project: (found[project], project))


def _resembling(ranks: Mapping[str, int]) -> dict[str, str]:
    """Return the names that one slip turns into a much better known one."""
    famous: dict[str, str] = {name.lower(): name for name in sorted(ranks, key=lambda name: (-ranks[name], name))}
    found = {}
    for name, rank in ranks.items():
        near = [famous[slip] for slip in slips(name.lower()) if slip in famous] if len(name) > 4 else []
        best = min(near, key=lambda other: (ranks[other], other), default=name)
        if ranks[best] * BETTER_KNOWN < rank and ranks[best] < 3000:
            found[name] = best
    return found


def _pigar(path: Path) -> dict[str, frozenset[str]]:
    query = "select d.name, t.name from top_level_module_names t join distributions d on d.id = t.distribution_id"
    found = defaultdict(set)
    for project, name in sqlite3.connect(path).execute(query):
        found[canonical(project)].add(name)
    return {project: frozenset(names) for project, names in found.items()}


def _stubs(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AnnAssign) and statement.value:
            value = ast.literal_eval(statement.value)
            flat = [value, *(inner for inner in value.values() if isinstance(inner, dict))]
            found |= {name: stub for names in flat for name, stub in names.items() if isinstance(stub, str)}
    return {name: canonical(stub.removeprefix("types-")) for name, stub in found.items() if stub.startswith("types-")}


def _member(folder: Path, source: Source) -> Path:
    """Return the file of a source, taken out of its wheel."""
    pattern = f"{source.project.replace('-', '_')}-{source.version}-*.whl"
    if not list(folder.glob(pattern)):
        options = ["-qq", "--no-deps", "--only-binary=:all:", "-d", str(folder)]
        argv = [sys.executable, "-m", "pip", "download", *options, f"{source.project}=={source.version}"]
        subprocess.run(argv, check=True, timeout=600)
    with zipfile.ZipFile(next(folder.glob(pattern))) as wheel:
        return Path(wheel.extract(source.member, folder))


def _header() -> str:
    lines = ["The projects of import names. Made by scripts/build_names.py; `table.py` says what the rows mean.", ""]
    lines += [f"{s.gives}: {s.project} {s.version} ({s.licence}; data of {s.date})" for s in SOURCES]
    lines += ["", "NOTICE has their copyrights, LICENSES their licences."]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def main(folder: Path) -> None:
    """Rebuild the table."""
    kept = Table((OUTPUT.parent / FILES[0]).read_text(encoding="ascii"))
    OUTPUT.write_text(_header() + generate(read(folder), kept, standard_once()), encoding="ascii")
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
