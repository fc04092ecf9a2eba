"""Answers that are kept for a short while, in files of a cache: by what they depend on."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from python_package.files import caches, disk


def recall(kind: str, key: str, seconds: float) -> tuple[str, float] | None:
    """Return the answer that was kept under a key and its age in seconds, None for none or one that is older."""
    place = _place(kind, key)
    with suppress(OSError):
        age = time.time() - place.stat().st_mtime
        if 0 <= age < seconds:
            return place.read_text("utf-8"), age
    return None


def keep(kind: str, key: str, answer: str) -> None:
    """Keep an answer, if the cache can be written."""
    place = _place(kind, key)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        disk.remove_unused(place.parent.iterdir(), 1)
        disk.write(place, answer.encode())


def _place(kind: str, key: str) -> Path:
    return caches.folder(kind) / hashlib.sha256(key.encode()).hexdigest()
