"""What no channel has comes from PyPI, through uv, and never overwrites what Conda installed."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from python_package.address import Address
from python_package.errors import PackageError, SolveError, UnreachableError
from python_package.files import scratch
from python_package.files.prefix import Prefix
from python_package.import_names import installed
from python_package.lock import Distribution
from python_package.pypi import pylock
from python_package.pypi.pip_settings import Uv, for_uv
from python_package.pypi.resolution import Target, abi, resolve
from python_package.pypi.wheel import RecordLine, format_record, read_record
from python_package.spec import Index, canonical

# Settings that would undo what a lock is for, or that uv refuses beside one.
_UNLOCKED = ("UV_NO_VERIFY_HASHES", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE")


def install(
    prefix: Path, requirements: Sequence[str], *, indexes: Sequence[Index] = (), offline: bool = False
) -> tuple[Distribution, ...]:
    """Install the requirements and what they need into the prefix; return the files that were installed.

    The indexes are those that the dependency file names.

    First it is settled which files those are, with their sha256, so that it is the same to install from a lock.
    Raises as `resolve` and `install_locked` do.
    """
    environment = Prefix(prefix)
    there = installed.named(environment.distributions())
    target = Target(
        *_python(prefix),
        {name: installed.header(each, "Version") for name, each in there.items()},
        str(environment.python),
        offline,
        tuple(indexes),
        {name: each.read_text("METADATA") or "" for name, each in there.items()},
    )
    distributions = resolve([], requirements, target)
    if distributions:
        # By version uv knows whether its cache holds the very file; not every index lets what an address gives be
        # cached.
        _install(prefix, distributions, by_version=True, indexes=indexes, offline=offline)
    return distributions


def install_locked(
    prefix: Path, distributions: Sequence[Distribution], *, indexes: Sequence[Index] = (), offline: bool = False
) -> None:
    """Install just these files into the prefix; the indexes are those that the dependency file names.

    Raises ChecksumError when one is not what its sha256 says, UnreachableError when one cannot be had, SolveError
    when one cannot be installed, PackError when files cannot be written.
    """
    _install(prefix, distributions, by_version=False, indexes=indexes, offline=offline)


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


def _install(
    prefix: Path,
    distributions: Sequence[Distribution],
    *,
    by_version: bool,
    indexes: Sequence[Index],
    offline: bool,
) -> None:
    """Install files by version or by address, or else the other way; raise what was wrong with the first.

    Known by version and hash, those in uv's cache are linked without a question to any index.
    """
    own = {package for index in indexes if index.use == "explicit" for package in index.packages}
    # Where each file has its address, an index only tells uv the password for it.
    of_addresses = [index.replace(use="first") if index.use == "explicit" else index for index in indexes]
    options = ["--quiet", "--no-deps", "--python", str(prefix / "bin" / "python")]
    cached = [(True, True)] if by_version and not offline else []
    failures: list[PackageError] = []
    for way, from_cache in (*cached, (by_version, offline), (not by_version, offline)):
        try:
            with scratch.folder() as folder:
                for name, text in _asked(distributions, own, by_version=way):
                    file = folder / name
                    uv = for_uv(named=of_addresses if name == "pylock.toml" else indexes)
                    environ = {key: value for key, value in uv.environ.items() if key not in _UNLOCKED}
                    more = [option for option in uv.options if not option.startswith("--constraint")]
                    file.write_text(text, encoding="utf-8")
                    wanted = [each.name for each in distributions]
                    argv = ["install", *options, *(["--offline"] if from_cache else []), *more, "-r", str(file)]
                    Uv(environ, ()).pip(argv, wanted)
            return _conceal(prefix, distributions)
        except (SolveError, UnreachableError) as error:
            failures.append(error)
    raise failures[len(cached)]


def _python(prefix: Path) -> tuple[str, str]:
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
