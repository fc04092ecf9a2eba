"""A folder of packages -> an indexed channel."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from python_package import elf
from python_package.conda.records import index_channel
from python_package.errors import PackageError, PackError, failing_as
from python_package.files import caches, disk, scratch
from python_package.host_python import certificates, cpython, wheel_package
from python_package.host_python.interpreter import Interpreter, ask
from python_package.pypi.pip_wheels import fetch

# Part of the name of every cached interpreter: raise it when its packages would come out otherwise.
_FORMAT = "4"
# For so long a cached interpreter is kept without being used.
_KEPT_DAYS = 90
# What is being made in a channel, until it is whole; it is of whoever holds the lock, and garbage when nobody does.
_UNFINISHED = ".unfinished"


def host_channel(
    cache_dir: Path | None = None,
    *,
    python: str | os.PathLike[str] | Interpreter = "python3",
    compiled: Callable[[int, int], None] = lambda _done, _total: None,
) -> Path:
    """Return the channel of the CPython behind `python`, made once per interpreter and kept in the user's cache.

    `compiled` is told how many of its modules are compiled, which takes most of the time.
    Raises HostPythonError when there is no such interpreter, PackError when the cache cannot be written.
    """
    return _host(python if isinstance(python, Interpreter) else ask(python), cache_dir, compiled=compiled)


def oldest_glibc(channel: Path) -> tuple[int, int]:
    """Return the oldest glibc with which the interpreter of a channel runs that `host_channel` returned."""
    indexes = (json.loads(path.read_bytes())["packages.conda"] for path in channel.glob("*/repodata.json"))
    needs = (need for index in indexes for package in index.values() for need in package["depends"])
    return max((elf.version_of_glibc(need) for need in needs if need.startswith("__glibc ")), default=(0, 0))


def build(
    directory: str | os.PathLike[str],
    requirements: Sequence[str] = (),
    *,
    python: str | os.PathLike[str] = "python3",
    cache_dir: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Make a folder a channel of a host's CPython and of the wheels that requirements need; return its absolute path.

    What it holds already is kept, and nothing is fetched when that is enough. Raises HostPythonError, SolveError,
    UnreachableError, or PackError when the folder or the cache of interpreters cannot be written.
    """
    channel = Path(directory).absolute()
    interpreter = ask(python)
    host = _host(interpreter, cache_dir, progress=progress)
    with _locked(channel) as unfinished:
        new = [path for path in host.glob("*/*.conda") if not (channel / path.relative_to(host)).exists()]
        for path in new:
            _target(path, host, unfinished).write_bytes(path.read_bytes())
        if new or not _satisfied(channel, interpreter, requirements):
            _add_wheels(requirements, interpreter, channel, unfinished, progress)
            for path in unfinished.glob("*/*.conda"):
                path.replace(_target(path, unfinished, channel))
            index_channel(channel)
    return channel


def default_cache() -> Path:
    """Return where channels of interpreters are kept."""
    return caches.folder("channel")


def _host(
    interpreter: Interpreter,
    cache_dir: Path | None,
    *,
    progress: Callable[[str], None] = lambda _: None,
    compiled: Callable[[int, int], None] = lambda _done, _total: None,
) -> Path:
    cache = (cache_dir or default_cache()).absolute()
    target = cache / f"{interpreter.version}-{identity(interpreter)}"
    if not target.is_dir():
        with _locked(cache, "; XDG_CACHE_HOME may name another folder for caches") as unfinished:
            if not target.is_dir():  # nobody made it while this process waited
                progress(f"Packing Python {interpreter.version} of {interpreter.executable}")
                cpython.write(interpreter, unfinished, compiled)
                certificates.write(unfinished)
                index_channel(unfinished)
                unfinished.replace(target)
                # Every upgrade of a system leaves one behind.
                disk.remove_unused(cache.glob("*-*"), _KEPT_DAYS)
    with suppress(OSError):  # a cache that others own
        os.utime(target)
    return target


def identity(interpreter: Interpreter) -> str:
    """Identify an interpreter and the libraries that go with it, without reading either.

    The loader's own cache is written anew when a library of the system changes, as by a security update.
    """
    stdlib = interpreter.prefix / interpreter.stdlib
    shared = sorted((interpreter.prefix / "lib").glob("libpython*.so*"))
    paths = [interpreter.executable, stdlib / "os.py", stdlib / "lib-dynload", Path("/etc/ld.so.cache"), *shared]
    facts = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in paths if path.exists()]
    return hashlib.sha256("\n".join([_FORMAT, interpreter.version, *facts]).encode()).hexdigest()[:12]


def _satisfied(channel: Path, interpreter: Interpreter, requirements: Sequence[str]) -> bool:
    """Tell whether a channel has all that requirements need with an interpreter."""
    from python_package.conda.solver import Channels

    if not (channel / "noarch" / "repodata.json").exists():
        return False
    specs = [f"python =={interpreter.version}"]
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            return False  # a file or an address, or a mistake that pip explains
        if requirement.extras or requirement.url:
            return False  # a package does not tell which extra or address it came for
        if not requirement.marker or requirement.marker.evaluate(dict(interpreter.markers)):
            specs.append(wheel_package.match_spec(requirement))
    try:
        packages = Channels([str(channel)]).solve(specs).packages
    except PackageError:  # a package is missing, or an index that is not whole: both are made anew
        return False
    return all((channel / each.subdir / each.file_name).exists() for each in packages)


def _add_wheels(
    requirements: Sequence[str],
    interpreter: Interpreter,
    channel: Path,
    unfinished: Path,
    progress: Callable[[str], None],
) -> None:
    if not requirements:
        return
    progress(f"Fetching {' '.join(requirements)}")
    with scratch.folder() as folder:
        fetched = fetch(requirements, interpreter.executable, interpreter.version, folder, progress=progress)
        wheels = [wheel_package.read(path) for path in fetched]
        by_name = {each.name: each for each in wheels}

        def convert(each: wheel_package.Wheel) -> None:
            name = f"{each.name}-{each.version}-{wheel_package.build(each, interpreter)}.conda"
            if not (channel / wheel_package.subdir(each, interpreter) / name).exists():
                progress(f"Packing {each.name} {each.version}")
                wheel_package.write(each, interpreter, unfinished, by_name)

        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(convert, wheels))


def _target(path: Path, source: Path, destination: Path) -> Path:
    """Return the place of a channel's file in another channel, whose folder is made."""
    target = destination / path.relative_to(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


@contextmanager
def _locked(directory: Path, hint: str = "") -> Iterator[Path]:
    """Hold a folder, made if need be, against other writers; yield a folder in it for what is not finished.

    Raises PackError for every failure to write.
    """
    with failing_as(PackError, f"{directory} cannot be written{hint}"):
        directory.mkdir(parents=True, exist_ok=True)
        with disk.locked(directory / ".lock"), disk.emptied(directory / _UNFINISHED) as unfinished:
            yield unfinished
