"""Libraries that gcc makes for a test: what they need of a machine is known."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def library(path: Path, source: str = "int here;", options: Sequence[str] = ()) -> Path:
    """Compile C into a shared library; `options` are gcc's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(path), f"-Wl,-soname,{path.name}", *options]
    subprocess.run(command, input=source, text=True, check=True, timeout=60)
    return path


def linked(path: Path, *others: Path, source: str = "int here;", options: Sequence[str] = ()) -> Path:
    """Compile C into a shared library that needs others, whether it uses them or not."""
    folders = [f"-L{other.parent}" for other in others]
    needed = [f"-l:{other.name}" for other in others]
    return library(path, source, [*options, "-Wl,--no-as-needed", *folders, *needed])


def needing_glibc(path: Path, version: str, *, weakly: bool = False) -> Path:
    """Make a shared library that needs a glibc of the future, which no compiler here links to; or does without it."""
    source = "int puts(const char *);\n#pragma weak arc4random\nint arc4random(void);\n"
    data = library(path, source + 'int here(void) { return puts("") + arc4random(); }').read_bytes()
    old, new = "GLIBC_2.36", f"GLIBC_{version}"
    data = data.replace(old.encode(), new.encode()).replace(_elf_hash(old), _elf_hash(new))
    if weakly:
        flags = data.index(_elf_hash(new)) + 4
        data = data[:flags] + (2).to_bytes(2, sys.byteorder) + data[flags + 2 :]
    path.write_bytes(data)
    return path


def _elf_hash(name: str) -> bytes:
    """Return the hash of a version's name, as the ELF specification has it."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value & 0xF0000000) >> 24) & 0x0FFFFFFF
    return value.to_bytes(4, sys.byteorder)
