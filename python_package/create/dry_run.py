"""What create would make of a dependency file: solved, but neither linked nor packed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement

from python_package.address import Address
from python_package.create import install
from python_package.create.optional import with_optional
from python_package.create.options import CreateOptions
from python_package.create.requirements import Wanted
from python_package.create.solve import Plan
from python_package.host_python.channel import default_cache
from python_package.lock import CondaPackage, Distribution
from python_package.progress import Clock
from python_package.pypi import resolution
from python_package.spec import Spec, canonical


@dataclass(frozen=True)
class PlannedPackage:
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


def packages(
    spec: Spec, plan: Plan, wanted: Wanted, options: CreateOptions, clock: Clock
) -> tuple[PlannedPackage, ...]:
    """Return the packages that the environment of a plan would have, sorted by name.

    Nothing is installed, but the wheels of the user's own projects are built to know what they need.
    """
    builder = shutil.which(options.python) or sys.executable
    machine = options.target
    asked = install.gather(spec, plan, wanted, Path(builder), clock, offline=options.offline, machine=machine)
    solved = plan.solution.packages
    # What needs Python may be one of PyPI's projects.
    there = {each.name: each.version for each in solved if {"python", "python_abi"} & set(each.needs)}
    destination = resolution.Destination(
        plan.python,
        plan.abi,
        there,
        builder,
        options.offline,
        spec.indexes,
        machine=machine,
        refresh=options.refresh,
    )
    with clock.phase("ask PyPI") if asked.must or asked.wishes else nullcontext():
        foreseen, refused = with_optional(
            partial(resolution.foresee, destination=destination), asked.must, asked.wishes
        )
    asked.dropped(refused, clock)
    modules = [(canonical(Requirement(requirement).name), module) for module, requirement in asked.of_modules]
    if wanted.files:
        own = install.local_modules(spec, wanted, Path(os.devnull), plan.python, machine)
        foreseen[own] = ()
        modules += [(own.name, name) for name, _ in spec.local]
    modules_of = _grouped(modules)
    found = [
        PlannedPackage(
            each.name, each.version, _source(each), each.size, modules_of.get(canonical(each.name), ()), needed_by
        )
        for each, needed_by in foreseen.items()
    ]
    return tuple(sorted([*_from_channels(plan), *found], key=lambda each: each.name))


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the second of pairs by the name that is the first, sorted."""
    found: dict[str, set[str]] = {}
    for name, value in pairs:
        found.setdefault(name, set()).add(value)
    return {name: tuple(sorted(values)) for name, values in found.items()}


def _from_channels(plan: Plan) -> list[PlannedPackage]:
    solved = plan.solution.packages
    asked = (each for each in plan.assigned if each.spec)
    modules = _grouped((each.spec.rpartition("::")[2].split()[0], each.package.module) for each in asked)
    needed = _grouped((name, package.name) for package in solved for name in package.needs)
    return [
        PlannedPackage(
            each.name, each.version, _channel(each), each.size, modules.get(each.name, ()), needed.get(each.name, ())
        )
        for each in solved
    ]


def _channel(package: CondaPackage) -> str:
    """Return a channel's name as a person would say it: the last part of its URL."""
    if default_cache().as_uri().removeprefix("file://") in package.channel:
        return "host"
    channel = package.channel.rstrip("/").removesuffix(f"/{package.subdir}")
    return os.path.basename(str(Address(channel)))  # noqa: PTH119  # a URL's


def _source(distribution: Distribution) -> str:
    if not distribution.direct:
        return "PyPI"
    scheme = distribution.location.partition(":")[0].partition("+")[0]
    return {"file": "local", "git": "git"}.get(scheme, "direct")
