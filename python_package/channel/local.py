"""A folder of packages -> an indexed channel."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from python_package.channel import certificates, cpython, elf, wheel
from python_package.channel.fetch import fetch
from python_package.channel.interpreter import Interpreter, ask
from python_package.errors import PackError

# Part of the key of every cached interpreter: raise it when its package would come out otherwise.
_FORMAT = "1"


@dataclass(frozen=True)
class HostChannel:
    """A channel that holds this host's CPython; `version` is the interpreter's ("3.11.7")."""

    path: Path
    version: str


def host_channel(
    cache_dir: Path | None = None,
    *,
    python: str | os.PathLike[str] = "python3",
    progress: Callable[[str], None] = lambda line: None,
) -> HostChannel:
    """Return the channel of the CPython behind `python`, made once per interpreter and kept in the user's cache.

    Raises InterpreterError when there is no such interpreter, PackError when the cache cannot be written.
    """
    interpreter = ask(python)
    return HostChannel(_host(interpreter, cache_dir or default_cache(), progress), interpreter.version)


def build(
    directory: Path,
    requirements: Sequence[str] = (),
    *,
    python: str | os.PathLike[str] = "python3",
    cache_dir: Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Path:
    """Make `directory` a channel of this host's CPython and the wheels of requirements, and return its path.

    Packages that it holds already are kept. Raises InterpreterError, SolveError, UnreachableError or PackError.
    """
    directory = Path(directory).absolute()
    interpreter = ask(python)
    host = _host(interpreter, cache_dir or default_cache(), progress)
    with _locked(directory):
        made = [_copy(source, host, directory) for source in sorted(host.glob("*/*.conda"))]
        if requirements:
            made += _wheels(requirements, interpreter, directory, progress)
        _index(directory)
    return directory


def default_cache() -> Path:
    """Return where host channels are kept: below XDG_CACHE_HOME, else ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "python_package" / "channel"


def _host(interpreter: Interpreter, cache: Path, progress: Callable[[str], None]) -> Path:
    target = cache / f"{interpreter.version}-{_key(interpreter)}"
    if target.is_dir():
        return target
    with _locked(cache):
        if target.is_dir():  # another process made it while this one waited
            return target
        progress(f"Packing Python {interpreter.version} of {interpreter.executable}")
        with tempfile.TemporaryDirectory(prefix=".", dir=cache) as beside:
            made = Path(beside) / "channel"
            cpython.write(interpreter, made)
            certificates.write(made)
            _index(made)
            made.rename(target)
    return target


def _key(interpreter: Interpreter) -> str:
    """Identify the interpreter and what would be vendored with it, without reading either.

    The loader's cache changes whenever a library of the system does, such as after a security update.
    """
    stdlib = interpreter.prefix / interpreter.libdir / interpreter.dirname
    facts = [_FORMAT, str(interpreter.executable), interpreter.version]
    shared = sorted((interpreter.prefix / interpreter.libdir).glob(f"lib{interpreter.dirname}.so*"))
    for path in (interpreter.executable, stdlib / "os.py", stdlib / "lib-dynload", Path("/etc/ld.so.cache"), *shared):
        try:
            status = path.stat()
        except OSError:
            continue
        facts.append(f"{path}:{status.st_size}:{status.st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def _wheels(
    requirements: Sequence[str], interpreter: Interpreter, directory: Path, progress: Callable[[str], None]
) -> list[Path]:
    subdir = elf.subdir(elf.read(interpreter.executable))
    with tempfile.TemporaryDirectory(prefix="python_package.") as scratch:
        progress(f"Fetching {' '.join(requirements)}")
        wheels = [wheel.read(path) for path in fetch(requirements, interpreter, Path(scratch))]
        by_name = {each.name: each for each in wheels}
        made = []
        for each in wheels:
            folder = directory / ("noarch" if each.pure else subdir)
            target = folder / f"{each.name}-{each.version}-{wheel.build(each, interpreter)}.conda"
            if not target.exists():
                progress(f"Packing {each.name} {each.version}")
                target = wheel.write(each, interpreter, directory, subdir, by_name)
            made.append(target)
        return made


def _copy(source: Path, host: Path, directory: Path) -> Path:
    target = directory / source.relative_to(host)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}")
        shutil.copyfile(source, beside)
        beside.chmod(0o644)
        os.replace(beside, target)
    return target


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold a folder against other processes that would write it; make it when it does not exist."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise PackError(f"{directory}: cannot be written: {error.strerror or error}") from error


def _index(directory: Path) -> None:
    from rattler.index import index_fs

    (directory / "noarch").mkdir(exist_ok=True)
    # Without force, a package that was made anew under its old name would keep its old hash.
    asyncio.run(index_fs(directory, force=True))
