"""Draw what python_package_create shows on a terminal while it packs.  usage: python -m scripts.docs.progress_picture

Runs the real command on scripts/hi.py in a pseudo-terminal, with empty caches, and writes docs/images/progress.svg.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from io import StringIO
from itertools import groupby
from pathlib import Path

import pyte
from rich.color import ColorParseError
from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "images" / "progress.svg"
COLUMNS, LINES = 96, 12
COMMAND = ["python_package_create", "--interpreter", "host", "output.json", "venv"]
PACKING = re.compile(r"^. pack .* ([\d.]+)/([\d.]+) MB", re.MULTILINE)
TYPEFACE = "font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace;"


def main() -> None:
    """Write the picture."""
    screens = _screens()
    packing = [screen for screen in screens if 0.3 < _packed(screen) < 0.9]
    PICTURE.write_text(_svg((packing or screens)[-1]), encoding="utf-8")


def _screens() -> list[list[Text]]:
    """Return the screen after each piece of the command's output."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    taken: list[list[Text]] = []
    ours = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "TERM": "xterm-256color", "PATH": f"{ours}:{os.environ['PATH']}"}
        environ |= {"CONDA_ENVS_PATH": f"{folder}/envs", "XDG_CACHE_HOME": f"{folder}/cache"}
        subprocess.run(
            [ours / "python_package_analyze", ROOT / "scripts" / "hi.py", f"{folder}/output.json"], check=True
        )
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        with subprocess.Popen(COMMAND, stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environ) as process:
            os.close(slave)
            while piece := _read(master):
                stream.feed(piece)
                taken.append([_line(screen, row) for row in range(LINES)])
        os.close(master)
        if process.returncode:
            sys.exit(f"{COMMAND[0]} ended with {process.returncode}:\n" + "\n".join(map(str, taken[-1])))
    return taken


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # the other end is closed
        return b""


def _line(screen: pyte.Screen, row: int) -> Text:
    """Return a line of the screen as text with colours."""
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    line = Text()
    for (colour, bold), run in groupby(cells, key=lambda cell: (cell.fg, cell.bold)):
        line.append("".join(cell.data for cell in run), _style(colour, bold=bold))
    line.rstrip()
    return line


def _style(colour: str, *, bold: bool) -> Style:
    names = {"default": None, "brown": "yellow"}
    name = names.get(colour, f"#{colour}" if re.fullmatch("[0-9a-f]{6}", colour) else colour)
    try:
        return Style(color=name, bold=bold)
    except ColorParseError:
        return Style(bold=bold)


def _packed(screen: list[Text]) -> float:
    """Return the share that is packed; 0 before and 1 after packing."""
    found = PACKING.search("\n".join(line.plain for line in screen))
    return float(found[1]) / float(found[2]) if found else 0


def _svg(screen: list[Text]) -> str:
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(Text(f"$ {' '.join(COMMAND)}"))
    for line in screen:
        if line.plain:
            console.print(line, no_wrap=True)
    drawn = console.export_svg(title="python_package_create", unique_id="progress")
    # rich would have the reader's browser fetch a typeface from elsewhere.
    drawn = re.sub(r"@font-face \{.*?\}\n", "", drawn, flags=re.DOTALL)
    return re.sub(r"font-family: [^;]*;", TYPEFACE, drawn)


if __name__ == "__main__":
    main()
