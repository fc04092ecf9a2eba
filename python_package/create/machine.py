"""Which machine the environment is for: --target, Conda's settings, a lock, or this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from python_package.conda import condarc
from python_package.conda.records import PLATFORM
from python_package.create.options import CreateOptions
from python_package.errors import SpecError
from python_package.lock import Lock
from python_package.progress import Progress
from python_package.target import PLATFORMS, Target, of_platform, overridden


def is_named(target: Target | None) -> bool:
    """Tell whether the user has named the platform itself, which no setting changes then, as for Conda."""
    return bool(target and target.name == target.subdir)


def platform(target: Target | None) -> str:
    """Return the platform of a target, or of this machine, where Conda's settings do not name another."""
    return condarc.load(target.subdir if target else PLATFORM, named=is_named(target)).platform


def choose(
    options: CreateOptions, subdir: str, progress: Progress, environ: Mapping[str, str] = os.environ
) -> Target | None:
    """Return the target, None for this machine; `subdir` is the platform that Conda's settings leave.

    Raises SolveError for a variable that says nothing valid, SpecError for a lock of another machine.
    """
    target = options.target
    if target is None and subdir != options.platform:
        target = of_platform(subdir)
    elif target and subdir != target.subdir:
        progress.note(f"the Conda configuration's subdir, {subdir}, counts in place of {target.subdir} of {target}")
        target = replace(target, subdir=subdir, microarchitecture=PLATFORMS[subdir])
    target = target and overridden(target, environ)
    return _of_lock(options.locked, target) if options.locked else target


def _of_lock(lock: Lock, target: Target | None) -> Target | None:
    """Return the target of a lock, which must be the one that is asked for, if one is."""
    if target is None or target == lock.target:
        return lock.target
    what = lock.target.differences(target) if lock.target else f"it names none, and was made for {lock.platform}"
    raise SpecError(
        f"the lock is for another target than {target}: {what}; leave the target out to make again what was locked, "
        "or make a lock for it with --lock"
    )
