"""python -m scripts.docs.engine_lines: put the lines that the engines' cases run into docs/engines.md.

A block of the document follows a comment that names its file below integration/engines/lines. A test calls `filled`.
"""

from __future__ import annotations

import re
from pathlib import Path

from integration.engines.ways import LINES, copied

DOCUMENT = Path(__file__).parents[2] / "docs" / "engines.md"
_BLOCK = re.compile(r"(<!-- lines: (?P<name>\S+) -->\n\n```\w+\n)(?P<lines>.*?)(```\n)", re.DOTALL)


def filled(text: str) -> str:
    """Return a document with the lines of each named file in the block below its name."""
    return _BLOCK.sub(lambda match: match[1] + copied(LINES / match["name"]) + match[4], text)


def names(text: str) -> list[str]:
    """Return the files that a document takes lines from, in its order."""
    return [match["name"] for match in _BLOCK.finditer(text)]


if __name__ == "__main__":
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
