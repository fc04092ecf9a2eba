"""What create would make of a dependency file: solved, but neither linked nor packed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from python_package.address import Address
from python_package.conda import condarc
from python_package.conda.records import PLATFORM
from python_package.create import install, requirements, solve
from python_package.create.clock import Clock
from python_package.errors import PackError, failing_as
from python_package.host_python.channel import default_cache
from python_package.lock import CondaPackage, Distribution
from python_package.progress import Progress, Silent
from python_package.pypi import local_wheel, resolution
from python_package.spec import Spec
from python_package.stdlib import standard_library

if TYPE_CHECKING:
    from python_package.create.solve import Interpreter


@dataclass(frozen=True)
class Row:
    """A package that the environment would have.

    `source` is a channel, host for this machine's own interpreter, PyPI, git, direct for an address, or local for what
    is made here; `size` is that of its file in bytes, None where nobody says it. `modules` are those it is for, and
    `needed_by` the packages that need it.
    """

    name: str
    version: str
    source: str
    size: int | None
    modules: tuple[str, ...]
    needed_by: tuple[str, ...]


@failing_as(PackError, "cannot tell what would be made")
def preview(
    spec: Spec,
    *,
    channels: Sequence[str] = (),
    offline: bool = False,
    interpreter: Interpreter = "auto",
    exact: bool = False,
    mapping: Mapping[str, str] | None = None,
    strict_names: bool = False,
    python: str = "python3",
    progress: Progress | None = None,
) -> tuple[Row, ...]:
    """Return the packages of which `create`, given the same, would make an environment, sorted by name.

    Nothing is installed, but the wheels of the user's own projects are built to know what they need. Raises as
    `create` does.
    """
    clock = Clock(progress or Silent())
    with clock.phase("prepare"):
        config = condarc.load(PLATFORM)
        offline = offline or config.offline
        wanted = requirements.resolve(spec, python, mapping=mapping, strict=strict_names)
    for note in wanted.notes:
        clock.progress.note(note)
    with clock.phase("solve"):
        sources = solve.Sources(config, tuple(channels), offline, interpreter, python, exact)
        chosen = solve.make(spec, wanted.packages, sources, clock.progress)
    builder = shutil.which(python) or sys.executable
    asked = install.gather(spec, chosen, wanted, Path(builder), offline=offline, phase=clock.phase)
    packages = chosen.solution.packages
    target = resolution.Target(chosen.python, _abi(packages), _pythonic(packages), builder, offline, spec.indexes)
    with clock.phase("ask PyPI") if asked.must or asked.wishes else nullcontext():
        foreseen, refused = resolution.foresee_most(asked.must, asked.wishes, target)
    install.said(asked, refused, clock.progress.note)
    rows = [*_from_channels(chosen), *_from_pypi(foreseen, asked)]
    if wanted.files:
        local_wheel.refuse_collisions(spec.local, wanted.files, Path(os.devnull), standard_library(chosen.python))
        wheel = local_wheel.build(wanted.files)
        modules = tuple(sorted(name for name, _ in spec.local))
        rows.append(Row(wheel.name, wheel.version, "local", wheel.path.stat().st_size, modules, ()))
    return tuple(sorted(rows, key=lambda row: row.name))


def _from_channels(chosen: solve.Plan) -> list[Row]:
    modules: dict[str, set[str]] = {}
    for each in chosen.assigned:
        if each.spec:
            modules.setdefault(each.spec.rpartition("::")[2].split()[0], set()).add(each.package.module)
    needed: dict[str, set[str]] = {}
    for package in chosen.solution.packages:
        for name in package.needs:
            needed.setdefault(name, set()).add(package.name)
    return [
        Row(
            package.name,
            package.version,
            _channel(package),
            package.size,
            tuple(sorted(modules.get(package.name, ()))),
            tuple(sorted(needed.get(package.name, ()))),
        )
        for package in chosen.solution.packages
    ]


def _channel(package: CondaPackage) -> str:
    """Return a channel's name as a person would say it: the last part of its URL."""
    if default_cache().as_uri().removeprefix("file://") in package.channel:
        return "host"
    channel = package.channel.rstrip("/").removesuffix(f"/{package.subdir}")
    return os.path.basename(str(Address(channel)))  # noqa: PTH119  # a URL's


def _from_pypi(foreseen: Sequence[resolution.Foreseen], asked: install.Asked) -> list[Row]:
    def modules(name: str) -> tuple[str, ...]:
        return tuple(sorted({module for module, requirement in asked.of_modules if _is_for(requirement, name)}))

    return [
        Row(each.name, each.version, _source(each), file.size, modules(each.name), file.needed_by)
        for file in foreseen
        for each in [file.distribution]
    ]


def _source(distribution: Distribution) -> str:
    if not distribution.direct:
        return "PyPI"
    scheme = distribution.location.partition(":")[0].partition("+")[0]
    return {"file": "local", "git": "git"}.get(scheme, "direct")


def _is_for(requirement: str, name: str) -> bool:
    rest = requirement.removeprefix(name)
    return rest != requirement and (not rest or rest[0] in "[<>=!~ ;@")


def _pythonic(packages: Sequence[CondaPackage]) -> dict[str, str]:
    """Return the versions of the packages that need Python, as far as PyPI could have them, too."""
    found = {}
    for package in packages:
        if {"python", "python_abi"} & set(package.needs):
            with suppress(InvalidVersion):
                found[package.name] = str(Version(package.version))
    return found


def _abi(packages: Sequence[CondaPackage]) -> str:
    """Return the ABI of the interpreter as wheels name it: cp311, cp313t."""
    of_python = {package.name: package for package in packages if package.name in ("python", "python_abi")}
    free_threaded = any(package.build.endswith("t") for package in of_python.values())
    return f"cp{''.join(of_python['python'].version.split('.')[:2])}{'t' if free_threaded else ''}"
