"""The user's own pip settings, in the form that uv reads: mirrors and private indexes work here as they do there."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

# pip's setting -> uv's environment variable (both tools' documentation of their configuration).
_SETTINGS = {
    "index-url": "UV_INDEX_URL",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
}


def uv_environ(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> dict[str, str]:
    """Return the environment for uv: the caller's own, plus what pip's files and variables say and uv's do not."""
    parser = configparser.RawConfigParser(strict=False)
    for path in _files(environ, home or Path.home()):
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself reports a broken file; it does not concern what we install
    translated = {}
    for setting, variable in _SETTINGS.items():
        value = environ.get("PIP_" + setting.upper().replace("-", "_"))
        for section in ("install", "global"):
            if value is None and parser.has_option(section, setting):
                value = parser.get(section, setting)
        if value and value.strip():
            separator = "," if setting == "find-links" else " "
            translated[variable] = separator.join(value.split())
    if environ.get("UV_DEFAULT_INDEX"):
        translated.pop("UV_INDEX_URL", None)
    return translated | dict(environ)


def _files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return pip's configuration files, lowest priority first (pip's documented load order on Linux)."""
    system = [Path(d) / "pip" / "pip.conf" for d in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if d]
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [*reversed(system), Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user / "pip" / "pip.conf"]
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    return [*files, Path(named)] if named else files
