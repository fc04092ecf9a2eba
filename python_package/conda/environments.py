"""Conda's bookkeeping: where environments live, their history, their list."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from python_package.address import Address, scrub
from python_package.conda.condarc import Condarc
from python_package.conda.condarc_files import root
from python_package.errors import PackError
from python_package.files.prefix import Prefix


def envs_dir(condarc: Condarc, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Path:
    """Return the default directory of environments, made if needed.

    It is the first writable of the configured ones, the active or installed Conda's own `envs`, and ~/.conda/envs.
    Raises PackError when none is writable.
    """
    candidates = envs_dirs(condarc, environ, home)
    for candidate in candidates:
        with suppress(OSError):
            candidate.mkdir(parents=True, exist_ok=True)
            if os.access(candidate, os.W_OK | os.X_OK):
                return candidate.resolve()
    tried = ", ".join(str(candidate) for candidate in candidates)
    raise PackError(f"no directory of environments is writable (tried {tried}); set CONDA_ENVS_PATH")


def envs_dirs(condarc: Condarc, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> list[Path]:
    """Return the directories in which Conda looks for an environment by its name, in this order."""
    installed = root(environ)
    return [*condarc.envs_dirs, *([installed / "envs"] if installed else []), (home or Path.home()) / ".conda" / "envs"]


def find(name: str, condarc: Condarc, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the environment that Conda knows by a name: `base` is the installed Conda itself."""
    installed = root(environ)
    places = [installed] if name == "base" and installed else [folder / name for folder in envs_dirs(condarc, environ)]
    return next((place for place in places if (place / "conda-meta").is_dir()), None)


def write_history(prefix: Path, specs: Sequence[str], command: str) -> None:
    """Write conda-meta/history in Conda's own format, so that `conda remove` knows what was asked for."""
    lines = [f"==> {time.strftime('%Y-%m-%d %H:%M:%S')} <==", f"# cmd: {scrub(command)}"]
    records = []
    for record in Prefix(prefix).conda_packages():
        channel = str(Address(record["channel"])).rstrip("/")
        records.append(f"+{channel}/{record['subdir']}::{record['name']}-{record['version']}-{record['build']}")
    lines += sorted(records)
    lines.append(f"# update specs: {json.dumps(list(specs))}")
    # A path on the command line need not be UTF-8.
    (prefix / "conda-meta" / "history").write_bytes(("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))


def register(prefix: Path, home: Path | None = None) -> None:
    """List the environment in ~/.conda/environments.txt, where `conda env list` looks for those outside its root.

    A home that cannot be written is no reason to fail: the environment works unlisted.
    """
    listing = (home or Path.home()) / ".conda" / "environments.txt"
    with suppress(OSError):
        listing.parent.mkdir(parents=True, exist_ok=True)
        with listing.open("a+", encoding="utf-8", errors="surrogateescape") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if str(prefix) not in file.read().splitlines():
                file.write(f"{prefix}\n")
