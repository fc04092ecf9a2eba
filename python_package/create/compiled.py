"""What an installer compiled on this machine may need of this machine: no worker has to have that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

# An index's wheels of other tags keep their own libraries with them (PEP 600).
_BUILT_HERE = re.compile(r"(?m)^Tag: \S+-linux_\w+\r?$")


def needs(prefix: Path) -> dict[str, tuple[str, ...]]:
    """Return, by distribution, the libraries outside the prefix that what was compiled here is linked with.

    glibc's own are left out: every worker has them, in a version that the tarball's manifest asks for.
    """
    found = {}
    for name, files in _compiled(prefix):
        from python_package import elf  # reads ELF files: only where there are some

        loader = elf.read((prefix / "bin" / "python").resolve()).loader or ""
        libraries = {library: where for file in files for library, where in elf.libraries(file, loader).items()}
        foreign = [library for library, where in libraries.items() if not (where and where.is_relative_to(prefix))]
        if foreign:
            found[name] = tuple(sorted(foreign))
    return found


def _compiled(prefix: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield the distributions that were compiled on this machine, with their shared objects."""
    for wheel in sorted(prefix.glob("lib/python3*/site-packages/*.dist-info/WHEEL")):
        if _BUILT_HERE.search(wheel.read_text("utf-8", "replace")):
            record = wheel.with_name("RECORD")
            lines = record.read_text("utf-8", "replace").splitlines() if record.exists() else []
            paths = (wheel.parent.parent / line.split(",")[0] for line in lines if re.match(r"[^,]+\.so[.\d]*,", line))
            yield wheel.parent.name.split("-")[0], [path.resolve() for path in paths if path.is_file()]
