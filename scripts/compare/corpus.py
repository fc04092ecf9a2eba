"""Read the hard scripts of tests/corpus, for the tests and for the comparison; its README describes the format."""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "corpus"
SINGLE_IMPORTS = FOLDER / "single-imports.list"
SINGLE = "import:"
# Every interpreter has these although no reference lists them, so a tool may name them or not.
WITH_PYTHON = ("antigravity", "this")
_FLAG = "executes"
_LISTS = ("modules", "optional", "may list", "packages", "not installed", "local")
_REPEATED = ("package", "also installed", "says", "may say")
_SINGLE_VALUES = ("refuses", "script", "python")


@dataclass(frozen=True)
class Case:
    """A hard script, what analyze must say about it, and what another tool must name."""

    name: str
    about: str = ""
    # What analyze lists, and which of it the script can do without.
    modules: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    # Text of the error with which analyze refuses the script. A tool that lists the modules all the same is right too.
    refuses: str = ""
    # Requirements that the script's own metadata (PEP 723) states.
    packages: tuple[str, ...] = ()
    # The local files that the script reaches.
    local: frozenset[str] = frozenset()
    # Text that a remark must contain, or may contain.
    says: tuple[str, ...] = ()
    may_say: tuple[str, ...] = ()
    # Modules that other tools may list or not.
    may_list: tuple[str, ...] = ()
    # Import -> distribution, where the names differ; `a|b`: either is right; '': there is none, and none may be named.
    providers: Mapping[str, str] = field(default_factory=dict)
    # The same for distributions that are installed but not needed, and imports whose distribution is not installed.
    also_installed: Mapping[str, str] = field(default_factory=dict)
    not_installed: tuple[str, ...] = ()
    script: str = "main.py"
    # The version of the default python3.
    python: str = ""
    # Whether a real Python can run the script with stand-ins for its modules.
    executes: bool = False
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def needed(self) -> dict[str, str]:
        """Return the imports that a tool must name, each with its distribution."""
        free = {*self.optional, *self.may_list, *WITH_PYTHON}
        return self._provided(module for module in self.modules if module not in free)

    @property
    def allowed(self) -> dict[str, str]:
        """Return the imports that a tool may name or not, each with its distribution."""
        known = (*self.optional, *self.may_list, *(module for module in self.modules if module in WITH_PYTHON))
        return self._provided(dict.fromkeys(known))

    @property
    def requested(self) -> frozenset[str]:
        """Return the distributions that the script asks for without importing them."""
        names = {re.split(r"[^\w.-]", requirement)[0] for requirement in self.packages}
        return frozenset(names - set(self.needed.values()))

    @property
    def installed(self) -> dict[str, tuple[str, ...]]:
        """Return the distributions in the user's environment, each with its modules."""
        found: dict[str, tuple[str, ...]] = {}
        for module, distribution in {**self.needed, **self.allowed, **self.also_installed}.items():
            if module not in (*self.not_installed, *WITH_PYTHON):
                found[distribution] = (*found.get(distribution, ()), module)
        return found

    @property
    def bare(self) -> bool:
        """Tell whether nothing at all is installed, so that a tool must know the names itself."""
        return not self.installed

    @property
    def renamed(self) -> bool:
        """Tell whether a distribution is named otherwise than its import, or asked for without one."""
        return bool(self.requested) or any(module != name for module, name in self.needed.items())

    def lay_out(self, folder: Path) -> Path:
        """Write the case's files into a folder; return the script's path."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder / self.script

    def _provided(self, modules: Iterable[str]) -> dict[str, str]:
        found = {}
        for module in modules:
            inner = [name for name in self.providers if name == module or name.startswith(f"{module}.")]
            found.update({name: self.providers.get(name, name) for name in inner or [module]})
        return found


def cases() -> list[Case]:
    """Return every case, in order of their names."""
    return [read(path.stem, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.txt"))]


def single_imports() -> list[Case]:
    """Return a case of one import for every line of the list, with nothing installed."""
    found = []
    for line in SINGLE_IMPORTS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, _, distribution = line.partition(" ")
            found.append(
                Case(
                    SINGLE + name,
                    f"`import {name}`" + ("" if distribution else ", which no known project provides"),
                    modules=(name,),
                    providers={name: distribution},
                    not_installed=(name,),
                    files={"main.py": f"import {name}\n".encode()},
                )
            )
    return found


def compared() -> list[Case]:
    """Return the cases for other tools: those for the version of this interpreter, then the single imports."""
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}."
    return [*(case for case in cases() if not case.python or case.python.startswith(minor)), *single_imports()]


def read(name: str, text: str) -> Case:
    """Parse the text of a case; raise ValueError when it is malformed."""
    head, *parts = re.split(r"^-- (\S+)( \(escaped\))? --\n", text, flags=re.MULTILINE)
    about = " ".join(line[1:].strip() for line in head.splitlines() if line.startswith("#"))
    said: dict[str, list[str]] = {}
    for line in head.splitlines():
        if not line.startswith("#"):
            key, _, value = line.partition(":")
            said.setdefault(key, []).append(value.strip())
    unknown = said.keys() - {_FLAG, *_LISTS, *_REPEATED, *_SINGLE_VALUES}
    twice = [key for key, values in said.items() if len(values) > 1 and key not in _REPEATED]
    if unknown or twice or "modules" not in said:
        raise ValueError(f"{name}: {sorted(unknown) or twice or 'no modules line'}")
    values = {key: said.get(key, [""])[0] for key in (*_LISTS, *_SINGLE_VALUES)}
    lists = {key: tuple(values[key].split()) for key in _LISTS}
    return Case(
        name=name,
        about=about,
        modules=lists["modules"],
        optional=lists["optional"],
        refuses=values["refuses"],
        packages=lists["packages"],
        local=frozenset(lists["local"]),
        says=tuple(said.get("says", ())),
        may_say=tuple(said.get("may say", ())),
        may_list=lists["may list"],
        providers=_pairs(said.get("package", ())),
        also_installed=_pairs(said.get("also installed", ())),
        not_installed=lists["not installed"],
        script=values["script"] or "main.py",
        python=values["python"],
        executes=_FLAG in said,
        files={
            path: _unescaped(content) if escaped else content.encode()
            for path, escaped, content in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        },
    )


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    return {module: distribution for module, _, distribution in (line.partition(" from ") for line in lines)}


def _unescaped(text: str) -> bytes:
    return codecs.decode(text.encode("ascii"), "unicode_escape").encode("latin-1")
