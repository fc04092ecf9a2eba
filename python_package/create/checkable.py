"""Whether the modules of an environment can be imported on this machine; where they cannot, that is said."""

from __future__ import annotations

import os

from python_package import elf
from python_package.create.options import CreateOptions
from python_package.errors import HostPythonError
from python_package.programs import Programs, can_start
from python_package.progress import Progress
from python_package.target import version

_HOW = "name a command that runs its python with --check-with"


def require_platform(options: CreateOptions) -> None:
    """Raise HostPythonError where --require-check asks for what this machine cannot do for the target's platform."""
    target = options.target
    if options.require_check and not options.check_with and target and not can_start(target.subdir):
        raise HostPythonError(
            f"--require-check: no module can be imported here: this machine runs no programs of {target.subdir}; {_HOW}"
        )


def obstacle(programs: Programs, options: CreateOptions) -> str:
    """Return why no import is tried, "" where they are or nobody wants them.

    Raises HostPythonError for --require-check.
    """
    if not options.check or options.check_with:
        return ""
    why = programs.obstacle or _newer(programs)
    if why and options.require_check:
        raise HostPythonError(f"--require-check: the modules cannot be imported here: {why}; {_HOW}")
    return why


def tell(why: str, progress: Progress) -> None:
    """Note that no import was tried."""
    progress.note(f"the modules are not imported before the tarball ships: {why}; {_HOW}, or try it there")


def _newer(programs: Programs) -> str:
    """Return which file of an environment for a newer machine of this platform needs a newer glibc than this one's."""
    here = _glibc()
    if programs.foreign or not programs.target or programs.target.glibc <= here:
        return ""
    needs = ((needs.glibc, path) for path in elf.find(programs.prefix) if (needs := elf.needs(path)))
    needed, path = max(needs, default=((0, 0), programs.prefix))
    if needed <= here:
        return ""
    return "{} needs glibc {}.{}, and this machine has {}.{}".format(path.relative_to(programs.prefix), *needed, *here)


def _glibc() -> tuple[int, int]:
    """Return this machine's glibc, (0, 0) where it has none."""
    try:
        return version((os.confstr("CS_GNU_LIBC_VERSION") or "").removeprefix("glibc "))
    except ValueError:
        return 0, 0
