"""A listener that keeps what create says although nothing failed."""

from __future__ import annotations

from python_package.progress import Silent


class Notes(Silent):
    """Keeps each note."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, line: str) -> None:
        """Keep it."""
        self.notes.append(line)
