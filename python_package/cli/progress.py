"""Progress on stderr: bars where it is a terminal, plain lines where it is not, nothing when quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from python_package.address import scrub
from python_package.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def on(stream: TextIO, name: str, *, quiet: bool) -> Iterator[Progress]:
    """Yield the Progress that fits the stream."""
    if quiet:
        yield _Quiet(stream, name)
    elif stream.isatty():
        with _Bars(stream, name) as bars:
            yield bars
    else:
        yield _Lines(stream, name)


class _Quiet(Silent):
    """Notes only: they tell of a decision that the user did not take."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def note(self, line: str) -> None:
        print(f"{self._name}: note: {scrub(line)}", file=self._stream, flush=True)


class _Lines(_Quiet):
    def phase(self, title: str) -> None:
        print(f"{self._name}: {title}", file=self._stream, flush=True)


class _Bars:
    """One line per phase, with a bar where its size is known."""

    def __init__(self, stream: TextIO, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._name = name
        self._console = Console(file=stream)
        columns = (
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=self._console)
        self._phase: TaskID | None = None
        self._download: TaskID | None = None

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._finish()
        self._progress.stop()

    def phase(self, title: str) -> None:
        self._finish()
        self._phase = self._progress.add_task(title, total=None, count="")

    def note(self, line: str) -> None:
        self._console.print(f"{self._name}: note: {scrub(line)}", markup=False, highlight=False, soft_wrap=True)

    def downloaded(self, done: int, total: int) -> None:
        if self._download is None:
            self._download = self._progress.add_task("download", total=total, count="")
        self._show(self._download, done, total, _megabytes(done, total))

    def compiled(self, done: int, total: int) -> None:
        self._show(self._phase, done, total, f"{done}/{total} modules")

    def linked(self, done: int, total: int) -> None:
        self._show(self._phase, done, total, f"{done}/{total} packages")

    def packed(self, done: int, total: int) -> None:
        self._show(self._phase, done, total, _megabytes(done, total))

    def _show(self, task: TaskID | None, done: int, total: int, count: str) -> None:
        if task is not None:
            self._progress.update(task, completed=done, total=total, count=count)

    def _finish(self) -> None:
        for task in (self._phase, self._download):
            if task is not None:
                self._progress.update(task, total=1, completed=1)
        self._phase = self._download = None


def _megabytes(done: int, total: int) -> str:
    return f"{done / 1e6:.1f}/{total / 1e6:.1f} MB"
