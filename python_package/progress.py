"""What the core tells while it works; who listens decides how to show it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """What is told while an environment is made; counts are since the start of their phase."""

    def phase(self, title: str) -> None:
        """Begin a phase."""

    def note(self, line: str) -> None:
        """Say something that the user must know although nothing failed."""

    def downloaded(self, done: int, total: int) -> None:
        """Report bytes fetched, of those known to be needed so far."""

    def compiled(self, done: int, total: int) -> None:
        """Report modules of this machine's python compiled, of all."""

    def linked(self, done: int, total: int) -> None:
        """Report packages linked, of all."""

    def packed(self, done: int, total: int) -> None:
        """Report bytes packed, of all."""


class Silent:
    """A Progress that says nothing."""

    def phase(self, title: str) -> None:
        """Ignore."""

    def note(self, line: str) -> None:
        """Ignore."""

    def downloaded(self, done: int, total: int) -> None:
        """Ignore."""

    compiled = linked = packed = downloaded


class Clock:
    """Announces phases to a Progress and keeps the seconds that each took."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Announce a phase; the time until the context is left is its own."""
        self.progress.phase(title)
        start = time.perf_counter()
        yield
        self.seconds[title] = self.seconds.get(title, 0.0) + time.perf_counter() - start
