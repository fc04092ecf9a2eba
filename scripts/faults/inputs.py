"""Inputs without an end, a bottom or the right types: one line, the documented code, little memory and time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from scripts.faults.injection import Try, fault, is_one_line

# What a command may take of memory and of time for an input that it refuses.
_MEMORY = 2 << 30
_SECONDS = 30

_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def _notebook(source: object) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": source}], "metadata": {}, "nbformat": 4})


# Name of the file, its content, and the exit code; None is a file without an end.
_SCRIPTS: tuple[tuple[str, str | None, int], ...] = (
    ("zero.py", None, 3),
    ("codec.py", "# coding: rot13\nvzcbeg bf\n", 3),
    ("nested.py", "x = " + "(" * 100_000, 3),
    ("minus.py", "x = " + "-" * 1_000_000 + "1\n", 3),
    ("cells.ipynb", _notebook({"a": 1}), 3),
    ("depth.ipynb", "[" * 200_000, 3),
    ("metadata.py", "# /// script\n# dependencies = " + "[" * 100_000 + "\n# ///\nimport os\n", 3),
)
_FILES: tuple[tuple[str, str | None, int], ...] = (
    ("zero.json", None, 3),
    ("bomb.yml", _BOMB + "dependencies: *i\n", 3),
    ("depth.json", "[" * 200_000, 3),
    ("depth.yml", "dependencies: " + "[" * 50_000, 3),
    ("pyproject.toml", "[project]\nname = 'a'\nversion = '1'\ndynamic = 5\n", 3),
    ("deep/pyproject.toml", "a = " + "[" * 100_000, 3),
    ("name.json", json.dumps({"python": "3.11.7", "modules": ["a" * 100_000 + " b"]}), 3),
    ("number.json", '{"python": 3.11, "modules": []}', 3),
)


@fault("31", "a script that has no end, no bottom or no text", tries=len(_SCRIPTS))
def script(attempt: Try) -> bool:
    name, content, code = _SCRIPTS[attempt.index]
    return _refuses(attempt, name, content, code, lambda path: [attempt.commands.analyze, path, "out.json"])


@fault("31", "a dependency file that has no end, no bottom or other types", tries=len(_FILES))
def dependency_file(attempt: Try) -> bool:
    name, content, code = _FILES[attempt.index]
    create: list[str | Path] = [attempt.commands.create, "-c", attempt.supplies.channel, "--dry-run"]
    return _refuses(attempt, name, content, code, lambda path: [*create, path, "env"])


@fault("31", "requirements that include each other twofold, deeper and deeper", tries=1)
def doubling(attempt: Try) -> bool:
    for depth in range(30):
        text = f"-r {depth + 1}.txt\n" * 2 if depth < 29 else "nosuchproject-of-ours\n"
        (attempt.folder / f"{depth}.txt").write_text(text)
    create: list[str | Path] = [attempt.commands.create, "-c", attempt.supplies.channel, "--dry-run", "0.txt", "env"]
    return attempt.run(*create, timeout=_SECONDS).returncode in (3, 4)


def _refuses(attempt: Try, name: str, content: str | None, code: int, argv: Callable[[str], list[str | Path]]) -> bool:
    path = attempt.folder / name
    path.parent.mkdir(exist_ok=True)
    if content is None:
        path.symlink_to("/dev/zero")
    else:
        path.write_text(content)
    words: list[str | Path] = ["/bin/sh", "-c", f'ulimit -v {_MEMORY >> 10}; exec "$@"', "sh", *map(str, argv(name))]
    ran = attempt.run(*words, timeout=_SECONDS)
    return ran.returncode == code and is_one_line(ran.stderr)
