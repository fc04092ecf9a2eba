"""Fill the archive with a layer, by conda-pack's rules, and keep what must be known of it later."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_pack.core import File, Packer, is_binary_file

from python_package.pack import dist_info, identity, normalize
from python_package.pack.archive import Archive
from python_package.pack.bytecode import Compiled
from python_package.pack.contents import Contents, Layer
from python_package.pack.pipeline import Member


@dataclass(frozen=True)
class Filled:
    """What a layer turned out to hold.

    `prefixes` are (path, placeholder, mode) of the files to relocate; `bytecode` the compiled files that were made
    for it; `glibc` the least version that it needs, or ().
    """

    prefixes: tuple[tuple[str, str, str], ...] = ()
    bytecode: tuple[str, ...] = ()
    glibc: tuple[int, ...] = ()


@dataclass(frozen=True)
class Summary:
    """What is known of a packed layer without reading it; `digest` is of its content."""

    digest: str
    members: tuple[Member, ...]
    files: int
    disk: int
    filled: Filled

    def to_json(self) -> dict[str, Any]:
        """Return the summary for JSON."""
        return {**vars(self), "filled": vars(self.filled)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Summary:
        """Take the summary from what JSON kept of `to_json`."""
        filled = data["filled"]
        return cls(
            data["digest"],
            tuple(Member(*member) for member in data["members"]),
            data["files"],
            data["disk"],
            Filled(
                tuple((path, placeholder, mode) for path, placeholder, mode in filled["prefixes"]),
                tuple(filled["bytecode"]),
                tuple(filled["glibc"]),
            ),
        )


def fill(archive: Archive, contents: Contents, layer: Layer, compiled: Compiled) -> Filled:
    """Add a layer's files to the archive, and the compiled ones besides or instead of them."""
    prefix = str(contents.prefix)
    packer = Packer(prefix, archive)
    record = f"{layer.dist_info}/RECORD"
    for file in layer.files:
        if file.target in compiled:
            continue
        if _is_large_binary(file):
            archive.add(file.source, file.target)
        elif file.target != record:
            packer.add(file)
    for target in sorted(compiled):
        made_now = compiled[target]
        if isinstance(made_now, str):
            archive.add(made_now, target)
        else:
            archive.add_text(target, made_now.read())
    made = sorted(set(compiled) - {file.target for file in layer.files})
    if layer.dist_info:
        archive.add_text(record, dist_info.format_record(layer.dist_info, _record(archive, layer, made)))
    return Filled(tuple(_prefixes(packer, archive, prefix)), tuple(made), _glibc(contents, layer))


def _is_large_binary(file: File) -> bool:
    """Tell a file that conda-pack would read whole only to leave it as it is."""
    if file.file_mode != "unknown" or os.path.islink(file.source) or os.path.getsize(file.source) <= identity.LARGE:
        return False
    with open(file.source, "rb") as stream:
        head = stream.read(1 << 16)
    # The cut may be amid a character of up to four bytes.
    return all(is_binary_file(head[: len(head) - cut]) for cut in range(4))


def _record(archive: Archive, layer: Layer, made: Iterable[str]) -> Iterable[dist_info.Recorded]:
    """Yield RECORD's lines in order: hashes of edited files anew, compiled files without, as pip does."""
    targets = {file.target for file in layer.files}
    lines = {path: entry for path, entry in layer.recorded.items() if path in targets or identity.is_listed(path)}
    for path, data in archive.edited.items():
        if path in lines:
            lines[path] = dist_info.Recorded(path, hashlib.sha256(data).hexdigest(), len(data))
    lines.update({path: dist_info.Recorded(path, "", -1) for path in made})
    return (lines[path] for path in sorted(lines))


def _prefixes(packer: Packer, archive: Archive, prefix: str) -> Iterable[tuple[str, str, str]]:
    """Yield what conda-pack would relocate, without the texts that do not hold the prefix."""
    for path, placeholder, mode in packer.prefixes:
        if placeholder != prefix:
            yield path, placeholder, mode
        elif normalize.PLACEHOLDER.encode() in archive.edited.get(path, b""):
            yield path, normalize.PLACEHOLDER, mode


def _glibc(contents: Contents, layer: Layer) -> tuple[int, ...]:
    """Return the glibc that the layer's metadata asks for, or its ELF files where nobody wrote it down."""
    if layer.record is not None:
        depends = " ".join(layer.record.get("depends", ()))
        return max((_version(v) for v in re.findall(r"__glibc >=([\d.]+\d)", depends)), default=())
    prefix = str(contents.prefix)
    if layer.dist_info and identity.is_prebuilt(prefix, layer.dist_info):
        return dist_info.glibc(dist_info.platforms(identity.read_wheel(prefix, layer.dist_info))) or ()
    return max((_elf_glibc(file.source) for file in layer.files), default=())


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _elf_glibc(path: str) -> tuple[int, ...]:
    if os.path.islink(path) or not os.path.isfile(path):
        return ()
    with open(path, "rb") as stream:
        if stream.read(4) != b"\x7fELF":
            return ()
    from python_package import elf  # only where something was compiled here

    return elf.read(Path(path)).glibc
