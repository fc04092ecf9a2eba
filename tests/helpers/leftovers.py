"""What stays in a folder of environments."""

from __future__ import annotations

import time
from pathlib import Path


def left(envs: Path) -> list[str]:
    """Return what is in the folder once the removal of a replaced environment, which is not waited for, is over."""
    deadline = time.monotonic() + 30
    while any(".old." in path.name for path in envs.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return sorted(path.name for path in envs.iterdir())
