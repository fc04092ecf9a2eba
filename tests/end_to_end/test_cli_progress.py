"""Progress on a terminal, on a pipe, and quiet."""

from __future__ import annotations

import io
import os
import pty
from pathlib import Path

import pytest

from python_package.cli import progress
from python_package.progress import Progress


def work(display: Progress) -> None:
    """Tell what create tells."""
    display.phase("link")
    display.downloaded(500_000, 1_000_000)
    display.linked(3, 4)
    display.note("something to know")
    display.phase("pack")
    display.packed(2_000_000, 2_000_000)


def test_on__a_pipe__gives_a_plain_line_a_phase() -> None:
    stream = io.StringIO()
    with progress.on(stream, "name", quiet=False) as display:
        work(display)
    assert stream.getvalue() == "name: link\nname: note: something to know\nname: pack\n"


def test_on__quiet__says_notes_only() -> None:
    stream = io.StringIO()
    with progress.on(stream, "name", quiet=True) as display:
        work(display)
    assert stream.getvalue() == "name: note: something to know\n"


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Return both ends of a pseudo-terminal."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("HOME", str(tmp_path))
    return pty.openpty()


def test_on__a_terminal__draws_bars_with_counts_and_leaves_them_finished(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    with os.fdopen(theirs, "w", encoding="utf-8") as stream, progress.on(stream, "name", quiet=False) as display:
        work(display)
    drawn = b""
    with os.fdopen(ours, "rb", buffering=0) as reader:
        while True:
            try:
                drawn += reader.read(65536)
            except OSError:  # the other end is closed and all is read
                break
    text = drawn.decode()
    assert "0.5/1.0 MB" in text
    assert "3/4 packages" in text
    assert "2.0/2.0 MB" in text
    assert "name: note: something to know" in text
    assert "✓ link" in text.replace("\x1b[32m", "").replace("\x1b[0m", "")


def test_on__an_error_on_a_terminal__does_not_mark_the_phase_as_done(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    with (
        os.fdopen(theirs, "w", encoding="utf-8") as stream,
        pytest.raises(RuntimeError),
        progress.on(stream, "name", quiet=False) as display,
    ):
        display.phase("solve")
        raise RuntimeError
    with os.fdopen(ours, "rb", buffering=0) as reader:
        assert "✓".encode() not in reader.read(65536)
