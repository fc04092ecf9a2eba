"""The hard scripts: folders of cases beside this file, those of tests/corpus in place, and single imports."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# The interpreter itself has these, although no reference lists them: whether a tool names them is no matter.
WITH_PYTHON = ("antigravity", "this")
NAME = "name:"
CORPUS = "corpus:"


@dataclass(frozen=True)
class Case:
    """A script and what a tool must say of it.

    `imports` and `optional` pair import names with the distributions that provide them; a tool may name the optional
    ones. Of distributions, `a|b` are two that are both right, and an empty one is an import that must not be answered
    at all. `packages` are distributions wanted besides. `installed` are those in the user's environment, each with the
    modules that it provides. `or_refuses`: to name nothing but the file at fault is right as well.
    """

    name: str
    about: str
    script: str
    imports: Mapping[str, str]
    optional: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    installed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    or_refuses: bool = False
    folder: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def bare(self) -> bool:
        """Tell whether nothing at all is installed, so that a tool must know names from elsewhere."""
        return not self.installed

    @property
    def renamed(self) -> bool:
        """Tell whether an import and its distribution have different names."""
        return bool(self.packages) or any(name != package for name, package in self.imports.items())

    def files_beside(self, pattern: str) -> list[str]:
        """Return the names of the case's own files that match."""
        return [path.name for path in self.folder.glob(pattern)] if self.folder else []

    def lay_out(self, target: Path) -> None:
        """Write the case's files into a new folder."""
        if self.folder is not None:
            shutil.copytree(self.folder, target, ignore=lambda _, names: {"expected.json"} & set(names))
        for name, text in self.files.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def load() -> list[Case]:
    """Return every case that this interpreter's version allows, sorted by name within folders, corpus and names."""
    return [*_own(), *_corpus(), *_names()]


def _own() -> list[Case]:
    found = []
    for path in sorted((HERE / "cases").glob("*/expected.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if not sys.version.startswith(data.get("python", "")):
            continue
        imports, optional = data["imports"], data.get("optional", {})
        providers: dict[str, tuple[str, ...]] = {}
        if data.get("installed", True):
            without = data.get("without", ())
            for module, package in {**imports, **optional}.items():
                if module not in without:
                    providers[package] = (*providers.get(package, ()), module)
            for package, module in data.get("also", {}).items():
                providers[package] = (module,)
        found.append(
            Case(
                path.parent.name,
                data["about"],
                data["script"],
                imports,
                optional,
                tuple(data.get("packages", ())),
                providers,
                data.get("or_refuses", False),
                path.parent,
            )
        )
    return found


def _corpus() -> list[Case]:
    found = []
    for path in sorted((ROOT / "tests" / "corpus").glob("*.txt")):
        head, *parts = re.split(r"^-- (\S+) --\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        said = dict(re.findall(r"^([a-z ]+):(.*)$", head, flags=re.MULTILINE))
        if "python" in said:
            continue  # it stands in for another version of the interpreter, which only we ask
        modules, optional = said["modules"].split(), said.get("optional", "").split()
        may = {name: name for name in modules if name in optional or name in WITH_PYTHON}
        must = {name: name for name in modules if name not in may}
        found.append(
            Case(
                CORPUS + path.stem,
                " ".join(line[1:].strip() for line in head.splitlines() if line.startswith("#")).rstrip("."),
                said.get("script", "main.py").strip(),
                must,
                may,
                installed={name: (name,) for name in modules if name not in WITH_PYTHON},
                files=dict(zip(parts[::2], parts[1::2], strict=True)),
            )
        )
    return found


def _names() -> list[Case]:
    names = json.loads((HERE / "names.json").read_text(encoding="utf-8"))
    return [
        Case(
            NAME + name,
            f"`import {name}`" + ("" if package else ", of nobody's known project: must be refused"),
            "main.py",
            {name: package},
            files={"main.py": f"import {name}\n"},
        )
        for name, package in sorted(names.items())
    ]
