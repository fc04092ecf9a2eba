"""A staged tree and its metadata -> one .conda package, the same bytes for the same input."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_package.errors import PackError

# Stands for the prefix in text files until a package is linked; text may grow or shrink, so any length will do.
PLACEHOLDER = "/opt/" + "placehold_" * 7 + "python"
# Every file and package carries this time (2020-01-01), else no two builds are alike.
_EPOCH = 1_577_836_800
# Folders of an environment that belong to Conda itself.
_RESERVED = ("info", "conda-meta")


@dataclass(frozen=True)
class Entry:
    """One file of a package, as paths.json tells of it; `path` is relative to the prefix, with forward slashes."""

    path: str
    kind: str  # "hardlink" | "softlink"
    sha256: str
    size: int
    executable: bool
    mode: str | None  # "text" | "binary" where the file holds the placeholder

    def to_json(self) -> dict[str, Any]:
        """Return the entry in the form of paths.json, version 1."""
        entry: dict[str, Any] = {
            "_path": self.path,
            "path_type": self.kind,
            "sha256": self.sha256,
            "size_in_bytes": self.size,
        }
        if self.mode:
            entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": self.mode}
        return entry


def scan(stage: Path) -> tuple[Entry, ...]:
    """Describe every file and link below `stage`, sorted by path; empty folders are not part of a package."""
    entries = []
    for folder, folders, names in os.walk(stage):
        linked = [name for name in folders if (Path(folder) / name).is_symlink()]
        entries += [_entry(stage, Path(folder) / name) for name in (*names, *linked)]
    return tuple(sorted(entries, key=lambda entry: entry.path))


def digest(entries: Sequence[Entry]) -> str:
    """Return seven hexadecimal digits that identify the content, for a build string."""
    text = "".join(f"{entry.path}\0{entry.sha256}\0{entry.executable}\n" for entry in entries)
    return hashlib.sha256(text.encode()).hexdigest()[:7]


def write(
    stage: Path,
    entries: Sequence[Entry],
    channel: Path,
    index: Mapping[str, Any],
    *,
    about: Mapping[str, str] | None = None,
    link: Mapping[str, Any] | None = None,
    level: int = 3,
) -> Path:
    """Write `<channel>/<subdir>/<name>-<version>-<build>.conda` and return its path.

    `index` is the content of index.json without arch, platform and timestamp; `entries` is scan(stage). The file
    appears under its name only once it is complete. Raises PackError when it cannot be written.
    """
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or _EPOCH)
    info: dict[str, Any] = {
        "about.json": about or {},
        "index.json": {**_platform(index["subdir"]), **index, "timestamp": epoch * 1000},
        "paths.json": {"paths": [entry.to_json() for entry in entries], "paths_version": 1},
    }
    if link:
        info["link.json"] = link
    files = {name: json.dumps(content, indent=1, sort_keys=True) for name, content in info.items()}
    files["files"] = "".join(f"{entry.path}\n" for entry in entries)
    folder = channel / index["subdir"]
    stem = f"{index['name']}-{index['version']}-{index['build']}"
    target = folder / f"{stem}.conda"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as beside:
            made = _assemble(Path(beside), stem, stage, entries, files, epoch, level)
            os.replace(_freeze(made), target)
    except OSError as error:
        raise PackError(f"{target}: cannot be written: {error.strerror or error}") from error
    return target


def _entry(stage: Path, path: Path) -> Entry:
    relative = path.relative_to(stage).as_posix()
    if relative.split("/")[0] in _RESERVED:
        raise PackError(f"{relative}: a package cannot hold files in {', '.join(_RESERVED)}: they are Conda's own")
    if path.is_symlink():
        data = path.read_bytes() if path.is_file() else b""
        return Entry(relative, "softlink", hashlib.sha256(data).hexdigest(), len(data), False, None)
    data = path.read_bytes()
    mode = None
    if PLACEHOLDER.encode() in data:
        mode = "binary" if b"\0" in data else "text"
    executable = bool(path.stat().st_mode & stat.S_IXUSR)
    return Entry(relative, "hardlink", hashlib.sha256(data).hexdigest(), len(data), executable, mode)


def _platform(subdir: str) -> dict[str, str]:
    platform, _, machine = subdir.partition("-")
    if not machine:
        return {}
    return {"platform": platform, "arch": {"64": "x86_64", "32": "x86"}.get(machine, machine)}


def _assemble(
    folder: Path,
    stem: str,
    stage: Path,
    entries: Sequence[Entry],
    files: Mapping[str, str],
    epoch: int,
    level: int,
) -> Path:
    from conda_package_streaming.create import conda_builder

    # Two threads always: zstd's output depends on whether there are workers, not on how many.
    with conda_builder(stem, folder, compression_level=level, compression_threads=2) as tar:
        for name in sorted(files):
            data = files[name].encode()
            member = _member(f"info/{name}", epoch)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for entry in entries:
            member = _member(entry.path, epoch)
            if entry.kind == "softlink":
                member.type, member.linkname, member.mode = tarfile.SYMTYPE, os.readlink(stage / entry.path), 0o777
                tar.addfile(member)
                continue
            member.size, member.mode = entry.size, 0o755 if entry.executable else 0o644
            with (stage / entry.path).open("rb") as stream:
                tar.addfile(member, stream)
    return folder / f"{stem}.conda"


def _member(name: str, epoch: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)  # its owner is 0:0 without names, its mode 0644
    member.mtime = epoch
    return member


def _freeze(made: Path) -> Path:
    """Copy a .conda with fixed times in its zip directory (conda_builder writes the hour), mode 0644, and flush it."""
    frozen = made.with_suffix(".frozen")
    with zipfile.ZipFile(made) as source, frozen.open("wb") as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as target:
            for name in source.namelist():
                member = zipfile.ZipInfo(name)  # 1980-01-01, the zip format's first day
                member.external_attr = 0o644 << 16
                target.writestr(member, source.read(name))
        stream.flush()
        os.fchmod(stream.fileno(), 0o644)
        os.fsync(stream.fileno())
    return frozen
