"""py-rattler's records of packages <-> ours; what they need of a machine, and the index that lists them."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Iterable
from pathlib import Path

from rattler import MatchSpec, PackageRecord, RepoDataRecord, Subdir

from python_package.conda import virtual_packages
from python_package.errors import PackError, SolveError
from python_package.lock import CondaPackage
from python_package.target import Target

# This machine's, as Conda names it: linux-64.
PLATFORM = str(Subdir.current())


def of(record: RepoDataRecord) -> CondaPackage:
    """Return py-rattler's record as ours, which keeps it for `to_rattler`."""
    return CondaPackage(
        name=record.name.normalized,
        version=str(record.version),
        build=str(record.build),
        channel=record.channel or "",
        size=record.size,
        depends=tuple(record.depends),
        subdir=record.subdir,
        file_name=record.file_name,
        url=record.url,
        sha256=record.sha256.hex() if record.sha256 else "",
        md5=record.md5.hex() if record.md5 else "",
        license=record.license or "",
        origin=record,
    )


def to_rattler(package: CondaPackage) -> RepoDataRecord:
    """Return our record as py-rattler's, with our address of it and without what indexing its channel would change."""
    assert isinstance(package.origin, RepoDataRecord)  # noqa: S101  # `of` made it
    record = RepoDataRecord(package.origin, package.file_name, package.url, package.channel)
    record.indexed_timestamp = None
    return record


def in_order(packages: Iterable[CondaPackage]) -> list[PackageRecord]:
    """Return py-rattler's records of packages, each after those that it depends on."""
    return PackageRecord.sort_topologically([to_rattler(package) for package in packages])


def require_machine(packages: Iterable[CondaPackage], target: Target | None = None) -> None:
    """Raise SolveError when the target, or this machine, is not what a package needs, by the rules of a solve."""
    has = virtual_packages.of(target)
    platform = target.subdir if target else PLATFORM
    facts = [
        PackageRecord(each.name.normalized, str(each.version), each.build_string, build_number=0, subdir=platform)
        for each in has
    ]
    for package in packages:
        for need in package.depends:
            if need.startswith("__") and not any(MatchSpec(need).matches(fact) for fact in facts):
                name = need.split()[0]
                here = next((str(each.version) for each in has if each.name.normalized == name), "none")
                raise SolveError(
                    f"the lock's {package.file_name} needs {need}, and {target or 'this machine'} has {here}; use it "
                    f"on another machine, or for another with CONDA_OVERRIDE_{name.strip('_').upper()}"
                )


def index_channel(folder: Path) -> None:
    """Write the index of a folder of packages; raise PackError for a file that is no package, or cannot be written."""
    from rattler.index import index_fs

    (folder / "noarch").mkdir(exist_ok=True)
    for path in folder.glob("*/*.conda"):
        if not zipfile.is_zipfile(path):  # py-rattler's index would die of it, and print its stack
            raise PackError(f"{path}: not a Conda package: cut short? remove it")
    try:
        # Without force, a package that was made anew under its old name would keep its old hash.
        asyncio.run(index_fs(folder, force=True))
    except Exception as error:  # the classes of py-rattler's errors are private
        raise PackError(f"{folder}: cannot be indexed: {error}") from None
