"""Conda's bookkeeping: where environments live, how one is staged and put in place, its history."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from python_package import subprocesses
from python_package.address import Address, scrub
from python_package.environment.condarc import Condarc
from python_package.environment.condarc_files import root
from python_package.errors import PackError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def envs_dir(condarc: Condarc, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Path:
    """Return the default directory of environments, made if needed.

    It is the first writable of the configured ones, the active or installed Conda's own `envs`, and ~/.conda/envs.
    Raises PackError when none is writable.
    """
    home = home or Path.home()
    installed = root(environ)
    candidates = [*condarc.envs_dirs, *([installed / "envs"] if installed else []), home / ".conda" / "envs"]
    for candidate in candidates:
        with suppress(OSError):
            candidate.mkdir(parents=True, exist_ok=True)
            if os.access(candidate, os.W_OK | os.X_OK):
                return candidate.resolve()
    tried = ", ".join(str(candidate) for candidate in candidates)
    raise PackError(f"no directory of environments is writable (tried {tried}); set CONDA_ENVS_PATH")


@dataclass(frozen=True)
class Staged:
    """An environment being made: `path` is where its files are, `target` is where it will live."""

    path: Path
    target: Path

    def commit(self) -> None:
        """Put the finished environment in place of whatever is at `target`, atomically where the system can."""
        if not self.target.exists():
            self.path.rename(self.target)
            return
        _exchange(self.path, self.target)
        replaced = self.path.with_name(f".{self.target.name}.old.{os.getpid()}")
        self.path.rename(replaced)
        _remove_later(replaced)


@contextmanager
def stage(envs: Path, name: str) -> Iterator[Staged]:
    """Yield an empty place for the environment `name`; on leaving, what was not committed is removed.

    Holds a lock on the name for the duration. Raises PackError when another process holds it, when something
    that is not a Conda environment has the name, or when the file system refuses.
    """
    target = envs / name
    if target.is_symlink() or (target.exists() and not (target / "conda-meta").is_dir()):
        raise PackError(f"{target} exists and is not a Conda environment; choose another name or remove it")
    staging = envs / f".{name}.new"
    try:
        lock = os.open(envs / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise PackError(f"cannot write in {envs}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_nlink == 0:  # its last holder removed it between our open and our lock
                raise BlockingIOError
        except BlockingIOError:
            raise PackError(f"another python_package_create is making the environment {name} in {envs}") from None
        _remove(staging)  # what a killed process left behind
        for replaced in envs.glob(f".{name}.old.*"):
            _remove_later(replaced)
        try:
            yield Staged(staging, target)
        finally:
            _remove(staging)
            (envs / f".{name}.lock").unlink(missing_ok=True)
    finally:
        os.close(lock)


def _remove(tree: Path) -> None:
    """Remove a tree that an interrupted link may still be writing to: its threads end soon, but not at once."""
    for wait in (0.1, 0.5, 2.0, 0.0):
        if not os.path.lexists(tree):
            return
        shutil.rmtree(tree, ignore_errors=wait > 0)
        time.sleep(wait)


def _remove_later(tree: Path) -> None:
    """Let a process that outlives us remove a tree: for a large environment that takes longer than all the rest."""
    subprocesses.detach(["rm", "-rf", "--", tree])


def _exchange(one: Path, other: Path) -> None:
    """Swap two directories: renameat2(RENAME_EXCHANGE), or two renames where the file system lacks it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2"):
        if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
            return
        if ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(other))
    aside = one.with_name(one.name + ".old")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)


def write_history(prefix: Path, specs: Sequence[str], command: str) -> None:
    """Write conda-meta/history in Conda's own format, so that `conda remove` knows what was asked for."""
    lines = [f"==> {time.strftime('%Y-%m-%d %H:%M:%S')} <==", f"# cmd: {scrub(command)}"]
    records = []
    for path in (prefix / "conda-meta").glob("*.json"):
        record = json.loads(path.read_bytes())
        channel = str(Address(record["channel"])).rstrip("/")
        records.append(f"+{channel}/{record['subdir']}::{record['name']}-{record['version']}-{record['build']}")
    lines += sorted(records)
    lines.append(f"# update specs: {json.dumps(list(specs))}")
    (prefix / "conda-meta" / "history").write_text("\n".join(lines) + "\n", encoding="utf-8")


def register(prefix: Path, home: Path | None = None) -> None:
    """List the environment in ~/.conda/environments.txt, where `conda env list` looks for those outside its root.

    A home that cannot be written is no reason to fail: the environment works unlisted.
    """
    listing = (home or Path.home()) / ".conda" / "environments.txt"
    with suppress(OSError):
        listing.parent.mkdir(parents=True, exist_ok=True)
        with listing.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if str(prefix) not in file.read().splitlines():
                file.write(f"{prefix}\n")
