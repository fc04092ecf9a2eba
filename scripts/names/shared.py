"""Namespaces: imports that several projects fill, and which project has which part of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from python_package.import_names.table import Table, slips
from python_package.spec import canonical
from scripts.names.sources import Facts

# The rank of a project that conda-forge has but that is not among the most downloaded ones.
UNRANKED = 40_000
# A project is chosen over another one with the same import when it ranks this many times higher ...
AHEAD = 2
# ... and without doubt when it ranks this many times higher; otherwise the other one is named as its rival.
BEYOND_DOUBT = 8
# A package with code of its own is a namespace when more than this many well-known projects are named after it. A name
# without code of its own is one when this many of all projects are, and this share of those that provide it.
FAMILY = 3
CROWD = 5
SHARE = 0.8
# In a namespace with more projects than this, only the well-known ones count.
CROWDED = 500
# Suffixes that tell builds of one project apart.
BUILDS = re.compile(r"-(alpine|linux|osx|cpu|gpu|cu(da)?\d+x?|rocm\w*|tpu|wheel|numpy\d|nightly|predict|headless)\b")


def fillers_of(facts: Facts) -> dict[str, frozenset[str]]:
    """Return all projects, well known or not, that provide each top-level name."""
    found = defaultdict(set)
    for project, provided in facts.provides.items():
        for name in provided:
            if "." not in name:
                found[name].add(project)
    return {name: frozenset(projects) for name, projects in found.items()}


def namespace(
    name: str, claims: Mapping[str, float], fillers: Mapping[str, frozenset[str]], facts: Facts
) -> str | None:
    """Return the project of a namespace's own code, '' when it has none, None when the name is no namespace.

    The projects that fill it are named after it, and are not builds of one thing. So few of them are well known that
    the others count, too, unless one that is well known may be the import itself under a longer name: `hydra-core`.
    """
    own = canonical(name)
    if "." in name or not own:
        return None
    famous = [project for project in claims if project.startswith(f"{own}-") and not BUILDS.search(project)]
    parts = [project for project, (_, packaged) in facts.forge.items() if _part(name, packaged, project)]
    if own in claims:
        return own if (parts and parts != [own]) or len(famous) > FAMILY else None
    best, _ = chosen(name, claims)
    if len(famous) > 2 or (parts and best.startswith(f"{own}-")):
        return ""
    everyone = fillers.get(name, frozenset()) - {own}
    named = [p for p in everyone if p.startswith(f"{own}-") and not (BUILDS.search(p) or p.startswith(f"{best}-"))]
    many = CROWD if own not in fillers.get(name, ()) else 2 * CROWD
    return "" if best in named and len(named) >= max(many, SHARE * len(everyone)) else None


def _part(name: str, packaged: str, project: str) -> bool:
    """Tell whether a project is named after the import, a part of a namespace, that it is packaged for."""
    return packaged.startswith(f"{name}.") and canonical(packaged) == project


def portions(
    facts: Facts, kept: Table, spaces: Mapping[str, str], fillers: Mapping[str, frozenset[str]]
) -> dict[str, list[str]]:
    """Return the projects that fill each namespace, the best known first.

    Those that are not well known count where nothing but the namespace has its name: below a package with code of its
    own, anybody may give a project the name of a module. What looks like a slip for a better known one is left out.
    """
    famous = facts.rank.keys() | facts.forge.keys()
    rows = {name: kept.row(name) for name in kept.namespaces()}
    of_kept = {name: row.providers[0] if row and row.providers else "" for name, row in rows.items()}
    found = {}
    for name, own in {**of_kept, **spaces}.items():
        starts = tuple(f"{start}-" for start in {canonical(name), own} if start)
        known = {project: facts.rank.get(project, UNRANKED) for project in famous if project.startswith(starts)}
        known = {p: rank for p, rank in known.items() if not (tops := _tops(facts, p)) or name in tops}
        others = {project for project in fillers.get(name, ()) if project.startswith(starts[0])} - known.keys()
        if own or len(others) > CROWDED:
            others = set()
        if own and name in spaces:
            known = {p: rank for p, rank in known.items() if _beside(name, own, p, facts)}
        better = {project.replace("-", "_") for project in known}
        others = {project for project in others if not slips(project.replace("-", "_")) & better}
        ordered = [*sorted(known, key=lambda project: (known[project], project)), *sorted(others)]
        found[name] = [project for project in ordered if not kept.row(_dotted(name, own, project))]
    return found


def _beside(name: str, own: str, project: str, facts: Facts) -> bool:
    """Tell whether a project has one part of a namespace and another project the rest."""
    packaged = facts.forge.get(project, ("", ""))[1]
    better = 1 if project == f"{own}-core" else AHEAD  # more often than not, a package has its core itself
    known = facts.rank.get(project, UNRANKED) <= better * facts.rank.get(own, UNRANKED)
    return _part(name, packaged, project) or (known and packaged in ("", name))


def _tops(facts: Facts, project: str) -> set[str]:
    return {name.partition(".")[0] for name in facts.provides.get(project, ())}


def _dotted(name: str, own: str, project: str) -> str:
    """Return the import that a project is named after."""
    start = next(start for start in (canonical(name), own) if project.startswith(f"{start}-"))
    return f"{name}.{project.removeprefix(f'{start}-').replace('-', '.')}"


def words(name: str, projects: Iterable[str]) -> list[str]:
    """Return projects as they are written in a row of portions."""
    own = canonical(name)
    return [project.removeprefix(own) if project.startswith(f"{own}-") else project for project in projects]


def decided(facts: Facts, known: Table) -> dict[str, tuple[set[str], set[str]]]:
    """Return for each namespace the projects that some name below it leads to, and the others.

    Of one that has a project of its own, only well-known projects fill it: the others are copies of that project.
    """
    fillers = fillers_of(facts)
    found = {}
    for name in known.namespaces():
        row = known.row(name)
        own = row.providers if row else ()
        famous = {project for project in fillers.get(name, ()) if project in facts.rank or project in facts.forge}
        packaged = {project for project, (_, whole) in facts.forge.items() if whole.startswith(f"{name}.")}
        known_all = packaged | (famous if own else fillers.get(name, frozenset()))
        everyone = {project for project in known_all if not BUILDS.search(project)}
        told = everyone & {*known.portions(name), *own}
        found[name] = (told, everyone - told)
    return found


def chosen(name: str, claims: Mapping[str, float]) -> tuple[str, list[str]]:
    """Return the project of an import, and its rivals."""
    ordered = sorted(claims, key=lambda project: (claims[project], project))
    best = ordered[0]
    own = canonical(name)
    if own in claims and claims[own] < AHEAD * claims[best]:
        return own, []
    return best, [project for project in ordered[1:] if claims[project] < BEYOND_DOUBT * claims[best]][:3]
