"""Locks for tests, without an environment: packages of each kind that a channel can have, and two wheels."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rattler import Channel, RepoData, RepoDataRecord

from python_package.address import Address
from python_package.conda import lockfile
from python_package.conda import records as conda_records
from python_package.lock import CondaPackage, Distribution, Lock
from python_package.spec import Spec

SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"

# One of each kind: with all that an index can say, without an architecture, old, with a name that is not normal.
PACKAGES: dict[str, dict[str, Any]] = {
    "full-1.0-h1_3.conda": {
        "build": "h1_3", "build_number": 3, "subdir": "linux-64", "arch": "x86_64", "platform": "linux", "md5": MD5,
        "size": 11, "license": "MIT", "license_family": "MIT", "track_features": "one two", "features": "three",
        "constrains": ["x <2"], "depends": ["python >=3.9", "libc"], "timestamp": 1577836800123, "purls": [],
        "legacy_bz2_md5": MD5, "legacy_bz2_size": 12, "python_site_packages_path": "lib/python3.13/site-packages",
    },
    "generic-1.0-0.conda": {"build": "0", "subdir": "noarch", "noarch": "generic", "timestamp": 1577836800},
    "pure-01.0-pyh0_0.conda": {"build": "pyh0_0", "subdir": "noarch", "noarch": "python", "depends": ["python"]},
    "Old_Name-1.0-0.tar.bz2": {"build": "0", "subdir": "noarch", "noarch": "python"},
    "plain-1-0.conda": {"build": "0", "subdir": "linux-64"},
}  # fmt: skip

WHEEL = Distribution("onlypypi", "1.0", "https://index.example/onlypypi-1.0-py3-none-any.whl", "ab" * 32)
LOCAL = Distribution("mine", "0.1", "file:///home/me/a%20b/mine-0.1-py3-none-any.whl", "cd" * 32, direct=True)


def records(tmp_path: Path, channel: str) -> list[RepoDataRecord]:
    index: dict[str, dict[str, Any]] = {"packages": {}, "packages.conda": {}}
    for file, facts in PACKAGES.items():
        name, version = file.split("-")[:2]
        kind = "packages" if file.endswith(".bz2") else "packages.conda"
        entry = {"name": name, "version": version, "build_number": 0, "depends": [], "sha256": SHA256, **facts}
        index[kind][file] = {**entry, "indexed_timestamp": 1795503980224}
    (tmp_path / "repodata.json").write_text(json.dumps(index))
    return RepoData.from_path(tmp_path / "repodata.json").into_repo_data(Channel(channel))


def locked(tmp_path: Path, channel: str = "https://channel.example/main", **fields: Any) -> Lock:
    made = Lock(
        spec=Spec("3.11.7", ("full", "mine", "onlypypi")),
        platform="linux-64",
        channels=(Address(channel),),
        specs=("python ==3.11.7", "full"),
        records=lockfile.canonical(records(tmp_path, channel), "linux-64"),
        distributions=(WHEEL, LOCAL),
        dropped=("onlypypi",),
    )
    return replace(made, **fields)


def as_json(packages: Iterable[CondaPackage]) -> list[str]:
    """Return all that a solver knows of packages."""
    return [conda_records.to_rattler(each).to_json() for each in packages]
