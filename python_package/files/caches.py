"""Where all caches of ours are."""

from __future__ import annotations

import os
from pathlib import Path


def base() -> Path:
    """Return the user's cache directory.

    That is XDG_CACHE_HOME if it is absolute, as the XDG Base Directory Specification has it, else ~/.cache.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".cache"


def folder(kind: str) -> Path:
    """Return where one kind of cache is: python_package/KIND in the user's cache directory."""
    return base() / "python_package" / kind
