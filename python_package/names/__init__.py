"""Import name -> the Conda package and the PyPI project that provide it, and why."""

from __future__ import annotations

from python_package.errors import SolveError, UsageError
from python_package.names import table
from python_package.names.table import canonical
from python_package.value import Value

# Type checkers take any name TYPE_CHECKING for true; importing typing would cost 4 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from python_package.names.installed import Found
    from python_package.names.table import Row, Table

# What analyze lists as its man page shows, although the interpreter itself ships it: never looked up in an index.
WITH_PYTHON = frozenset({"antigravity", "this"})

_CANDIDATES = 8


class Package(Value):
    """What provides an import.

    `pypi` is the project's canonical name, empty where PyPI has none; `conda` are the names that a channel may know
    its package by, the likeliest first; `version` is a constraint on either (`<82`) or empty. `why` says who said so,
    `note` what the user must be told, and `assumed` that nobody vouches for it. `origin` is the URL that the user's
    own interpreter has it from, when that is no index: an editable or local project.
    """

    module: str
    pypi: str
    conda: tuple[str, ...]
    version: str
    why: str
    note: str
    assumed: bool
    origin: str


def resolve(
    modules: Iterable[str],
    paths: Sequence[str] = (),
    *,
    mapping: Mapping[str, str] | None = None,
    declared: Iterable[str] = (),
    strict: bool = False,
    standard: Collection[str] = frozenset(),
) -> tuple[Package, ...]:
    """Return the package of each module that is not in the `standard` library of the Python that will run it.

    In order: the caller's own `mapping` of imports to packages; the projects that the script's own metadata
    `declared`; the distribution that provides the module on `paths`, the import path of the user's interpreter
    (metadata is read, nothing is imported); the shipped tables; a well-known project of the same name.

    Raises SolveError that names every other module, what it may be and how to choose, and UsageError for a mapping
    to what cannot be a package. `strict` refuses what is only assumed.
    """
    from python_package.names import installed

    wanted = sorted({module for module in modules if module.partition(".")[0] not in WITH_PYTHON | set(standard)})
    known = table.load() if wanted else table.Table()
    found = installed.find(wanted, paths)
    packages, problems = [], []
    for module in wanted:
        try:
            package = _decide(module, found.get(module, ()), known, mapping or {}, {canonical(d) for d in declared})
        except SolveError as error:
            problems.append(str(error))
            continue
        if strict and package.assumed:
            problems.append(f"{package.note}; confirm it with --map {module}={package.pypi}")
        packages.append(package)
    if problems:
        raise SolveError("; ".join(problems))
    return tuple(packages)


def requested(packages: Iterable[str]) -> tuple[Package, ...]:
    """Return the packages that were asked for by their own names, whatever they provide."""
    known = table.load() if packages else table.Table()
    return tuple(_package(name, _checked(name, name), known, "asked for by name") for name in packages)


def _decide(
    module: str, found: Sequence[Found], known: Table, mapping: Mapping[str, str], declared: Collection[str]
) -> Package:
    for prefix in _prefixes(module):
        if prefix in mapping:
            chosen = _checked(prefix, mapping[prefix])
            return _package(module, chosen, known, f"--map {prefix}={chosen}")
    row = known.find(module)
    providers = (*row.providers, *row.rivals) if row else ()
    for provider in (*providers, canonical(module)):
        if _project(provider) in declared:
            return _package(module, provider, known, "the script's own metadata depends on it")
    only_conda = bool(providers) and all(provider.startswith("conda:") for provider in providers)
    if found and not only_conda and (package := _from_interpreter(module, found, row, known)):
        return package
    if row and row.refusal:
        raise SolveError(f"{module}: {row.refusal}; if a package has it, name that with --map {module}=PACKAGE")
    if row and row.providers and not _elsewhere(found):
        return _from_table(module, row, known)
    if row is None and known.assumed(canonical(module)) and not _elsewhere(found):
        project = canonical(module)
        note = f"{module}: assumed to be the well-known project {project}; no source says what that provides"
        return _package(module, project, known, "a well-known project of that name", note, assumed=True)
    raise SolveError(_unknown(module, found, row, known))


def _from_interpreter(module: str, found: Sequence[Found], row: Row | None, known: Table) -> Package | None:
    """Return the package of the distribution that provides a module in the user's interpreter, or None.

    What an installer took from an index or a project's folder is as the user wants it. What a system's packagers put
    there has names that an index may give to another project: it has to be the one that the table knows.
    """
    by_name = {owner.name if ":" in owner.name else canonical(owner.name): owner for owner in found if owner.name}
    expected = [_project(provider) for provider in (*row.providers, *row.rivals)] if row else []
    names = [name for name in expected if name in by_name][:1] or [
        name
        for name, owner in by_name.items()
        if (owner.installer or owner.origin) and not (expected and name.startswith("conda:"))
    ]
    if len(names) > 1:
        raise SolveError(
            f"{module}: several packages provide it in your python3: {', '.join(sorted(names))}; "
            f"choose with --map {module}=PACKAGE"
        )
    for name in names:
        owner = by_name[name]
        near = known.near(module) if row is None and known.row(name.replace("-", "_")) is None else None
        note = f"{module}: one letter away from {near}; it is {name} {owner.version} in your python3" if near else ""
        version = next((p[len(name) :] for p in (row.providers if row else ()) if _project(p) == name), "")
        why = f"{owner.name} {owner.version} provides it in your python3"
        return _package(module, name + version, known, why, note, origin=owner.origin)
    return None


def _from_table(module: str, row: Row, known: Table) -> Package:
    provider = row.providers[0]
    if row.rivals:
        note = f"{module}: assumed to be {provider}; {', '.join(row.rivals)} can provide it too"
        return _package(module, provider, known, "the likeliest of several projects", note, assumed=True)
    note = f"{module}: one letter away from {row.like}, which is better known" if row.like else ""
    return _package(module, provider, known, "the project that is known to provide it", note)


def _package(
    module: str, provider: str, known: Table, why: str, note: str = "", *, assumed: bool = False, origin: str = ""
) -> Package:
    name = _project(provider)
    version = provider.removeprefix("conda:")[len(name) :]
    if provider.startswith("conda:"):
        return Package(module, "", (name,), version, why, note, assumed, origin)
    project = canonical(name)
    conda = (*known.conda(project)[:-1], name.lower(), project)
    return Package(module, project, tuple(dict.fromkeys(conda)), version, why, note, assumed, origin)


def _unknown(module: str, found: Sequence[Found], row: Row | None, known: Table) -> str:
    """Return what is wrong with a module that nothing is known to provide, and how to mend it."""
    choose = f"choose with --map {module}=PACKAGE"
    if place := _elsewhere(found):
        return f"{module}: your python3 has it in {place}, which no package owns; put it beside the script, or {choose}"
    if row and row.namespace:
        fillers = known.portions(row.key)
        some = ", ".join(fillers[:_CANDIDATES]) + (", ..." if len(fillers) > _CANDIDATES else "")
        return f"{module}: many packages fill it ({some}); name more of the import in the dependency file, or {choose}"
    if owners := [owner for owner in found if owner.name]:
        names = ", ".join(owner.name for owner in owners)
        return (
            f"{module}: your python3 has it from its system's package of {names}, but whether an index means the "
            f"same by that name is not known; {choose}"
        )
    near = known.near(module)
    slip = f"is it a slip for {near}? Else " if near else ""
    return f"{module}: no package is known to provide it; {slip}{choose}"


def _elsewhere(found: Sequence[Found]) -> str:
    """Return the folder, not one for installed packages, where a module lies that no distribution owns, or ''."""
    places = [owner.folder for owner in found if not owner.name]
    return next((place for place in places if not place.endswith(("site-packages", "dist-packages"))), "")


def _checked(module: str, package: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    kind = "conda:" if package.startswith("conda:") else ""
    try:
        wanted = Requirement(package.removeprefix(kind))
    except InvalidRequirement:
        wanted = None
    if wanted is None or wanted.url or wanted.marker or wanted.extras:
        raise UsageError(f"--map {module}={package}: {package!r} is not the name of a package")
    return f"{kind}{wanted.name}{wanted.specifier}"


def _project(provider: str) -> str:
    """Return the name in a provider, without `conda:` and version."""
    name = provider.removeprefix("conda:")
    end = next((at for at, letter in enumerate(name) if letter in "<>=!~ "), len(name))
    return name[:end]


def _prefixes(dotted: str) -> list[str]:
    parts = dotted.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
