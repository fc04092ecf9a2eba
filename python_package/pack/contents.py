"""What is in an environment, by conda-pack's word, grouped into layers that are packed on their own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conda_pack.core import CondaPackException, File, load_environment

from python_package.errors import PackError
from python_package.pack import dist_info as wheel

_COMPILED = re.compile(r"(.*/|)__pycache__/([^/]+)\.[^./]+(?:\.opt-[^./]+)?\.pyc")

# Made by rattler and uv for themselves, or put in anew by us.
SKIPPED = re.compile(r"CACHEDIR\.TAG|\.lock|conda-meta/.*|.*\.dist-info/uv_cache\.json")


@dataclass(frozen=True)
class Layer:
    """Files that are packed together, by target: a Conda package, a PyPI distribution, or the rest."""

    name: str
    files: tuple[File, ...]
    # Conda's record with the bytes of its file, for a Conda package.
    record: Mapping[str, Any] | None = None
    record_text: bytes = b""
    # The dist-info folder and its RECORD by path, for a distribution that pip or uv installed.
    dist_info: str = ""
    recorded: Mapping[str, wheel.Recorded] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return about how many bytes the files have, as far as somebody wrote it down."""
        sizes = [
            int(path.get("size_in_bytes", 0)) for path in (self.record or {}).get("paths_data", {}).get("paths", ())
        ]
        return sum(sizes) + sum(max(entry.size, 0) for entry in self.recorded.values())


@dataclass(frozen=True)
class Contents:
    """An environment; `python` identifies its interpreter's build, and is empty where it has none."""

    prefix: Path
    layers: tuple[Layer, ...]
    python: str
    version: str
    subdir: str


def load(prefix: Path) -> Contents:
    """Ask conda-pack what the environment holds.

    Raises PackError for a folder that is no environment, and for one that cannot be packed: editable installs,
    files of Conda packages deleted or replaced, packages whose cache was cleaned.
    """
    try:
        files = load_environment(str(prefix), on_missing_cache="raise")
        records = _records(prefix)
        owners = {path: name for name, (record, _) in records.items() for path in record["files"]}
    except CondaPackException as error:
        raise PackError(f"cannot pack {prefix}: {_reason(error)}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackError(f"cannot pack {prefix}: its conda-meta cannot be read: {error!r}") from None
    installed = {}
    for dist_info in sorted(os.path.dirname(file.target) for file in files if _is_foreign_record(file)):
        installed[dist_info] = {entry.path: entry for entry in wheel.read_record(prefix, dist_info)}
        owners.update({path: dist_info for path in installed[dist_info] if path not in owners})
    sources = {file.target: file.source for file in files}
    groups: dict[str, dict[str, File]] = {}
    for file in files:
        if not SKIPPED.fullmatch(file.target) and not _is_local_bytecode(prefix, sources, file):
            # A path that two packages have is one file: the one listed last, as when conda-pack's is unpacked.
            groups.setdefault(owners.get(file.target, ""), {})[file.target] = file

    def files_of(owner: str) -> tuple[File, ...]:
        members = groups.get(owner, {})
        return tuple(members[path] for path in sorted(members))

    layers = [Layer(f"conda/{name}", files_of(name), *records[name]) for name in sorted(records)]
    layers += [
        Layer(f"pypi/{os.path.basename(path)}", files_of(path), dist_info=path, recorded=recorded)
        for path, recorded in installed.items()
    ]
    layers.append(Layer("rest", files_of("")))
    python = records.get("python", ({}, b""))[0]
    build = f"{python.get('version')}-{python.get('build')}-{python.get('sha256')}" if python else ""
    return Contents(
        prefix,
        tuple(layers),
        build,
        str(python.get("version", "none")),
        _subdir(record for record, _ in records.values()),
    )


def _records(prefix: Path) -> dict[str, tuple[dict[str, Any], bytes]]:
    records = {}
    for path in (prefix / "conda-meta").glob("*.json"):
        text = path.read_bytes()
        record = json.loads(text)
        records[str(record["name"])] = record, text
    return records


def _subdir(records: Iterable[Mapping[str, Any]]) -> str:
    return next((str(r["subdir"]) for r in records if r.get("subdir", "noarch") != "noarch"), "noarch")


def source_of(path: str) -> str | None:
    """Return the module that an interpreter has compiled into this path (PEP 3147, PEP 488), None if none has.

    A module's own name may have dots, so only the end of a name tells; packages ship others, such as
    `test_it.cpython-311-pytest-7.4.3.pyc`, for which there is no such module.
    """
    match = _COMPILED.fullmatch(path)
    return f"{match[1]}{match[2]}.py" if match else None


def _is_foreign_record(file: File) -> bool:
    return not file.is_conda and bool(file.target.endswith(".dist-info/RECORD"))


def _is_local_bytecode(prefix: Path, sources: Mapping[str, str], file: File) -> bool:
    """Tell compiled files that did not come in a package: they hold the prefix, and are made anew."""
    if not file.target.endswith(".pyc") or file.source != os.path.join(prefix, file.target):
        return False
    return source_of(file.target) in sources


def _reason(error: CondaPackException) -> str:
    """Return conda-pack's message, shortened to what is wrong and the packages that it lists."""
    text = str(error)
    packages = ", ".join(re.findall(r"(?m)^- (.*?):?$", text))
    if "editable packages" in text:
        return f"installed in editable mode: {packages}; install them as ordinary packages"
    if "deleted/overwritten" in text:
        return f"files of Conda packages were deleted or overwritten, by pip or uv perhaps: {packages}; create it again"
    if "package cache" in text:
        return f"gone from the package cache: {packages}; create the environment again"
    return text
