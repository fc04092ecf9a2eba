"""A python3 that answers what a test wants."""

from __future__ import annotations

from pathlib import Path


def fake_python(folder: Path, body: str, name: str = "fake-python3") -> str:
    """Write a shell script in the place of an interpreter; return its path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)
