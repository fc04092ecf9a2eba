"""A lock as text: the format of pixi and rattler, with what that has no place for in one comment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from rattler import Environment, LockChannel, LockFile, LockPlatform, PypiLockedPackage, RepoDataRecord

from python_package.address import Address
from python_package.conda import records, virtual_packages
from python_package.errors import SpecError, SpecNotFoundError
from python_package.files import bounds, disk, scratch
from python_package.files.documents import json_value
from python_package.files.prefix import Prefix
from python_package.lock import FILE, LOCAL_CHANNEL, CondaPackage, Distribution, Lock, portable_spec
from python_package.spec import Index, Pin, Spec, names_of
from python_package.target import Target, of_probe

_HEADER = "# python-package: "
_FORMAT = 1
_ENVIRONMENT = "default"

# What the format can say of a distribution, but py-rattler has no argument for.
_DISTRIBUTION = re.compile(r"^- pypi: .*\n  name: (\S+)\n  version: .*\n", re.MULTILINE)


def to_text(lock: Lock, *, portable: bool = False) -> str:
    """Return the lock's text: the same for the same lock, with no password or token.

    A portable one has nothing of the machine either: folders on its disk have fixed names.
    """
    distributions = sorted(lock.distributions, key=lambda each: each.name)
    if portable:
        distributions = [each.portable() for each in distributions]
    shown = (_shown(each, portable=portable) for each in lock.records)
    file, platform = _with_packages(lock.platform, shown, lock.target)
    for each in distributions:
        file.add_pypi_package(_ENVIRONMENT, platform, each.name, each.version, _written(each.location))
    channels = dict.fromkeys(_channel(url, portable=portable) for url in lock.channels)
    file.set_channels(_ENVIRONMENT, [LockChannel(url) for url in channels])
    sums = {each.name: f"  sha256: {each.sha256}\n" for each in distributions if each.sha256}
    text = _DISTRIBUTION.sub(lambda entry: entry[0] + sums.get(entry[1].strip("'\""), ""), _text(file))
    header = {
        "format": _FORMAT,
        "spec": json.loads(portable_spec(lock.spec).to_json()),
        "specs": list(lock.specs),
        "dropped": list(lock.dropped),
        "direct": [each.name for each in distributions if each.direct],
    }
    if lock.target:
        header["target"] = lock.target.to_json()
    return f"{_HEADER}{json.dumps(header)}\n{text}"


def write(prefix: Path, lock: Lock) -> None:
    """Put the lock into the environment that was made of it, in the form that travels."""
    (prefix / FILE).write_text(to_text(lock, portable=True), encoding="utf-8")


def parse(text: str, source: str) -> Lock:
    """Parse a lock's text; `source` is the name that messages give it.

    Raises SpecError for anything but what `to_text` writes.
    """
    first = text.partition("\n")[0]
    if not first.startswith(_HEADER):
        raise SpecError(f"{source}: not a lock of python_package_create; make one with --lock")
    try:
        header = json_value(first.removeprefix(_HEADER))
        if header["format"] != _FORMAT:
            raise SpecError(f"{source}: a lock of format {header['format']}, from another version; make it again")
        specs, dropped = tuple(map(str, header["specs"])), tuple(map(str, header["dropped"]))
        direct = frozenset(header["direct"])
        spec = _spec(header["spec"])
        target = _target(header["target"]) if "target" in header else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SpecError(f"{source}: its first line is damaged: {error!r}; make it again with --lock") from None
    try:
        environment, platform = _environment(text)
        packages = _packages(environment, platform)
        distributions = tuple(
            Distribution(each.name, str(each.version), _read(each.location), _sum(each).hex(), each.name in direct)
            for each in environment.pypi_packages_for_platform(platform) or ()
        )
        channels = tuple(Address(str(channel)) for channel in environment.channels())
    except Exception as error:  # the classes of py-rattler's errors are private
        raise SpecError(f"{source}: not a readable lock: {error}; make it again with --lock") from None
    unsummed = [each.file_name for each in packages if not each.sha256]
    unsummed += [each.name for each in distributions if not each.sha256 and not each.location.startswith("git+")]
    if unsummed:
        raise SpecError(f"{source}: {unsummed[0]} has no sha256, so that nobody can tell it from another file")
    if target and target.subdir != platform.name:
        raise SpecError(f"{source}: its target is of {target.subdir}, its packages of {platform.name}; make it again")
    return Lock(spec, platform.name, channels, specs, packages, distributions, dropped, target)


def outdated(lock: Lock, path: Path) -> str:
    """Return what has changed in the environment where a lock lies since it was made; empty if it lies in none."""
    if path.absolute().parent.name != Path(FILE).parent.name:
        return ""
    prefix = path.absolute().parent.parent
    try:
        linked = list(Prefix(prefix).conda_packages())
        now = {record["name"]: f"{record['version']} {record['build']}" for record in linked}
    except (OSError, ValueError, TypeError, KeyError) as error:
        return f"its records cannot be read: {error!r}"
    was = {package.name: f"{package.version} {package.build}" for package in lock.records}
    of_conda = {file for record in linked for file in record.get("files", ())}
    for info in prefix.glob("lib/python3*/site-packages/*.dist-info"):
        if str((info / "METADATA").relative_to(prefix)) not in of_conda:
            name, _, version = info.name.removesuffix(".dist-info").partition("-")
            now[f"{canonicalize_name(name)} (PyPI)"] = version
    was |= {f"{canonicalize_name(each.name)} (PyPI)": each.version for each in lock.distributions}
    changed = sorted(name for name in {*was, *now} if was.get(name) != now.get(name) and was.get(name) != "")
    return "; ".join(f"{name}: {was.get(name, 'none')}, now {now.get(name, 'none')}" for name in changed)


def load(path: Path) -> Lock:
    """Read a lock; raises SpecNotFoundError when there is none, SpecError when it is not one."""
    try:
        return parse(bounds.read(path, str(path), bounds.DOCUMENT).decode("utf-8"), str(path))
    except OSError as error:
        raise SpecNotFoundError(f"{path}: {error.strerror}; expected a lock, as --lock writes it") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: not UTF-8 at byte {error.start}; make it again with --lock") from None


def canonical(found: Iterable[RepoDataRecord], platform: str) -> tuple[CondaPackage, ...]:
    """Return py-rattler's records as a lock gives them back, so that what is linked now is what a lock will link."""
    file, _ = _with_packages(platform, map(records.of, found))
    return _packages(*_environment(_text(file)))


def _with_packages(
    name: str, packages: Iterable[CondaPackage], target: Target | None = None
) -> tuple[LockFile, LockPlatform]:
    has = virtual_packages.of(target) if target else ()
    platform = LockPlatform(
        name, virtual_packages=[f"{each.name.normalized}={each.version}={each.build_string}" for each in has] or None
    )
    file = LockFile([platform])
    for package in packages:
        file.add_conda_package(_ENVIRONMENT, platform, records.to_rattler(package))
    return file, platform


def _text(file: LockFile) -> str:
    with scratch.folder() as folder:
        file.to_path(folder / "lock")
        return (folder / "lock").read_text(encoding="utf-8")


def _environment(text: str) -> tuple[Environment, LockPlatform]:
    with scratch.folder() as folder:
        (folder / "lock").write_text(text, encoding="utf-8")
        file = LockFile.from_path(folder / "lock")
    environment = file.environment(_ENVIRONMENT)
    if environment is None or len(file.platforms()) != 1:
        raise ValueError(f"it has no environment named {_ENVIRONMENT!r} for one platform")
    return environment, file.platforms()[0]


def _packages(environment: Environment, platform: LockPlatform) -> tuple[CondaPackage, ...]:
    return tuple(map(records.of, environment.conda_repodata_records_for_platform(platform) or ()))


def _spec(data: Mapping[str, Any]) -> Spec:
    """Read a dependency file that need not be one of analyze: its python may be a constraint."""
    fields: dict[str, Any] = {
        key: tuple(value.items() if isinstance(value, dict) else value) for key, value in data.items()
    }
    fields["pins"] = tuple(Pin(module, **{"version": "", **pin}) for module, pin in fields.get("pins", ()))
    indexes = fields.get("indexes", ())
    fields["indexes"] = tuple(Index(**{**each, "packages": tuple(each.get("packages", ()))}) for each in indexes)
    return Spec(**{**fields, "python": str(data["python"]), "names": names_of(data.get("names", {}))})


def _target(said: Mapping[str, Any]) -> Target:
    """Read a target, which is called by its platform: what its file was called is nothing to anybody else."""
    return replace(of_probe(said), **{key: said[key] for key in ("microarchitecture", "kernel")})


def _written(location: str) -> str:
    """Return a distribution's URL as the format has it: a file of this machine's as its path."""
    return str(disk.path_of(location)) if location.startswith("file:") else str(Address(location))


def _sum(package: PypiLockedPackage) -> bytes:
    try:
        return (package.hashes and package.hashes.sha256) or b""
    except AttributeError:  # of a package without any, py-rattler's own object is hollow
        return b""


def _read(location: str) -> str:
    return Path(location).as_uri() if location.startswith("/") else location


def _channel(url: Address, *, portable: bool) -> str:
    return LOCAL_CHANNEL if portable and url.reveal().startswith("file:") else str(url)


def _shown(package: CondaPackage, *, portable: bool) -> CondaPackage:
    channel = _channel(Address(package.channel), portable=portable)
    if channel == LOCAL_CHANNEL:
        return replace(package, url=f"{LOCAL_CHANNEL}/{package.subdir}/{package.file_name}", channel=channel)
    return replace(package, url=str(Address(package.url)), channel=channel)
