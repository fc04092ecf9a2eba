"""How long each phase takes, told while it begins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from python_package.progress import Progress


class Clock:
    """Announces phases and keeps the seconds that each took."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Announce a phase, and count the time until the context is left as its own."""
        self.progress.phase(title)
        start = time.perf_counter()
        yield
        self.seconds[title] = self.seconds.get(title, 0.0) + time.perf_counter() - start
