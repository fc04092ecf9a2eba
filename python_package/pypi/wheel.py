"""Wheels: their names, what they say of themselves, and how a pure one is written."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo
from zipfile import Path as ZipPath

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from python_package.files import disk
from python_package.pypi.dist_info import RecordLine, format_record

_BLOCK = 1 << 20


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
