"""Solve and link Conda packages in process, through py-rattler; the only room of an environment that imports it."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import rattler
from rattler.exceptions import (
    GatewayError,
    InstallerError,
    InvalidMatchSpecError,
    InvalidVersionError,
    InvalidVersionSpecError,
    SolverError,
)
from rattler.package_cache import PackageCache

from python_package.environment import integrity
from python_package.environment.available import PYTHON, Available, Build
from python_package.errors import ChecksumError, PackageError, PackError, SolveError, UnreachableError
from python_package.lock.document import canonical

_T = TypeVar("_T")

# This machine's, as Conda names it: linux-64.
PLATFORM = str(rattler.Subdir.current())

_NETWORK = re.compile(
    r"error sending request|dns error|connect|timed out|status client error|status server error", re.I
)

# py-rattler's words for a download that is not what its channel promised.
_MISMATCH = re.compile(r"hash mismatch when extracting (\S+) to .*?: expected (\w+), got (\w+)")


class LinkProgress(Protocol):
    """What is told while packages are fetched and linked; both counts are since the start."""

    def downloaded(self, done: int, total: int) -> None:
        """Report bytes fetched, of those known to be needed so far."""

    def linked(self, done: int, total: int) -> None:
        """Report packages linked, of all in the transaction."""


@dataclass(frozen=True)
class CondaPackage:
    """A package of a channel, as people see it: `needs` are the names of others, `channel` is a URL or a folder."""

    name: str
    version: str
    build: str
    channel: str
    size: int | None
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Solution:
    """A consistent set of packages: the records, in py-rattler's form, and the match specs that asked for them."""

    records: tuple[rattler.RepoDataRecord, ...]
    specs: tuple[str, ...]

    @property
    def packages(self) -> tuple[CondaPackage, ...]:
        """Return the records without what only py-rattler can read."""
        return tuple(
            CondaPackage(
                record.name.normalized,
                str(record.version),
                str(record.build),
                str(record.channel or "").rstrip("/").removesuffix(f"/{record.subdir}"),
                record.size,
                tuple(dict.fromkeys(dependency.split()[0] for dependency in record.depends)),
            )
            for record in self.records
        )


class Channels:
    """A list of channels, highest priority first: names, URLs or folders."""

    def __init__(self, channels: Sequence[str], *, offline: bool = False, strict_priority: bool = True) -> None:
        self.names = tuple(channels)
        self._offline = offline
        self._sources = [rattler.Channel(_located(channel)) for channel in channels]
        self.urls = tuple(source.base_url for source in self._sources)
        self._client = rattler.Client.default_client()
        # A channel that does not answer is said quickly: one retry here; downloads keep the default client's three.
        self._gateway = rattler.Gateway(
            client=rattler.Client.default_client(max_retries=1),
            default_config=rattler.SourceConfig(cache_action="force-cache-only" if offline else "cache-or-fetch"),
        )
        priority = rattler.ChannelPriority
        self._priority = priority.Strict if strict_priority else priority.Disabled

    def available(self, names: Iterable[str], programs: Iterable[str] = ()) -> Available:
        """Return what the channels have of python and of each package that needs it.

        No other package gives a module: PyPI's graphviz is python-graphviz in conda-forge, whose graphviz is the
        program. Of the `programs` any package counts. Raises UnreachableError when a channel does not answer or is not
        one.
        """
        programs = {*programs, "python"}
        names = sorted({*names, *programs})
        platforms = [rattler.Subdir.current(), rattler.Subdir("noarch")]
        builds = set()
        for records in self._run(lambda: self._gateway.query(self._sources, platforms, list(names), recursive=False)):
            for record in records:
                name = record.name.normalized
                needs = [dependency.split() for dependency in record.depends]
                if name in programs or any(need[0] in PYTHON for need in needs):
                    of_python = tuple(need[1] for need in needs if need[0] in PYTHON and len(need) > 1)
                    builds.add(Build(name, str(record.version), of_python))
        return Available(frozenset(builds))

    def solve(self, specs: Sequence[str]) -> Solution:
        """Return packages that satisfy all match specs on this machine's platform, as a lock gives them back.

        Raises SolveError with the solver's reason, UnreachableError when a channel does not answer.
        """
        overrides = rattler.VirtualPackageOverrides.from_env()
        records = self._run(
            lambda: rattler.solve(
                self._sources,
                list(specs),
                gateway=self._gateway,
                virtual_packages=rattler.VirtualPackage.detect(overrides),
                channel_priority=self._priority,
            )
        )
        return Solution(canonical(records, PLATFORM), tuple(specs))

    def link(self, solution: Solution, prefix: Path, progress: LinkProgress) -> None:
        """Fetch what the package cache lacks and link the solution into the prefix, an absolute path.

        Raises UnreachableError when a package cannot be fetched, ChecksumError when one is not what its channel
        promised, PackError when files cannot be written.
        """
        seals = integrity.Seals()
        archives = [a for record in solution.records if (a := integrity.local(record.url, record.sha256))]
        gone = {archive.path for archive in seals.verify(archives)}
        self._require_cached(solution.records, gone)
        self._run(
            lambda: rattler.install(
                list(solution.records),
                prefix,
                execute_link_scripts=True,
                show_progress=False,
                client=self._client,
                requested_specs=[rattler.MatchSpec(spec)._match_spec for spec in solution.specs],
                reporter=_Reporter(progress),  # type: ignore[arg-type]  # duck-typed: most events are ignored
            )
        )
        seals.verify_unpacked(integrity.unpacked(prefix, archives))
        # The tag marks a cache for backup tools to leave out; in an environment it would do harm.
        (prefix / "CACHEDIR.TAG").unlink(missing_ok=True)
        # py-rattler writes its records for the owner alone; Conda's can be read by whoever can read the environment.
        umask = os.umask(0o077)
        os.umask(umask)
        for record in (prefix / "conda-meta").glob("*.json"):
            record.chmod(0o666 & ~umask)

    def _require_cached(self, records: Iterable[rattler.RepoDataRecord], gone: Collection[Path]) -> None:
        """Raise UnreachableError if a package would be needed that is gone, or must not be downloaded."""
        needed = []
        for record in records:
            archive = integrity.local(record.url, record.sha256)
            if archive and archive.path in gone:
                needed.append((record, f"{archive.path}: {integrity.GONE}"))
            elif self._offline and not record.url.startswith("file:"):
                needed.append(
                    (record, f"{record.url} is not in the cache of packages, and --offline forbids to fetch it")
                )
        if not needed:
            return
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache = Path(os.environ.get("RATTLER_CACHE_DIR") or Path(base, "rattler", "cache")) / "pkgs"
        index = self._run(PackageCache(cache).index)
        for record, absence in needed:
            if not index.contains_record(record):
                raise UnreachableError(absence)

    def _run(self, work: Callable[[], Awaitable[_T]]) -> _T:
        started: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[_T] | None]] = []

        async def main() -> _T:
            started.append((asyncio.get_running_loop(), asyncio.current_task()))
            return await work()

        # In a thread, so that an interrupt finds its caller waiting and not asyncio in the middle of its own work.
        aside = ThreadPoolExecutor(1)
        future = aside.submit(lambda: asyncio.run(main()))
        try:
            return future.result()
        except KeyboardInterrupt:
            for loop, task in started:
                if task:
                    loop.call_soon_threadsafe(task.cancel)
            wait([future], timeout=30)
            time.sleep(1)  # the files that py-rattler's own threads are at; nothing tells when they are done
            raise
        except (GatewayError, SolverError, InstallerError, InvalidMatchSpecError) as error:
            raise self._explained(error) from None
        except BaseException as error:
            if type(error).__name__ == "PanicException":  # pyo3's, not an Exception, with no importable class
                raise PackError(f"py-rattler failed: {error}") from None
            raise
        finally:
            aside.shutdown(wait=False)

    def _explained(self, error: Exception) -> PackageError:
        text = " ".join(re.sub(r"[├└│─╰]", " ", str(error)).split())
        causes = text.split(" Caused by: ")
        where = ", ".join(self.names)
        if wrong := _MISMATCH.search(text):
            return ChecksumError(
                f"{wrong[1]} is not the package that was promised: its sha256 is {wrong[3]}, not {wrong[2]}"
            )
        if isinstance(error, SolverError | InvalidMatchSpecError):
            reason = text.removeprefix("Cannot solve the request because of: ")
            return SolveError(f"no environment can be made from the channel {where}: {reason}")
        if isinstance(error, InstallerError) and not _NETWORK.search(text):
            return PackError(f"cannot link the environment: {text}")
        # Of a failed request the root says what happened; of anything else the first line does.
        reason = causes[-1] if _NETWORK.search(text) else causes[0]
        if isinstance(error, GatewayError):
            return UnreachableError(f"no answer from the channel {where}: {reason}")
        return UnreachableError(f"cannot fetch a package from the channel {where}: {reason}")


def parse_spec(text: str) -> tuple[str, str, str, str]:
    """Return the channel, name, version and build in a match spec as people write it, each empty where it says none.

    Versions come as Conda's clauses: `1.26.*` for the fuzzy `=1.26`. Raises ValueError for what is none.
    """
    try:
        spec = rattler.MatchSpec(text)
    except InvalidMatchSpecError as error:
        raise ValueError(str(error)) from None
    if spec.name is None or not re.fullmatch(r"\w[\w.-]*", spec.name.normalized):
        raise ValueError("it does not name one package")
    channel = spec.channel.name if spec.channel else ""
    return channel or "", spec.name.normalized, str(spec.version or ""), str(spec.build or "")


def fits(constraint: str, version: str) -> bool:
    """Tell whether a version is one that Conda's constraint allows; True for a constraint that cannot be read."""
    try:
        return bool(rattler.VersionSpec(constraint).matches(rattler.Version(version)))
    except (InvalidVersionError, InvalidVersionSpecError):
        return True


def _located(channel: str) -> str:
    """Return a folder as the absolute path that py-rattler wants, anything else as it is."""
    if "://" not in channel and (channel.startswith((".", "/", "~")) or Path(channel).is_dir()):
        return str(Path(channel).expanduser().resolve())
    return channel


class _Reporter:
    """Turns py-rattler's events (duck-typed by it) into LinkProgress."""

    def __init__(self, progress: LinkProgress) -> None:
        self._progress = progress
        self._operations = 0
        self._linked = 0
        self._bytes: dict[int, tuple[int, int]] = {}

    def on_transaction_start(self, total_operations: int) -> None:
        self._operations = total_operations

    def on_download_start(self, cache_entry: int) -> int:
        return cache_entry

    def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None:
        self._bytes[download_idx] = (progress, total or progress)
        done, needed = (sum(column) for column in zip(*self._bytes.values(), strict=True))
        self._progress.downloaded(done, needed)

    def on_link_complete(self, _index: int) -> None:
        self._linked += 1
        self._progress.linked(self._linked, self._operations)

    def __getattr__(self, name: str) -> Callable[..., int]:
        if name.startswith("on_"):
            return lambda *_: 0
        raise AttributeError(name)
