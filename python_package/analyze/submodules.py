"""Imports -> what of an installed package has to be there besides its top level: submodules, and names in them."""

from __future__ import annotations

from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from python_package.analyze.imports import Import


class Below(Value):
    """The submodules that are imported, those of them that may fail, and (module, name) pairs that may not.

    A script does not start without what an import outside functions, if, try and loops names; the rest may fail.
    """

    submodules: tuple[str, ...]
    deferred: tuple[str, ...]
    names: tuple[tuple[str, str], ...]


def surely_imported(scripts: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the files that are imported whenever some scripts run, given what each file imports whenever it does."""
    sure: set[str] = set()
    pending = set(scripts)
    while pending:
        sure |= pending
        pending = {file for path in pending for file in needs.get(path, ())} - sure
    return sure


def below(imports: Iterable[Import], modules: Collection[str]) -> Below:
    """Return what imports need below the `modules` that the dependency file lists."""
    # Whoever imports google.cloud.storage has imported google.cloud.
    had = {".".join(parts[:length]) for parts in (m.split(".") for m in modules) for length in range(1, len(parts) + 1)}
    submodules, needed, names = set(), set(), set()
    for found in imports:
        module = found.name
        if found.names == ("__main__",) or not all(part.isidentifier() for part in module.split(".")):
            continue  # a module that is run is not imported
        if module not in had:
            submodules.add(module)
        if found.always:
            needed.add(module)
            names |= {(module, name) for name in found.names if name != "*" and f"{module}.{name}" not in had}
    return Below(tuple(sorted(submodules)), tuple(sorted(submodules - needed)), tuple(sorted(names)))
