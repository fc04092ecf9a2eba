"""Import name -> the Conda package and the PyPI project that provide it, and why."""

from __future__ import annotations

from python_package.errors import SolveError
from python_package.import_names import table
from python_package.import_names.package import Package, Provider, checked, parse
from python_package.spec import canonical
from python_package.value import Value

# Type checkers take any name TYPE_CHECKING for true; importing typing would cost 4 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from python_package.import_names.installed import Found
    from python_package.import_names.table import Row, Table
    from python_package.spec import Pin

# What analyze lists as its man page shows, although the interpreter itself ships it: never looked up in an index.
WITH_PYTHON = frozenset({"antigravity", "this"})

_CANDIDATES = 8


class Answer(Value):
    """The package of a module, or why there is none."""

    module: str
    package: Package | None
    refusal: str = ""


class Wishes(Value):
    """What the user says of the modules to find packages for.

    `mapping` gives the package of an import.
    `declared` are the projects that the script's own metadata names.
    `pins` are what the user's interpreter has of the modules.
    `optional` are modules that may be left out.
    `strict` refuses what is only assumed.
    `standard` are the modules of the standard library, which need no package.
    """

    mapping: Mapping[str, str] | None = None
    declared: Collection[str] = ()
    pins: Collection[Pin] = ()
    optional: Collection[str] = ()
    strict: bool = False
    standard: Collection[str] = ()


_NO_WISHES = Wishes()


def resolve(modules: Iterable[str], paths: Sequence[str] = (), wishes: Wishes = _NO_WISHES) -> tuple[Package, ...]:
    """Return the package of each module that is not in the `standard` library of the Python that will run it.

    In order: the `mapping` of the wishes; the projects that the script's own metadata `declared`; the `pins`; the
    distribution that provides the module on `paths`, the import path of the user's interpreter (metadata is read,
    nothing is imported); the shipped tables; a well-known project of the same name.
    A pin also tells the version of the project that the mapping or the metadata chose without one.

    Raises SolveError that names every other module, what it may be and how to choose, and UsageError for a mapping
    to what cannot be a package. Of the `optional` modules, what would be refused is an absent package, whose note
    says why.
    """
    found = answers(modules, paths, wishes)
    problems = [answer.refusal for answer in found if answer.refusal]
    if problems:
        raise SolveError("; ".join(problems))
    return tuple(answer.package for answer in found if answer.package)


def answers(modules: Iterable[str], paths: Sequence[str] = (), wishes: Wishes = _NO_WISHES) -> tuple[Answer, ...]:
    """Return for each module what `resolve` returns, or what it would raise."""
    from python_package.import_names import installed

    shipped = WITH_PYTHON | set(wishes.standard)
    wanted = sorted({module for module in modules if module.partition(".")[0] not in shipped})
    sources = _Sources(
        table.load() if wanted else table.Table(),
        wishes.mapping or {},
        {canonical(parse(package).name): parse(package).only for package in wishes.declared},
        {pin.module: pin for pin in wishes.pins},
        {canonical(pin.package): pin.url for pin in wishes.pins if pin.url},
    )
    found = installed.find([module for module in wanted if not sources.settled(module)], paths)
    return tuple(_answer(module, found.get(module, ()), sources, wishes) for module in wanted)


def requested(packages: Iterable[str]) -> tuple[Package, ...]:
    """Return the packages that were asked for by their own names, whatever they provide.

    The note of one that nobody knows tells of a better known name which it may be a slip for. Raises UsageError for
    what cannot be a package.
    """
    known = table.load() if packages else table.Table()
    return tuple(_requested(name, checked(name, "packages"), known) for name in packages)


def _requested(name: str, provider: Provider, known: Table) -> Package:
    near = None if provider.only.startswith("conda:") else known.near_project(canonical(provider.name))
    note = f"{name}: one letter away from {near}, which is better known" if near else ""
    return provider.package(name, known, "asked for by name", note)


class _Sources(Value):
    """What the user and the tables say of names.

    `declared` are projects, by canonical name, with the only kind of place that may have them or ''; `places` are the
    addresses of those that are pinned to one.
    """

    known: Table
    mapping: Mapping[str, str]
    declared: Mapping[str, str]
    pins: Mapping[str, Pin]
    places: Mapping[str, str]

    def settled(self, module: str) -> bool:
        """Tell whether the user's interpreter need not be asked."""
        return any(prefix in self.mapping or prefix in self.pins for prefix in _prefixes(module))


def _answer(module: str, found: Sequence[Found], sources: _Sources, wishes: Wishes) -> Answer:
    try:
        package = _decide(module, found, sources)
        if wishes.strict and package.assumed:
            raise SolveError(f"{package.note}; confirm it with --map {module}={package.pypi}")
    except SolveError as error:
        if module not in wishes.optional:
            return Answer(module, None, str(error))
        why = str(error).removeprefix(f"{module}: ")
        package = Package(module, "", (), "", why, f"{module}: optional, and left out: {why}", absent=True)
    return Answer(module, package)


def _decide(module: str, found: Sequence[Found], sources: _Sources) -> Package:
    from python_package.import_names.installed import Found

    known = sources.known
    pin = next((sources.pins[prefix] for prefix in _prefixes(module) if prefix in sources.pins), None)
    for prefix in _prefixes(module):
        if prefix in sources.mapping:
            choice = f"--map {prefix}={sources.mapping[prefix]}"
            chosen = checked(sources.mapping[prefix], choice)
            return _with_version(chosen, pin).package(module, known, choice)
    row = known.find(module)
    providers = [parse(provider) for provider in (*row.providers, *row.rivals)] if row else []
    for provider in (*providers, Provider(canonical(module))):
        if canonical(provider.name) in sources.declared:
            why = "the script's own metadata depends on it"
            if place := sources.places.get(canonical(provider.name)):
                return provider.package(module, known, why, origin=place)
            if only := sources.declared[canonical(provider.name)]:
                provider = Provider(provider.name, provider.extras, provider.version, only)
            return _with_version(provider, pin).package(module, known, why)
    if pin:
        found = [Found(pin.package, pin.version, pin.url, pin.source if pin.source != "system" else "", "")]
    only_conda = bool(providers) and all(provider.only.startswith("conda:") for provider in providers)
    by_conda = pin is not None and pin.source == "conda"
    if (by_conda or not only_conda) and (
        package := _from_interpreter(module, found, row, known, pinned=pin is not None)
    ):
        return package
    if row and row.refusal:
        raise SolveError(f"{module}: {row.refusal}; if a package has it, name that with --map {module}=PACKAGE")
    if row and row.providers and not _elsewhere(found):
        return _from_table(module, row, known)
    if row is None and known.assumed(canonical(module)) and not _elsewhere(found):
        project = Provider(canonical(module))
        note = f"{module}: assumed to be the well-known project {project}; no source says what that provides"
        return project.package(module, known, "a well-known project of that name", note, assumed=True)
    raise SolveError(_unknown(module, found, row, known))


def _with_version(provider: Provider, pin: Pin | None) -> Provider:
    """Return a provider with the version of a pin, if that is of the same project and it has none of its own."""
    if pin is None or pin.url or provider.version or canonical(parse(pin.package).name) != canonical(provider.name):
        return provider
    return Provider(provider.name, provider.extras, f"=={pin.version}", provider.only)


def _from_interpreter(
    module: str, found: Sequence[Found], row: Row | None, known: Table, *, pinned: bool
) -> Package | None:
    """Return the package of the distribution that provides a module in the user's interpreter, or None.

    What an installer took from an index or a project's folder is as the user wants it. What a system's packagers put
    there has names that an index may give to another project: it has to be the one that the table knows.
    `pinned` asks for just its version, or, of a project's folder, for whatever that holds.
    """
    by_name = {owner.name if ":" in owner.name else canonical(owner.name): owner for owner in found if owner.name}
    providers = [parse(provider) for provider in (*row.providers, *row.rivals)] if row else []
    names = [provider.name for provider in providers if provider.name in by_name][:1] or [
        name
        for name, owner in by_name.items()
        if (owner.installer or owner.origin) and (pinned or not (providers and name.startswith("conda:")))
    ]
    if len(names) > 1:
        raise SolveError(
            f"{module}: several packages provide it in your python3: {', '.join(sorted(names))}; if they share its "
            f"name, python_package_analyze --pin tells them apart, else choose with --map {module}=PACKAGE"
        )
    for name in names:
        owner = by_name[name]
        near = known.near(module) if row is None and known.row(name.replace("-", "_")) is None else None
        note = f"{module}: one letter away from {near}; it is {name} {owner.version} in your python3" if near else ""
        version = next((provider.version for provider in providers if provider.name == name), "")
        why = f"{owner.name} {owner.version} provides it in your python3"
        if pinned:
            version = "" if owner.origin else f"=={owner.version}"
            why = f"pinned: {why}"
        return parse(name + version).package(module, known, why, note, origin=owner.origin)
    return None


def _from_table(module: str, row: Row, known: Table) -> Package:
    provider = row.providers[0]
    if row.rivals:
        note = f"{module}: assumed to be {provider}; {', '.join(row.rivals)} can provide it too"
        return parse(provider).package(module, known, "the likeliest of several projects", note, assumed=True)
    note = f"{module}: one letter away from {row.like}, which is better known" if row.like else ""
    return parse(provider).package(module, known, "the project that is known to provide it", note)


def _unknown(module: str, found: Sequence[Found], row: Row | None, known: Table) -> str:
    """Return what is wrong with a module that nothing is known to provide, and how to mend it."""
    choose = f"choose with --map {module}=PACKAGE"
    if place := _elsewhere(found):
        return f"{module}: your python3 has it in {place}, which no package owns; put it beside the script, or {choose}"
    if row and row.namespace:
        # Those that are named after more of the import come first.
        nested = _prefixes(module)
        fillers = tuple(dict.fromkeys(project for prefix in nested for project in known.portions(prefix)))
        some = ", ".join(fillers[:_CANDIDATES]) + (", ..." if len(fillers) > _CANDIDATES else "")
        if module != row.key:
            return f"{module}: many packages fill {row.key} ({some}), but none is known to have this; {choose}"
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


def _prefixes(dotted: str) -> list[str]:
    parts = dotted.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
