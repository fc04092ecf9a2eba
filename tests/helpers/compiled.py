"""Libraries that gcc makes for a test: what they need of a machine is known."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def library(path: Path, source: str = "int here;", options: Sequence[str] = ()) -> Path:
    """Compile C into a shared library; `options` are gcc's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(path), f"-Wl,-soname,{path.name}", *options]
    subprocess.run(command, input=source, text=True, check=True, timeout=60)
    return path


def linked(path: Path, *others: Path, source: str = "int here;") -> Path:
    """Compile C into a shared library that needs others, whether it uses them or not."""
    folders = [f"-L{other.parent}" for other in others]
    return library(path, source, ["-Wl,--no-as-needed", *folders, *(f"-l:{other.name}" for other in others)])
