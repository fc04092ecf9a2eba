"""An environment that exists -> its tarball; nothing is solved, installed or changed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from python_package.create import Created, checkable, outputs
from python_package.create.import_check import Check
from python_package.create.stand_in import StandIn
from python_package.errors import PackageError, PackError, SpecNotFoundError, failing_as
from python_package.files.prefix import Prefix
from python_package.lock import FILE
from python_package.pack import Packer
from python_package.programs import Programs
from python_package.progress import Clock, Progress


def find(argument: str) -> Path:
    """Return the environment that a folder or a name stands for.

    Raises SpecNotFoundError for what is neither.
    """
    from python_package.conda import condarc, environments
    from python_package.conda.records import PLATFORM

    folder = Path(argument)
    if (folder / "conda-meta").is_dir():
        return _placed(folder)
    config = condarc.load(PLATFORM)
    is_name = "/" not in argument and not argument.startswith(".")
    found = environments.find(argument, config) if is_name else None
    if found or folder.is_dir():
        return _placed(found or folder)
    tried = ", ".join(map(str, environments.envs_dirs(config)))
    raise SpecNotFoundError(
        f"{argument}: no such file or directory; expected a dependency file, or a Conda environment's folder or name "
        f"(looked for in {tried})"
    )


def _placed(folder: Path) -> Path:
    """Return the path that the environment's own scripts have for it, where several lead there."""
    here, real = Path(os.path.normpath(folder.absolute())), folder.resolve()
    for script in (real / "bin").glob("*") if here != real else ():
        with suppress(OSError), script.open("rb") as file:
            if os.fsencode(f"{real}/bin/") in file.read(512):
                return real
    return here


def _changed(lock: Path) -> str:
    """Return what an environment of ours has that its lock file does not say."""
    from python_package.conda import lockfile

    try:
        return lockfile.outdated(lockfile.load(lock), lock) if lock.exists() else ""
    except PackageError as error:
        return str(error)


def pack(
    prefix: Path, output: str | os.PathLike[str], progress: Progress, *, check: bool = True, links: bool = True
) -> Created:
    """Pack the environment at `prefix` as it is; note what its lock file, which goes along, does not say.

    Without `check` its python is not started, nor is one that cannot run here; without `links` the tarball has copies
    in place of symbolic links.

    Raises PackError for what cannot be packed, BrokenModuleError if its python does not start.
    """
    tarball, clock = Path(output).absolute(), Clock(progress)
    with failing_as(PackError, f"cannot pack {prefix}"):
        outputs.check([tarball])
        here = StandIn(Programs(prefix))
        if check and (why := here.programs.obstacle):
            checkable.tell(why, progress)
            check = False
        here.tell(progress)
        with Packer(prefix, links=links, compiled_by=here.compiled_by) as packer:
            if not Prefix(prefix).python.exists():
                raise PackError(f"cannot pack {prefix}: it has no bin/python, which python_package_run would start")
            if changed := _changed(prefix / FILE):
                progress.note(f"the lock file in {prefix} no longer says what is packed: {changed}")
            with clock.phase("check"), Check(prefix, ("sys",) if check else ()) as starts:
                starts.finish()
            with clock.phase("pack"):
                packer.pack(tarball, progress=clock.progress.packed, unchecked=not check)
    return Created(Path(prefix.name), tarball, clock.seconds)
