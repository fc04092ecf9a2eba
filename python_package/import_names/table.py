"""The two shipped tables of import names, `kept.txt` by hand and `generated.txt` by a script, and their one format.

A table is text that is searched, not parsed: 18,000 rows cost as much as those that are asked for. A line `[section]`
begins a section, `#` a comment, anything else is a row of words:

    [imports]
    IMPORT [PROVIDER...] [| RIVAL...] [~LIKE]
        the project of the import (none: its own name), then other builds of it; unrelated projects with the same
        import; the better known name that it resembles
    IMPORT * [PROVIDER...]
        a namespace that many projects fill
    IMPORT ! REASON
        never looked up
    [portions] NAMESPACE -PART|PROJECT...
        the projects that fill it, the best known first: `google -cloud-storage` is google-cloud-storage, and has
        google.cloud.storage; a whole name stands for one that is named after the namespace's own project
    [conda] PROJECT PACKAGE...
        its Conda packages where they are named differently
    [assumed] PROJECT
        well known, but no source says what it provides

A provider is a project's canonical name, maybe with a version (`setuptools<82`), or `conda:PACKAGE` for what is not
on PyPI.
"""

from __future__ import annotations

import os

from python_package.spec import canonical
from python_package.value import Value

# Type checkers take any name TYPE_CHECKING for true; importing typing would cost 4 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = ("kept.txt", "generated.txt")

# So many projects below a name make it a namespace.
_MANY = 3


class Row(Value):
    """What a table says of one import name."""

    key: str
    providers: tuple[str, ...]
    rivals: tuple[str, ...]
    like: str
    namespace: bool
    refusal: str


class Table:
    """Rows of one or more tables; the first that has a row decides."""

    def __init__(self, *texts: str) -> None:
        self._sections = [_sections(text) for text in texts]
        self._by_slip: dict[str, str] | None = None

    def row(self, name: str) -> Row | None:
        """Return what is said of an import name, as it is, or None."""
        words = self._words("imports", name)
        return None if words is None else _parse(name, words)

    def find(self, dotted: str) -> Row | None:
        """Return the row of the longest prefix of a dotted import name that has one, or fills a namespace, or None."""
        parts = dotted.split(".")
        top = self.row(parts[0])
        fillers = self._fillers(top.key, *top.providers) if top and top.namespace else {}
        flat = {part.replace("-", ""): project for part, project in reversed(fillers.items())}
        for length in range(len(parts), 1, -1):
            prefix = ".".join(parts[:length])
            row = self.row(prefix) or (_portion(prefix, flat) if flat else None)
            if row:
                return row
        if top and top.providers and fillers:
            return self._inner(parts, fillers) or top
        return top

    def significant(self, dotted: str) -> str:
        """Return as much of an import name as tells its project: the top level, or more of it in a namespace."""
        row = self.find(dotted)
        if row is None:
            return dotted.partition(".")[0]
        if row.namespace and not row.providers:
            return ".".join(dotted.split(".")[: row.key.count(".") + 2])
        return row.key

    def __contains__(self, name: str) -> bool:
        """Tell whether just this name, not only what it is in, is known."""
        row = self.find(name)
        return row is not None and row.key == name

    def unfilled(self, name: str) -> bool:
        """Tell whether a name is a namespace that is no project itself."""
        row = self.row(name)
        return row is not None and row.namespace and not row.providers

    def namespaces(self) -> tuple[str, ...]:
        """Return the top-level names that many projects fill."""
        return tuple(row[0] for row in self._rows("imports") if row[1:2] == ["*"] and "." not in row[0])

    def shared(self) -> frozenset[str]:
        """Return the top-level names below which more than one project is known."""
        below = {row[0].partition(".")[0] for row in self._rows("imports") if "." in row[0]}
        return frozenset(below.union(self.namespaces()))

    def portions(self, namespace: str) -> tuple[str, ...]:
        """Return the projects that fill a namespace, the best known first."""
        top, _, below = namespace.partition(".")
        row = self.row(top)
        start = canonical(below)
        fillers = self._fillers(top, *(row.providers if row else ()))
        found = [project for part, project in fillers.items() if not start or f"{part}-".startswith(f"{start}-")]
        rows = (row for row in self._rows("imports") if len(row) > 1 and row[1] not in "!*")
        listed = (row[1] for row in rows if row[0].startswith(namespace + "."))
        return tuple(dict.fromkeys([*found, *listed]))

    def conda(self, project: str) -> tuple[str, ...]:
        """Return the names that Conda packages of a PyPI project may have, the likeliest first.

        The last is the project's own: channels that are made from wheels name their packages so.
        """
        return tuple(dict.fromkeys([*(self._words("conda", project) or ()), project]))

    def assumed(self, project: str) -> bool:
        """Tell whether a project is well known although no source says what it provides."""
        return self._words("assumed", project) is not None

    def near(self, name: str) -> str | None:
        """Return a known import name that a slip of one letter turns into this one, or None."""
        known = {row[0].lower(): row[0] for row in self._rows("imports")}
        found = [known[slip] for slip in slips(name.lower()) if slip in known and len(slip) > 3]
        # Of two, the one that is not itself a letter away from a better known name.
        return min(found, key=lambda name: (bool((row := self.row(name)) and row.like), name), default=None)

    def near_project(self, project: str) -> str | None:
        """Return a known project that a slip of one letter turns into this one, None if this one is known itself."""
        if self._by_slip is None:
            self._by_slip = {name.replace("-", "_"): name for name in self._projects()}
        known, name = self._by_slip, project.replace("-", "_")
        found = [] if name in known else [known[slip] for slip in slips(name) if slip in known and len(slip) > 3]
        return min(found, default=None)

    def _projects(self) -> Iterator[str]:
        for row in self._rows("imports"):
            if row[1:2] != ["!"]:
                names = [word.partition("<")[0] for word in row[1:] if word[0] not in "*|~" and ":" not in word]
                yield from names or [canonical(row[0])]
        for namespace in self.namespaces():
            yield from self._fillers(namespace).values()
        for section in ("conda", "assumed"):
            yield from (row[0] for row in self._rows(section))

    def _fillers(self, namespace: str, project: str = "", *_: str) -> dict[str, str]:
        """Return the projects that fill a top-level namespace, or one of a project, by the part each is named after."""
        own = canonical(namespace)
        found: dict[str, str] = {}
        for word in self._words("portions", namespace) or ():
            if word[0] == "-":
                found[word[1:]] = own + word
            else:
                found.setdefault(word.removeprefix(f"{project}-"), word)
        return found

    def _inner(self, parts: list[str], fillers: dict[str, str]) -> Row | None:
        """Return the namespace inside another one, which has a project of its own, that an unknown name is in."""
        for length in range(len(parts), 1, -1):
            prefix = ".".join(parts[:length])
            below = canonical(".".join(parts[1:length])) + "-"
            known = sum(part.startswith(below) for part in fillers)
            if known + sum(text.count(f"\n{prefix}.") for text in self._texts("imports")) >= _MANY:
                return Row(prefix, (), (), "", True, "")
        return None

    def _rows(self, section: str) -> Iterator[list[str]]:
        return (line.split() for text in self._texts(section) for line in text.split("\n") if line)

    def _texts(self, section: str) -> list[str]:
        return [sections[section] for sections in self._sections if section in sections]

    def _words(self, section: str, key: str) -> list[str] | None:
        for text in self._texts(section):
            for after in (" ", "\n"):
                at = text.find(f"\n{key}{after}")
                if at >= 0:
                    return text[at + 1 : text.index("\n", at + 1)].split()[1:]
        return None


def load() -> Table:
    """Read the shipped tables."""
    texts = []
    for name in FILES:
        # Not by pathlib: analyze reads the tables too, and it starts in 25 ms.
        with open(os.path.join(os.path.dirname(__file__), "data", name), encoding="ascii") as file:  # noqa: PTH118, PTH120, PTH123
            texts.append(file.read())
    return Table(*texts)


def _sections(text: str) -> dict[str, str]:
    """Split a table; each section's text begins and ends with a newline, so that every row stands between two."""
    pieces = (piece.partition("]") for piece in f"\n{text}".split("\n[")[1:])
    return {name: f"{rows}\n" for name, _, rows in pieces}


def _parse(key: str, words: list[str]) -> Row:
    if words[:1] == ["!"]:
        return Row(key, (), (), "", False, " ".join(words[1:]))
    namespace = words[:1] == ["*"]
    like = next((word[1:] for word in words if word.startswith("~")), "")
    names = [word for word in words[namespace:] if not word.startswith("~")]
    at = names.index("|") if "|" in names else len(names)
    providers = names[:at] or ([] if namespace else [canonical(key)])
    return Row(key, tuple(providers), tuple(names[at + 1 :]), like, namespace, "")


def _portion(prefix: str, fillers: dict[str, str]) -> Row | None:
    """Return the row of a name that one of the projects of its namespace is named after, or None.

    `google.cloud.secretmanager_v1` is of google-cloud-secret-manager: neither hyphens nor the suffix of an interface's
    version tell projects apart.
    """
    parts = canonical(prefix.partition(".")[2]).split("-")
    project = fillers.get("".join(parts)) or fillers.get("".join(part for part in parts if not _interface(part)))
    return Row(prefix, (project,), (), "", False, "") if project else None


def _interface(part: str) -> bool:
    """Tell whether a part of a name is an interface's version: v1, v1beta2, v1p3beta1."""
    return part[0] == "v" and part[1:2].isdigit()


def slips(name: str) -> set[str]:
    """Return everything that is one insertion, deletion, substitution or swap of neighbours away from a name."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
    splits = [(name[:at], name[at:]) for at in range(len(name) + 1)]
    found = {left + right[1:] for left, right in splits if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
    found |= {left + letter + right[1:] for left, right in splits if right for letter in letters}
    found |= {left + letter + right for left, right in splits for letter in letters}
    return found - {name}
