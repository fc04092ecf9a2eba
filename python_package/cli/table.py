"""A solved environment as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from python_package.create.dry_run import PlannedPackage

_UNITS = ("B", "kB", "MB", "GB")


def table(rows: Sequence[PlannedPackage]) -> str:
    """Return aligned columns: package, version, source, size, and what it is for."""
    cells = [("package", "version", "source", "size", "for")]
    cells += [(row.name, row.version, row.source, size(row.size), purpose(row)) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    return "".join(
        f"{name:{widths[0]}}  {version:{widths[1]}}  {source:{widths[2]}}  {bytes_:>{widths[3]}}  {why}".rstrip() + "\n"
        for name, version, source, bytes_, why in cells
    )


def size(count: int | None) -> str:
    """Return a number of bytes as people read it, in powers of 1000; ? if it is not known."""
    if count is None:
        return "?"
    value = float(count)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def purpose(row: PlannedPackage) -> str:
    """Return the modules that a package is for, else the packages that need it."""
    if row.modules:
        return ", ".join(row.modules)
    if row.name == "python":
        return "the interpreter"
    return f"needed by {', '.join(row.needed_by)}" if row.needed_by else ""
