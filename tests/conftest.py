"""What more than one test file needs."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from pathlib import Path

import pytest

from python_package import channel as channel_room


@pytest.fixture(scope="session")
def channel(pytestconfig: pytest.Config) -> Path:
    """Return a ready-made local channel: this interpreter as `python`, numpy, pip and the pure package idna.

    It is read only. It is kept between sessions under a name that changes with the code that makes it, and
    made by one process where several start at once.
    """
    source = Path(channel_room.__file__).parent
    code = b"".join(path.read_bytes() for path in sorted(source.glob("*.py")))
    root = Path(pytestconfig.rootpath) / ".pytest_cache" / "channel"
    home = root / hashlib.sha256(sys.version.encode() + code).hexdigest()[:12]
    if not (home / "complete").exists():
        for old in root.glob("*"):
            if old.stat().st_mtime < time.time() - 3600:
                shutil.rmtree(old)
        channel_room.build(
            home / "channel", ("numpy", "pip", "idna"), python=sys.executable, cache_dir=home / "cache"
        )
        (home / "complete").touch()
    return home / "channel"
