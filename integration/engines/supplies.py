"""What an engine's case needs beforehand: the submitting side's virtual environment, and the tarballs that travel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import conda_pack

from integration.cache import kept
from integration.engines.ways import LINES, Way

BIN = Path(sys.executable).parent
# What every environment that travels holds; f2py is an entry point of numpy.
CONTENT = ("numpy", "pandas")


@dataclass(frozen=True)
class Supplies:
    """The submitting side's virtual environment, and an environment that travels, packed in two ways when asked for."""

    venv: Path
    ours: Path
    prefix: Path

    def tarball(self, way: Way) -> Path:
        """Return the tarball that a way takes: python_package_create's, or conda-pack's of the same environment."""
        if way.tarball == "ours":
            return self.ours
        plain = self.ours.parent / "plain" / self.ours.name
        if not plain.exists():
            plain.parent.mkdir()
            conda_pack.pack(prefix=str(self.prefix), output=str(plain))
            plain.chmod(0o644)  # conda-pack makes it for its owner alone
        return plain


def prepare(folder: Path, name: str, packages: Sequence[str] = (), *, engine: str = "") -> Supplies:
    """Make an engine's virtual environment, and in `folder` an environment that travels, with what it needs there.

    The script is analyzed as the user of the virtual environment would: packages get the versions that are there.
    """
    venv = virtual_environment(packages)
    settings = {
        **os.environ,
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
        "CONDA_ENVS_PATH": str(folder / "envs"),
    }
    spec = str(folder / f"{name}.json")
    extra = [word for package in CONTENT for word in ("--extra-pkg", package)]
    extra += ["--for", engine] if engine else []
    _run([str(BIN / "python_package_analyze"), "--pin", *extra, str(LINES / "task.py"), spec], env=settings)
    _run([str(BIN / "python_package_create"), "-q", "--interpreter", "host", spec, name], env=settings, cwd=folder)
    return Supplies(venv, folder / f"{name}.tar.gz", folder / "envs" / name)


def virtual_environment(packages: Sequence[str]) -> Path:
    """Return a virtual environment of packages and CONTENT, made by uv from this interpreter and kept in our cache."""
    wanted = [*packages, *CONTENT]

    def make(folder: Path) -> None:
        uv, python = str(BIN / "uv"), str(folder / "bin" / "python")
        _run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)])
        _run([uv, "pip", "install", "--quiet", "--python", python, *wanted])

    return kept(f"engine-{packages[0] if packages else 'plain'}", [sys.version, sys.base_prefix, *wanted], make)


def _run(command: Sequence[str], env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: status {done.returncode}: {done.stderr[-3000:]}")
