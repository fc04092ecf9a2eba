"""prefix -> NAME.tar.gz: ordinary to every tool, made of gzip members that are compressed side by side."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import deflate
from conda_pack.core import Packer

from python_package.errors import PackError
from python_package.tarball import contents, manifest, normalize, tar, unpack
from python_package.tarball.archive import DISK_BLOCK, Archive, Piece
from python_package.tarball.manifest import Manifest

# libdeflate's: smaller and faster than zlib's level 4, which is conda-pack's default (scripts/bench_pack.py).
_LEVEL = 3

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

    The bytes depend on the environment's contents alone: not on its path, the machine or the time. `progress` is
    told (layers done, layers). Raises PackError when the environment cannot be packed or the file not written; a
    file that was at `output` stays whole until then.
    """
    environment = contents.load(prefix)
    partial = output.with_name(f".{output.name}.{os.getpid()}.new")
    try:
        with partial.open("xb") as file:
            result = _write(environment, file, threads or len(os.sched_getaffinity(0)), progress)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(output)
    except OSError as error:
        raise PackError(f"cannot write {output}: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
    return result


def _write(environment: contents.Contents, file: BinaryIO, threads: int, progress: Progress | None) -> Manifest:
    prefix = str(environment.prefix)
    records: list[tuple[str, str, str]] = []
    identity = hashlib.sha256()
    files = size = 0
    file.seek(manifest.MEMBER_SIZE)
    with ThreadPoolExecutor(threads) as pool:
        sink = _Sink(file, pool, threads + 1)
        for number, layer in enumerate(environment.layers):
            archive = Archive(prefix, sink.add, _edit)
            packer = Packer(prefix, archive)
            for entry in layer.files:
                packer.add(entry)
            archive.close()
            records += packer.prefixes
            identity.update(archive.digest.encode())
            files, size = files + archive.files, size + archive.disk
            if progress:
                progress(number + 1, len(environment.layers) + 1)
        archive = Archive(prefix, sink.add, _edit)
        _add_own(environment, archive, records)
        archive.close()
        sink.add(Piece([tar.END], len(tar.END)))
        identity.update(archive.digest.encode())
        files, size = files + archive.files, size + archive.disk
        sink.drain(0)
    python = environment.records.get("python", {})
    result = Manifest(
        id=identity.hexdigest()[:20],
        subdir=str(python.get("subdir", "linux-64")),
        glibc="none",
        python=str(python.get("version", "none")),
        size=size + DISK_BLOCK,
        files=files + 1,
        archive=file.tell(),
        chunks=sink.chunks(),
    )
    file.seek(0)
    file.write(result.to_member())
    return result


def _add_own(environment: contents.Contents, archive: Archive, records: list[tuple[str, str, str]]) -> None:
    meta = {
        f"conda-meta/{data['name']}-{data['version']}-{data['build']}.json": normalize.record(data)
        for data in environment.records.values()
    }
    history = environment.prefix / "conda-meta/history"
    if history.exists():
        meta["conda-meta/history"] = normalize.history(environment.records.values(), history.read_text())
    scripts = unpack.scripts(records)
    for target, data in sorted({**meta, **scripts}.items()):
        archive.add_text(target, data, executable=target in scripts)


def _edit(target: str, data: bytes) -> bytes:
    return data


class _Sink:
    """Compresses pieces in a pool and writes them in order."""

    def __init__(self, file: BinaryIO, pool: ThreadPoolExecutor, most: int) -> None:
        self._file = file
        self._pool = pool
        self._most = most
        self._pending: deque[tuple[Piece, Future[bytes]]] = deque()
        self._members: list[tuple[int, int, bool]] = []

    def add(self, piece: Piece) -> None:
        self.drain(self._most)
        self._pending.append((piece, self._pool.submit(_compress, piece)))

    def drain(self, most: int) -> None:
        while len(self._pending) > most:
            piece, future = self._pending.popleft()
            data = future.result()
            self._file.write(data)
            self._members.append((len(data), piece.size, piece.whole))

    def chunks(self) -> tuple[tuple[int, int], ...]:
        target = sum(raw for _, raw, _ in self._members) / manifest.MAX_CHUNKS
        chunks: list[tuple[int, int]] = []
        offset, length, raw_sum = manifest.MEMBER_SIZE, 0, 0
        for size, raw, whole in self._members:
            length += size
            raw_sum += raw
            if whole and raw_sum >= target:
                chunks.append((offset, length))
                offset, length, raw_sum = offset + length, 0, 0
        if length:
            if chunks and raw_sum < target / 2:
                last = chunks.pop()
                chunks.append((last[0], last[1] + length))
            else:
                chunks.append((offset, length))
        return tuple(chunks)


def _compress(piece: Piece) -> bytes:
    data = b"".join(piece.parts)
    piece.parts = []
    return bytes(deflate.gzip_compress(data, _LEVEL))
