"""What no channel has is put into a linked prefix: PyPI's distributions, the user's projects, their own modules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import parse_wheel_filename

from python_package.create.optional import left_out, with_optional
from python_package.create.requirements import Wanted
from python_package.create.solve import Plan
from python_package.errors import SolveError
from python_package.files.prefix import Prefix
from python_package.lock import Distribution, Lock
from python_package.progress import Clock
from python_package.pypi import local_wheel, platforms, uv_pip, wheel
from python_package.pypi.uv_pip import Installer
from python_package.pypi.wheel_cache import CachedWheel
from python_package.spec import Spec
from python_package.stdlib import standard_library
from python_package.target import Target


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

    def dropped(self, refused: Mapping[str, str], clock: Clock) -> set[str]:
        """Note which optional modules are left out and why, given the refused requirements; return them."""
        failed = {**self.failed, **{module: refused[each] for module, each in self.of_modules if each in refused}}
        for module, why in failed.items():
            clock.progress.note(left_out(module, why))
        return set(failed)


def gather(
    spec: Spec,
    plan: Plan,
    wanted: Wanted,
    python: Path,
    clock: Clock,
    *,
    offline: bool = False,
    machine: Target | None = None,
) -> Asked:
    """Build the user's projects with an interpreter, and say what is to be installed beside what was solved.

    Raises SolveError when a project cannot be built, or not here for the machine that it is for, UnreachableError when
    its build needs an index that is not there.
    """
    asked = [(each.package.module, each.requirement) for each in plan.assigned if each.requirement]
    failed: dict[str, str] = {}
    needed: set[str] = set()
    with clock.phase("build the user's projects") if wanted.projects else nullcontext():
        for package, project in wanted.projects:
            from python_package.pypi import build  # few have any: imported late, as is what makes local modules

            try:
                built = build.build(
                    [project],
                    python,
                    extras=package.extras,
                    others=wanted.nearby,
                    indexes=spec.indexes,
                    offline=offline,
                    platform=machine.subdir if machine else "",
                )
                _require_fit(built.wheels, plan, machine)
            except SolveError as error:
                if package.module not in spec.optional:
                    raise
                failed[package.module] = str(error)
                continue
            own = next((each for each in built.wheels if each.origin == project.url), None)
            itself = (own or project).requirement
            asked.append((package.module, itself(package.extras)))
            needed |= {*(each.requirement() for each in built.wheels), *built.references} - {itself()}
    must = {requirement for module, requirement in asked if module not in spec.optional}
    wishes = {requirement for _, requirement in asked} - must
    return Asked(tuple(asked), tuple(sorted(must | (needed - wishes))), tuple(sorted(wishes)), failed)


def _require_fit(wheels: Iterable[CachedWheel], plan: Plan, machine: Target | None) -> None:
    """Raise SolveError for a wheel that the machine which it is for does not take."""
    if machine is None:
        return
    taken = frozenset(platforms.tags_of(plan.python, plan.abi, machine))
    for each in wheels:
        if taken.isdisjoint(parse_wheel_filename(each.path.name)[3]):
            glibc = ".".join(map(str, machine.glibc))
            raise SolveError(
                f"{each.name}: its wheel {each.path.name} is not for {machine.subdir} with glibc {glibc}; "
                "build one on such a machine, and name that instead of the project"
            )


def install(spec: Spec, plan: Plan, wanted: Wanted, clock: Clock, installer: Installer) -> Lock:
    """Install all that is left, or what a lock says; return of what the environment is made.

    Notes what was compiled here and needs libraries that are not in the prefix. Raises SolveError when something is in
    no index, cannot be built or collides with what is there, UnreachableError when an index does not answer, PackError
    when files cannot be written, ChecksumError when a file is not the one that was locked.
    """
    if plan.locked:
        made = plan.locked
        if made.distributions:
            with clock.phase("install from PyPI"):
                installer.install_locked(made.distributions)
    else:
        distributions, dropped = _install_wanted(spec, plan, wanted, clock, installer)
        specs, records = plan.solution.specs, plan.solution.packages
        channels, target = plan.channels, plan.target
        made = Lock(spec, channels.platform, channels.urls, specs, records, distributions, dropped, target)
    # Nothing is compiled here where another interpreter installs.
    compiled = {} if installer.stand_in else foreign_libraries(installer.prefix)
    for distribution, libraries in compiled.items():
        needed = ", ".join(libraries)
        clock.progress.note(f"{distribution}: compiled on this machine; a worker, too, must have {needed}")
    return made


def _install_wanted(
    spec: Spec, plan: Plan, wanted: Wanted, clock: Clock, installer: Installer
) -> tuple[tuple[Distribution, ...], tuple[str, ...]]:
    """Install what no channel has; return the files, and the optional modules that are left out."""
    environment = Prefix(installer.prefix)
    builder = Path(installer.stand_in or environment.python)
    asked = gather(spec, plan, wanted, builder, clock, offline=installer.offline, machine=installer.machine)
    distributions: list[Distribution] = []
    refused: dict[str, str] = {}
    if asked.must or asked.wishes:

        def from_pypi(_: Sequence[str], requirements: Sequence[str]) -> None:
            with uv_pip.whole(installer.prefix) if asked.wishes else nullcontext():
                distributions.extend(installer.install(requirements))

        with clock.phase("install from PyPI"):
            _, refused = with_optional(from_pypi, asked.must, asked.wishes)
    dropped = asked.dropped(refused, clock)
    if wanted.files:
        with clock.phase("install local modules"):
            own = local_modules(spec, wanted, environment.site_packages, plan.python, installer.machine)
            installer.install_locked([own])  # it needs nothing: there is nothing to settle first
        distributions.append(own)
    return tuple(distributions), tuple(sorted({*plan.dropped, *dropped}))


def local_modules(spec: Spec, wanted: Wanted, site: Path, python: str, machine: Target | None = None) -> Distribution:
    """Return the wheel of the user's own modules.

    Raises SolveError when one collides with what is in site-packages, or was compiled for another platform.
    """
    for each in wanted.files if machine else ():
        from python_package import elf

        if machine and elf.is_one(each.file) and (other := elf.subdir(each.file)) != machine.subdir:
            raise SolveError(
                f"local modules: {each.file} is compiled for {other}, and the environment is for {machine.subdir}; "
                "name a project that has a wheel for it instead"
            )
    local_wheel.refuse_collisions(spec.local, wanted.files, site, standard_library(python))
    made = local_wheel.build(wanted.files)
    size = made.path.stat().st_size
    return Distribution(made.name, made.version, made.path.as_uri(), made.sha256, direct=True, size=size)


# ---- What was compiled on this machine may need what is on this machine, and no worker has to have that


def foreign_libraries(prefix: Path) -> dict[str, tuple[str, ...]]:
    """Return, by distribution, the libraries outside the prefix that what was compiled here is linked with.

    glibc's own are left out: every worker has them, in a version that the tarball's manifest asks for.
    """
    found = {}
    for name, files in _compiled(prefix):
        from python_package import elf  # reads ELF files: only where there are some

        loader = elf.read(Prefix(prefix).python.resolve()).loader or ""
        libraries = {library: where for file in files for library, where in elf.libraries(file, loader).items()}
        foreign = [library for library, where in libraries.items() if not (where and where.is_relative_to(prefix))]
        if foreign:
            found[name] = tuple(sorted(foreign))
    return found


def _compiled(prefix: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield the distributions that were compiled on this machine, with their shared objects.

    An index's wheels have other tags (PEP 600) and keep their own libraries with them.
    """
    for path in sorted(Prefix(prefix).site_packages.glob("*.dist-info/WHEEL")):
        built_here = any(each.startswith("linux_") for each in wheel.platforms(path.read_text("utf-8", "replace")))
        if built_here and path.with_name("RECORD").exists():
            lines = wheel.read_record(prefix, path.parent.relative_to(prefix).as_posix())
            files = (prefix / line.path for line in lines if re.search(r"\.so[.\d]*$", line.path))
            yield path.parent.name.split("-")[0], [file.resolve() for file in files if file.is_file()]
