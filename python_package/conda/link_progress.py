"""What is told while packages are fetched and linked, out of py-rattler's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class LinkProgress(Protocol):
    """What is told while packages are fetched and linked; both counts are since the start."""

    def downloaded(self, done: int, total: int) -> None:
        """Report bytes fetched, of those known to be needed so far."""

    def linked(self, done: int, total: int) -> None:
        """Report packages linked, of all in the transaction."""


class Reporter:
    """Turns py-rattler's events (duck-typed by it) into LinkProgress, and knows which downloads are under way."""

    def __init__(self, progress: LinkProgress) -> None:
        self._progress = progress
        self._operations = 0
        self._linked = 0
        self._bytes: dict[int, tuple[int, int]] = {}
        self._names: dict[int, str] = {}
        self._under_way: set[int] = set()

    @property
    def missing(self) -> str:
        """Return the packages that are being downloaded."""
        return ", ".join(sorted(self._names.get(entry, "") for entry in self._under_way))

    def waits(self) -> bool:
        """Tell whether anything is being downloaded."""
        return bool(self._under_way)

    def on_transaction_start(self, total_operations: int) -> None:
        self._operations, self._linked = total_operations, 0
        self._under_way.clear()

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        self._names[operation] = package_name
        return operation

    def on_download_start(self, cache_entry: int) -> int:
        self._under_way.add(cache_entry)
        return cache_entry

    def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None:
        self._bytes[download_idx] = (progress, total or progress)
        done, needed = (sum(column) for column in zip(*self._bytes.values(), strict=True))
        self._progress.downloaded(done, needed)

    def on_download_completed(self, download_idx: int) -> None:
        self._under_way.discard(download_idx)

    def on_link_complete(self, _index: int) -> None:
        self._linked += 1
        self._progress.linked(self._linked, self._operations)

    def __getattr__(self, name: str) -> Callable[..., int]:
        if name.startswith("on_"):
            return lambda *_: 0
        raise AttributeError(name)
