"""prefix -> NAME.tar.gz: ordinary to every tool, made of gzip members that are compressed side by side."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import Any

from python_package.errors import PackError
from python_package.files import caches, scratch
from python_package.pack import bytecode, contents, identity, memo, own, relocate
from python_package.pack.builder import Builder
from python_package.pack.contents import Contents, Layer
from python_package.pack.identity import Identity
from python_package.pack.layer import Filled, Summary, fill
from python_package.pack.manifest import Manifest
from python_package.pack.output import Output, content_id
from python_package.pack.pipeline import Pipeline
from python_package.pack.store import Entry, Store

Progress = Callable[[int, int], None]


class Packer:
    """Packs one environment, and rewrites it so that its folder may be renamed.

    `cache` is the folder of packed layers, which also remembers what was found in environments that did not change.
    `id` is the content id, empty while it takes packing to know it. The cache is not trimmed before the environment
    is packed or the context left.
    """

    def __init__(self, prefix: Path, *, cache: Path | None = None) -> None:
        self._prefix = prefix.absolute()
        self._store = Store(cache or caches.folder("layers"))
        self._holding = contextlib.ExitStack()
        self._holding.enter_context(self._store.hold())
        self._key = memo.key(self._prefix)
        self._recalled = memo.recall(self._store, self._key, self._prefix)
        self.id = content_id(self._recalled.summaries) if self._recalled else ""

    def __enter__(self) -> Packer:
        return self

    def __exit__(self, *_: object) -> None:
        self._holding.close()

    @cached_property
    def _environment(self) -> contents.Contents:
        return contents.load(self._prefix)

    def pack(
        self,
        output: Path,
        *,
        threads: int | None = None,
        progress: Progress = lambda _done, _total: None,
        compiler: bytecode.Compiler = bytecode.compile_layers,
    ) -> Manifest:
        """Write the tarball `output`, and return the manifest it begins with.

        The bytes depend on the environment's contents alone: not on its path, the machine or the time. `threads` is
        the number used, `progress` is told (bytes done, bytes in all) and may end it all by raising. Raises PackError
        when the environment cannot be packed or the file not written; what was at `output` stays until the new file
        is whole.
        """
        if self._recalled:
            with _replacing(output) as file:
                return _repeat(self._recalled, file, progress)
        environment, store = self._environment, self._store
        with _replacing(output) as file, ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
            try:
                manifest = _Packing(environment, store, file, pool, progress).run(self._key, compiler)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self._holding.close()
        store.trim()
        self.id = manifest.id
        return manifest

    def relocate(self, new: str) -> None:
        """Make the environment believe that it lies in `new`; raise PackError as `relocate.relocate` does."""
        files = memo.recall_places(self._store, self._key, self.id)
        if files is not None:
            relocate.relocate(self._prefix, files, new)
        else:
            places = relocate.relocate(self._prefix, relocate.candidates(self._environment), new)
            memo.keep_places(self._store, self._key, self.id, places)


def pack(prefix: Path, output: Path, *, cache: Path | None = None, **options: Any) -> Manifest:
    """Pack the environment at `prefix` as Packer.pack does, which takes the same options."""
    with Packer(prefix, cache=cache) as packer:
        return packer.pack(output, **options)


@contextlib.contextmanager
def _replacing(output: Path) -> Iterator[FileIO]:
    """Write a file beside `output` that takes its name once it is whole and on disk."""
    new = output.with_name(f".{output.name}.{os.getpid()}.new")
    try:
        with new.open("wb", buffering=0) as file:
            yield file
            os.fsync(file.fileno())
        new.replace(output)
    except OSError as error:
        # A file that cannot be read is named; the one being written has a name that nobody knows.
        culprit = "" if error.filename in (None, str(new)) else f": {error.filename}"
        raise PackError(f"cannot write {output}: {error.strerror or error}{culprit}") from None
    finally:
        new.unlink(missing_ok=True)


def _repeat(recalled: memo.Recalled, file: FileIO, progress: Progress) -> Manifest:
    """Write the tarball of an environment that is in the cache whole."""
    meter = _Meter(sum(member.raw for summary in recalled.summaries for member in summary.members), progress)
    output = Output(file, meter.advance)
    for entry, summary in zip(recalled.entries, recalled.summaries, strict=True):
        output.copy(entry, summary)
    return output.finish(version=recalled.version, subdir=recalled.subdir)


class _Packing:
    """Writes one tarball: layers that are in the cache are copied, all others are filled, compressed and kept."""

    def __init__(
        self, environment: Contents, store: Store, file: FileIO, pool: ThreadPoolExecutor, progress: Progress
    ) -> None:
        self._environment = environment
        self._store = store
        self._pool = pool
        self._meter = _Meter(sum(layer.size for layer in environment.layers), progress)
        self._output = Output(file, self._meter.advance)
        # Beside the pieces in work, one that waits: no thread is idle while the next piece is read.
        self._pipeline = Pipeline(pool, pool._max_workers + 1)

    def run(self, key: str, compiler: bytecode.Compiler) -> Manifest:
        """Write all members and the manifest, and remember the layers under that key of the memo."""
        environment = self._environment
        identities = [identity.identify(environment, layer) for layer in environment.layers]
        entries = [self._store.find(each.key) for each in identities]
        missing = [layer for layer, entry in zip(environment.layers, entries, strict=True) if entry is None]
        filled: list[Filled] = []
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(scratch.folder())
            compiled = iter(compiler(environment, missing, folder, self._pool, lambda: self._meter.advance(0)))
            for layer, known, entry in zip(environment.layers, identities, entries, strict=True):
                if entry is not None:
                    filled.append(self._reuse(entry))
                else:
                    builder = self._builder(stack, layer, known)
                    filled.append(fill(builder.archive, environment, layer, next(compiled)))
                    builder.end(filled[-1])
            ours = own.identify(environment, filled)
            entry = self._store.find(ours.key)
            if entry is not None:
                self._reuse(entry)
            else:
                builder = self._builder(stack, Layer(own.NAME, ()), ours)
                builder.end(own.fill(builder.archive, environment, filled))
            self._pipeline.finish()
        self._meter.finish()
        memo.keep(self._store, key, environment, [each.key for each in [*identities, ours]])
        return self._output.finish(version=environment.version, subdir=environment.subdir)

    def _reuse(self, entry: Entry) -> Filled:
        summary = Summary.from_json(entry.summary)
        self._pipeline.then(lambda: self._output.copy(entry, summary))
        return summary.filled

    def _builder(self, stack: contextlib.ExitStack, layer: Layer, known: Identity) -> Builder:
        draft = stack.enter_context(self._store.draft(known.key))
        return Builder(str(self._environment.prefix), layer, known, self._pipeline, self._output, draft)


class _Meter:
    """Counts bytes up to the total, which records of installation give: headers and compiled files are not in it."""

    def __init__(self, total: int, tell: Progress) -> None:
        self._done = 0
        self._total = total
        self._tell = tell

    def advance(self, size: int) -> None:
        self._done = min(self._done + size, self._total)
        self._tell(self._done, self._total)

    def finish(self) -> None:
        self.advance(self._total)
