"""The lock: exactly which files an environment was made of, and the dependency file that asked for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from python_package.address import Address
from python_package.errors import SpecError
from python_package.spec import Spec
from python_package.target import Target

# Where an environment and its tarball keep their lock.
FILE = "conda-meta/python-package.lock"

# Stand for a folder on the disk of the machine that locked, in a lock that travels: with the files that conda-meta
# of a tarball names, these are the same for everybody.
LOCAL_CHANNEL = "file:///local-channel"
LOCAL_WHEELS = "file:///local-wheels"
LOCAL_INDEX = "file:///local-index"


@dataclass(frozen=True)
class CondaPackage:
    """A package of a Conda channel, down to its file.

    `channel` and `url` may hold a password, `depends` are match specs, and the sums are in hex.
    `origin` is what the solver knows of it, which only `conda/` reads.
    """

    name: str
    version: str
    build: str
    channel: str
    size: int | None
    depends: tuple[str, ...]
    subdir: str = ""
    file_name: str = ""
    url: str = ""
    sha256: str = ""
    md5: str = ""
    license: str = ""
    origin: object = field(default=None, repr=False, compare=False)

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the names of the packages that it depends on."""
        names = (re.split(r"[ \[=<>!~]", spec, maxsplit=1)[0].rpartition("::")[2] for spec in self.depends)
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True)
class Distribution:
    """A file that PyPI's part of an environment is installed from; `location` is its URL.

    `sha256` is empty for what has none, a commit of a repository. `direct` says that the file itself was asked for, not
    a version of an index, of which installers keep a note. `size` is None where nobody says it.
    """

    name: str
    version: str
    location: str
    sha256: str
    direct: bool = False
    size: int | None = field(default=None, compare=False)

    @property
    def is_source(self) -> bool:
        """Tell what has to be built from a wheel."""
        return not self.location.partition("?")[0].partition("#")[0].endswith(".whl")

    def portable(self) -> Distribution:
        """Return it as it is named elsewhere: a file on this machine's disk by its name alone."""
        location = str(Address(self.location))
        if location.startswith("file:"):
            location = f"{LOCAL_WHEELS}/{location.rsplit('/', 1)[-1]}"
        return replace(self, location=location)


@dataclass(frozen=True)
class Lock:
    """An environment to the last file: Conda's packages, and the distributions from PyPI.

    `specs` are the match specs that were solved, which Conda's history keeps; `dropped` are the
    optional modules that could not be had. `target` is the machine that it is for, if that was named.
    """

    spec: Spec
    platform: str
    channels: tuple[Address, ...]
    specs: tuple[str, ...]
    records: tuple[CondaPackage, ...]
    distributions: tuple[Distribution, ...]
    dropped: tuple[str, ...] = ()
    target: Target | None = None

    @property
    def modules(self) -> tuple[str, ...]:
        """Return the modules that the environment has."""
        return tuple(module for module in self.spec.modules if module not in self.dropped)

    def check(self, spec: Spec) -> None:
        """Raise SpecError that says what differs if the lock was not made from this dependency file."""
        differences = list(_differences(self.spec, portable_spec(spec)))
        if differences:
            raise SpecError(
                f"the lock was made from another dependency file: {'; '.join(differences)}; "
                "make a new lock with --lock, or leave the dependency file out to rebuild what was locked"
            )


def portable_spec(spec: Spec) -> Spec:
    """Return the dependency file without what only one machine has: folders, passwords."""

    def channel(name: str) -> str:
        is_folder = "://" not in name and name.startswith((".", "/", "~"))
        return LOCAL_CHANNEL if is_folder or name.startswith("file:") else str(Address(name))

    def index_url(url: str) -> str:
        return LOCAL_INDEX if url.startswith("file:") else str(Address(url))

    return spec.replace(
        local=tuple((name, Path(path).name) for name, path in spec.local),
        channels=tuple(dict.fromkeys(map(channel, spec.channels))),
        pins=tuple(pin.replace(url="" if pin.url.startswith("file:") else str(Address(pin.url))) for pin in spec.pins),
        indexes=tuple(index.replace(url=index_url(index.url)) for index in spec.indexes),
    )


def _differences(locked: Spec, given: Spec) -> Iterable[str]:
    for key in Spec._fields:
        there, here = getattr(locked, key), getattr(given, key)
        if there == here:
            continue
        if isinstance(there, str):
            yield f"its {key} is {there}, not {here}"
            continue
        sides = (("there", there, here), ("here", here, there))
        alone = [(where, [_name(key, item) for item in own if item not in other]) for where, own, other in sides]
        parts = ", ".join(f"{', '.join(names)} only {where}" for where, names in alone if names)
        yield f"{key}: {parts or 'in another order'}"


def _name(field: str, item: object) -> str:
    if field == "names" and isinstance(item, tuple):
        return "from {} import {}".format(*item)
    return (
        " = ".join(map(str, item))
        if isinstance(item, tuple)
        else str(getattr(item, "module", getattr(item, "url", item)))
    )
