"""prefix -> NAME.tar.gz: ordinary to every tool, made of gzip members that are compressed side by side."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from python_package.errors import PackError
from python_package.tarball import bytecode, contents, identity, normalize, own, tar
from python_package.tarball.archive import DISK_BLOCK, Archive, Item, Piece
from python_package.tarball.contents import Contents, Layer
from python_package.tarball.layer import Filled, Summary, fill
from python_package.tarball.manifest import Manifest
from python_package.tarball.output import Output
from python_package.tarball.pipeline import Compressed, Member, Pipeline, compress
from python_package.tarball.store import Draft, Entry, Store, default_folder

Progress = Callable[[int, int], None]


def pack(
    prefix: Path,
    output: Path,
    *,
    cache: Path | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Pack the environment at `prefix` into the tarball `output`, and return the manifest it begins with.

    The bytes depend on the environment's contents alone: not on its path, the machine or the time. `cache` is the
    folder of packed layers, `threads` the number used, `progress` is told (done, all) in layers. Raises PackError
    when the environment cannot be packed or the file not written; what was at `output` stays until the new file
    is whole.
    """
    environment = contents.load(prefix)
    store = Store(cache or default_folder())
    threads = threads or len(os.sched_getaffinity(0))
    new = output.with_name(f".{output.name}.{os.getpid()}.new")
    try:
        with new.open("xb", buffering=0) as file, ThreadPoolExecutor(threads) as pool:
            packing = _Packing(environment, Output(file), store, pool, progress or (lambda *_: None))
            manifest = packing.run(threads)
            os.fsync(file.fileno())
        new.replace(output)
    except OSError as error:
        raise PackError(f"cannot write {output}: {error.strerror or error}") from None
    finally:
        new.unlink(missing_ok=True)
    store.trim()
    return manifest


class _Packing:
    """One run: layers that are in the cache are copied, all others filled, compressed and kept."""

    def __init__(
        self, environment: Contents, output: Output, store: Store, pool: ThreadPoolExecutor, progress: Progress
    ) -> None:
        self._environment = environment
        self._output = output
        self._store = store
        self._pool = pool
        self._progress = progress
        self._summaries: list[Summary] = []

    def run(self, threads: int) -> Manifest:
        """Write all members and the manifest."""
        layers = self._environment.layers
        identities = [identity.identify(self._environment, layer) for layer in layers]
        entries = [self._store.find(each.key) for each in identities]
        missing = [layer for layer, entry in zip(layers, entries, strict=True) if entry is None]
        # Beside the pieces in work: one that waits for a thread, so that none waits for the reader.
        pipeline = Pipeline(self._pool, threads + 1)
        filled: list[Filled] = []
        with contextlib.ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="python-package-")))
            compiled = iter(bytecode.compile_layers(self._environment, missing, scratch, self._pool))
            for layer, each, entry in zip(layers, identities, entries, strict=True):
                if entry is not None:
                    filled.append(self._reuse(pipeline, entry))
                else:
                    builder = self._begin(stack, pipeline, each, layer)
                    filled.append(builder.end(fill(builder.archive, self._environment, layer, next(compiled))))
                self._progress(len(filled), len(layers) + 1)
            key = own.identify(self._environment, filled)
            entry = self._store.find(key)
            if entry is not None:
                self._reuse(pipeline, entry)
            else:
                builder = self._begin(stack, pipeline, identity.Identity(key, lambda _: ""), None)
                builder.end(own.fill(builder.archive, self._environment, filled))
            pipeline.finish()
        self._progress(len(layers) + 1, len(layers) + 1)
        return self._finish(filled)

    def _reuse(self, pipeline: Pipeline, entry: Entry) -> Filled:
        summary = Summary.from_json(entry.summary)
        pipeline.then(partial(self._output.copy, entry, summary.members))
        pipeline.then(partial(self._summaries.append, summary))
        return summary.filled

    def _begin(
        self, stack: contextlib.ExitStack, pipeline: Pipeline, known: identity.Identity, layer: Layer | None
    ) -> _Builder:
        draft = stack.enter_context(self._store.draft(known.key))
        return _Builder(str(self._environment.prefix), layer, known, pipeline, self._output, draft, self._summaries)

    def _finish(self, filled: list[Filled]) -> Manifest:
        end = compress(Piece([Item(tar.END)], len(tar.END)))
        self._output.write(end.member, end.data)
        glibc = max((each.glibc for each in filled), default=())
        manifest = Manifest(
            id=identity.combine(*(summary.digest for summary in self._summaries))[:20],
            subdir=self._environment.subdir,
            glibc=".".join(map(str, glibc)) or "none",
            python=self._environment.version,
            size=DISK_BLOCK + sum(summary.disk for summary in self._summaries),
            files=1 + sum(summary.files for summary in self._summaries),
            archive=self._output.size,
            chunks=self._output.chunks(),
        )
        self._output.finish(manifest.to_member())
        return manifest


class _Builder:
    """Collects one layer: its archive's pieces go through the pipeline to the tarball and to the cache."""

    def __init__(
        self,
        prefix: str,
        layer: Layer | None,
        known: identity.Identity,
        pipeline: Pipeline,
        output: Output,
        draft: Draft,
        summaries: list[Summary],
    ) -> None:
        self._layer = layer
        self._pipeline = pipeline
        self._output = output
        self._draft = draft
        self._summaries = summaries
        self._members: list[Member] = []
        self._digest = hashlib.sha256()
        self._wrong: list[str] = []
        self.archive = Archive(
            prefix,
            lambda piece: pipeline.compress(piece, self._take),
            expect=known.expect,
            edit=partial(normalize.untracked, prefix),
        )

    def end(self, filled: Filled) -> Filled:
        """Complete the layer when its last piece is compressed."""
        self.archive.close()
        self._pipeline.then(partial(self._complete, filled))
        return filled

    def _take(self, compressed: Compressed) -> None:
        self._output.write(compressed.member, compressed.data)
        self._draft.write(compressed.data)
        self._members.append(compressed.member)
        self._digest.update(compressed.identity)
        self._wrong += compressed.wrong

    def _complete(self, filled: Filled) -> None:
        archive = self.archive
        wrong = self._wrong + archive.wrong
        if wrong and self._layer is not None and self._layer.record is not None:
            folder = self._layer.record["link"]["source"]
            raise PackError(
                f"{folder} is damaged: {wrong[0]} is not what the package holds; remove it and create again"
            )
        summary = Summary(self._digest.hexdigest(), tuple(self._members), archive.files, archive.disk, filled)
        self._summaries.append(summary)
        # A file that changed behind its RECORD is shipped as it is, but its hash does not name it.
        if not wrong:
            self._draft.commit({**vars(summary), "filled": vars(filled)})
