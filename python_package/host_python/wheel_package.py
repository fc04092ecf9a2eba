"""A wheel -> a Conda package."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any, cast

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from python_package import elf
from python_package.errors import PackError
from python_package.files import scratch
from python_package.host_python import conda_package
from python_package.host_python.interpreter import Interpreter, compile_all
from python_package.host_python.wheel_layout import Layout, record, unpack
from python_package.pypi.wheel import distribution, glibc

_ENTRY_POINT = re.compile(r"(?P<name>[^/\s=]+)\s*=\s*(?P<target>[\w.]+\s*:\s*[\w.]+)\s*(\[.*\])?\s*", re.DOTALL)


@dataclass(frozen=True)
class Wheel:
    """What a wheel says about itself; `name` is canonical (PEP 503) and is its package's name too."""

    path: Path
    name: str
    version: str
    tags: frozenset[Tag]
    metadata: Message = field(repr=False)
    info: str  # its .dist-info folder
    entry_points: Mapping[str, str]  # command -> "module:attribute"

    @property
    def pure(self) -> bool:
        """Tell whether it runs on any platform."""
        return any(tag.platform == "any" for tag in self.tags)

    @property
    def minor_only(self) -> bool:
        """Tell whether it was built for one minor version of Python: neither py3 nor abi3."""
        return not any(tag.interpreter.startswith("py") or tag.abi == "abi3" for tag in self.tags)

    @property
    def noarch(self) -> bool:
        """Tell whether its files go below whichever Python they are linked with (`noarch: python`).

        With binaries in them too: CEP 20 has such packages of abi3 extensions in the platform's own subdir.
        """
        return self.pure or not self.minor_only


def read(path: Path) -> Wheel:
    """Read a wheel's name, tags, metadata and entry points; raise PackError when it is not a wheel."""
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as archive:
            info, found = distribution(archive)
            return Wheel(path, name, str(version), tags, cast("Message", found.metadata), info, _entry_points(found))
    except (InvalidWheelFilename, zipfile.BadZipFile, ValueError, TypeError, OSError) as error:
        raise PackError(f"{path}: not a wheel: {error}") from None


def write(wheel: Wheel, interpreter: Interpreter, channel: Path, others: Mapping[str, Wheel]) -> Path:
    """Write a wheel's package for an interpreter's channel and return its path; see depends about `others`.

    Raises PackError when the wheel is broken, or the package cannot be written.
    """
    with scratch.folder() as stage:
        layout = Layout.of(interpreter, wheel.name, noarch=wheel.noarch)
        unpack(wheel.path, wheel.info, wheel.entry_points, layout, stage)
        if not wheel.pure and not _promise(wheel):
            _vendor(wheel, interpreter, stage, layout)
        if not wheel.noarch:  # modules of noarch packages are for whichever Python they are linked with
            compile_all(interpreter.executable, stage / layout.site, layout.site)
        record(wheel.info, wheel.entry_points, layout, stage)
        index: dict[str, Any] = {
            "name": wheel.name,
            "version": wheel.version,
            "build": build(wheel, interpreter),
            "subdir": subdir(wheel, interpreter),
            "depends": depends(wheel, interpreter, others) + ([] if wheel.pure else [_glibc(wheel, stage)]),
            "license": _license(wheel.metadata),
            "purls": [f"pkg:pypi/{wheel.name}@{wheel.version}"],
        }
        link = None
        if wheel.noarch:
            index["noarch"] = "python"
            points = [f"{name} = {target}" for name, target in wheel.entry_points.items()]
            link = {"noarch": {"type": "python", "entry_points": points}, "package_metadata_version": 1}
        about = {"summary": wheel.metadata.get("Summary", ""), "home": wheel.metadata.get("Home-page", "")}
        return conda_package.write(stage, conda_package.scan(stage), channel, index, about=about, link=link)


def subdir(wheel: Wheel, interpreter: Interpreter) -> str:
    """Return the subdir of a wheel's package."""
    return "noarch" if wheel.pure else elf.subdir(interpreter.executable)


def build(wheel: Wheel, interpreter: Interpreter) -> str:
    """Return the build string of a wheel's package: it names the Python where only one will do."""
    return f"py{interpreter.tag[2:]}_0" if _one_minor(wheel) else "py_0"


def depends(wheel: Wheel, interpreter: Interpreter, others: Mapping[str, Wheel]) -> list[str]:
    """Return the Conda dependencies of a wheel's package, glibc aside.

    What markers exclude on the interpreter is left out. Conda has no extras: `other[extra]` becomes `other` and what
    that extra asks for, as `others`, wheels by name, tell.
    """
    found = {match_spec(requirement) for requirement in _requirements(wheel, interpreter, others, "", set())}
    bounds = [_versions(wheel.metadata.get("Requires-Python", ""))]
    bounds.append(interpreter.this_minor if _one_minor(wheel) else _abi3_floor(wheel))
    found.add(f"python {','.join(filter(None, bounds))}".strip())
    if wheel.minor_only and not wheel.pure:
        found.add(f"python_abi {interpreter.short}.* *_{interpreter.tag}")
    return sorted(found)


def _one_minor(wheel: Wheel) -> bool:
    """Tell whether the package holds for one minor version of Python: built for it, or requiring other things on it."""
    lines = wheel.metadata.get_all("Requires-Dist") or []
    return wheel.minor_only or any(re.search(r"\bpython_(full_)?version\b", line.partition(";")[2]) for line in lines)


def _entry_points(found: Distribution) -> dict[str, str]:
    commands = {}
    for each in found.entry_points:
        if each.group in ("console_scripts", "gui_scripts"):
            match = _ENTRY_POINT.fullmatch(f"{each.name}={each.value}")
            if not match:
                raise ValueError(f"its entry point {each.name!r} is not a command of the form module:function")
            commands[match["name"]] = re.sub(r"\s", "", match["target"])
    return commands


def _requirements(
    wheel: Wheel, interpreter: Interpreter, others: Mapping[str, Wheel], extra: str, seen: set[tuple[str, str]]
) -> Iterator[Requirement]:
    for line in wheel.metadata.get_all("Requires-Dist") or []:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            raise PackError(f"{wheel.path.name}: its metadata requires {line!r}: {error}") from None
        if requirement.marker and not requirement.marker.evaluate({**interpreter.markers, "extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name != wheel.name:  # its own name: an extra that asks for another of its extras
            yield requirement
        for more in sorted(requirement.extras):
            if name in others and (name, more) not in seen:
                seen.add((name, more))
                yield from _requirements(others[name], interpreter, others, more, seen)


def match_spec(requirement: Requirement) -> str:
    """Return a requirement, its extras and marker aside, as Conda writes it."""
    return f"{canonicalize_name(requirement.name)} {_versions(str(requirement.specifier))}".strip()


def _versions(specifier: str) -> str:
    """Return version clauses as Conda writes them: 1.2.* for ==1.2.*, and >=3.6 for the old slip >=3.6.*."""
    clauses = set()
    for operator, version in re.findall(r"(===|[=~!<>]=|[<>])\s*([^\s,]+)", specifier):
        if version.endswith(".*") and operator == "==":
            clauses.add(version)
        else:
            bare = version if operator == "!=" else version.removesuffix(".*")
            clauses.add(f"{operator.replace('===', '==')}{bare}")
    return ",".join(sorted(clauses))


def _abi3_floor(wheel: Wheel) -> str:
    minors = [int(tag.interpreter[3:]) for tag in wheel.tags if tag.abi == "abi3" and tag.interpreter[3:].isdigit()]
    return f">=3.{min(minors)}" if minors else ""


def _promise(wheel: Wheel) -> tuple[int, int] | None:
    """Return the glibc that its manylinux tags promise to do with; None when it was built here."""
    return glibc(tag.platform for tag in wheel.tags)


def _glibc(wheel: Wheel, stage: Path) -> str:
    promised = _promise(wheel)
    return elf.since_glibc(promised) if promised else elf.glibc(elf.find(stage))


def _vendor(wheel: Wheel, interpreter: Interpreter, stage: Path, layout: Layout) -> None:
    """Bring along the host's libraries that a wheel built here needs: no other machine need have them."""
    loader = elf.read(interpreter.executable).loader
    folder = stage / layout.site / f"{wheel.name}.libs"
    found: dict[str, Path] = {}
    files = elf.find(stage)
    for path in files:
        found |= {name: where for name, where in elf.libraries(path, loader or "").items() if where}
    ours = {path.name for path in files} | set(interpreter.libraries)
    wanted = {name: where for name, where in found.items() if name not in ours and not name.startswith("libpython")}
    if wanted:
        folder.mkdir()
        for name, where in wanted.items():
            shutil.copy2(where.resolve(), folder / name)
        elf.set_rpath(elf.find(folder), folder)
        elf.set_rpath(files, folder, keep=True)


def _license(metadata: Message) -> str:
    lines = str(metadata.get("License-Expression") or metadata.get("License") or "").strip().splitlines()
    return lines[0][:60] if lines else "unknown"
