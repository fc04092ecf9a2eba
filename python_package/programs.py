"""Whether the programs of an environment, or of a platform, run on this machine: here alone that is decided."""

from __future__ import annotations

import errno
import os
import struct
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from python_package import elf, subprocesses
from python_package.errors import HostPythonError, ProgramError
from python_package.files import scratch
from python_package.files.prefix import Prefix
from python_package.target import Target

# Conda's platform -> the number of its machine in an ELF header, and code for it that ends with exit(0).
_EXITS = {
    "linux-64": (62, bytes.fromhex("31ff b83c000000 0f05")),
    "linux-aarch64": (183, bytes.fromhex("000080d2 a80b80d2 010000d4")),
}
_ADDRESS, _HEADERS = 0x400000, 64 + 56


@dataclass(frozen=True)
class Programs:
    """The programs of an environment; `target` is the machine that it was made for, None for this one.

    A program of another platform runs where the kernel knows an emulator for it (binfmt_misc).
    """

    prefix: Path
    target: Target | None = None

    @cached_property
    def foreign(self) -> bool:
        """Tell whether they are of another platform; a python that is no ELF file is of any."""
        kind = elf.kind(Prefix(self.prefix).python)
        return bool(kind) and kind != elf.kind(Path(sys.executable))

    @cached_property
    def obstacle(self) -> str:
        """Return why they do not run here, "" where they do; only what may not run is started, once."""
        python = Prefix(self.prefix).python
        if not (self.foreign or self.target) or not python.exists():
            return ""
        try:
            done = subprocesses.run([python, "-I", "-S", "-c", ""], seconds=subprocesses.QUESTION_SECONDS)
        except ProgramError as error:
            why = str(error)
        else:
            why = (done.stderr.strip().splitlines() or [f"python exited with {done.code}"])[-1] if done.code else ""
        return f"this machine cannot run python of {self._platform}: {why}" if why else ""

    @property
    def _platform(self) -> str:
        try:
            return elf.subdir(Prefix(self.prefix).python)
        except HostPythonError:
            return "another platform"


def can_start(platform: str) -> bool:
    """Tell whether this machine starts programs of a platform at all, its own or through an emulator."""
    machine, code = _EXITS[platform]
    size = _HEADERS + len(code)
    entry = _ADDRESS + _HEADERS
    ident = b"\x7fELF\2\1\1".ljust(16, b"\0")
    header = struct.pack("<16sHHIQQQIHHHHHH", ident, 2, machine, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _ADDRESS, _ADDRESS, size, size, 0x10000)
    with scratch.folder() as folder:
        program = folder / "exit"
        program.write_bytes(header + segment + code)
        program.chmod(0o755)
        try:
            return subprocesses.run([program], seconds=subprocesses.QUESTION_SECONDS).code == 0
        except ProgramError as error:
            return os.strerror(errno.ENOEXEC) not in str(error)  # a folder for temporary files may be noexec
