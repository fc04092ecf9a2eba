"""pip's requirements.txt, as far as it names packages (pip's documentation, 'Requirements File Format')."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from python_package.create.inputs.dependencies import Dependencies, Wish, read_requirement, text_of
from python_package.errors import BoundError, SpecError
from python_package.files import bounds
from python_package.files.disk import url_of
from python_package.spec import Index

# Files that one refers to, and those refer to. Real ones have a dozen.
FILES = 100

_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_HASH = re.compile(r"\s--hash[=\s]\S+")
_FILES = {"-r": "requirement", "--requirement": "requirement", "-c": "constraint", "--constraint": "constraint"}
_EDITABLE = {"-e", "--editable"}
_INDEX = {
    "-i": "default", "--index-url": "default", "--extra-index-url": "extra", "-f": "links", "--find-links": "links",
}  # fmt: skip


# UTF-32's mark begins with UTF-16's, so that it comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODING = re.compile(rb"#.*?coding[:=]\s*([-\w.]+)")


def decode(raw: bytes, source: str) -> str:
    """Return the text of a file: in the encoding of its byte order mark or of its comment (PEP 263), else UTF-8.

    `source` is the name that messages give the file. Raises SpecError when it is in another encoding.
    """
    mark, encoding = next((each for each in _MARKS if raw.startswith(each[0])), (b"", ""))
    if not encoding:
        comments = (_CODING.match(line) for line in raw[:4096].split(b"\n")[:2])
        encoding = next((found[1].decode() for found in comments if found), "utf-8")
    try:
        return raw.removeprefix(mark).decode(encoding)
    except LookupError:
        raise SpecError(
            f"{source}: its first lines name the encoding {encoding}, which is none; save it as UTF-8"
        ) from None
    except UnicodeError as error:
        place = f" at byte {error.start + len(mark)}" if isinstance(error, UnicodeDecodeError) else ""
        raise SpecError(f"{source}: not {encoding.upper()}{place}; save it as UTF-8") from None


def read(text: str, source: str, found: Dependencies, *, only: str = "", kind: str = "") -> list[Wish]:
    """Return what a requirements file asks for, and those that it refers to, relative to `source`.

    The indexes and notes go to `found`. `only` is `pypi:` where no channel may be asked; `kind` is the key that holds
    the lines where they are none of a file.
    """
    reading = _Reading(found, only, kind)
    reading.file(text, source, Path() if source == "-" else Path(source).parent, constraints=False)
    indexes = dict.fromkeys(reading.indexes)
    if reading.no_index:
        found.indexes += [index.replace(use="only-links") for index in indexes if index.use == "links"]
    else:
        found.indexes += indexes
    found.notes += [*reading.notes, *reading.loose()]
    bounds = reading.constraints
    return [_bounded(wish, bounds.get(name, [])) for name, wishes in reading.wanted.items() for wish in wishes]


@dataclass
class _Reading:
    """What was found so far, by canonical name."""

    found: Dependencies
    only: str
    kind: str
    wanted: dict[str, list[Wish]] = field(default_factory=dict)
    constraints: dict[str, list[Wish]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    open_files: list[Path] = field(default_factory=list)
    read: set[tuple[Path, bool]] = field(default_factory=set)
    indexes: list[Index] = field(default_factory=list)
    no_index: bool = False

    def file(self, text: str, source: str, folder: Path, *, constraints: bool) -> None:
        for number, line in _lines(text):
            where = f"{source}: {self.kind}" if self.kind else f"{source}:{number}"
            option, _, value = (
                line.replace("=", " ", 1).partition(" ") if line.startswith("--") else line.partition(" ")
            )
            short = line[:2] if line[:2] in _FILES and not line.startswith("--") else ""
            if short or option in _FILES:
                path = folder / (line[2:] if short else value).strip()
                role = _FILES[short or option]
                self.nested(path, where, constraints=constraints or role == "constraint")
            elif option in _EDITABLE:
                self.requirement(value.strip(), where, folder, constraints=constraints)
            elif option in _INDEX:
                self.index(_INDEX[option], value.strip().strip("\"'"), where, folder)
            elif option == "--no-index":
                self.no_index = True
            elif line.startswith("-"):
                raise SpecError(f"{where}: {_option(line)}")
            else:
                self.requirement(line, where, folder, constraints=constraints)

    def index(self, use: str, value: str, where: str, folder: Path) -> None:
        """Take an index; of two defaults the last counts, as for pip."""
        if not value or re.search(r"\s", value):
            raise SpecError(f"{where}: {value!r} is not the address of an index")
        if use == "default":
            self.indexes = [index for index in self.indexes if index.use != "default"]
        self.indexes.append(Index(url_of(value, folder), use))

    def loose(self) -> list[str]:
        """Return notes on the constraints that do not count, because they are of what only others need."""
        names = sorted(set(self.constraints) - set(self.wanted))
        if not names:
            return []
        some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        return [f"constraints count for what is named itself, not for what that needs: {some}"]

    def nested(self, path: Path, where: str, *, constraints: bool) -> None:
        try:
            place = path.resolve()
            if place in self.open_files:
                raise SpecError(f"{where}: {path} refers to itself")
            if (place, constraints) in self.read:
                return
            self.read.add((place, constraints))
            if len(self.read) > FILES:
                raise BoundError(f"{where}: {path}: one more than the {FILES} files that are read for one; join some")
            raw = bounds.read(path, f"{where}: {path}", bounds.DOCUMENT)
        except (OSError, RuntimeError, ValueError) as error:  # a link in a circle, a NUL in the name
            reason = getattr(error, "strerror", None) or error
            raise SpecError(f"{where}: {path}: {reason}") from None
        text = decode(raw, f"{where}: {path}")
        self.open_files.append(place)
        self.file(text, str(path), path.parent, constraints=constraints)
        self.open_files.pop()

    def requirement(self, line: str, where: str, folder: Path, *, constraints: bool) -> None:
        bare = _HASH.sub("", line)
        if bare != line:
            self.notes.append(
                f"{where.rpartition(':')[0] or where}: hashes are not compared; a lock (--lock) has its own"
            )
        only = "" if constraints else self.only
        wish = read_requirement(bare.strip(), where, self.found, only=only, folder=folder)
        if wish is not None:
            (self.constraints if constraints else self.wanted).setdefault(wish.name, []).append(wish)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers: joined at a backslash, without comments."""
    joined, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        if line.endswith("\\") and not _COMMENT.match(line):
            joined += line[:-1] + " "
            continue
        whole = _COMMENT.sub("", joined + line).strip()
        if whole:
            yield start, _VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), whole)
        joined, start = "", 0
    if joined.strip():
        yield start, joined.strip()


def _bounded(wanted: Wish, bounds: list[Wish]) -> Wish:
    """Return a requirement with the versions that constraints add; where it is settles its version already."""
    if wanted.url or not bounds:
        return wanted
    requirement = wanted.requirement
    for bound in bounds:
        requirement.specifier &= bound.requirement.specifier
    return replace(wanted, package=text_of(requirement, wanted.only))


def _option(line: str) -> str:
    option = re.split(r"[\s=]", line)[0]
    if option == "--trusted-host":
        return f"{option} is not read here; set it in pip's configuration or environment (PIP_TRUSTED_HOST)"
    return f"{option} is an option that create does not serve; take it out"
