"""The layer that is ours: Conda's records and history, the scripts that unpack and activate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from python_package.lock import FILE
from python_package.pack import identity, normalize
from python_package.pack import scripts as unpack
from python_package.pack.archive import Archive
from python_package.pack.contents import Contents
from python_package.pack.identity import Identity
from python_package.pack.layer import Filled

NAME = "own"


def identify(contents: Contents, filled: Sequence[Filled]) -> Identity:
    """Return the layer's identity; `filled` is what the environment's layers hold, in their order."""
    key = identity.combine(
        NAME,
        *(layer.record_text for layer in contents.layers),
        _history(contents),
        _lock(contents),
        *(repr(each) for each in filled),
        *unpack.sources(),
    )
    return Identity(key, lambda _: "")


def fill(archive: Archive, contents: Contents, filled: Sequence[Filled]) -> Filled:
    """Add the layer's files to the archive."""
    for layer, each in zip(contents.layers, filled, strict=True):
        if layer.record is not None:
            name = "{name}-{version}-{build}.json".format_map(layer.record)
            archive.add_text(f"conda-meta/{name}", normalize.record(layer.record, each.bytecode))
    archive.add_text("conda-meta/history", _history(contents))
    if lock := _lock(contents):
        archive.add_text(FILE, lock)
    scripts = unpack.scripts(prefix for each in filled for prefix in each.prefixes)
    for path, data in sorted(scripts.items()):
        archive.add_text(path, data, executable=True)
    return Filled()


def _history(contents: Contents) -> bytes:
    records = [layer.record for layer in contents.layers if layer.record is not None]
    try:
        text = Path(contents.prefix, "conda-meta/history").read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        text = ""
    return normalize.history(records, text)


def _lock(contents: Contents) -> bytes:
    """Return the lock of an environment, empty if it was made without."""
    try:
        return Path(contents.prefix, FILE).read_bytes()
    except FileNotFoundError:
        return b""
