"""What the user's interpreter has of the listed modules -> their pins."""

from __future__ import annotations

from pathlib import Path

from python_package.address import Address
from python_package.analyze.listing import SHARED, relisted
from python_package.errors import InterpreterError
from python_package.import_names import WITH_PYTHON, installed, table, users_python
from python_package.import_names.package import parse
from python_package.spec import Pin, canonical, is_package, is_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from python_package.analyze.values import Analysis, Import, Listed
    from python_package.import_names.installed import Found
    from python_package.import_names.table import Table


def pinned(analysis: Analysis, python: str = "python3") -> Analysis:
    """Return an analysis with the pins of what `python` has of its modules, and a remark for each that it lacks.

    A namespace that the shipped tables do not know is listed by the names that its distributions there tell apart.
    Nothing is imported. Raises InterpreterError when the interpreter does not tell where it imports from, or is of
    another platform than this machine.
    """
    answer = users_python.ask(python)
    paths = answer.paths
    if not paths:
        raise InterpreterError(f"the default interpreter {python} does not tell where it imports modules from")
    _refuse_foreign(Path(answer.executable), python)
    analysis = relisted(analysis, _told_apart(analysis.listed, paths))
    wanted = sorted(set(analysis.spec.modules) - WITH_PYTHON)
    known = table.load() if wanted else table.Table()
    found = installed.find(wanted, paths)
    named = analysis.spec.pins  # by the script's own metadata, whose places count more than what is installed
    places = {pin.package for pin in named}
    pins = [pin_of(module, found.get(module, ()), known) for module in wanted]
    remarks = [f"not pinned: {pin}" for pin in pins if isinstance(pin, str)]
    taken = [pin for pin in pins if isinstance(pin, Pin) and canonical(pin.package) not in places]
    spec = analysis.spec.replace(pins=tuple(sorted((*named, *taken), key=lambda pin: pin.module)))
    return analysis.replace(spec=spec, remarks=(*analysis.remarks, *remarks))


def _refuse_foreign(executable: Path, python: str) -> None:
    """Raise InterpreterError for an interpreter that an emulator runs: what it has was built for other machines."""
    from python_package import elf  # reads ELF files: only where there is a difference is more read than the header

    kinds = [elf.kind(path) for path in (executable, Path("/proc/self/exe"))]
    if all(kinds) and kinds[0] != kinds[1]:
        theirs, ours = (elf.subdir(path) for path in (executable, Path("/proc/self/exe")))
        raise InterpreterError(
            f"--pin: the default interpreter {python} is for {theirs} ({executable}), and this machine is {ours}: "
            f"what it has was not built for this one; pin on a machine of {theirs}, or put a python3 of this machine "
            "first on PATH"
        )


def _told_apart(listed: Sequence[Listed], paths: Sequence[str]) -> Iterator[Listed]:
    """Yield the imports, listed by as much of the name as tells the parts of a namespace of the interpreter apart."""
    plain = {name for each in listed for name in each.names if "." not in name} - SHARED
    tops = installed.shared(plain, paths)
    dotted = {each: _dotted(each.found) for each in listed if each.names[:1] and each.names[0] in tops}
    owned = installed.find({name for names in dotted.values() for name in names}, paths)
    told = {each: names for each, names in dotted.items() if names and all(name in owned for name in names)}
    apart = {names[0].partition(".")[0] for names in told.values()}
    for each in listed:
        if each in told:
            yield each.replace(names=tuple(dict.fromkeys(told[each])))
        elif each in dotted and not dotted[each] and each.names[0] in apart:
            yield each.replace(names=())  # `import acme` beside `import acme.one`
        else:
            yield each


def _dotted(found: Import) -> tuple[str, ...]:
    """Return the names below the top level that an import may mean, two parts of each."""
    full = [f"{found.name}.{name}" for name in found.names if name.isidentifier()] or [found.name]
    return tuple(".".join(name.split(".")[:2]) for name in full if "." in name)


def pin_of(module: str, found: Sequence[Found], known: Table) -> Pin | str:
    """Return the pin of a module, or why there is none; of several distributions, the likeliest is it."""
    if not found:
        return f"your python3 does not have {module}"
    row = known.find(module)
    likely = [canonical(parse(name).name) for name in (*row.providers, *row.rivals)] if row else []
    owners = {canonical(owner.name): owner for owner in found if owner.name}
    if not owners:
        return f"no package owns {module}, which your python3 has in {found[0].folder}"
    names = [name for name in likely if name in owners][:1] or list(owners)
    if len(names) > 1:
        return f"several packages provide {module} in your python3: {', '.join(sorted(names))}"
    owner = owners[names[0]]
    if not (is_package(owner.name) and is_version(owner.version)):
        return f"no index can have {owner.name!r} {owner.version!r}, of which your python3 has {module}"
    return Pin(module, owner.name, owner.version, _source(owner), str(Address(owner.origin)))


def _source(owner: Found) -> str:
    if owner.installer == "conda":
        return "conda"
    if owner.origin:
        return "editable" if owner.editable else "local"
    return "pypi" if owner.installer else "system"
