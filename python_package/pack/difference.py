"""NEW.tar.gz and OLD.tar.gz -> NEW.delta: what a worker that has OLD's environment lacks to have NEW's.

A difference begins with the text of NEW's manifest under another heading, padded to the length of a tarball's head, and
goes on as a tarball does, with chunks of deflate. They hold NEW's entries that OLD has not, a program that takes the
others from OLD's environment, and its list of them. It has no header of gzip: no reader of .tar.gz takes it for an
environment.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import stat
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tarfile import BLOCKSIZE
from typing import BinaryIO

from zlib_ng import zlib_ng

from python_package.errors import PackError, SpecError, SpecNotFoundError
from python_package.pack import entries, manifest
from python_package.pack.archive import END, PIECE, header
from python_package.pack.compression import DeflatedPiece
from python_package.pack.entries import Entry, Section
from python_package.pack.layer_cache import LayerCache
from python_package.pack.manifest import HEAD_SIZE, TAIL_SIZE, Manifest
from python_package.pack.relocate import spelled
from python_package.pack.tarball import split
from python_package.run import completion

HEADING = "#python-package-difference 2"

# Where the program and its list are meanwhile, in the tree that a worker unpacks.
FOLDER = ".python-package-difference"

# A worker waits for these bytes more than we do for them.
_LEVEL = 6

# What the wrapper takes for a word of its manifest.
_NAME = re.compile(r"[a-zA-Z0-9._+:=,@][a-zA-Z0-9._+:=,@-]*")


@dataclass(frozen=True)
class Base:
    """The tarball that a difference begins from."""

    tarball: Path
    manifest: Manifest


def read_base(tarball: Path) -> Base:
    """Return the base that a tarball is.

    Raises SpecNotFoundError where there is none, and SpecError for what cannot be one.
    """
    if not tarball.is_file():
        raise SpecNotFoundError(f"--base {tarball}: no such file; expected a tarball of python_package_create")
    if not _NAME.fullmatch(tarball.name):
        raise SpecError(
            f"--base {tarball}: a worker looks for it by that name; rename it to letters, digits, . _ + or -"
        )
    with tarball.open("rb") as file:
        if HEADING.encode() in file.read(len(HEADING) + 1):
            raise SpecError(f"--base {tarball} is a difference itself; give the whole tarball, which lies beside it")
    try:
        found = manifest.read(tarball)
    except PackError as error:
        raise SpecError(f"--base {error}") from None
    size = tarball.stat().st_size
    if size != found.archive:
        raise SpecError(f"--base {tarball} is cut short or damaged: it has {size} bytes instead of {found.archive}")
    if not found.python.startswith("3."):
        raise SpecError(
            f"--base {tarball} has no Python 3, with which a worker takes its files (python {found.python})"
        )
    return Base(tarball, found)


def write(
    output: BinaryIO, base: Base, tarball: Path, relocated: Sequence[tuple[str, str, str]], cache: LayerCache
) -> None:
    """Write what the environment of `tarball` has that the base has not.

    `relocated` are (path, placeholder, mode) of its files that hold the prefix. Raises PackError for a tarball that is
    for another platform than the base, or that cannot be read.
    """
    new = manifest.read(tarball)
    if new.subdir != base.manifest.subdir:
        raise PackError(
            f"--base {base.tarball} is for {base.manifest.subdir}, and the new environment for {new.subdir}"
        )
    old = {
        entry.path: entry for each in entries.sections(base.tarball, base.manifest, cache) for entry in _of(each, cache)
    }
    layers = [(each[1], _of(each, cache)) for each in entries.sections(tarball, new, cache)]
    taken = sorted(
        entry for _, layer in layers for entry in layer if entry.kind != "folder" and old.get(entry.path) == entry
    )
    kept = {entry.path for entry in taken}
    output.seek(HEAD_SIZE)
    pieces = _Pieces(output)
    pieces.add([_entry_of_manifest(tarball)])
    for name, text in (("complete", completion(inspect.getsource(spelled))), ("taken", _list(taken, relocated))):
        data = text.encode()
        pieces.add([header(f"{FOLDER}/{name}", len(data)), data, bytes(-len(data) % BLOCKSIZE)])
    for section, layer in layers:
        if any(entry.path not in kept for entry in layer):
            for member, content in section.members():
                if member.name not in kept:
                    pieces.add(_entry(member, content))
    chunks = split(pieces.finish())
    size = output.tell() + TAIL_SIZE
    output.write(bytes(TAIL_SIZE))
    facts = replace(new, archive=size, chunks=chunks).to_text()
    text = facts.replace(f"{manifest.HEADING}\n", f"{HEADING}\nfrom {base.manifest.id} {base.tarball.name}\n", 1)
    output.seek(0)
    output.write(text.encode("ascii").ljust(HEAD_SIZE, b"\n"))


def _of(layer: tuple[str, Section], cache: LayerCache) -> list[Entry]:
    return entries.of_section(layer[1], layer[0], cache)


def _list(taken: Sequence[Entry], relocated: Iterable[Sequence[str]]) -> str:
    """Return what the program reads: the paths by kind, what is to be un-relocated, and a hash of all that is taken."""
    paths = {kind: [entry.path for entry in taken if entry.kind == kind] for kind in ("file", "executable", "link")}
    every = {entry.path for entry in taken}
    found = {path: (placeholder, mode) for path, placeholder, mode in relocated if path in every}
    digest = hashlib.sha256()
    for kind in paths:
        for entry in taken:
            if entry.kind == kind:
                digest.update(bytes.fromhex(entry.digest))
    return json.dumps({**paths, "relocated": found, "sha256": digest.hexdigest()}, separators=(",", ":"))


def _entry_of_manifest(tarball: Path) -> bytes:
    with tarball.open("rb") as file:
        return file.read(HEAD_SIZE)[-manifest.ENTRY_SIZE :]


def _entry(member: tarfile.TarInfo, content: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a tar entry as it is in a tarball."""
    yield header(
        member.name,
        member.size,
        kind=member.type,
        executable=member.isreg() and bool(member.mode & stat.S_IXUSR),
        target=member.linkname,
    )
    yield from content
    yield bytes(-member.size % BLOCKSIZE)


@dataclass
class _Pieces:
    """Compresses entries one after the other, in pieces that refer to nothing before."""

    output: BinaryIO
    _raw: bytearray = field(default_factory=bytearray)
    _entries: int = 0
    _made: list[DeflatedPiece] = field(default_factory=list)

    def add(self, parts: Iterable[bytes]) -> None:
        """Add an entry; a large one fills several pieces."""
        self._entries += 1
        for part in parts:
            self._raw += part
            if len(self._raw) >= PIECE:
                self._flush(whole=False)
        if len(self._raw) >= PIECE // 4:
            self._flush(whole=True)

    def finish(self) -> list[DeflatedPiece]:
        """End the archive, and return all pieces."""
        self._raw += END
        self._flush(whole=True)
        return self._made

    def _flush(self, *, whole: bool) -> None:
        compressor = zlib_ng.compressobj(_LEVEL, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS)
        data = compressor.compress(self._raw) + compressor.flush(zlib_ng.Z_FULL_FLUSH)
        self.output.write(data)
        self._made.append(DeflatedPiece(len(data), len(self._raw), zlib_ng.crc32(self._raw), self._entries, whole))
        self._raw.clear()
        self._entries = 0
