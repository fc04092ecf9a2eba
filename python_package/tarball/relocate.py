"""Rewrite an environment in place, so that its folder may be renamed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from conda_pack.prefixes import replace_prefix

from python_package.errors import PackError
from python_package.tarball import contents, identity


def relocate(prefix: Path, old: str, new: str) -> None:
    """Make the environment at `prefix` believe that it lies in `new` instead of `old`.

    Files are replaced, not changed: they may be hard links into a package cache. Raises PackError when `new` has
    no room in a binary file; then nothing was changed.
    """
    if old == new:
        return
    changes = {}
    for path, mode in _candidates(contents.load(prefix)):
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PackError(f"cannot adapt {path} to {new}: {error.strerror}") from None
        if old.encode() not in data:
            continue
        try:
            changes[path] = data, replace_prefix(data, mode or ("binary" if b"\0" in data else "text"), old, new)
        except ValueError:
            raise PackError(f"{path}: no room for {new}, which is longer than {old}") from None
    hashes = {}
    for path, (before, after) in changes.items():
        hashes[hashlib.sha256(before).hexdigest().encode()] = hashlib.sha256(after).hexdigest().encode()
        _replace(path, after)
    for path in (prefix / "conda-meta").glob("*.json"):
        _update_record(path, hashes)


def _candidates(environment: contents.Contents) -> Iterator[tuple[Path, str | None]]:
    """Yield each file that may hold the prefix; the mode is None where no package says it."""
    prefix = environment.prefix
    yield from ((path, "text") for path in (prefix / "conda-meta").iterdir() if path.is_file())
    for layer in environment.layers:
        # An index's wheel was made elsewhere: only the scripts in it are written by the installer.
        only_scripts = bool(layer.dist_info) and identity.is_prebuilt(str(prefix), layer.dist_info)
        for file in layer.files:
            path = prefix / file.target
            if not file.file_mode or (only_scripts and not file.target.startswith("bin/")):
                continue
            if path.is_file() and not path.is_symlink():
                yield path, None if file.file_mode == "unknown" else file.file_mode


def _update_record(path: Path, hashes: dict[bytes, bytes]) -> None:
    """Put the new hashes of changed files into a record of conda-meta."""
    before = after = path.read_bytes()
    for old, new in hashes.items():
        after = after.replace(old, new)
    if after != before:
        _replace(path, after)


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        new.write_bytes(data)
        new.chmod(path.stat().st_mode & 0o7777)
        new.replace(path)
    except OSError as error:
        raise PackError(f"cannot write {path}: {error.strerror}") from None
    finally:
        new.unlink(missing_ok=True)
