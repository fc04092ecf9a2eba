"""The files of a wheel -> their places in a package, with a RECORD that holds after linking."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from python_package.errors import PackError
from python_package.host_python import conda_package
from python_package.host_python.interpreter import Interpreter
from python_package.pypi.wheel import RecordLine, format_record

# Where site-packages is in an environment, whatever its Python: RECORD's paths start from there.
_SITE = "lib/python3/site-packages"
# Rewritten below, or the mark of another installer.
_NOT_COPIED = ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json")


@dataclass(frozen=True)
class Layout:
    """Where things go in a package, relative to its root."""

    site: str
    scripts: str
    headers: str
    noarch: bool

    @classmethod
    def of(cls, interpreter: Interpreter, name: str, *, noarch: bool) -> Layout:
        """Return the layout of a package bound to an interpreter, or that of `noarch: python`."""
        if noarch:
            return cls("site-packages", "python-scripts", f"include/{name}", noarch)
        return cls(interpreter.site_packages, "bin", f"{interpreter.include}/{name}", noarch)


def unpack(wheel: Path, info: str, entry_points: Mapping[str, str], layout: Layout, stage: Path) -> None:
    """Lay out a wheel's files below `stage`, with its commands where linking does not make them.

    `info` is the name of its .dist-info folder. Raises PackError for a member that would leave the environment.
    """
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir() or member.filename in {f"{info}/{name}" for name in _NOT_COPIED}:
                continue
            kind, place = _place(member.filename, layout)
            if place is None:
                raise PackError(f"{wheel.name}: its member {member.filename!r} has no place in an environment")
            data = archive.read(member)
            if kind == "scripts":  # PEP 491: this shebang stands for the environment's own python
                data = re.sub(rb"\A#!pythonw?(?=\s)", f"#!{conda_package.PLACEHOLDER}/bin/python".encode(), data)
            _put(stage / place, data, executable=kind == "scripts" or bool(member.external_attr >> 16 & 0o111))
    _put(stage / layout.site / info / "INSTALLER", b"conda\n")
    if not layout.noarch:  # of noarch packages they are made when linked
        for command, target in entry_points.items():
            _put(stage / layout.scripts / command, _script(target), executable=True)


def record(info: str, entry_points: Mapping[str, str], layout: Layout, stage: Path) -> None:
    """Write the RECORD of all that is staged, and of the commands that linking makes."""
    made_later = entry_points if layout.noarch else ()
    folder = f"{_SITE}/{info}"
    lines = [
        *_lines(stage, layout),
        *(RecordLine(f"bin/{each}") for each in made_later),
        RecordLine(f"{folder}/RECORD"),
    ]
    _put(stage / layout.site / info / "RECORD", format_record(folder, lines))


def _place(member: str, layout: Layout) -> tuple[str, PurePosixPath | None]:
    """Return the kind of a member (the folder of `.data` that holds it) and its place; None when it has none."""
    match = re.match(r"[^/]+\.data/([^/]*)/(.*)", member, re.DOTALL)
    kind, path = (match[1], match[2]) if match else ("purelib", member)
    folders = {
        "purelib": layout.site,
        "platlib": layout.site,
        "scripts": layout.scripts,
        "headers": layout.headers,
        "data": "",
    }
    outside = path.startswith("/") or ".." in path.split("/")
    return kind, PurePosixPath(folders[kind], path) if kind in folders and not outside else None


def _put(path: Path, data: bytes, *, executable: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o755 if executable else 0o644)


def _script(target: str) -> bytes:
    module, _, attribute = target.partition(":")
    return (
        f"#!{conda_package.PLACEHOLDER}/bin/python\n"
        f"import sys\n\nfrom {module} import {attribute.partition('.')[0]}\n\n"
        f'if __name__ == "__main__":\n    sys.exit({attribute}())\n'
    ).encode()


def _lines(stage: Path, layout: Layout) -> Iterator[RecordLine]:
    """Yield the line of every staged file where it will be linked; no hash where linking rewrites the file."""
    for path in sorted(path for path in stage.rglob("*") if path.is_file()):
        place = path.relative_to(stage)
        for folder, linked in ((layout.site, _SITE), (layout.scripts, "bin")):
            if place.is_relative_to(folder):
                place = Path(linked, place.relative_to(folder))
                break
        data = path.read_bytes()
        rewritten = conda_package.PLACEHOLDER.encode() in data
        yield RecordLine(str(place), *(() if rewritten else (hashlib.sha256(data).hexdigest(), len(data))))
