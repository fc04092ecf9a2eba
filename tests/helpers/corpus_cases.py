"""Read the cases of tests/corpus (its README tells the form) and lay their files out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1].joinpath("corpus")


@dataclass(frozen=True)
class Case:
    """A hard script and what analyze must say about it."""

    name: str
    modules: tuple[str, ...]
    optional: tuple[str, ...]
    local: frozenset[str]
    says: tuple[str, ...]
    may_say: tuple[str, ...]
    script: str
    python: str
    executes: bool
    files: dict[str, str]

    def lay_out(self, folder: Path) -> Path:
        """Write the files into a folder; return the script's path."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder / self.script


def cases() -> list[Case]:
    """Return every case of the corpus, in order of their names."""
    return [_read(path) for path in sorted(FOLDER.glob("*.txt"))]


def _read(path: Path) -> Case:
    head, *parts = re.split(r"^-- (\S+) --\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    said: dict[str, list[str]] = {}
    for line in head.splitlines():
        if not line.startswith("#"):
            key, _, value = line.partition(":")
            said.setdefault(key, []).append(value.strip())
    unknown = said.keys() - {"modules", "optional", "local", "says", "may say", "script", "python", "executes"}
    if unknown or "modules" not in said:
        raise ValueError(f"{path}: {unknown or 'no modules line'}")
    return Case(
        name=path.stem,
        modules=tuple(said["modules"][0].split()),
        optional=tuple(said.get("optional", [""])[0].split()),
        local=frozenset(said.get("local", [""])[0].split()),
        says=tuple(said.get("says", ())),
        may_say=tuple(said.get("may say", ())),
        script=said.get("script", ["main.py"])[0],
        python=said.get("python", ["3.11.7"])[0],
        executes="executes" in said,
        files=dict(zip(parts[::2], parts[1::2], strict=True)),
    )
