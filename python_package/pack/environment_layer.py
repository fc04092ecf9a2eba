"""The layer that an environment has beside its packages': Conda's records and history, scripts, a list of packages."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import conda_pack
from conda_pack import core, prefixes

from python_package.lock import FILE
from python_package.pack import layer_keys, normalize
from python_package.pack.archive import ArchiveWriter
from python_package.pack.contents import Contents
from python_package.pack.layer import LayerFacts
from python_package.pack.layer_keys import LayerKey
from python_package.pack.relocate import spelled
from python_package.run import conda_unpack, run_in_env

# One line for each package, which `python_package_run --info` prints.
PACKAGES = "conda-meta/python-package-list"

# conda-pack's own, which it promises to nobody: its scripts for the archive's bin, as (source, target), and the text of
# the functions that put the prefix into files. A test tells when they change.
_CONDA_PACK_SCRIPTS: Sequence[tuple[str, str]] = core._scripts
_CONDA_PACK_FUNCTIONS = (prefixes.replace_prefix, prefixes.text_replace, prefixes.binary_replace)


def identify(contents: Contents, facts: Sequence[LayerFacts]) -> LayerKey:
    """Return the layer's key; `facts` are what the environment's other layers hold, in their order."""
    records = (path.read_bytes() for path in sorted((contents.prefix / "conda-meta").glob("*.json")))
    ours = (run_in_env(), conda_unpack(), inspect.getsource(spelled))
    texts = (part for text in _texts(contents).items() for part in text)
    return LayerKey(layer_keys.combine("environment", *records, *texts, json.dumps(facts), *ours))


def fill(archive: ArchiveWriter, contents: Contents, facts: Sequence[LayerFacts]) -> LayerFacts:
    """Add the layer's files to the archive."""
    for layer, each in zip(contents.layers, facts, strict=True):
        if layer.record is not None:
            name = "{name}-{version}-{build}.json".format_map(layer.record)
            archive.add_text(f"conda-meta/{name}", normalize.record(layer.record, each.bytecode))
    for path, text in _texts(contents).items():
        archive.add_text(path, text)
    for path, data in sorted(scripts(prefix for each in facts for prefix in each.prefixes).items()):
        archive.add_text(path, data, executable=True)
    return LayerFacts()


def scripts(records: Iterable[tuple[str, str, str]]) -> dict[str, bytes]:
    """Return path -> content of conda-pack's activate, and of our conda-unpack and run_in_env.

    `records` are (path, placeholder, mode) of the files to relocate.
    """
    added = {target: Path(source).read_bytes() for source, target in _CONDA_PACK_SCRIPTS}
    # By conda-pack's rule the interpreter stays as it is: it runs the script, and finds its own prefix.
    kept = sorted((*record,) for record in records if record[2] == "text" or not record[0].startswith("bin/python"))
    functions = [textwrap.dedent(inspect.getsource(each)) for each in (*_CONDA_PACK_FUNCTIONS, spelled)]
    unpack = conda_unpack()
    for name, value in (
        ("@REPLACE@", "\n\n".join(["on_win = False\n", *functions])),
        ("@RECORDS@", "".join(f"    {record!r},\n" for record in kept)),
        ("@VERSION@", conda_pack.__version__),
    ):
        unpack = unpack.replace(name, value)
    return {**added, "bin/conda-unpack": unpack.encode(), "bin/run_in_env": run_in_env().encode()}


def _texts(contents: Contents) -> dict[str, bytes]:
    """Return the history and the list of packages, and the lock if the environment has one, by path."""
    found = {}
    for path in ("conda-meta/history", FILE):
        with suppress(FileNotFoundError):
            found[path] = (contents.prefix / path).read_bytes()
    history = found.pop("conda-meta/history", b"").decode("utf-8", "surrogateescape")
    return {
        "conda-meta/history": normalize.history(contents.records, history),
        PACKAGES: _packages(contents),
        **found,
    }


def _packages(contents: Contents) -> bytes:
    lines = ["package {name}-{version}-{build}".format_map(record) for record in contents.records]
    folders = (Path(layer.dist_info).name for layer in contents.layers if layer.dist_info)
    lines += [f"pypi {folder.removesuffix('.dist-info')}" for folder in folders]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
