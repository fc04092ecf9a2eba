"""Ask channels what they have, solve, and link packages, in process through py-rattler."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import rattler
from rattler.exceptions import GatewayError, InvalidChannelError
from rattler.networking.fetch_repo_data import CacheAction
from rattler.package_cache import PackageCache

from python_package.address import Address
from python_package.conda import absent_hosts, checksums, match_specs, rattler_errors, records, virtual_packages
from python_package.conda.available import PYTHON, Available, Build
from python_package.conda.condarc import Condarc, Limits
from python_package.conda.connection import SilentError, Watch, client, run
from python_package.conda.link import Reporter, conform, run_scripts
from python_package.conda.lockfile import canonical
from python_package.conda.records import PLATFORM
from python_package.errors import PackageError, PackError, SolveError, UnreachableError
from python_package.files import caches
from python_package.lock import CondaPackage
from python_package.programs import Programs
from python_package.progress import Progress
from python_package.target import Target

_T = TypeVar("_T")

_PROXIES = [name for low in ("http_proxy", "https_proxy", "all_proxy") for name in (low, low.upper())]


@dataclass(frozen=True)
class Solution:
    """A consistent set of packages, and the match specs that asked for them."""

    packages: tuple[CondaPackage, ...]
    specs: tuple[str, ...]


class Channels:
    """A list of channels, highest priority first: names, URLs or folders, reached as the configuration says.

    What they are asked for is for a target, or for this machine.
    """

    def __init__(
        self,
        channels: Sequence[str],
        *,
        offline: bool = False,
        config: Condarc = Condarc(),  # noqa: B008  # a frozen value
        limits: Limits | None = None,
        refresh: bool = False,
        target: Target | None = None,
    ) -> None:
        self._target = target
        self.platform = target.subdir if target else PLATFORM
        self._platforms = [rattler.Subdir(self.platform), rattler.Subdir("noarch")]
        located = [(Address(channel), _channel(address)) for channel in channels for address in config.resolve(channel)]
        self.names = tuple(dict.fromkeys(name for name, _ in located))
        self._names: dict[str, str] = {}
        for name, source in located:
            self._names.setdefault(source.base_url, str(name))
        self._sources = list({source.base_url: source for _, source in located}.values())
        self.urls = tuple(Address(source.base_url) for source in self._sources)
        self._config = config
        self._pins = match_specs.of_setting(config.pinned, "pinned_packages")
        self._disallowed = match_specs.of_setting(config.disallowed, "disallowed_packages")
        self._offline = offline
        self._refresh = refresh
        # A proxy knows names that nobody else does, and may itself be the one that is not found.
        self._direct = () if offline or config.proxies or any(map(os.environ.get, _PROXIES)) else tuple(self._names)
        remote = not offline and any(not url.startswith("file:") for url in self._names)
        self._limits = limits = limits or config.limits
        self._watch = Watch(limits) if remote else None
        self._client = client(config, limits.retries)
        self._without_shards: set[str] = set()
        self._gateway = self._opened()

    def _opened(self) -> rattler.Gateway:
        action: CacheAction = "force-cache-only" if self._offline else "cache-or-fetch"
        if self._refresh:
            action = "no-cache"
        whole = rattler.SourceConfig(cache_action=action, sharded_enabled=False)
        return rattler.Gateway(
            # A channel that does not answer is said quickly: one retry here; downloads have all of them.
            client=client(self._config, min(self._limits.retries, 1)),
            default_config=rattler.SourceConfig(cache_action=action),
            per_channel_config=dict.fromkeys(self._without_shards, whole),
        )

    def available(self, names: Iterable[str], programs: Iterable[str] = ()) -> Available:
        """Return what the channels have of python and of each package that needs it.

        No other package gives a module: PyPI's graphviz is python-graphviz in conda-forge, whose graphviz is the
        program. Of the `programs` any package counts. Raises UnreachableError when a channel does not answer or is not
        one.
        """
        programs = {*programs, "python"}
        names = sorted({*names, *programs})
        python = [pin for pin in self._pins if pin.name and pin.name.normalized == "python"]
        builds = set()
        for found in self._packages(self._sources, names):
            for record in found:
                name = record.name.normalized
                if name == "python" and not all(pin.matches(record) for pin in python):
                    continue
                needs = [dependency.split() for dependency in record.depends]
                if name in programs or any(need[0] in PYTHON for need in needs):
                    of_python = tuple(need[1] for need in needs if need[0] in PYTHON and len(need) > 1)
                    builds.add(Build(name, str(record.version), of_python))
        return Available(frozenset(builds))

    def solve(self, specs: Sequence[str]) -> Solution:
        """Return packages that satisfy all match specs on the machine that it is for, as a lock gives them back.

        Raises SolveError with the solver's reason, UnreachableError when a channel does not answer.
        """
        bound = [self._bound(spec) for spec in specs]
        try:
            found = self._ask(
                lambda: rattler.solve(
                    self._sources,
                    bound,
                    gateway=self._gateway,
                    platforms=self._platforms,
                    virtual_packages=virtual_packages.of(self._target),
                    channel_priority=rattler.ChannelPriority[self._config.priority.capitalize()],
                    constraints=self._pins,
                )
            )
        except SolveError as error:
            raise SolveError(f"{error}{virtual_packages.told(str(error), self._target)}") from None
        for record in found:
            if any(spec.matches(record) for spec in self._disallowed):
                raise SolveError(
                    f"{record.name.normalized} {record.version} would be needed, and it is one of disallowed_packages "
                    "in the Conda configuration"
                )
        return Solution(canonical(found, self.platform), tuple(specs))

    def _bound(self, spec: str) -> str:
        """Return a match spec with the address of the channel that it names (CHANNEL::NAME).

        Of a name for several channels it is the first that has the package. A channel that is not among these binds
        nothing: others were named in its place.
        """
        channel, _, rest = spec.rpartition("::")
        if not channel:
            return spec
        places = [place for each in self._config.resolve(channel) if (place := _channel(each)).base_url in self._names]
        for place in places:
            if len(places) == 1 or any(self._packages([place], [rest.split()[0]])):
                return f"{place.base_url.rstrip('/')}::{rest}"
        return rest

    def _packages(self, sources: list[rattler.Channel], names: list[str]) -> list[list[rattler.RepoDataRecord]]:
        """Return what channels have of these names, without what that depends on."""
        return self._ask(lambda: self._gateway.query(sources, self._platforms, names, recursive=False))

    def link(self, solution: Solution, prefix: Path, progress: Progress, *, programs: Programs | None = None) -> None:
        """Fetch what the package cache lacks and link the solution into the prefix, an absolute path.

        `programs` tells which of the environment's run here.

        Raises UnreachableError when a package cannot be fetched, ContentError when one is not what its channel
        promised, PackError when files cannot be written or a package's own script fails.
        """
        seals = checksums.Seals()
        archives = [a for each in solution.packages if (a := checksums.local(each.url, each.sha256))]
        gone = {archive.path for archive in seals.verify(archives)}
        self._require_cached(solution.packages, gone)
        self._install(solution, prefix, progress)
        ordered = records.in_order(solution.packages)
        scripts = ((each.name.normalized, str(each.version), each.build_number) for each in ordered)
        run_scripts(programs or Programs(prefix), scripts, progress)
        seals.verify_unpacked(prefix, archives)
        # The tag marks a cache for backup tools to leave out; in an environment it would do harm.
        (prefix / "CACHEDIR.TAG").unlink(missing_ok=True)
        conform(prefix, secrets=any(url.reveal() != str(url) for url in self.urls))

    def _install(self, solution: Solution, prefix: Path, progress: Progress) -> None:
        specs = match_specs.requested(solution.specs)
        attempts = 1 + self._limits.retries
        for attempt in range(1, attempts + 1):
            reporter = Reporter(progress)
            work = partial(
                rattler.install,
                list(map(records.to_rattler, solution.packages)),
                prefix,
                cache_dir=_cache(),
                platform=self._platforms[0],
                show_progress=False,
                client=self._client,
                requested_specs=specs,
                reporter=reporter,  # type: ignore[arg-type]  # duck-typed: most events are ignored
            )
            try:
                return self._run(work, reporter.waits)
            except SilentError as error:
                if attempt == attempts:
                    raise rattler_errors.silent(self._names, str(error), attempts, reporter.missing) from None
            except rattler_errors.ERRORS as error:
                raise self._explained(error, {each.file_name: each.url for each in solution.packages}) from None
        raise AssertionError

    def _require_cached(self, packages: Iterable[CondaPackage], gone: Collection[Path]) -> None:
        """Raise UnreachableError if a package would be needed that is gone, or must not be downloaded."""
        needed = []
        for each in packages:
            archive = checksums.local(each.url, each.sha256)
            if archive and archive.path in gone:
                needed.append((each, f"{archive.path}: {checksums.GONE}"))
            elif self._offline and not each.url.startswith("file:"):
                needed.append((each, f"{each.url} is not in the cache of packages, and --offline forbids to fetch it"))
        if not needed:
            return
        index = run(PackageCache(_cache()).index)
        for each, absence in needed:
            if not index.contains_record(records.to_rattler(each)):
                raise UnreachableError(absence)

    def _ask(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Ask the channels for their indexes: a mirror that refuses the one in shards for repodata.json, and again
        who was silent.
        """
        if not self._refresh and (absent := absent_hosts.find(self._direct)):
            raise rattler_errors.unanswered(absent[0], f"the channel {self._names[absent[0]]}", absent[1])
        silences = 0
        while True:
            try:
                return self._run(work)
            except SilentError as error:
                silences += 1
                if silences > 1:
                    raise rattler_errors.silent(self._names, str(error), silences) from None
                self._gateway = self._opened()  # the other one would join the question that was broken off
            except GatewayError as error:
                if self._direct and (absent := rattler_errors.without_address(error)):
                    absent_hosts.remember(*absent)
                refusing = rattler_errors.refusing_shards(error, self._names.keys() - self._without_shards)
                if not refusing:
                    raise self._explained(error, {}) from None
                self._without_shards |= refusing
                self._gateway = self._opened()
            except rattler_errors.ERRORS as error:
                raise self._explained(error, {}) from None

    def _run(self, work: Callable[[], Awaitable[_T]], waits: Callable[[], bool] = lambda: True) -> _T:
        try:
            return run(work, self._watch, waits)
        except BaseException as error:
            if type(error).__name__ == "PanicException":  # pyo3's, not an Exception, with no importable class
                raise PackError(f"py-rattler failed: {error}") from None
            raise

    def _explained(self, error: Exception, files: Mapping[str, str]) -> PackageError:
        broken = self._broken_index() if rattler_errors.names_no_file(error) else ""
        return rattler_errors.explain(error, self._names, files, broken)

    def _broken_index(self) -> str:
        """Return the address of the first index that cannot be read."""
        for source in self._sources:
            for platform in self._platforms:
                try:
                    self._run(partial(self._gateway.query, [source], [platform], ["python"]))
                except GatewayError:
                    return f"{source.base_url.rstrip('/')}/{platform}/repodata.json"
        return ""


def _cache() -> Path:
    """Return where py-rattler keeps packages; absolute, because environments record where their packages lie."""
    return Path(os.environ.get("RATTLER_CACHE_DIR") or caches.base() / "rattler" / "cache", "pkgs").absolute()


def _channel(address: Address) -> rattler.Channel:
    try:
        return rattler.Channel(address.reveal())
    except InvalidChannelError as error:
        raise SolveError(f"{address} is no channel's address, such as https://HOST/CHANNEL: {error}") from None
