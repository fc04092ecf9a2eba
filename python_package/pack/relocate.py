"""Rewrite an environment in place, so that its folder may be renamed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from conda_pack.prefixes import replace_prefix

from python_package.errors import PackError
from python_package.files import disk
from python_package.pack.contents import Contents


def relocate(prefix: Path, files: Iterable[tuple[str, str]], new: str) -> None:
    """Make the environment at `prefix` believe that it lies in `new`.

    `files` are those that may hold the prefix, each with how it does: as "text", "binary", or "" where nobody says it.
    Files are replaced, not changed: they may be hard links into a package cache. Raises PackError when `new` has
    no room in a binary file; then nothing was changed.
    """
    old = str(prefix)
    if old == new:
        return
    records = [(f"conda-meta/{path.name}", "text") for path in (prefix / "conda-meta").iterdir() if path.is_file()]
    changes = {}
    for place in (*records, *files):
        path, mode = prefix / place[0], place[1]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PackError(f"cannot adapt {path} to {new}: {error.strerror}") from None
        if old.encode() not in data:
            continue
        try:
            changes[place] = (
                data,
                replace_prefix(data, mode or ("binary" if b"\0" in data else "text"), old, spelled(place[0], new)),
            )
        except ValueError:
            raise PackError(f"{path}: no room for {new}, which is longer than {old}") from None
    hashes = {}
    for place, (before, after) in changes.items():
        hashes[hashlib.sha256(before).hexdigest().encode()] = hashlib.sha256(after).hexdigest().encode()
        _replace(prefix / place[0], after)
    for path in (prefix / "conda-meta").glob("*.json"):
        _update_record(path, hashes)


def candidates(environment: Contents) -> Iterator[tuple[str, str]]:
    """Yield each file that may hold the prefix, Conda's records aside."""
    prefix = environment.prefix
    for layer in environment.layers:
        # An index's wheel was made elsewhere: only the scripts in it are written by the installer.
        only_scripts = layer.is_prebuilt
        for file in layer.files:
            path = prefix / file.target
            if (
                file.target in environment.followed
                or not file.file_mode
                or (only_scripts and not file.target.startswith("bin/"))
            ):
                continue
            if path.is_file() and not path.is_symlink():
                yield file.target, "" if file.file_mode == "unknown" else file.file_mode


def _update_record(path: Path, hashes: dict[bytes, bytes]) -> None:
    """Put the new hashes of changed files into a record of conda-meta."""
    before = after = path.read_bytes()
    for old, new in hashes.items():
        after = after.replace(old, new)
    if after != before:
        _replace(path, after)


def _replace(path: Path, data: bytes) -> None:
    try:
        with disk.replacing(path) as file:
            file.write(data)
            os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
    except OSError as error:
        raise PackError(f"cannot write {path}: {error.strerror}") from None


# The text of this function is in every conda-unpack, too, which any version of Python may run.
def spelled(file, path):
    # type: (str, str) -> str
    """Return a path as it stands in a string literal of the file's language, where that has characters to escape."""
    if file.endswith((".py", ".json")):
        path = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if file.endswith(".py"):
        path = path.replace("'", "\\'")
    return path
