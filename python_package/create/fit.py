"""Whether an environment fits the machine that it is for: what its files turned out to need is compared with it."""

from __future__ import annotations

from collections.abc import Collection

from python_package.errors import SolveError
from python_package.pack import Manifest
from python_package.pack.microarchitecture import rank
from python_package.pack.needs import DRIVER
from python_package.progress import Progress
from python_package.target import Target


def check(needs: Manifest, target: Target | None, allowed: Collection[str], progress: Progress) -> None:
    """Raise SolveError if the target is too old for an environment; note the driver's library that it lacks.

    `allowed` are libraries of which nothing is said. Without a target nothing is: it runs here.
    """
    if not target:
        return
    glibc = tuple(map(int, needs.glibc.split("."))) if needs.glibc != "none" else ()
    if glibc > target.glibc:
        has = "{}.{}".format(*target.glibc)
        raise SolveError(
            f"{needs.glibc_of or 'a package'} needs glibc {needs.glibc}, and {target} has {has}; ask for a version of "
            "the package that was built for older systems"
        )
    level, package = needs.microarchitecture or ("", "")
    needed, there = rank(level), rank(target.microarchitecture)
    if needed and there and needed > there:
        raise SolveError(
            f"{package} was built for {level}, and {target} has {target.microarchitecture}; ask for a build of it for "
            "older processors"
        )
    lacking = {name: path for name, path in needs.libraries if DRIVER.fullmatch(name) and name not in allowed}
    if lacking and not target.cuda:
        files = ", ".join(f"{name} ({path} needs it)" for name, path in lacking.items())
        progress.note(f"{target} has no CUDA driver, which would bring {files}: what loads it fails there")


def note_needless(allowed: Collection[str], needs: Manifest, missed: Collection[str], progress: Progress) -> None:
    """Note the libraries that were allowed to be missing and that nothing needed; imports `missed` some."""
    needed = {*missed, *(name for name, _ in needs.libraries)}
    for name in allowed:
        if name not in needed:
            progress.note(f"--allow-missing {name}: no file is linked to it, and no import failed for want of it")
