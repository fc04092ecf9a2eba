"""prefix -> NAME.tar.gz: ordinary to every tool, made of gzip members that are compressed side by side."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from python_package.errors import PackError
from python_package.tarball import bytecode, contents, identity, own, tar
from python_package.tarball.archive import DISK_BLOCK, Item, Piece
from python_package.tarball.builder import Builder
from python_package.tarball.contents import Contents, Layer
from python_package.tarball.identity import Identity
from python_package.tarball.layer import Filled, Summary, fill
from python_package.tarball.manifest import Manifest
from python_package.tarball.output import Output
from python_package.tarball.pipeline import Pipeline, compress
from python_package.tarball.store import Entry, Store, default_folder

Progress = Callable[[int, int], None]


def pack(
    prefix: Path,
    output: Path,
    *,
    cache: Path | None = None,
    threads: int | None = None,
    progress: Progress = lambda _done, _total: None,
    compiler: bytecode.Compiler = bytecode.compile_layers,
) -> Manifest:
    """Pack the environment at `prefix` into the tarball `output`, and return the manifest it begins with.

    The bytes depend on the environment's contents alone: not on its path, the machine or the time. `cache` is the
    folder of packed layers, `threads` the number used, `progress` is told (bytes done, bytes in all) and may end it
    all by raising. Raises PackError when the environment cannot be packed or the file not written; what was at
    `output` stays until the new file is whole.
    """
    environment = contents.load(prefix)
    store = Store(cache or default_folder())
    threads = threads or len(os.sched_getaffinity(0))
    new = output.with_name(f".{output.name}.{os.getpid()}.new")
    try:
        with new.open("wb", buffering=0) as file, ThreadPoolExecutor(threads) as pool:
            try:
                run = _Run(environment, store, Output(file), pool, progress)
                manifest = run.write(Pipeline(pool, threads + 1), compiler)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            os.fsync(file.fileno())
        new.replace(output)
    except OSError as error:
        raise PackError(f"cannot write {output}: {error.strerror or error}") from None
    finally:
        new.unlink(missing_ok=True)
    store.trim()
    return manifest


class _Run:
    """Writes one tarball: layers that are in the cache are copied, all others are filled, compressed and kept."""

    def __init__(
        self, environment: Contents, store: Store, output: Output, pool: ThreadPoolExecutor, progress: Progress
    ) -> None:
        self._environment = environment
        self._store = store
        self._output = output
        self._pool = pool
        self._progress = progress
        self._summaries: list[Summary] = []
        self._done = 0
        self._total = sum(layer.size for layer in environment.layers)

    def write(self, pipeline: Pipeline, compiler: bytecode.Compiler) -> Manifest:
        """Write all members and the manifest."""
        environment = self._environment
        identities = [identity.identify(environment, layer) for layer in environment.layers]
        entries = [self._store.find(each.key) for each in identities]
        missing = [layer for layer, entry in zip(environment.layers, entries, strict=True) if entry is None]
        filled: list[Filled] = []
        with contextlib.ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="python-package-")))
            compiled = iter(compiler(environment, missing, scratch, self._pool, partial(self._advance, 0)))
            for layer, known, entry in zip(environment.layers, identities, entries, strict=True):
                if entry is not None:
                    filled.append(self._reuse(pipeline, entry))
                else:
                    builder = self._builder(stack, pipeline, layer, known)
                    filled.append(fill(builder.archive, environment, layer, next(compiled)))
                    builder.end(filled[-1])
            known = own.identify(environment, filled)
            entry = self._store.find(known.key)
            if entry is not None:
                self._reuse(pipeline, entry)
            else:
                builder = self._builder(stack, pipeline, Layer(own.NAME, ()), known)
                builder.end(own.fill(builder.archive, environment, filled))
            pipeline.finish()
        return self._finish(filled)

    def _reuse(self, pipeline: Pipeline, entry: Entry) -> Filled:
        """Have a layer copied from the cache."""
        summary = Summary.from_json(entry.summary)

        def copy() -> None:
            self._output.copy(entry, summary.members)
            self._summaries.append(summary)
            self._advance(sum(member.raw for member in summary.members))

        pipeline.then(copy)
        return summary.filled

    def _builder(self, stack: contextlib.ExitStack, pipeline: Pipeline, layer: Layer, known: Identity) -> Builder:
        """Begin a layer that is not in the cache."""
        draft = stack.enter_context(self._store.draft(known.key))
        return Builder(
            str(self._environment.prefix),
            layer,
            known,
            pipeline=pipeline,
            output=self._output,
            draft=draft,
            done=self._summaries.append,
            progress=self._advance,
        )

    def _advance(self, raw: int) -> None:
        """Tell how far it is: what is made here, such as compiled files, is not in the total."""
        self._done = min(self._done + raw, self._total)
        self._progress(self._done, self._total)

    def _finish(self, filled: list[Filled]) -> Manifest:
        """Write the end of the archive, and the manifest before all else."""
        end = compress(Piece([Item(tar.END)], len(tar.END)))
        self._output.write(end.member, end.data)
        manifest = Manifest(
            id=identity.combine(*(summary.digest for summary in self._summaries))[:20],
            subdir=self._environment.subdir,
            glibc=".".join(map(str, max((each.glibc for each in filled), default=()))) or "none",
            python=self._environment.version,
            size=DISK_BLOCK + sum(summary.disk for summary in self._summaries),
            files=1 + sum(summary.files for summary in self._summaries),
            archive=self._output.size,
            chunks=self._output.chunks(),
        )
        self._output.finish(manifest.to_member())
        self._done = self._total
        self._advance(0)
        return manifest
