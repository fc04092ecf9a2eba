"""Wheels: their names, what they say of themselves, how a pure one is written, and what an installed one leaves."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo
from zipfile import Path as ZipPath

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from python_package.files import disk

_BLOCK = 1 << 20
# The glibc of the manylinux tags that came before the tag itself named it (PEP 513, 571, 599).
_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@dataclass(frozen=True)
class Member:
    """A file of a wheel or of a project: its path from the top there, and where it is now."""

    path: str
    file: Path

    @property
    def mode(self) -> int:
        """Return its mode, in which only the right to execute counts."""
        return 0o755 if self.file.stat().st_mode & 0o100 else 0o644


def parse_name(file_name: str) -> tuple[str, str] | None:
    """Return a wheel's distribution, canonically named, and version; None for what is not named as wheels are."""
    try:
        name, version, *_ = parse_wheel_filename(file_name)
    except InvalidWheelFilename:
        return None
    return name, str(version)


def distribution(archive: ZipFile) -> tuple[str, Distribution]:
    """Return the name of a wheel's .dist-info folder, and what it says; raise ValueError when it has none."""
    found = (re.fullmatch(r"([^/]+\.dist-info)/METADATA", name) for name in archive.namelist())
    info = next((match[1] for match in found if match), None)
    if info is None:
        raise ValueError("it has no METADATA")
    return info, PathDistribution(ZipPath(archive, f"{info}/"))


def write(folder: Path, name: str, version: str, files: Sequence[Member] = (), metadata: str = "") -> Path:
    """Write a pure wheel of these files into a folder, the same bytes for the same files; return its path."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    texts = {
        f"{info}/METADATA": metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: python_package\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [RecordLine(each.path, disk.sha256(each.file), each.file.stat().st_size) for each in files]
    lines += [
        RecordLine(path, hashlib.sha256(text.encode()).hexdigest(), len(text.encode())) for path, text in texts.items()
    ]
    record = f"{info}/RECORD"
    texts[record] = format_record(info, [*lines, RecordLine(record)]).decode()
    target = folder / f"{stem}-py3-none-any.whl"
    with ZipFile(target, "w", ZIP_STORED) as archive:  # the tarball compresses it
        for member in files:
            with member.file.open("rb") as source, archive.open(_entry(member.path, member.mode), "w") as stream:
                shutil.copyfileobj(source, stream, _BLOCK)
        for path, text in texts.items():
            archive.writestr(_entry(path, 0o644), text)
    return target


def _entry(path: str, mode: int) -> ZipInfo:
    entry = ZipInfo(path)  # dated 1980, as is all that is reproducible
    entry.external_attr = (0o100000 | mode) << 16
    return entry


# ---- Installed


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
