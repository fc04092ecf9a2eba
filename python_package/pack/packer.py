"""prefix -> NAME.tar.gz: one gzip member, ordinary to every tool, of pieces that are compressed side by side."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from zlib_ng import zlib_ng

from python_package.errors import PackError
from python_package.files import caches, disk, scratch
from python_package.pack import (
    activation,
    bytecode,
    contents,
    difference,
    entries,
    layer_keys,
    normalize,
    relocate,
    tree,
)
from python_package.pack.archive import ArchiveWriter
from python_package.pack.compression import Compressed, Compressor, DeflatedPiece
from python_package.pack.contents import CompiledBy
from python_package.pack.difference import Base
from python_package.pack.layer import LayerFacts, PackedLayer, fill, fill_environment, identify_environment, relocated
from python_package.pack.layer_cache import CachedLayer, LayerCache
from python_package.pack.layer_keys import LayerKey
from python_package.pack.manifest import Manifest
from python_package.pack.slim import without
from python_package.pack.tarball import Progress, Tarball, content_id


class Packer:
    """Packs one environment, and rewrites it so that its folder may be renamed.

    `cache` is the folder of packed layers; without `links`, files take the place of symbolic links; `compiled_by` is
    what compiles the modules in place of the environment's own interpreter; `slim` are the kinds of files (slim.py)
    that are left out. `id` is the content id, empty while it takes packing to know it. The cache is not trimmed before
    the environment is packed or the context left. Raises PackError for what cannot be packed.
    """

    def __init__(
        self,
        prefix: Path,
        *,
        cache: Path | None = None,
        links: bool = True,
        compiled_by: CompiledBy | None = None,
        slim: Sequence[str] = (),
    ) -> None:
        self._cache = LayerCache(cache or caches.folder("layers"))
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._cache.hold())
            self._whole = contents.load(prefix.absolute(), links=links, compiled_by=compiled_by)
            self._contents = without(self._whole, slim)
            if self._contents.python:
                hook = activation.layer(self._contents.prefix, stack.enter_context(scratch.folder()))
                self._contents = replace(self._contents, layers=(*self._contents.layers, hook))
            try:
                self._keys = [layer_keys.identify(self._contents, layer) for layer in self._contents.layers]
            except OSError as error:
                raise PackError(f"cannot pack {prefix}: {error.strerror}: {error.filename}") from None
            self._found = [self._cache.find(each.key) for each in self._keys]
            self.id = self._known_id()
            self._holding = stack.pop_all()

    def __enter__(self) -> Packer:
        return self

    def __exit__(self, *_: object) -> None:
        self._holding.close()

    def _known_id(self) -> str:
        layers = [PackedLayer.from_json(found.summary) for found in self._found if found]
        if len(layers) < len(self._found):
            return ""
        key = identify_environment(self._contents, layers).key
        last = self._cache.find(key)
        return content_id([*layers, PackedLayer.from_json(last.summary)]) if last else ""

    def pack(
        self,
        output: Path,
        *,
        threads: int | None = None,
        unchecked: bool = False,
        progress: Progress = lambda _done, _total: None,
        compiler: bytecode.Compiler = bytecode.compile_layers,
    ) -> Manifest:
        """Write the tarball `output`, and return the manifest it begins with.

        The bytes depend on the environment's contents alone: not on its path, the machine or the time. `threads` is
        the number used, `unchecked` has the manifest say that no import was tried, `progress` may end it all by
        raising. Layers that are in the cache are copied, all others are filled, compressed and kept. Raises PackError
        when the file cannot be written; what was at `output` stays until the new file is whole.
        """
        threads = threads or len(os.sched_getaffinity(0))
        with _replacing(output) as file, ThreadPoolExecutor(threads) as pool:
            layers = self._contents.layers
            tarball = Tarball(file, sum(layer.size for layer in layers), progress)
            # Beside the pieces in work, one that waits: no thread is idle while the next piece is read.
            compressor = Compressor(pool, threads + 1)
            try:
                with scratch.folder() as folder:
                    missing = [layer for layer, found in zip(layers, self._found, strict=True) if not found]
                    compiled = compiler(self._contents, missing, folder, pool, lambda: tarball.advance(0))
                    prefix = str(self._contents.prefix)
                    self._write(_LayerWriter(prefix, self._cache, tarball, compressor), iter(compiled))
                    compressor.finish()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            manifest = tarball.finish(self._contents, unchecked=unchecked)
            entries.keep_layers(self._cache, manifest.id, file, tarball.layers)
            self._relocated = relocated(layer.facts for layer in tarball.layers)
        self._holding.close()
        self._cache.trim()
        self.id = manifest.id
        return manifest

    def _write(self, writer: _LayerWriter, compiled: Iterator[bytecode.Compiled]) -> None:
        """Write all layers: those that are in the cache are copied, all others are filled, compressed and kept."""
        environment = self._contents
        for layer, key, found in zip(environment.layers, self._keys, self._found, strict=True):
            if found:
                writer.copy(found)
            else:
                filling = partial(fill, contents=environment, layer=layer, compiled=next(compiled))
                writer.make(key, filling, (layer.record or {}).get("link", {}).get("source", ""))
        # The last layer tells how big the others are.
        writer.compressor.finish()
        layers = tuple(writer.tarball.layers)
        key = identify_environment(environment, layers)
        if found := self._cache.find(key.key):
            writer.copy(found)
        else:
            writer.make(key, partial(fill_environment, contents=environment, layers=layers))

    def write_difference(self, output: BinaryIO, base: Base, tarball: Path) -> None:
        """Write what the tarball that was packed has and the base has not; raise PackError as difference.write does."""
        difference.write(output, base, tarball, self._relocated, self._cache)

    def relocate(self, new: str) -> None:
        """Make the environment believe that it lies in `new`; raise PackError as `relocate.relocate` does."""
        relocate.relocate(self._contents.prefix, relocate.candidates(self._whole), new)

    def copy(self, folder: Path) -> None:
        """Make what a task would have of the environment in a folder, by links; raise PackError where that fails."""
        tree.copy(self._contents, folder)


def pack(
    prefix: Path,
    output: Path,
    *,
    cache: Path | None = None,
    links: bool = True,
    slim: Sequence[str] = (),
    **options: Any,
) -> Manifest:
    """Pack the environment at `prefix` as Packer.pack does, which takes the same options."""
    with Packer(prefix, cache=cache, links=links, slim=slim) as packer:
        return packer.pack(output, **options)


@contextlib.contextmanager
def _replacing(output: Path) -> Iterator[BinaryIO]:
    """Write a file beside `output` that takes its name once it is whole and on disk."""
    try:
        with disk.replacing(output) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # A file that cannot be read is named; the one being written has a name that nobody knows.
        is_ours = not error.filename or Path(error.filename).parent == output.parent
        culprit = "" if is_ours else f": {error.filename}"
        raise PackError(f"cannot write {output}: {error.strerror or error}{culprit}") from None


@dataclass(frozen=True)
class _LayerWriter:
    """Writes layers to a tarball, and keeps those that it makes in the cache; all is done when the compressor is."""

    prefix: str
    cache: LayerCache
    tarball: Tarball
    compressor: Compressor

    def copy(self, cached: CachedLayer) -> None:
        """Add a layer from the cache."""
        layer = PackedLayer.from_json(cached.summary)
        self.compressor.then(lambda: self.tarball.copy(cached, layer))

    def make(self, key: LayerKey, fill: Callable[[ArchiveWriter], LayerFacts], package: str = "") -> None:
        """Add a layer that `fill` puts into an archive.

        Raises PackError when a file is not what the Conda package holds that lies in the folder `package`.
        """
        pieces: list[DeflatedPiece] = []
        identity = bytearray()
        wrong: list[str] = []
        crc = 0

        def take(compressed: Compressed) -> None:
            nonlocal crc
            self.tarball.write(compressed.data)
            self.tarball.advance(compressed.piece.raw)
            crc = zlib_ng.crc32(compressed.data, crc)
            pieces.append(compressed.piece)
            identity.extend(compressed.identity)
            wrong.extend(compressed.wrong)

        def complete() -> None:
            wrong.extend(archive.wrong)
            if wrong and package:
                raise PackError(
                    f"{package} is damaged: {wrong[0]} is not what the package holds; remove it and create again"
                )
            layer = PackedLayer(hashlib.sha256(identity).hexdigest(), pieces, archive.files, archive.disk, facts)
            # A file that changed behind its RECORD is shipped as it is, but the key does not stand for it.
            if not wrong:
                length = sum(piece.length for piece in pieces)
                self.cache.keep(key.key, self.tarball.file, length, crc, layer)
                entries.keep(self.cache, layer.digest, self.tarball.file, entries.of_identity(bytes(identity)))
            self.tarball.complete(layer)

        archive = ArchiveWriter(
            self.prefix,
            lambda piece: self.compressor.compress(piece, take),
            expect=key.expect,
            edit=partial(normalize.untracked, self.prefix),
        )
        facts = fill(archive)
        archive.close()
        self.compressor.then(complete)
