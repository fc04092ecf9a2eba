"""What determines a layer's bytes, found without reading the files that package managers vouch for."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import conda_pack
from conda_pack.core import File

from python_package.pack import dist_info as wheel
from python_package.pack import normalize
from python_package.pack.contents import SKIPPED, Contents, Layer
from python_package.pack.pipeline import CODEC

# Part of every key: raise it when the same input comes to make other bytes.
_FORMAT = "1"

# A larger file that no package tracks is never held in memory whole, unless it is a text.
LARGE = 8 << 20


@dataclass(frozen=True)
class Identity:
    """A layer's key in the cache ("" if it must not be kept), and what the sha256 of each source ought to be."""

    key: str
    expect: Callable[[str], str]


def identify(contents: Contents, layer: Layer) -> Identity:
    """Return the identity of a layer of that environment."""
    return _package(contents, layer) if layer.record is not None else _untracked(contents, layer)


def combine(*facts: str | bytes) -> str:
    """Return the key of something that these facts and this code determine."""
    digest = hashlib.sha256()
    for fact in (_FORMAT, CODEC, conda_pack.__version__, *facts):
        data = fact if isinstance(fact, bytes) else fact.encode("utf-8", "surrogateescape")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()


def stamp(status: os.stat_result) -> str:
    """Return what tells that a file, which package managers share among environments, was written to in place."""
    return f"{status.st_size} {status.st_mtime_ns}"


def _package(contents: Contents, layer: Layer) -> Identity:
    """Identify a Conda package: conda-pack ships what lies in the package cache, where only people change anything."""
    record = layer.record or {}
    folder = Path(record["link"]["source"])
    try:
        paths = (folder / "info/paths.json").read_bytes()
    except OSError:
        paths = b""  # packages of before 2017
    archive = record.get("sha256") or record.get("md5") or ""
    facts = [_describe(contents.prefix, file) for file in layer.files]
    key = combine("conda", archive, hashlib.sha256(paths).digest(), contents.python, *facts) if archive else ""

    sums: dict[str, str] = {}

    def expect(source: str) -> str:
        if not sums and paths:
            sums.update({f"{folder}/{p['_path']}": p.get("sha256", "") for p in json.loads(paths)["paths"]})
        return sums.get(source, "")

    return Identity(key, expect)


def _describe(prefix: Path, file: File) -> str:
    """Return what a package's file is, with its stamp in the package cache.

    One that the installer wrote, such as an entry point, is what its content is.
    """
    if file.source != os.path.join(prefix, file.target):
        content = stamp(os.lstat(file.source))
    elif os.path.isfile(file.source):
        data = Path(file.source).read_bytes()
        content = hashlib.sha256(normalize.untracked(str(prefix), file.target, data)).hexdigest()
    else:
        content = ""
    return f"{file.target}\0{file.file_mode}\0{file.prefix_placeholder}\0{content}"


def _untracked(contents: Contents, layer: Layer) -> Identity:
    """Identify a distribution, or the rest: by RECORD's hash where a file is as it was recorded, else by content.

    A file is taken to be as recorded if it has the recorded size and is not younger than RECORD, which installers
    write last.
    """
    prefix = str(contents.prefix)
    record = f"{layer.dist_info}/RECORD"
    written = os.stat(os.path.join(prefix, record)).st_mtime_ns if layer.dist_info else 0
    expected: dict[str, str] = {}
    facts = [contents.python]
    for file in layer.files:
        status = os.lstat(file.source)
        if not stat.S_ISREG(status.st_mode):
            facts.append(f"{file.target}\0{_nature(prefix, file, status.st_mode)}")
        elif file.target != record:
            entry = layer.recorded.get(file.target)
            if entry and _is_as_recorded(entry, status, written):
                expected[file.source] = shipped = entry.sha256
                if status.st_nlink > 1:  # an edit before RECORD was written here, by way of the installer's cache
                    shipped += f" {stamp(status)}"
            else:
                expected[file.source], shipped = _hash(prefix, file)
            facts.append(f"{file.target}\0{bool(status.st_mode & stat.S_IXUSR)}\0{shipped}")
    targets = {file.target for file in layer.files}
    facts += [str(entry) for path, entry in layer.recorded.items() if path not in targets and is_listed(path)]
    if layer.dist_info and not is_prebuilt(prefix, layer.dist_info):
        facts.append(prefix)  # compiled here, with paths of this prefix in it perhaps
    return Identity(combine("untracked", *facts), lambda source: expected.get(source, ""))


def is_listed(path: str) -> bool:
    """Say whether a RECORD that is shipped lists a path that is not there: all but what is made anew or left out."""
    return not path.endswith(".pyc") and not SKIPPED.fullmatch(path)


def is_prebuilt(prefix: str, dist_info: str) -> bool:
    """Tell a wheel of an index from one that was built here, by its platform tags."""
    platforms = wheel.platforms(read_wheel(prefix, dist_info))
    return bool(platforms) and not any(platform.startswith("linux_") for platform in platforms)


def read_wheel(prefix: str, dist_info: str) -> str:
    """Return the WHEEL file of an installed distribution, "" if it has none."""
    try:
        return Path(prefix, dist_info, "WHEEL").read_text("utf-8", "replace")
    except OSError:
        return ""


def _is_as_recorded(entry: wheel.Recorded, status: os.stat_result, written: int) -> bool:
    # Installers rewrite what goes into bin, where their record of it holds the prefix.
    return (
        bool(entry.sha256)
        and entry.size == status.st_size
        and status.st_mtime_ns <= written
        and not entry.path.startswith("bin/")
    )


def _nature(prefix: str, file: File, mode: int) -> str:
    return f"-> {normalize.destination(prefix, file.source, file.target)}" if stat.S_ISLNK(mode) else "folder"


def _hash(prefix: str, file: File) -> tuple[str, str]:
    """Return the sha256 of a file, and of what is shipped of it."""
    with open(file.source, "rb") as stream:
        data = stream.read(LARGE + 1)
        digest = hashlib.sha256(data)
        if len(data) <= LARGE:
            shipped = normalize.untracked(prefix, file.target, data)
            return digest.hexdigest(), hashlib.sha256(shipped).hexdigest()
        while data := stream.read(LARGE):
            digest.update(data)
    return digest.hexdigest(), digest.hexdigest()
