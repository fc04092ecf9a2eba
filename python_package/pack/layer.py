"""Fill the archive with a layer, by conda-pack's rules, and keep what must be known of it later."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from conda_pack.core import File, Packer, is_binary_file

from python_package.pack import layer_keys, normalize
from python_package.pack.archive import ArchiveWriter
from python_package.pack.bytecode import Compiled
from python_package.pack.compression import GzipMember
from python_package.pack.contents import Contents, Layer
from python_package.pypi import wheel
from python_package.pypi.wheel import RecordLine


class LayerFacts(NamedTuple):
    """What a layer turned out to hold.

    `prefixes` are (path, placeholder, mode) of the files to relocate; `bytecode` the compiled files that were made
    for it; `glibc` the least version that it needs, or ().
    """

    prefixes: Sequence[tuple[str, str, str]] = ()
    bytecode: Sequence[str] = ()
    glibc: Sequence[int] = ()


class PackedLayer(NamedTuple):
    """What is known of a packed layer without reading it; `digest` is of its content."""

    digest: str
    members: Sequence[GzipMember]
    files: int
    disk: int
    facts: LayerFacts

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> PackedLayer:
        """Take the layer from what JSON kept of it."""
        digest, members, files, disk, facts = data
        return cls(digest, [GzipMember(*member) for member in members], files, disk, LayerFacts(*facts))


def fill(archive: ArchiveWriter, contents: Contents, layer: Layer, compiled: Compiled) -> LayerFacts:
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
        archive.add_text(record, wheel.format_record(layer.dist_info, _record(archive, layer, made)))
    return LayerFacts(tuple(_prefixes(packer, archive, prefix)), made, _glibc(layer))


def _is_large_binary(file: File) -> bool:
    """Tell a file that conda-pack would read whole only to leave it as it is."""
    if file.file_mode != "unknown" or os.path.islink(file.source) or os.path.getsize(file.source) <= layer_keys.LARGE:
        return False
    with open(file.source, "rb") as stream:
        head = stream.read(1 << 16)
    # The cut may be amid a character of up to four bytes.
    return all(is_binary_file(head[: len(head) - cut]) for cut in range(4))


def _record(archive: ArchiveWriter, layer: Layer, made: Iterable[str]) -> Iterable[RecordLine]:
    """Yield RECORD's lines in order: hashes of edited files anew, compiled files without, as pip does."""
    targets = {file.target for file in layer.files}
    lines = {path: line for path, line in layer.recorded.items() if path in targets or layer_keys.is_listed(path)}
    for path, data in archive.edited.items():
        if path in lines:
            lines[path] = RecordLine(path, hashlib.sha256(data).hexdigest(), len(data))
    lines.update({path: RecordLine(path) for path in made})
    return (lines[path] for path in sorted(lines))


def _prefixes(packer: Packer, archive: ArchiveWriter, prefix: str) -> Iterable[tuple[str, str, str]]:
    """Yield what conda-pack would relocate, without the texts that do not hold the prefix."""
    for path, placeholder, mode in packer.prefixes:
        if placeholder != prefix:
            yield path, placeholder, mode
        elif normalize.PLACEHOLDER.encode() in archive.edited.get(path, b""):
            yield path, normalize.PLACEHOLDER, mode


def _glibc(layer: Layer) -> Sequence[int]:
    """Return the glibc that the layer's metadata asks for, or its ELF files where nobody wrote it down."""
    if layer.record is not None:
        depends = " ".join(layer.record.get("depends", ()))
        versions = re.findall(r"__glibc >=([\d.]+\d)", depends)
        return max((tuple(map(int, version.split("."))) for version in versions), default=())
    if layer.is_prebuilt:
        return wheel.glibc(layer.platforms) or ()
    return max((_elf_glibc(file.source) for file in layer.files), default=())


def _elf_glibc(path: str) -> tuple[int, ...]:
    if os.path.islink(path) or not os.path.isfile(path):
        return ()
    with open(path, "rb") as stream:
        if stream.read(4) != b"\x7fELF":
            return ()
    from python_package import elf  # only where something was compiled here

    return elf.read(Path(path)).glibc
