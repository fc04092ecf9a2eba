"""What is of another platform, which no machine of ours runs."""

from __future__ import annotations

from pathlib import Path

# The beginning of an ELF file of s390x: 64 bits, big endian, no segments. It is whole for readers, and no kernel of
# another machine starts it, since emulators compare more than they find here: it is of no type.
_S390X = b"\x7fELF\2\2\1".ljust(16, b"\0") + bytes.fromhex("0000 0016 00000001".replace(" ", ""))
HEADER = (_S390X + bytes(28)).ljust(52, b"\0") + bytes.fromhex("0040 0000 0000 0000 0000 0000".replace(" ", ""))


def write_foreign_python(prefix: Path, version: str = "3.12.1") -> Path:
    """Write an environment with a python of s390x, as its files and Conda's record of it tell; return its folder."""
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/python").write_bytes(HEADER)
    (prefix / "bin/python").chmod(0o755)
    (prefix / "conda-meta").mkdir()
    (prefix / f"conda-meta/python-{version}-h0_0.json").write_text("{}")
    minor = ".".join(version.split(".")[:2])
    (prefix / f"lib/python{minor}/site-packages").mkdir(parents=True)
    return prefix


def aarch64_python() -> bytes:
    """Return the beginning of an ELF file of aarch64, of no type either."""
    head = b"\x7fELF\2\1\1".ljust(16, b"\0") + bytes.fromhex("0000b70001000000")
    return (head + bytes(28)).ljust(52, b"\0") + bytes.fromhex("400000000000000000000000")
