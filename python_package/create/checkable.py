"""Whether the modules of an environment can be imported on this machine; where they cannot, that is said."""

from __future__ import annotations

from python_package import elf, subprocesses
from python_package.create.options import CreateOptions
from python_package.errors import HostPythonError
from python_package.files.prefix import Prefix
from python_package.pack.microarchitecture import declared, rank
from python_package.programs import Programs, can_start
from python_package.progress import Progress
from python_package.run import executable
from python_package.target import Target, parse

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

    Raises HostPythonError for --require-check, and for what has to be checked.
    """
    if not options.check or options.check_with:
        return ""
    why = programs.obstacle or _newer(programs)
    if why and options.require_check:
        raise HostPythonError(f"--require-check: the modules cannot be imported here: {why}; {_HOW}")
    if why and (options.slim or options.check_command):
        option, otherwise = ("--check", "leave it out") if options.check_command else ("--slim", "add --no-check")
        raise HostPythonError(f"{option}: nothing can be checked here: {why}; {otherwise}, or try it there")
    return why


def tell(why: str, progress: Progress) -> None:
    """Note that no import was tried."""
    progress.note(f"the modules are not imported before the tarball ships: {why}; {_HOW}, or try it there")


def _newer(programs: Programs) -> str:
    """Return what an environment for a newer machine of this platform needs that this machine has not."""
    if programs.foreign or not programs.target:
        return ""
    here = _this_machine()
    level, package = declared(Prefix(programs.prefix).conda_packages()) or ("", "")
    needed, has = rank(level), rank(here.microarchitecture)
    if needed and has and needed > has:
        return f"{package} was built for {level}, and this machine has {here.microarchitecture}"
    if programs.target.glibc <= here.glibc:
        return ""
    needs = ((needs.glibc, path) for path in elf.find(programs.prefix) if (needs := elf.needs(path)))
    glibc, path = max(needs, default=((0, 0), programs.prefix))
    if glibc <= here.glibc:
        return ""
    file = path.relative_to(programs.prefix)
    return "{} needs glibc {}.{}, and this machine has {}.{}".format(file, *glibc, *here.glibc)


def _this_machine() -> Target:
    """Return this machine as its workers' wrapper would probe it."""
    argv = ["/bin/sh", str(executable()), "--probe"]
    return parse(subprocesses.run(argv, seconds=subprocesses.QUESTION_SECONDS).stdout, "this machine")
