"""The user's Conda configuration: the few keys of condarc that decide where packages come from and environments go."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_package import bounds
from python_package.documents import yaml_value
from python_package.errors import BoundError, SolveError

# The name 'defaults' is not a channel but a list; these are its members' names under the usual channel alias.
_DEFAULTS = ("main", "r")


@dataclass(frozen=True)
class Condarc:
    """What the configuration files say; empty where they say nothing."""

    channels: tuple[str, ...] = ()
    envs_dirs: tuple[Path, ...] = ()
    channel_alias: str | None = None
    offline: bool = False
    strict_priority: bool = True

    def resolve(self, channel: str) -> tuple[str, ...]:
        """Return the channels that a name given by the user stands for, as names or URLs."""
        if channel == "defaults":
            return _DEFAULTS
        if self.channel_alias and "://" not in channel and not channel.startswith(("/", ".", "~")):
            return (f"{self.channel_alias.rstrip('/')}/{channel}",)
        return (channel,)


def load(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Condarc:
    """Merge every condarc in Conda's documented search order; what comes later wins, lists are prepended.

    Raises SolveError, which names the file, when one is not valid YAML.
    """
    merged: dict[str, Any] = {}
    for path in _files(environ, home or Path.home()):
        for key, value in _read(path).items():
            if isinstance(value, list) and isinstance(merged.get(key), list):
                merged[key] = value + [item for item in merged[key] if item not in value]
            else:
                merged[key] = value
    return Condarc(
        channels=_strings(environ.get("CONDA_CHANNELS", "").split(",")) or _strings(merged.get("channels")),
        envs_dirs=tuple(Path(os.path.expandvars(d)).expanduser() for d in _strings(merged.get("envs_dirs"))),
        channel_alias=merged.get("channel_alias"),
        offline=bool(merged.get("offline")),
        strict_priority=merged.get("channel_priority", "strict") not in ("disabled", False),
    )


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    return tuple(str(item) for item in value if item) if isinstance(value, list) else ()


def _files(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Yield the configuration files that exist, lowest priority first (Conda's documented search path)."""
    roots = [Path("/etc/conda"), Path("/var/lib/conda")]
    if environ.get("CONDA_ROOT"):
        roots.append(Path(environ["CONDA_ROOT"]))
    roots += [Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "conda", home / ".conda"]
    for root in roots:
        yield from (root / name for name in (".condarc", "condarc") if (root / name).is_file())
        if (root / "condarc.d").is_dir():
            yield from sorted(p for p in (root / "condarc.d").iterdir() if p.suffix in (".yml", ".yaml"))
    last = [home / ".condarc"]
    if environ.get("CONDA_PREFIX"):
        last.append(Path(environ["CONDA_PREFIX"]) / ".condarc")
    if environ.get("CONDARC"):
        last.append(Path(environ["CONDARC"]))
    yield from (path for path in last if path.is_file())


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml_value(bounds.read(path, str(path), bounds.DOCUMENT).decode())
    except (ValueError, OSError, BoundError) as error:
        raise SolveError(f"{path}: not a readable Conda configuration: {error}") from None
    return data if isinstance(data, dict) else {}
