"""What no channel has is put into a linked prefix: PyPI's distributions, the user's projects, their own modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from python_package.create.requirements import Wanted
from python_package.create.solve import Plan
from python_package.errors import SolveError
from python_package.lock import Distribution
from python_package.pypi import uv_pip
from python_package.spec import Spec
from python_package.stdlib import standard_library

Phase = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Asked:
    """What is left to PyPI and to the wheels of the user's projects.

    `of_modules` pairs each module with the requirement that is for it; `must` are the requirements that have to be had,
    `wishes` those of optional modules alone, and `failed` says why an optional module's project cannot be built.
    """

    of_modules: tuple[tuple[str, str], ...]
    must: tuple[str, ...]
    wishes: tuple[str, ...]
    failed: Mapping[str, str]


@dataclass(frozen=True)
class Filled:
    """The files that were installed, and the optional modules that could not be had."""

    distributions: tuple[Distribution, ...]
    dropped: tuple[str, ...]


def gather(spec: Spec, plan: Plan, wanted: Wanted, python: Path, *, offline: bool = False, phase: Phase) -> Asked:
    """Build the user's projects with an interpreter, and say what is to be installed beside what was solved.

    Raises SolveError when a project cannot be built, UnreachableError when its build needs an index that is not there.
    """
    asked = [(each.package.module, each.requirement) for each in plan.assigned if each.requirement]
    failed: dict[str, str] = {}
    needed: set[str] = set()
    if wanted.projects:
        from python_package.pypi import build  # few have any: imported late, as is what makes local modules

        with phase("build the user's projects"):
            for package, project in wanted.projects:
                try:
                    built = build.build(
                        [project],
                        python,
                        extras=package.extras,
                        others=wanted.nearby,
                        indexes=spec.indexes,
                        offline=offline,
                    )
                except SolveError as error:
                    if package.module not in spec.optional:
                        raise
                    failed[package.module] = str(error)
                    continue
                own = next((wheel for wheel in built.wheels if wheel.origin == project.url), None)
                itself = (own or project).requirement
                asked.append((package.module, itself(package.extras)))
                needed |= {*(wheel.requirement() for wheel in built.wheels), *built.references} - {itself()}
    must = {requirement for module, requirement in asked if module not in spec.optional}
    wishes = {requirement for _, requirement in asked} - must
    return Asked(tuple(asked), tuple(sorted(must | (needed - wishes))), tuple(sorted(wishes)), failed)


def fill(
    prefix: Path,
    spec: Spec,
    plan: Plan,
    wanted: Wanted,
    *,
    offline: bool = False,
    phase: Phase,
    note: Callable[[str], None],
) -> Filled:
    """Install all that is left; `phase` announces what takes time, and `note` is told what is left out.

    Raises SolveError when something is in no index, cannot be built or collides with what is there,
    UnreachableError when an index does not answer, and PackError when files cannot be written.
    """
    asked = gather(spec, plan, wanted, prefix / "bin" / "python", offline=offline, phase=phase)
    distributions: list[Distribution] = []
    refused: dict[str, str] = {}
    if asked.must or asked.wishes:
        with phase("install from PyPI"):
            installed, refused = uv_pip.install_most(
                prefix, asked.must, asked.wishes, indexes=spec.indexes, offline=offline
            )
        distributions += installed
    dropped = said(asked, refused, note)
    if wanted.files:
        from python_package.pypi import local_wheel

        with phase("install local modules"):
            local_wheel.refuse_collisions(spec.local, wanted.files, _site(prefix), standard_library(plan.python))
            wheel = local_wheel.build(wanted.files)  # it needs nothing, so that there is nothing to settle first
            own = Distribution(wheel.name, wheel.version, wheel.path.as_uri(), wheel.sha256, direct=True)
            uv_pip.install_locked(prefix, [own], offline=offline)
        distributions.append(own)
    return Filled(tuple(distributions), tuple(sorted({*plan.dropped, *dropped})))


def said(asked: Asked, refused: Mapping[str, str], note: Callable[[str], None]) -> set[str]:
    """Tell which optional modules are left out and why, given the refused requirements; return them."""
    failed = {**asked.failed, **{module: refused[each] for module, each in asked.of_modules if each in refused}}
    for module, why in failed.items():
        note(f"{module}: optional, and left out: {why}")
    return set(failed)


def _site(prefix: Path) -> Path:
    return next(prefix.glob("lib/python3*/site-packages"))
