"""The interpreters that this machine has, each its own installation: pyenv's, the system's, those on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

# The newest minor version that is old: in all up to here the standard library's own files have unusual names.
OLD = (3, 9)
_ASK = "import sys; print(*sys.version_info[:2], sys.base_prefix)"


@cache
def installed() -> dict[tuple[int, int], Path]:
    """Return one interpreter of each minor version."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [str(path) for path in sorted(root.glob("versions/*/bin/python3"))]
    candidates += [found for minor in range(6, 20) if (found := shutil.which(f"python3.{minor}"))]
    return {version: path for path in map(Path, candidates) if (version := _version(path))}


def system() -> Path:
    """Return the system's own python3, which distributions of Linux change in their ways."""
    return Path("/usr/bin/python3")


def _version(path: Path) -> tuple[int, int] | None:
    """Return an interpreter's minor version; None for a shim whose version is not there."""
    answer = subprocess.run([path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=60)
    words = answer.stdout.split()
    return (int(words[0]), int(words[1])) if answer.returncode == 0 else None
