"""Compile modules for a package, as conda-forge's packages are."""

from __future__ import annotations

import os
from pathlib import Path

from python_package import subprocesses


def compile_all(python: Path, folder: Path, shown: str) -> str:
    """Compile every module below a folder, which tracebacks call `shown`; return what the interpreter complained of.

    Unchecked hash-based pycs: linking, packing and unpacking an environment may each change a file's time, which
    would make timestamped ones stale; and nobody edits the library of a packed environment, so that rereading every
    source to check its hash would buy nothing.
    """
    # -B, else what compileall itself imports would have timestamped ones, which it takes for fresh.
    command = [str(python), "-B", "-s", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # One process, one order, no random hashes: marshal's output depends on each of them. Files that are broken on
    # purpose (lib2to3's fixtures) make it exit 1, so the outcome is judged by what is there.
    result = subprocesses.run(
        [*command, "-d", shown, str(folder.absolute())],
        env={"PATH": os.defpath, "PYTHONHASHSEED": "0"},
        seconds=subprocesses.TOOL_SECONDS,
    )
    return result.stderr.strip()
