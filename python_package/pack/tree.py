"""What a task would have of an environment, tried on the machine where it was made: links, so that it takes no room."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from conda_pack.core import File
from conda_pack.prefixes import replace_prefix

from python_package.errors import PackError
from python_package.pack import normalize
from python_package.pack.contents import Contents
from python_package.pack.relocate import candidates, spelled


def copy(contents: Contents, folder: Path) -> None:
    """Fill a folder of the same file system with the environment's files, which there believe that they lie in it.

    Only what no package tracks and is no text keeps the environment's own path, as in a tarball. Raises PackError when
    the folder cannot be written, or its path is too long for a file.
    """
    prefix = str(contents.prefix)
    files = [file for layer in contents.layers for file in layer.files]
    loose = {path for path, _ in candidates(contents)}
    try:
        for parent in {os.path.dirname(file.target) for file in files}:
            os.makedirs(folder / parent, exist_ok=True)
        for file in files:
            place = folder / file.target
            source = _place(prefix, file, contents)
            if _is_held_by_a_package(prefix, file):
                data = Path(file.source).read_bytes()
                mode, held = file.file_mode, file.prefix_placeholder
                _write(place, source, replace_prefix(data, mode, held, spelled(file.target, str(folder))))
            elif file.target not in loose or not _write_loose(place, source, prefix, str(folder)):
                _link(prefix, source, place, file.target)
    except (OSError, ValueError) as error:
        raise PackError(f"cannot make a copy to check in {folder}: {error}") from None


def _place(prefix: str, file: File, contents: Contents) -> str:
    """Return where a file is as an interpreter in the environment sees it: what is packed may be in a package cache."""
    installed = f"{prefix}/{file.target}"
    return installed if file.target not in contents.followed and os.path.lexists(installed) else str(file.source)


def _is_held_by_a_package(prefix: str, file: File) -> bool:
    """Tell a file in the package cache that has a placeholder for the prefix, and room for any."""
    return (
        file.file_mode in ("text", "binary") and file.prefix_placeholder != prefix and not os.path.islink(file.source)
    )


def _write_loose(place: Path, source: str, prefix: str, new: str) -> bool:
    """Write a text that holds the prefix; return whether it is one."""
    data = Path(source).read_bytes()
    if b"\0" in data or prefix.encode() not in data:
        return False
    _write(place, source, data.replace(prefix.encode(), new.encode()))
    return True


def _write(place: Path, source: str, data: bytes) -> None:
    place.write_bytes(data)
    shutil.copymode(source, place)


def _link(prefix: str, source: str, place: Path, target: str) -> None:
    if os.path.islink(source):
        place.symlink_to(normalize.destination(prefix, source, target))
    elif os.path.isdir(source):
        place.mkdir(exist_ok=True)
    else:
        try:
            place.hardlink_to(source)
        except OSError:  # another file system, another owner, or too many links
            shutil.copy2(source, place)
