"""Spec -> prefix -> tarball: one pipeline, whose steps are called in the order in which they run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from python_package.create import outputs
from python_package.create.options import CreateOptions
from python_package.create.outputs import Staged
from python_package.errors import BrokenModuleError, PackError, UsageError, failing_as
from python_package.files import disk
from python_package.progress import Clock, Progress, Silent
from python_package.run import self_contained
from python_package.spec import Spec

if TYPE_CHECKING:
    from python_package.conda.condarc import Condarc
    from python_package.create.checked_imports import Imports
    from python_package.create.dry_run import PlannedPackage
    from python_package.create.requirements import Wanted
    from python_package.create.solve import Plan
    from python_package.create.stand_in import StandIn
    from python_package.lock import Lock
    from python_package.pack import Base, Manifest, Packer
    from python_package.target import Target

# What Conda itself refuses in a name, and what a shell or an option parser would misread.
_NAME = re.compile(r"[^\W-][\w.+@=,-]*\Z")
_RESERVED = ("base", "root")


@dataclass(frozen=True)
class Created:
    """What was made.

    `prefix`: where the environment is; only its name where just a tarball was made, or nothing.
    `tarball`: the environment's tarball; after a dry run where it would be.
    `seconds`: how long each phase took.
    `packages`: what the environment would have; only after a dry run.
    `target`: the machine that it is for, if it is not one like this.
    `difference`: what the tarball has and the base has not, if a base was given.
    """

    prefix: Path
    tarball: Path
    seconds: Mapping[str, float]
    packages: tuple[PlannedPackage, ...] = ()
    target: Target | None = None
    difference: Path | None = None


def validate_name(name: str) -> str:
    """Return the environment's name if Conda, a shell and a file system all take it; raise UsageError else."""
    if not _NAME.match(name) or name in _RESERVED or len(os.fsencode(name)) > 200:
        raise UsageError(
            f"{name!r} cannot name an environment: use letters, digits and any of _ . + @ = , - (not first: . -), "
            f"and none of {', '.join(_RESERVED)}"
        )
    return name


def create_environment(
    spec: Spec,
    name: str | None,
    options: CreateOptions = CreateOptions(),  # noqa: B008  # a frozen value
    progress: Progress | None = None,
) -> Created:
    """Build the Conda environment `name` in the default directory of environments and pack it into a tarball.

    Without a name, only the tarball `options.output` is made, and the environment that it is made of does not stay.
    What has the name of the environment or of a file is replaced when the new ones are complete.

    Raises UsageError for a bad name or for none at all, SpecError when a local module is not where the spec says or the
    lock is of another spec, SolveError when something is in no channel and no index, conflicts or cannot be built,
    UnreachableError when a channel or index does not answer, BrokenModuleError when a module does not import,
    ChecksumError when a file is not the one that was promised, and PackError when something cannot be written; after
    each of them, all that existed before is as it was.
    """
    title = _title(name, options)
    with failing_as(PackError, f"cannot make the environment {title}"):
        tarball = Path(options.output or f"{name}.tar.gz").absolute()
        lock, bill = (Path(file).absolute() if file else None for file in (options.lock, options.sbom))
        script = _beside(tarball, ".sh") if options.self_contained else None
        base = _base(options, tarball)
        delta = _beside(tarball, ".delta") if base else None
        files = [file for file in (tarball, script, delta, lock, bill) if file]
        outputs.check([] if options.dry_run else files)
        clock = Clock(progress or Silent())
        wanted, condarc, options = _prepare(spec, options, clock)
        from python_package.conda import environments, lockfile
        from python_package.create import checkable, dry_run, solve
        from python_package.create.checked_imports import Imports, imports

        with nullcontext() if options.dry_run else outputs.stage(environments.envs_dir(condarc), name, files) as staged:
            plan = solve.plan(spec, wanted, options, condarc, clock)
            if staged is None:
                planned = dry_run.packages(spec, plan, wanted, options, clock)
                return Created(Path(title), tarball, clock.seconds, planned, options.target)
            made, here = _fill(staged, spec, plan, wanted, options, clock)
            if lock:
                with staged.writing(lock) as file:
                    file.write(lockfile.to_text(made).encode())
            if why := checkable.obstacle(here.programs, options):
                checkable.tell(why, clock.progress)
                options = replace(options, check=False)
            checked = imports(staged.path, made, wanted.chosen) if options.check else Imports()
            manifest = _pack(staged, tarball, checked, clock, here, options, base)
            if script:
                _write_script(staged, script, tarball)
            if bill:
                from python_package.create import sbom

                with staged.writing(bill) as file:
                    file.write(sbom.to_json(made, staged.path, title, manifest).encode())
            staged.commit()
            if staged.target:
                environments.register(staged.target)
            prefix = staged.target or Path(title)
            return Created(prefix, tarball, clock.seconds, target=options.target, difference=delta)


def _write_script(staged: Staged, script: Path, tarball: Path) -> None:
    """Write the wrapper and the tarball in one file."""
    with staged.writing(script) as file, staged.partial(tarball).open("rb") as packed:
        file.write(self_contained())
        disk.copy(packed, file, 0, os.fstat(packed.fileno()).st_size)


def _beside(tarball: Path, suffix: str) -> Path:
    return tarball.with_name(f"{tarball.name.removesuffix('.tar.gz')}{suffix}")


def _base(options: CreateOptions, tarball: Path) -> Base | None:
    """Return the tarball that a difference is to begin from, if one is asked for."""
    if not options.base:
        return None
    from python_package.pack import read_base

    path = Path(options.base).absolute()
    if os.path.realpath(path) == os.path.realpath(tarball):
        raise UsageError(
            f"--base {options.base} would be replaced by the new tarball; give the environment another name"
        )
    return read_base(path)


def _title(name: str | None, options: CreateOptions) -> str:
    """Return what messages call the environment; raise UsageError where neither it nor its tarball has a name."""
    if name is not None:
        return validate_name(name)
    if not options.output:
        raise UsageError("an environment without a name needs a name for its tarball")
    return Path(options.output).name.removesuffix(".tar.gz")


def _prepare(spec: Spec, options: CreateOptions, clock: Clock) -> tuple[Wanted, Condarc, CreateOptions]:
    """Resolve the names and read the condarc, which may name a platform or say that this machine is offline.

    Our own imports take as long as asking the user's interpreter where it imports from.
    """
    from python_package.create import requirements

    with ThreadPoolExecutor(1) as aside, clock.phase("prepare"):
        resolving = aside.submit(requirements.resolve, spec, options)
        from python_package.conda import condarc
        from python_package.create import checkable, machine

        config = condarc.load(options.platform, named=machine.is_named(options.target))
        target = machine.choose(options, config.platform, clock.progress)
        options = replace(options, target=target, offline=options.offline or config.offline)
        checkable.require_platform(options)
        return resolving.result(), config, options


def _fill(
    staged: Staged, spec: Spec, plan: Plan, wanted: Wanted, options: CreateOptions, clock: Clock
) -> tuple[Lock, StandIn]:
    """Link and install all that was planned; return of what the environment is made, and who stands in for its python.

    Raises HostPythonError where it cannot be checked as it is to be.
    """
    from python_package.conda import environments, lockfile
    from python_package.create import checkable, install
    from python_package.create.stand_in import StandIn
    from python_package.programs import Programs

    here = StandIn(Programs(staged.path, options.target))
    with clock.phase("link"):
        plan.channels.link(plan.solution, staged.path, clock.progress, programs=here.programs)
    if options.require_check:
        checkable.obstacle(here.programs, options)  # before the long work
    installer = here.uv(spec.indexes, offline=options.offline, refresh=options.refresh)
    made = install.install(spec, plan, wanted, clock, installer)
    environments.write_history(staged.path, made.specs, options.command)
    lockfile.write(staged.path, made)
    here.tell(clock.progress)
    return made, here


def _pack(
    staged: Staged,
    tarball: Path,
    imports: Imports,
    clock: Clock,
    here: StandIn,
    options: CreateOptions,
    base: Base | None,
) -> Manifest:
    """Pack the environment, and once more with what an import or the user's own check fails without."""
    from python_package.create import slimming
    from python_package.pack import Packer

    def packing(kinds: Sequence[str]) -> Packer:
        return Packer(staged.path, links=options.links, compiled_by=here.compiled_by, slim=kinds)

    try:
        return _pack_once(staged, tarball, imports, clock, packing(options.slim), options, base)
    except BrokenModuleError:
        if not options.slim:
            raise
    with clock.phase("slim"):
        kinds = slimming.survivors(packing, staged.path, imports, options, clock.progress)
    options = replace(options, slim=kinds)
    return _pack_once(staged, tarball, imports, clock, packing(kinds), options, base, settled=True)


def _pack_once(
    staged: Staged,
    tarball: Path,
    imports: Imports,
    clock: Clock,
    packing: Packer,
    options: CreateOptions,
    base: Base | None,
    *,
    settled: bool = False,
) -> Manifest:
    """Pack the environment, make its imports meanwhile, and prepare it for its place; return its manifest.

    Imports that may fail must not do so for what is left out, until that is `settled`.
    """
    from python_package.create import fit, slimming
    from python_package.create.import_check import ImportCheck

    allowed = options.allow_missing
    with packing as packer, ExitStack() as stack:
        check = partial(ImportCheck, imports=imports, content=packer.id, allowed=allowed, runner=options.check_with)
        checking, place = check(staged.path), staged.path
        if options.check and (options.check_command or (options.slim and not checking.known)):
            place = stack.enter_context(slimming.copied(packer, staged.path))
            checking = check(place, strict=bool(options.slim) and not settled)
        with checking.running():

            def packed(done: int, total: int) -> None:
                checking.stop_if_broken()
                clock.progress.packed(done, total)

            with clock.phase("pack"):
                made = packer.pack(staged.partial(tarball), progress=packed, unchecked=not options.check)
            fit.check(made, options.target, allowed, clock.progress)
            with clock.phase("check"):
                checking.finish(made.id, clock.progress)
                if options.check_command:
                    slimming.require(options.check_command, place)
        if base:
            with clock.phase("difference"), staged.writing(_beside(tarball, ".delta")) as file:
                packer.write_difference(file, base, staged.partial(tarball))
        fit.note_needless(allowed, made, checking.missed_libraries, clock.progress)
        if staged.target:
            packer.relocate(str(staged.target))
        return made
