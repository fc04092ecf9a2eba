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

from python_package.files import disk
from python_package.pack import normalize
from python_package.pack.archive import PIECE
from python_package.pack.compression import CODEC
from python_package.pack.contents import Contents, Layer, is_skipped
from python_package.pypi.wheel import RecordLine

# Part of every key: raise it when the same input comes to make other bytes.
_FORMAT = "5"

# A larger file that no package tracks is never held in memory whole, unless it is a text.
LARGE = 8 << 20


@dataclass(frozen=True)
class LayerKey:
    """A layer's key in the cache ("" if it must not be kept), and what the sha256 of each source ought to be."""

    key: str
    expect: Callable[[str], str] = lambda _: ""


def identify(contents: Contents, layer: Layer) -> LayerKey:
    """Return the key of a layer of that environment."""
    return _package(contents, layer) if layer.record is not None else _untracked(contents, layer)


def combine(*facts: str | bytes) -> str:
    """Return the key of something that these facts and this code determine."""
    digest = hashlib.sha256()
    for fact in (_FORMAT, CODEC, str(PIECE), conda_pack.__version__, *facts):
        data = fact if isinstance(fact, bytes) else fact.encode("utf-8", "surrogateescape")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()


def _stamp(status: os.stat_result) -> str:
    """Return what tells that a file, which package managers share among environments, was written to in place."""
    return f"{status.st_size} {status.st_mtime_ns}"


def _package(contents: Contents, layer: Layer) -> LayerKey:
    """Identify a Conda package: conda-pack ships what lies in the package cache, where only people change anything."""
    record = layer.record or {}
    folder = Path(record["link"]["source"])
    try:
        paths = (folder / "info/paths.json").read_bytes()
    except OSError:
        paths = b""  # packages of before 2017
    archive = record.get("sha256") or record.get("md5") or ""
    facts = [_describe(str(contents.prefix), file) for file in layer.files]
    named = (archive, hashlib.sha256(paths).digest(), contents.subdir, contents.compiled_for)
    key = combine("conda", *named, *facts) if archive else ""

    sums: dict[str, str] = {}

    def expect(source: str) -> str:
        if not sums and paths:
            sums.update({f"{folder}/{p['_path']}": p.get("sha256", "") for p in json.loads(paths)["paths"]})
        return sums.get(source, "")

    return LayerKey(key, expect)


def _describe(prefix: str, file: File) -> str:
    """Return what a package's file is, with its stamp in the package cache.

    One that the installer wrote, such as an entry point, is what its content is.
    """
    if file.source != f"{prefix}/{file.target}":
        content = _stamp(os.lstat(file.source))
    elif os.path.isfile(file.source):
        data = Path(file.source).read_bytes()
        content = hashlib.sha256(normalize.untracked(prefix, file.target, data)).hexdigest()
    else:
        content = ""
    return f"{file.target}\0{file.file_mode}\0{file.prefix_placeholder}\0{content}"


def _untracked(contents: Contents, layer: Layer) -> LayerKey:
    """Identify a distribution, or the rest: by RECORD's hash where a file is as it was recorded, else by content.

    A file is taken to be as recorded if it has the recorded size and is not younger than RECORD, which installers
    write last.
    """
    prefix = str(contents.prefix)
    record = f"{layer.dist_info}/RECORD"
    written = os.stat(f"{prefix}/{record}").st_mtime_ns if layer.dist_info else 0
    expected: dict[str, str] = {}
    facts = [contents.subdir, contents.compiled_for]
    for file in layer.files:
        status = os.lstat(file.source)
        if stat.S_ISLNK(status.st_mode):
            facts.append(f"{file.target}\0-> {normalize.destination(prefix, file.source, file.target)}")
        elif not stat.S_ISREG(status.st_mode):
            facts.append(f"{file.target}\0folder")
        elif file.target != record:
            line = layer.recorded.get(file.target)
            if line and _is_as_recorded(line, status, written):
                expected[file.source] = shipped = line.sha256
                if status.st_nlink > 1:  # an edit before RECORD was written here, by way of the installer's cache
                    shipped += f" {_stamp(status)}"
            else:
                expected[file.source], shipped = _hash(prefix, file)
            facts.append(f"{file.target}\0{bool(status.st_mode & stat.S_IXUSR)}\0{shipped}")
    targets = {file.target for file in layer.files}
    facts += [str(line) for path, line in layer.recorded.items() if path not in targets and is_listed(path)]
    if layer.dist_info and not layer.is_prebuilt:
        facts.append(prefix)  # compiled here, with paths of this prefix in it perhaps
    return LayerKey(combine("untracked", *facts), lambda source: expected.get(source, ""))


def is_listed(path: str) -> bool:
    """Say whether a RECORD that is shipped lists a path that is not there: all but what is made anew or left out."""
    return not path.endswith(".pyc") and not is_skipped(path)


def _is_as_recorded(line: RecordLine, status: os.stat_result, written: int) -> bool:
    # Installers rewrite what goes into bin, where their record of it holds the prefix.
    is_same = line.size == status.st_size and status.st_mtime_ns <= written
    return bool(line.sha256) and is_same and not line.path.startswith("bin/")


def _hash(prefix: str, file: File) -> tuple[str, str]:
    """Return the sha256 of a file, and of what is shipped of it."""
    path = Path(file.source)
    own = disk.sha256(path)
    if path.stat().st_size > LARGE:
        return own, own
    return own, hashlib.sha256(normalize.untracked(prefix, file.target, path.read_bytes())).hexdigest()
