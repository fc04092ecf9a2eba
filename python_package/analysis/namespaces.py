"""Imports -> the names to list: the top level, or more where only that tells which project is meant."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from python_package.analysis.imports import Import
    from python_package.names.table import Table

# The top-level names below which the tables of names tell projects apart: for any other script they need not be read.
# A test compares.
_SHARED = """
    Pegasus Products airflow ansys aws_cdk awslabs azure backports botbuilder caf cloudshell cognite cuda databricks
    dbt deutschland dissect dogpile dwave earthkit easybuild flaskext fluent flytekitplugins galaxy geoarrow google hdx
    hydra_plugins idds jaraco keyrings kivy_deps lazr ligo llama_index logilab metaflow_extensions microsoft_agents
    mkdocstrings_handlers more mpl_toolkits nr nvidia odc openinference openlineage opentelemetry orangecontrib oslo
    paste pelican phoenix pyannote qase radical rastervision repoze ruamel snowflake soda sphinxcontrib sphinxjp stsci
    suitcase tencentcloud tvb vaex wield winrt zc zope
"""
SHARED = frozenset(_SHARED.split())


def listed(imports: Iterable[Import]) -> dict[Import, tuple[str, ...]]:
    """Return the names that each import makes the dependency file list.

    A namespace is not listed where another import names more of it: beside `google.auth`, `google` is no project.
    """
    names: dict[Import, tuple[str, ...]] = {found: (found.name.partition(".")[0],) for found in imports}
    shared = [found for found, (top, *_) in names.items() if top in SHARED]
    if shared:
        from python_package.names import table

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
