"""The recipe: Spec -> prefix -> tarball."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from python_package.create import outputs as transaction
from python_package.create.clock import Clock
from python_package.create.outputs import Staged
from python_package.errors import PackError, UsageError, failing_as
from python_package.progress import Progress, Silent
from python_package.spec import Spec

if TYPE_CHECKING:
    from python_package.create.imported import Imports
    from python_package.create.requirements import Wanted
    from python_package.create.solve import Interpreter
    from python_package.lock import Lock

# What Conda itself refuses in a name, and what a shell or an option parser would misread.
_NAME = re.compile(r"[^\W-][\w.+@=,-]*\Z")
_RESERVED = ("base", "root")


@dataclass(frozen=True)
class Created:
    """What was made: the environment's prefix, its tarball, and the seconds that each phase took."""

    prefix: Path
    tarball: Path
    seconds: Mapping[str, float]


def validate_name(name: str) -> str:
    """Return the environment's name if Conda, a shell and a file system all take it; raise UsageError else."""
    if not _NAME.match(name) or name in _RESERVED or len(os.fsencode(name)) > 200:
        raise UsageError(
            f"{name!r} cannot name an environment: use letters, digits and any of _ . + @ = , - (not first: . -), "
            f"and none of {', '.join(_RESERVED)}"
        )
    return name


def create(
    spec: Spec,
    name: str,
    *,
    output: str | os.PathLike[str] | None = None,
    channels: Sequence[str] = (),
    offline: bool = False,
    interpreter: Interpreter = "auto",
    exact: bool = False,
    check: bool = True,
    mapping: Mapping[str, str] | None = None,
    strict_names: bool = False,
    python: str = "python3",
    lock: str | os.PathLike[str] | None = None,
    locked: Lock | None = None,
    sbom: str | os.PathLike[str] | None = None,
    command: str = "python_package.create",
    progress: Progress | None = None,
) -> Created:
    """Build the Conda environment `name` in the default directory of environments and pack it into `output`.

    Without `output` the tarball is `name`.tar.gz in the current directory.
    `channels`, `offline`, `interpreter`, `exact` and `python` are as in `plan.Sources`, `mapping` and `strict_names`
    as in `names.resolve`; `command` is what Conda's history will say was run. `lock` is a file that will say
    of what the environment was made; with `locked`, as `lock.document.load` reads it, just that is made again, and
    `channels` only say where folders are now. `sbom` is a file for a bill of materials (CycloneDX JSON). What has the
    name of the environment or of a file is replaced when the new ones are complete.

    Raises UsageError for a bad name, SpecError when a local module is not where the spec says or the lock is of another
    spec, SolveError when something is in no channel and no index, conflicts or cannot be built, UnreachableError when
    a channel or index does not answer, BrokenModuleError when a module does not import, ChecksumError when a file is
    not the one that was promised, and PackError when something cannot be written; after each of them, all that existed
    before is as it was.
    """
    validate_name(name)
    output = Path(output or f"{name}.tar.gz").absolute()
    lock = Path(lock).absolute() if lock is not None else None
    bill = Path(sbom).absolute() if sbom is not None else None
    outputs = [path for path in (output, lock, bill) if path]
    transaction.check(outputs)
    clock = Clock(progress or Silent())
    failing = failing_as(PackError, f"cannot make the environment {name}")
    with failing, ThreadPoolExecutor(1) as aside, clock.phase("prepare"):
        # Our own imports take as long as asking the user's interpreter where it imports from.
        resolving = aside.submit(_resolve, spec, python, mapping, strict_names) if locked is None else None
        from python_package.conda import condarc, lockfile, prefix
        from python_package.conda.records import PLATFORM
        from python_package.create import compiled, imported, making
        from python_package.create.solve import Sources

        config = condarc.load(PLATFORM)
        offline = offline or config.offline
        sources = Sources(config, tuple(channels), offline, interpreter, python, exact)
        wanted = resolving.result() if resolving else None
    with failing, transaction.stage(prefix.envs_dir(config), name, outputs) as staged:
        if wanted is not None:
            made = making.make(staged.path, spec, wanted, sources, clock)
        elif locked is not None:
            made = making.repeat(staged.path, spec, locked, sources, clock)
        for distribution, libraries in compiled.needs(staged.path).items():
            needed = ", ".join(libraries)
            clock.progress.note(f"{distribution}: compiled on this machine; a worker, too, must have {needed}")
        prefix.write_history(staged.path, made.specs, command)
        lockfile.write(staged.path, made)
        if lock:
            staged.write(lock, lockfile.to_text(made))
        chosen = wanted.chosen if wanted else ()
        imports = imported.imports(staged.path, made, chosen) if check else imported.Imports()
        _pack(staged, staged.partial(output), imports, clock)
        if bill:
            staged.write(bill, _bill(made, staged, staged.partial(output)))
        staged.commit()
        prefix.register(staged.target)
    return Created(staged.target, output, clock.seconds)


def _resolve(spec: Spec, python: str, mapping: Mapping[str, str] | None, strict: bool) -> Wanted:
    from python_package.create import requirements

    return requirements.resolve(spec, python, mapping=mapping, strict=strict)


def _pack(staged: Staged, partial: Path, imports: Imports, clock: Clock) -> None:
    """Pack the environment, make its imports meanwhile unless they are known to work, and prepare it for its place."""
    from python_package import pack as tarball
    from python_package.create.import_check import Check, Verdict
    from python_package.create.imported import faults

    wished = (*imports.optional, *imports.deferred)
    names = (*imports.needed, "?", *wished)
    with tarball.Packer(staged.path) as packer:
        known = Verdict(packer.id, names).known()
        with (
            Check(staged.path, () if known else imports.needed, imports.chosen) as checking,
            Check(staged.path, () if known else wished) as wishing,
        ):

            def packed(done: int, total: int) -> None:
                checking.stop_if_broken()
                clock.progress.packed(done, total)

            with clock.phase("pack"):
                packer.pack(partial, progress=packed)
            verdict = Verdict(packer.id, names)
            with clock.phase("check"):
                if not known and not verdict.known():
                    checking.finish()
                    missed = wishing.broken()
                    for kind, those in {"optional": imports.optional, "deferred": imports.deferred}.items():
                        if broken := {name: why for name, why in missed.items() if name in those}:
                            text = faults(broken, staged.path, imports.chosen)
                            clock.progress.note(f"{kind}, and does not import in the environment: {text}")
                    if not missed:
                        verdict.record(checking.used | wishing.used)
        packer.relocate(str(staged.target))


def _bill(made: Lock, staged: Staged, tarball: Path) -> str:
    """Return the bill of materials of an environment that is packed."""
    from python_package.create import sbom
    from python_package.pack import read

    return sbom.to_json(made, staged.path, staged.target.name, read(tarball).id)
