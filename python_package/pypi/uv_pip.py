"""What no channel has comes from PyPI, through uv, and never overwrites what Conda installed."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from python_package.address import Address
from python_package.errors import PackageError, SolveError, UnreachableError
from python_package.files import disk, scratch
from python_package.files.prefix import Prefix
from python_package.import_names import installed
from python_package.lock import Distribution
from python_package.pypi import platforms, pylock
from python_package.pypi.pip_settings import Uv, for_uv
from python_package.pypi.resolution import Destination, abi, resolve
from python_package.pypi.transplant import transplant
from python_package.pypi.wheel import RecordLine, format_record, read_record
from python_package.spec import Index, canonical
from python_package.target import Target

# Settings that would undo what a lock is for, or that uv refuses beside one.
_UNLOCKED = ("UV_NO_VERIFY_HASHES", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE")


@dataclass(frozen=True)
class Installer:
    """How uv installs into the environment at `prefix`.

    `indexes`: those that the dependency file names.
    `machine`: the one that the environment is for, None for this one.
    `refresh`: whether indexes are asked anew for what they said a few minutes ago.
    `stand_in`: an interpreter of this machine that does it where the environment's own cannot, else "".
    """

    prefix: Path
    indexes: Sequence[Index] = ()
    offline: bool = False
    machine: Target | None = None
    stand_in: str = ""
    refresh: bool = False

    def install(self, requirements: Sequence[str]) -> tuple[Distribution, ...]:
        """Install the requirements and what they need; return the files that were installed.

        First it is settled which files those are, with their sha256, so that it is the same to install from a lock.
        Raises as `resolve` and `install_locked` do.
        """
        environment = Prefix(self.prefix)
        there = installed.named(environment.distributions())
        destination = Destination(
            *python_of(self.prefix),
            {name: installed.header(each, "Version") for name, each in there.items()},
            self.stand_in or str(environment.python),
            self.offline,
            tuple(self.indexes),
            {name: each.read_text("METADATA") or "" for name, each in there.items()},
            self.machine,
            self.refresh,
        )
        distributions = resolve([], requirements, destination)
        if distributions:
            # By version uv knows whether its cache holds the very file; not every index lets what an address gives be
            # cached.
            self._install(distributions, by_version=True)
        return distributions

    def install_locked(self, distributions: Sequence[Distribution]) -> None:
        """Install just these files.

        Raises ChecksumError when one is not what its sha256 says, UnreachableError when one cannot be had, SolveError
        when one cannot be installed, PackError when files cannot be written.
        """
        self._install(distributions, by_version=False)

    def _install(self, distributions: Sequence[Distribution], *, by_version: bool) -> None:
        """Install files by version or by address, or else the other way; raise what was wrong with the first.

        Known by version and hash, those in uv's cache are linked without a question to any index.
        """
        cached = [(True, True)] if by_version and not (self.offline or self.refresh) else []
        failures: list[PackageError] = []
        for way, from_cache in (*cached, (by_version, self.offline), (not by_version, self.offline)):
            try:
                with self._to() as to:
                    self._ask_uv(distributions, [*to, *(["--offline"] if from_cache else [])], by_version=way)
                return _conceal(self.prefix, distributions)
            except (SolveError, UnreachableError) as error:
                failures.append(error)
        failure = failures[len(cached)]
        sources = [each.name for each in distributions if each.is_source]
        if self.stand_in and self.machine and sources and " has no wheel for " not in str(failure):
            what = f"{', '.join(sources)}: no wheel for {self.machine.subdir}, and only pure sources can be built here"
            raise SolveError(f"{failure} ({what})")
        raise failure

    def _ask_uv(self, distributions: Sequence[Distribution], options: Sequence[str], *, by_version: bool) -> None:
        own = {package for index in self.indexes if index.use == "explicit" for package in index.packages}
        # Where each file has its address, an index only tells uv the password for it.
        of_addresses = [index.replace(use="first") if index.use == "explicit" else index for index in self.indexes]
        with scratch.folder() as folder:
            for name, text in _asked(distributions, own, by_version=by_version):
                file = folder / name
                uv = for_uv(named=of_addresses if name == "pylock.toml" else self.indexes)
                environ = {key: value for key, value in uv.environ.items() if key not in _UNLOCKED}
                more = [option for option in uv.options if not option.startswith("--constraint")]
                file.write_text(text, encoding="utf-8")
                argv = ["install", "--quiet", "--no-deps", *options, *more, "-r", str(file)]
                Uv(environ, ()).pip(argv, [each.name for each in distributions])

    @contextmanager
    def _to(self) -> Iterator[list[str]]:
        """Yield uv's options for where to install; what a stand-in installs is moved to its place on leaving."""
        platform = ["--python-platform", platforms.for_uv(self.machine)] if self.machine else []
        if not self.stand_in:
            yield ["--python", str(Prefix(self.prefix).python), *platform]
            return
        with disk.emptied(self.prefix / ".python-package-staged") as staged:
            version, _ = python_of(self.prefix)
            yield ["--python", self.stand_in, "--python-version", version, *platform, "--prefix", str(staged)]
            transplant(staged, self.prefix, version, self.stand_in)


@contextmanager
def whole(prefix: Path) -> Iterator[None]:
    """A context whose failure takes back what was installed in it: a file that no lock names must not be shipped."""
    before = set(_entries(prefix))
    try:
        yield
    except PackageError:
        for entry in [entry for entry in _entries(prefix) if entry not in before]:  # a folder after what is in it
            path = Path(entry)
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        raise


def _entries(prefix: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(prefix, topdown=False):
        yield from (f"{folder}/{name}" for name in (*files, *folders))


def _asked(
    distributions: Sequence[Distribution], own: Collection[str], *, by_version: bool
) -> Iterator[tuple[str, str]]:
    """Yield the files for `uv pip install --requirements`, by name, in which distributions have their addresses.

    Or, by version, an index is asked for all that came from one; uv keeps a note of what did not, and of what has an
    index of its `own` it asks that one.
    """
    versions = [each for each in distributions if by_version and not (each.direct or each.name in own)]
    if versions:
        lines = (f"{each.name}=={each.version} --hash=sha256:{each.sha256}\n" for each in versions)
        yield "requirements.txt", "".join(lines)
    if addresses := [each for each in distributions if each not in versions]:
        yield "pylock.toml", pylock.to_text(addresses)


def python_of(prefix: Path) -> tuple[str, str]:
    """Return the version of the prefix's interpreter, and its ABI as wheels name it."""
    record = next((prefix / "conda-meta").glob("python-[0-9]*.json"))
    version = record.name.split("-")[1]
    return version, abi(version, free_threaded=any((prefix / "lib").glob("python3.*[0-9]t")))


def _conceal(prefix: Path, distributions: Sequence[Distribution]) -> None:
    """Take what is secret in a file's address out of what its distribution says of where it came from (PEP 610).

    uv leaves out passwords, but not the tokens of a query.
    """
    secret = {canonical(each.name) for each in distributions if str(Address(each.location)) != each.location}
    for path in prefix.glob("lib/python3*/site-packages/*.dist-info/direct_url.json") if secret else ():
        if canonical(path.parent.name.partition("-")[0]) in secret:
            data = json.loads(path.read_bytes())
            text = json.dumps({**data, "url": str(Address(data["url"]))}, separators=(",", ":")).encode()
            info = path.parent.relative_to(prefix).as_posix()
            own = RecordLine(f"{info}/{path.name}", sha256(text).hexdigest(), len(text))
            lines = [own if each.path == own.path else each for each in read_record(prefix, info)]
            _rewrite(path, text)
            _rewrite(path.with_name("RECORD"), format_record(info, lines))


def _rewrite(path: Path, data: bytes) -> None:
    path.unlink()  # what uv's cache has may be the same file
    path.write_bytes(data)
