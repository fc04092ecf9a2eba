"""How an environment is made: one value, built once and read by every step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from python_package.errors import UsageError

if TYPE_CHECKING:
    from python_package.lock import Lock
    from python_package.target import Target


@dataclass(frozen=True)
class CreateOptions:
    """How `create_environment` makes an environment; each field has the default of the command's option.

    `output`: the tarball's path; NAME.tar.gz in the current directory if it is None.
    `channels`: where packages come from, in place of the channels of the dependency file and of the condarc.
    `offline`: use only what the caches hold.
    `refresh`: ask channels and indexes anew what they have, whatever they said a few minutes ago.
    `interpreter`: where python comes from: a channel, this host's own `python`, which is packaged for that, or `auto`:
    the host's when no channel answers and its version is the one that is asked for.
    `exact`: refuse a later patch release of python in place of one that the channels lack.
    `check`: import the modules before the environment ships.
    `links`: whether the tarball may hold symbolic links, which some readers pass over; else it holds copies.
    `mapping`: the package that provides an import, by the import's name.
    `strict_names`: refuse a package that is only assumed to provide an import.
    `python`: the user's own interpreter.
    `self_contained`: also write the tarball together with python_package_run as one file, NAME.sh beside the tarball.
    `base`: an earlier tarball: NEW.delta, written beside NEW.tar.gz, has only what that one lacks.
    `lock`: a file to write that says what the environment is made of.
    `locked`: a lock to make again, just as it says; `channels` then only say where folders are now.
    `sbom`: a file to write with a bill of materials (CycloneDX JSON).
    `dry_run`: solve and list the packages, but make nothing.
    `target`: the machine that the environment is for; this one if it is None.
    `require_check`: refuse to ship what cannot be imported here because it is for another machine.
    `check_with`: the words of a command that runs the interpreter of another platform for the imports, such as
    `qemu-aarch64`, before the interpreter's own.
    `allow_missing`: libraries of a worker that may be missing here, such as libcuda.so.1.
    `slim`: the kinds of files that are left out of the tarball, as --slim names them; the environment has them all.
    `check_command`: a shell command that must succeed in the environment, without what is left out.
    `command`: what Conda's history says was run.
    """

    output: str | os.PathLike[str] | None = None
    channels: tuple[str, ...] = ()
    offline: bool = False
    refresh: bool = False
    interpreter: Literal["auto", "channel", "host"] = "auto"
    exact: bool = False
    check: bool = True
    links: bool = True
    mapping: Mapping[str, str] = field(default_factory=dict)
    strict_names: bool = False
    python: str = "python3"
    self_contained: bool = False
    base: str | os.PathLike[str] | None = None
    lock: str | os.PathLike[str] | None = None
    locked: Lock | None = None
    sbom: str | os.PathLike[str] | None = None
    dry_run: bool = False
    target: Target | None = None
    require_check: bool = False
    check_with: tuple[str, ...] = ()
    allow_missing: tuple[str, ...] = ()
    slim: tuple[str, ...] = ()
    check_command: str = ""
    command: str = "python_package.create_environment"

    @property
    def platform(self) -> str:
        """Return the platform that the environment is for, as Conda names it."""
        from python_package.conda.records import PLATFORM

        target = self.target or (self.locked and self.locked.target)
        return target.subdir if target else PLATFORM

    def __post_init__(self) -> None:
        """Refuse what would have two meanings."""
        if self.locked and self.dry_run:
            raise UsageError("a dry run has no meaning with a lock, which solves nothing")
        if self.require_check and not self.check:
            raise UsageError("--require-check has no meaning with --no-check")
        if self.check_with and not self.check:
            raise UsageError("--check-with has no meaning with --no-check")
        if self.slim:
            from python_package.pack import slim

            slim.parse(",".join(self.slim))
        if self.check_command and not self.check:
            raise UsageError("--check has no meaning with --no-check")
        if self.check_command and self.check_with:
            raise UsageError("--check has no meaning with --check-with, which only makes imports")
        if self.check_with and not shutil.which(self.check_with[0]):
            raise UsageError(f"--check-with {self.check_with[0]}: no such program, or it may not be run")
