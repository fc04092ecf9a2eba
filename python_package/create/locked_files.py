"""A lock's files on this machine's disk: where they were when it was made, or wherever they are now."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from python_package.conda.checksums import Archive, Seals, local
from python_package.conda.records import PLATFORM, require_machine
from python_package.conda.solver import Channels
from python_package.errors import ChecksumError, SolveError, UnreachableError
from python_package.files.disk import path_of
from python_package.host_python.channel import default_cache
from python_package.lock import CondaPackage, Distribution, Lock
from python_package.pypi.pip_settings import for_uv
from python_package.pypi.wheel_cache import WheelCache


def locate(lock: Lock, channels: Channels, *, seals: Seals | None = None) -> Lock:
    """Return the lock with the addresses at which its files are to be had here.

    A package from a folder may also be in a folder of `channels`, or in a channel that was made of this host's own
    interpreter; a wheel in the cache of those that were made here, or where pip looks for files. Each is known by its
    sha256. A channel with a password in its URL lends it to the packages that come from there.
    Raises SolveError when the lock is of another platform without a target, or for a newer system, UnreachableError
    when a wheel is nowhere, ChecksumError when the only file of its name is another.
    """
    if lock.platform != PLATFORM and not lock.target:
        raise SolveError(
            f"the lock is for {lock.platform}, and this machine is {PLATFORM}; use it on such a machine, "
            "or make a lock here with --lock, and with --target for such a machine"
        )
    require_machine(lock.records, lock.target)
    seals = seals or Seals()
    folders = [url.reveal() for url in channels.urls if url.reveal().startswith("file:")]
    folders += [path.as_uri() for path in sorted(default_cache().glob("*-*"))]
    secrets = {str(url).rstrip("/"): url.reveal().rstrip("/") for url in reversed(channels.urls)}
    records = tuple(_package(record, folders, secrets, seals) for record in lock.records)
    wheels = [WheelCache().folder, *_find_links()]
    return replace(
        lock, records=records, distributions=tuple(_wheel(each, wheels, seals) for each in lock.distributions)
    )


def _package(record: CondaPackage, folders: Iterable[str], secrets: dict[str, str], seals: Seals) -> CondaPackage:
    source = record.channel.rstrip("/")
    archive = local(record.url, record.sha256)
    if archive is None:
        secret = secrets.get(source, source)
        url = secret + record.url.removeprefix(source) if record.url.startswith(source) else record.url
        return replace(record, url=url)
    for folder in [source, *folders]:
        url = f"{folder.rstrip('/')}/{record.subdir}/{record.file_name}"
        if seals.holds(replace(archive, path=path_of(url))):
            return replace(record, url=url, channel=folder)
    return record


def _wheel(distribution: Distribution, folders: Sequence[Path], seals: Seals) -> Distribution:
    if not distribution.location.startswith("file:") or not distribution.sha256:
        return distribution
    recorded = path_of(distribution.location)
    places = [recorded]
    for folder in folders:
        places += [folder / distribution.sha256 / recorded.name, folder / recorded.name]
    there = [path for path in places if path.is_file()]
    for path in there:
        if seals.holds(Archive(path, distribution.sha256)):
            return replace(distribution, location=path.as_uri())
    if there:
        raise ChecksumError(f"{there[0]} is not the file that was locked: its sha256 is not {distribution.sha256}")
    raise UnreachableError(
        f"{recorded}: there is no such file, and {recorded.name} is not in the cache of wheels; "
        "put it into a folder that PIP_FIND_LINKS names, or lock again"
    )


def _find_links() -> Iterator[Path]:
    """Yield the folders in which pip looks for files."""
    for place in for_uv().environ.get("UV_FIND_LINKS", "").split(","):
        if place and "://" not in place:
            yield Path(os.path.expandvars(place)).expanduser()
        elif place.startswith("file:"):
            yield path_of(place)
