"""What uv installed into a folder of its own, with another interpreter, is moved to where it belongs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from python_package.pypi.wheel import RecordLine, format_record, read_record

# The longest first line of a script that every Linux starts, and that pip and uv write.
_LONGEST = 127


def transplant(staged: Path, prefix: Path, version: str, python: str) -> None:
    """Move what is below `staged`, where `uv pip install --prefix` put it with the interpreter `python`, to `prefix`.

    The environment there has a Python of that version. All is as its own interpreter would have it installed: the
    folders, the scripts that start with it, and each RECORD.
    """
    minor = ".".join(version.split(".")[:2])
    folders = {}
    for folder in staged.glob("lib/python3*"):
        folders = {
            f"lib/{folder.name}/": f"lib/python{minor}/",
            f"include/site/{folder.name}/": f"include/python{minor}/",
        }
    shebangs = _shebang(python), _shebang(f"{prefix}/bin/python")
    moved = {}
    for path in _files(staged):
        data = _begun_with(path, *shebangs) if path.parent == staged / "bin" else b""
        inside = path.relative_to(staged).as_posix()
        moved[inside] = _place(inside, folders), data
    for info in staged.glob("lib/python3*/site-packages/*.dist-info"):
        inside = info.relative_to(staged).as_posix()
        lines = [_line(line, *moved.get(line.path, (line.path, b""))) for line in read_record(staged, inside)]
        record = info / "RECORD"
        record.unlink()
        record.write_bytes(format_record(_place(f"{inside}/", folders).rstrip("/"), lines))
    for inside, (place, _) in moved.items():
        target = prefix / place
        target.parent.mkdir(parents=True, exist_ok=True)
        (staged / inside).replace(target)


def _files(staged: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(staged):
        yield from (Path(folder, name) for name in names if Path(folder) != staged)  # uv's own lock is on top


def _begun_with(path: Path, old: bytes, new: bytes) -> bytes:
    """Let a file that begins with one line begin with another; return what it is then, b"" if that is not its line."""
    with path.open("rb") as file:
        if file.read(len(old) + 1) != old + b"\n":
            return b""
        data = new + b"\n" + file.read()
    mode = path.stat().st_mode
    path.unlink()  # what uv's cache has may be the same file
    path.write_bytes(data)
    path.chmod(mode)
    return data


def _place(inside: str, folders: dict[str, str]) -> str:
    for there, here in folders.items():
        if inside.startswith(there):
            return here + inside.removeprefix(there)
    return inside


def _line(line: RecordLine, place: str, data: bytes) -> RecordLine:
    """Return a line of RECORD for a file that has moved, with its new content unless that is the same."""
    if data and line.sha256:
        return RecordLine(place, sha256(data).hexdigest(), len(data))
    return replace(line, path=place)


def _shebang(python: str) -> bytes:
    """Return the first line of a script of an interpreter as uv writes it; a long path or a space is left to sh."""
    if len(f"#!{python}\n") <= _LONGEST and " " not in python:
        return f"#!{python}".encode()
    quoted = python.replace("'", "'\"'\"'")
    return f"#!/bin/sh\n'''exec' '{quoted}' \"$0\" \"$@\"\n' '''".encode()
