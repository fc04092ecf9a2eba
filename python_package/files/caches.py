"""Where all caches of ours are."""

from __future__ import annotations

import os
from pathlib import Path


def folder(kind: str) -> Path:
    """Return where one kind of cache is: python_package/KIND in the user's cache directory.

    That is XDG_CACHE_HOME if it is absolute, as the XDG Base Directory Specification has it, else ~/.cache.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "python_package" / kind
