"""Imports -> what the dependency file lists: the names that tell projects, and what is needed below them."""

from __future__ import annotations

from python_package.analyze.values import OPTIONAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import Any

    from python_package.analyze.values import Analysis, Import, Listed
    from python_package.import_names.table import Table

# The top-level names below which the tables of names tell projects apart: for any other script they need not be read.
# A test compares.
_SHARED = """
    Pegasus Products airflow album amazon ansys argo asphalt aspose aspy astronomer autogluon aws_cdk
    aws_solutions_constructs awslabs azure azurefunctions azureml backports bioimageio botbuilder botcity caf
    ckanext cloudshell cocotbext cognite cuda cylc databricks dbt deutschland diffpy dissect dogpile dwave earthkit
    easybuild ecmwf emmet expertai fhir five flaskext fluent flufl flytekitplugins fs funlib galaxy gcloud genie
    geoarrow google hdx howso hurry hydra_plugins idds infi jaraco keboola keyrings kivy_deps kubeflow lauterbach
    lazr ligo livekit llama_index logilab lsst lumicks marbles metaflow_extensions metomi microsoft_agents
    mkdocstrings_handlers more mpl_toolkits natcap ndg nr nvidia odc opencensus opendp openff openhands
    openinference openlineage opentelemetry optimum orangecontrib oslo paste pdm pelican phoenix plone poetry py3o
    pyannote pyats pydrobert pyjon pymatgen pyscaffoldext qase qass radical rastervision regula repoze robocorp
    ruamel rxn saltext scikits sinabs snowflake sockjs soda speechmatics sphinxcontrib sphinxjp spire stsci suitcase
    svg taipy tencentcloud testflows trame tvb ufal vaex wield winrt wq z3c zc zest zhinst zope
"""
SHARED = frozenset(_SHARED.split())


def listed(imports: Iterable[Import]) -> dict[Import, tuple[str, ...]]:
    """Return the names that each import makes the dependency file list.

    A namespace is not listed where another import names more of it: beside `google.auth`, `google` is no project.
    """
    names: dict[Import, tuple[str, ...]] = {found: (found.name.partition(".")[0],) for found in imports}
    shared = [found for found, (top, *_) in names.items() if top in SHARED]
    if shared:
        from python_package.import_names import table

        known = table.load()
        names |= {found: _names(known, found) for found in shared}
        longer = {above for several in names.values() for name in several for above in _above(name)}
        empty = {name for name in longer if known.unfilled(name)}
        names = {found: tuple(name for name in several if name not in empty) for found, several in names.items()}
    return names


def _names(known: Table, found: Import) -> tuple[str, ...]:
    """Return the names of one import; `from a import b` may mean the module a.b, or b of the module a."""
    parts = found.name.split(".")
    end = next((at for at, part in enumerate(parts) if not part.isidentifier()), len(parts))
    base = ".".join(parts[:end])
    names = [
        known.significant(f"{base}.{taken}") for taken in found.names if taken.isidentifier() and taken != "__main__"
    ]
    # What no table tells of, and is written as classes are, is no module.
    is_class = {name for name in names if name not in known and name.rpartition(".")[2][0].isupper()}
    return tuple(dict.fromkeys(known.significant(base) if name in is_class else name for name in names)) or (
        known.significant(base),
    )


def _above(dotted: str) -> Iterator[str]:
    """Yield the packages that a dotted name is in."""
    while "." in dotted:
        dotted = dotted.rpartition(".")[0]
        yield dotted


def surely_imported(scripts: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the files that are imported whenever some scripts run, given what each file imports whenever it does."""
    sure: set[str] = set()
    pending = set(scripts)
    while pending:
        sure |= pending
        pending = {file for path in pending for file in needs.get(path, ())} - sure
    return sure


def _below(imports: Iterable[Import], modules: Collection[str]) -> dict[str, Any]:
    """Return what imports need below the `modules` that the dependency file lists, as fields of a Spec.

    These are the submodules, those of them that may fail, and (module, name) pairs that may not: a script does not
    start without what an import outside functions, if, try and loops names, while the rest may fail.
    """
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
    several: dict[str, set[Any]] = {"submodules": submodules, "deferred": submodules - needed, "names": names}
    return {field: tuple(sorted(values)) for field, values in several.items()}


def relisted(analysis: Analysis, listed: Iterable[Listed]) -> Analysis:
    """Return an analysis with what the imports list now: modules, those that are optional, what is below."""
    listed = tuple(listed)
    modules = {name for each in listed for name in each.names}
    needed = {name for each in listed if each.found.kind != OPTIONAL for name in each.names}
    spec = analysis.spec.replace(
        modules=tuple(sorted(modules)),
        optional=tuple(sorted(modules - needed)),
        **_below((each.found for each in listed if each.names), modules),
    )
    return analysis.replace(spec=spec, listed=listed)
