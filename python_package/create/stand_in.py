"""The interpreter of this machine that does for an environment what its own cannot: install, build, compile."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from packaging.version import Version

from python_package.errors import HostPythonError, SolveError
from python_package.host_python.interpreter import Interpreter, ask
from python_package.host_python.on_path import on_path
from python_package.pack import CompiledBy
from python_package.programs import Programs
from python_package.progress import Progress
from python_package.pypi import uv_pip
from python_package.spec import Index


@dataclass(frozen=True)
class StandIn:
    """What does in place of an environment's interpreter where that is of another platform, or does not run here."""

    programs: Programs

    @property
    def needed(self) -> bool:
        """Tell whether another one installs and builds: one of another platform is too slow where it runs at all."""
        return self.programs.foreign or bool(self.programs.obstacle)

    def uv(self, indexes: Sequence[Index], *, offline: bool, refresh: bool = False) -> uv_pip.Installer:
        """Return how uv installs; raise SolveError for a free-threaded Python, which only another one stands in for."""
        programs = self.programs
        if not self.needed:
            return uv_pip.Installer(programs.prefix, indexes, offline, programs.target, refresh=refresh)
        _, abi = uv_pip.python_of(programs.prefix)
        if abi.endswith("t") and not self._like:
            raise SolveError(
                f"the environment's python is free-threaded ({abi}) and does not run here, and uv installs for it only "
                "with a free-threaded python of this machine; put one of its version on PATH"
            )
        stand_in = str(self._like.executable) if self._like else sys.executable
        return uv_pip.Installer(programs.prefix, indexes, offline, programs.target, stand_in, refresh)

    @property
    def compiled_by(self) -> CompiledBy | None:
        """Return what compiles the modules, None for the environment's own interpreter."""
        if not self.needed:
            return None
        if self._like:
            return CompiledBy(str(self._like.executable), self._like.version)
        return CompiledBy() if self.programs.obstacle else None

    def tell(self, progress: Progress) -> None:
        """Note that nothing compiles the modules."""
        if self.compiled_by and not self.compiled_by.python:
            version, abi = uv_pip.python_of(self.programs.prefix)
            progress.note(
                f"the modules are not compiled, because this machine has no interpreter like python {version} ({abi}): "
                "each start on a worker takes longer; put one on PATH"
            )

    @cached_property
    def _like(self) -> Interpreter | None:
        """Return an interpreter of this machine that compiles modules to what the environment's can load.

        That is one of the same minor version and build, of all those one of the same patch version first.
        """
        version, abi = uv_pip.python_of(self.programs.prefix)
        found = None
        for python in _candidates(version, abi):
            try:
                each = ask(python)
            except HostPythonError:
                continue
            if each.tag == abi and each.version == version:
                return each
            if each.tag == abi and not (Version(each.version).is_prerelease or Version(version).is_prerelease):
                found = found or each
        return found


def _candidates(version: str, abi: str) -> Iterator[str]:
    """Yield the interpreters of this machine that may be like one, likeliest first."""
    minor = ".".join(version.split(".")[:2])
    if abi.endswith("t"):
        yield from filter(None, [shutil.which(f"python{minor}t")])
    yield sys.executable
    for wanted in (f"=={version}", f"=={minor}.*"):
        yield from (path for _, path in on_path(wanted))
