"""The user's own pip settings, in the form that uv takes: mirrors and private indexes work here as they do there."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# pip's setting -> uv's environment variable (both tools' documentation of their configuration).
_VARIABLES = {
    "index-url": "UV_INDEX_URL",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}


@dataclass(frozen=True)
class Uv:
    """How to start uv: its environment, and the options that no variable of its own can carry."""

    environ: Mapping[str, str]
    options: tuple[str, ...]


def for_uv(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Uv:
    """Return the caller's environment plus what pip's files and variables say; what is set for uv itself wins."""
    parser = configparser.RawConfigParser(strict=False)
    for path in _files(environ, home or Path.home()):
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself reports a broken file; it does not concern what we install

    def setting(name: str) -> list[str]:
        value = environ.get("PIP_" + name.upper().replace("-", "_"))
        for section in ("install", "global"):
            if value is None and parser.has_option(section, name):
                value = parser.get(section, name)
        return (value or "").split()

    translated = {}
    for name, variable in _VARIABLES.items():
        if setting(name):
            translated[variable] = ("," if name == "find-links" else " ").join(setting(name))
    if setting("extra-index-url"):
        # pip takes the best version of all indexes; uv, left to itself, knows the first that has the name.
        translated["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if environ.get("UV_DEFAULT_INDEX"):
        translated.pop("UV_INDEX_URL", None)
    options = [f"--constraint={path}" for path in setting("constraint")]
    if setting("no-index")[:1] in (["1"], ["true"], ["yes"], ["on"]):
        options.append("--no-index")
    # git waits for ever for a server that says nothing.
    patience = {"GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": "60"}
    return Uv(patience | translated | dict(environ), tuple(options))


def _files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return pip's configuration files, lowest priority first (pip's documented load order on Linux)."""
    system = [Path(d) / "pip" / "pip.conf" for d in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if d]
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [*reversed(system), Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user / "pip" / "pip.conf"]
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    return [*files, Path(named)] if named else files
