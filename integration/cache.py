"""What takes long to fetch or make is kept between runs, in folders whose names change with what they would hold."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path


def kept(kind: str, facts: Iterable[str | bytes], make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` has filled for these facts; others of its kind go when they are an hour old."""
    content = b"\n".join(each if isinstance(each, bytes) else each.encode() for each in facts)
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pypkg-it"
    folder = root / f"{kind}-{hashlib.sha256(content).hexdigest()[:12]}"
    complete = folder / "complete"
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            for old in root.glob(f"{kind}-*/complete"):
                if old.stat().st_mtime < time.time() - 3600:
                    shutil.rmtree(old.parent)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            complete.touch()
    return folder
