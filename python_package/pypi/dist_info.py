"""What pip and uv left beside a distribution: its RECORD, and the tags of the wheel that it came in."""

from __future__ import annotations

import base64
import csv
import io
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# The glibc of the manylinux tags that came before the tag itself named it (PEP 513, 571, 599).
_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@dataclass(frozen=True)
class RecordLine:
    """A line of RECORD: the path from the prefix, the sha256 in hex or "", the size or -1."""

    path: str
    sha256: str = ""
    size: int = -1


def read_record(prefix: Path, dist_info: str) -> tuple[RecordLine, ...]:
    """Read the RECORD of an installed distribution, whose .dist-info folder is a path from the prefix."""
    text = (prefix / dist_info / "RECORD").read_text("utf-8", "surrogateescape")
    base = posixpath.dirname(dist_info)
    lines = []
    for row in csv.reader(io.StringIO(text)):
        if row:
            path, digest, size = (*row, "", "")[:3]
            sha256 = _unpad(digest[7:]) if digest.startswith("sha256=") else ""
            lines.append(RecordLine(posixpath.normpath(posixpath.join(base, path)), sha256, int(size or -1)))
    return tuple(lines)


def format_record(dist_info: str, lines: Iterable[RecordLine]) -> bytes:
    """Return RECORD as pip and uv write it."""
    base = posixpath.dirname(dist_info)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for line in lines:
        digest = base64.urlsafe_b64encode(bytes.fromhex(line.sha256)).decode().rstrip("=")
        size = str(line.size) if line.size >= 0 else ""
        writer.writerow((posixpath.relpath(line.path, base), digest and f"sha256={digest}", size))
    return out.getvalue().encode("utf-8", "surrogateescape")


def platforms(wheel: str) -> tuple[str, ...]:
    """Return the platform tags of a WHEEL file, each once."""
    tags = re.findall(r"(?m)^Tag: \S+?-\S+?-(\S+)\r?$", wheel)
    return tuple(dict.fromkeys(platform for tag in tags for platform in tag.split(".")))


def glibc(platforms: Iterable[str]) -> tuple[int, int] | None:
    """Return the least glibc that a wheel with these platform tags says it runs on; None where it says nothing."""
    found = []
    for platform in platforms:
        if match := re.match(r"manylinux_(\d+)_(\d+)_", platform):
            found.append((int(match[1]), int(match[2])))
        found += [floor for name, floor in _MANYLINUX.items() if platform.startswith(name + "_")]
    return min(found, default=None)


def _unpad(digest: str) -> str:
    try:
        return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
    except ValueError:
        return ""
