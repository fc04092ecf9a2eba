"""A staged tree and its metadata -> one .conda package, the same bytes for the same input."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from python_package.errors import PackError
from python_package.files import disk, scratch

# Stands for the prefix until a package is linked. Text may grow, but a binary has room for no longer prefix than this,
# which is as long as conda-build's.
PLACEHOLDER = "/opt/" + "placehold_" * 25
# Every file and package is of this time (2020-01-01), else no two builds would be alike.
_EPOCH = "1577836800"
# Folders that hold Conda's own records, in a package or an environment.
_RESERVED = ("info", "conda-meta")


@dataclass(frozen=True)
class Entry:
    """One file of a package, as paths.json tells of it; `path` is relative to the prefix, with forward slashes."""

    path: str
    kind: str  # "hardlink" | "softlink"
    sha256: str
    size: int
    executable: bool
    mode: str | None  # "text" | "binary" where it holds the placeholder

    def to_json(self) -> dict[str, Any]:
        """Return the entry in the form of paths.json, version 1."""
        entry = {"_path": self.path, "path_type": self.kind, "sha256": self.sha256, "size_in_bytes": self.size}
        return entry | ({"prefix_placeholder": PLACEHOLDER, "file_mode": self.mode} if self.mode else {})


def scan(stage: Path) -> tuple[Entry, ...]:
    """Describe every file and link below `stage`, sorted by path; empty folders are not part of a package."""
    found = []
    for folder, folders, names in os.walk(stage):
        here = Path(folder)
        found += [here / name for name in (*names, *folders) if name in names or (here / name).is_symlink()]
    return tuple(sorted((_entry(stage, path) for path in found), key=lambda entry: entry.path))


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

    `entries` is scan(stage); `index` is the content of index.json, less what is the same for all packages or
    follows from the subdir: in noarch, a package is generic unless it says otherwise. The file appears under its name
    only once it is complete. Raises PackError when it cannot be written.
    """
    from conda_package_streaming.create import conda_builder

    same = {"build_number": 0, "constrains": [], "depends": [], "timestamp": _epoch() * 1000}
    info: dict[str, Any] = {
        "about.json": about or {},
        "index.json": {**same, **_platform(index["subdir"]), **index},
        "paths.json": {"paths": [entry.to_json() for entry in entries], "paths_version": 1},
    }
    if link:
        info["link.json"] = link
    files = {name: json.dumps(content, indent=1, sort_keys=True) for name, content in info.items()}
    files["files"] = "".join(f"{entry.path}\n" for entry in entries)
    stem = f"{index['name']}-{index['version']}-{index['build']}"
    target: Path = channel / index["subdir"] / f"{stem}.conda"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch.folder() as folder, disk.replacing(target) as file:
            # Two threads always: zstd's output depends on whether there are workers, not on how many.
            with conda_builder(stem, folder, compression_level=level, compression_threads=2) as tar:
                for name, text in sorted(files.items()):
                    tar.addfile(_member(f"info/{name}", size=len(text.encode())), io.BytesIO(text.encode()))
                for entry in entries:
                    _add(tar, stage / entry.path, entry)
            _freeze(folder / f"{stem}.conda", file)
    except OSError as error:
        raise PackError(f"{target}: cannot be written: {error.strerror or error}") from error
    return target


def _entry(stage: Path, path: Path) -> Entry:
    relative = path.relative_to(stage).as_posix()
    if relative.split("/")[0] in _RESERVED:
        raise PackError(f"{relative}: a package cannot hold files in {' or '.join(_RESERVED)}: they are Conda's own")
    link = path.is_symlink()
    data = path.read_bytes() if path.is_file() else b""  # of a link, what it leads to
    kind, mode = ("softlink", None) if link else ("hardlink", _mode(data))
    executable = not link and bool(path.stat().st_mode & stat.S_IXUSR)
    return Entry(relative, kind, hashlib.sha256(data).hexdigest(), len(data), executable, mode)


def _mode(data: bytes) -> str | None:
    if PLACEHOLDER.encode() not in data:
        return None
    return "binary" if b"\0" in data else "text"


def _epoch() -> int:
    text = os.environ.get("SOURCE_DATE_EPOCH") or _EPOCH
    if not text.isdecimal():
        raise PackError(f"SOURCE_DATE_EPOCH is {text!r}: it must be a number of seconds")
    return int(text)


def _platform(subdir: str) -> dict[str, str]:
    platform, _, machine = subdir.partition("-")
    if not machine:
        return {"noarch": "generic"}
    return {"platform": platform, "arch": {"64": "x86_64", "32": "x86"}.get(machine, machine)}


def _add(tar: Any, source: Path, entry: Entry) -> None:
    if entry.kind == "softlink":
        tar.addfile(_member(entry.path, type=tarfile.SYMTYPE, linkname=str(source.readlink())))
    else:
        with source.open("rb") as stream:
            tar.addfile(_member(entry.path, size=entry.size, mode=0o755 if entry.executable else 0o644), stream)


def _member(name: str, **facts: Any) -> tarfile.TarInfo:
    """Return the head of a tar entry: of nobody's, mode 0644 unless told otherwise."""
    member = tarfile.TarInfo(name)
    member.mtime = _epoch()
    for fact, value in facts.items():
        setattr(member, fact, value)
    return member


def _freeze(made: Path, file: BinaryIO) -> None:
    """Copy a .conda with fixed times in its zip directory (conda_builder writes the hour), mode 0644, and flush it."""
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), source.read(name))  # of 1980-01-01, the format's first day
    file.flush()
    os.fchmod(file.fileno(), 0o644)
    os.fsync(file.fileno())
