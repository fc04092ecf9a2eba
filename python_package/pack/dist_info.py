"""What pip and uv left beside a distribution: its RECORD, its tags, where it came from."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@dataclass(frozen=True)
class Recorded:
    """A line of RECORD: the path from the prefix, the sha256 in hex or "", the size or -1."""

    path: str
    sha256: str
    size: int


def read_record(prefix: Path, dist_info: str) -> tuple[Recorded, ...]:
    """Read the RECORD of an installed distribution."""
    text = (prefix / dist_info / "RECORD").read_text("utf-8", "surrogateescape")
    base = os.path.dirname(dist_info)
    lines = []
    for row in csv.reader(io.StringIO(text)):
        if row:
            path, digest, size = (*row, "", "")[:3]
            sha256 = _unpad(digest[7:]) if digest.startswith("sha256=") else ""
            lines.append(Recorded(os.path.normpath(os.path.join(base, path)), sha256, int(size or -1)))
    return tuple(lines)


def format_record(dist_info: str, lines: Iterable[Recorded]) -> bytes:
    """Return RECORD as pip and uv write it."""
    base = os.path.dirname(dist_info)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for line in lines:
        digest = "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(line.sha256)).decode().rstrip("=")
        writer.writerow(
            (
                os.path.relpath(line.path, base),
                digest if line.sha256 else "",
                str(line.size) if line.size >= 0 else "",
            )
        )
    return out.getvalue().encode("utf-8", "surrogateescape")


def platforms(text: str) -> tuple[str, ...]:
    """Return the platform tags of a WHEEL file, each once."""
    tags = re.findall(r"(?m)^Tag: \S+?-\S+?-(\S+)\r?$", text)
    return tuple(dict.fromkeys(platform for tag in tags for platform in tag.split(".")))


def glibc(platforms: Iterable[str]) -> tuple[int, int] | None:
    """Return the least glibc that a wheel says it runs on; None where it says nothing."""
    found = []
    for platform in platforms:
        if match := re.match(r"manylinux_(\d+)_(\d+)_", platform):
            found.append((int(match[1]), int(match[2])))
        found += [floor for name, floor in _LEGACY.items() if platform.startswith(name + "_")]
    return min(found, default=None)


def direct_url(data: bytes) -> bytes:
    """Return direct_url.json without the folder that a local file was installed from."""
    try:
        value = json.loads(data)
        url = value["url"]
    except (ValueError, KeyError, TypeError):
        return data
    if not str(url).startswith("file:"):
        return data
    value["url"] = "file:///" + str(url).rstrip("/").rsplit("/", 1)[-1]
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _unpad(digest: str) -> str:
    try:
        return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
    except ValueError:
        return ""
