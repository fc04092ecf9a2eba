"""Wheels: their names, what they say of themselves, their RECORD, and how a pure one is written."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo
from zipfile import Path as ZipPath

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from python_package.files import disk

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Member:
    """A file to ship: its path below site-packages, and where it is."""

    path: str
    file: Path

    @property
    def mode(self) -> int:
        """Return its mode, in which only the right to execute counts."""
        return 0o755 if self.file.stat().st_mode & 0o100 else 0o644


@dataclass(frozen=True)
class Recorded:
    """A line of RECORD: the file's path, its sha256 in hex or "", its size or -1."""

    path: str
    sha256: str
    size: int


def parse_name(file_name: str) -> tuple[str, str] | None:
    """Return a wheel's distribution, canonically named, and version; None for what is not named as wheels are."""
    try:
        name, version, *_ = parse_wheel_filename(file_name)
    except InvalidWheelFilename:
        return None
    return name, str(version)


def distribution(archive: ZipFile) -> tuple[str, metadata.Distribution]:
    """Return the name of a wheel's .dist-info folder, and what it says; raise ValueError when it has none."""
    found = (re.fullmatch(r"([^/]+\.dist-info)/METADATA", name) for name in archive.namelist())
    info = next((match[1] for match in found if match), None)
    if info is None:
        raise ValueError("it has no METADATA")
    return info, metadata.PathDistribution(ZipPath(archive, f"{info}/"))


def parse_record(text: str) -> list[Recorded]:
    """Return the lines of RECORD (PyPA specification 'Recording installed projects')."""
    lines = []
    for row in csv.reader(io.StringIO(text)):
        if row:
            path, digest, size = (*row, "", "")[:3]
            sha256 = _hex(digest.removeprefix("sha256=")) if digest.startswith("sha256=") else ""
            lines.append(Recorded(path, sha256, int(size or -1)))
    return lines


def format_record(lines: Iterable[Recorded]) -> str:
    """Return RECORD as pip and uv write it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        (each.path, each.sha256 and f"sha256={_base64(each.sha256)}", "" if each.size < 0 else each.size)
        for each in lines
    )
    return out.getvalue()


def write(folder: Path, name: str, version: str, files: Sequence[Member] = ()) -> Path:
    """Write a pure wheel of these files into a folder, the same bytes for the same files; return its path."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: python_package\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [Recorded(each.path, disk.sha256(each.file), each.file.stat().st_size) for each in files]
    lines += [
        Recorded(path, hashlib.sha256(text.encode()).hexdigest(), len(text.encode())) for path, text in texts.items()
    ]
    texts[f"{info}/RECORD"] = format_record([*lines, Recorded(f"{info}/RECORD", "", -1)])
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


def _base64(sha256: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")


def _hex(digest: str) -> str:
    try:
        return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
    except ValueError:
        return ""
