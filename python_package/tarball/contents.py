"""What is in an environment, by conda-pack's word, grouped into layers that are packed on their own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_pack.core import CondaPackException, File, find_site_packages, load_environment

from python_package.errors import PackError

# Made by tools for themselves; conda-pack would ship the first.
_SKIPPED = frozenset({"CACHEDIR.TAG", "conda-meta/history"})


@dataclass(frozen=True)
class Layer:
    """Files that are packed together: a Conda package, a PyPI distribution, or all that belongs to neither."""

    name: str
    files: tuple[File, ...]
    # Unpacked from a wheel that somebody else built: what RECORD lists cannot hold this prefix, but for scripts.
    prebuilt: bool = False


@dataclass(frozen=True)
class Contents:
    """An environment: Conda's records by package name, and the layers in the order of the archive."""

    prefix: Path
    records: Mapping[str, Mapping[str, Any]]
    layers: tuple[Layer, ...]


def load(prefix: Path) -> Contents:
    """Ask conda-pack what the environment holds.

    Raises PackError for a folder that is no environment, and for one that cannot be packed: editable installs,
    files of Conda packages deleted or replaced, packages whose cache was cleaned.
    """
    try:
        files = load_environment(str(prefix), on_missing_cache="raise")
        site_packages = find_site_packages(str(prefix))
    except CondaPackException as error:
        raise PackError(f"cannot pack {prefix}: {error}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackError(f"cannot pack {prefix}: its conda-meta cannot be read: {error!r}") from None
    records = _records(prefix)
    owners = {path: f"conda/{name}" for name, record in records.items() for path in record["files"]}
    loose = [file.target for file in files if not file.is_conda]
    owners.update(_distributions(prefix, site_packages, loose))
    return Contents(prefix, records, _layers(files, owners))


def _records(prefix: Path) -> dict[str, dict[str, Any]]:
    records = [json.loads(path.read_bytes()) for path in (prefix / "conda-meta").glob("*.json")]
    return {record["name"]: record for record in sorted(records, key=lambda record: str(record["name"]))}


def _distributions(prefix: Path, site_packages: str | None, loose: Iterable[str]) -> dict[str, str]:
    """Return which distribution put which file there, by the RECORD of each."""
    owners = {}
    for path in loose:
        if path.endswith(".dist-info/RECORD") and site_packages and path.startswith(site_packages + "/"):
            name = "pypi/" + path.split("/")[-2].removesuffix(".dist-info")
            text = (prefix / path).read_text("utf-8", "surrogateescape")
            for line in text.splitlines():
                listed = line.rsplit(",", 2)[0].strip('"')
                owners[os.path.normpath(os.path.join(site_packages, listed))] = name
    return owners


def _layers(files: Sequence[File], owners: Mapping[str, str]) -> tuple[Layer, ...]:
    layers: dict[str, dict[str, File]] = {}
    for file in files:
        if file.target in _SKIPPED or (file.target.startswith("conda-meta/") and file.target.endswith(".json")):
            continue
        layers.setdefault(owners.get(file.target, "rest"), {})[file.target] = file
    return tuple(
        Layer(name, tuple(members[target] for target in sorted(members))) for name, members in sorted(layers.items())
    )
