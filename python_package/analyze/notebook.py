"""A Jupyter notebook -> one syntax tree of its code cells, in their order."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, replace

from python_package.analyze import magics, parsing
from python_package.analyze.constants import COMPREHENSIONS, names_bound_by
from python_package.analyze.values import Lines
from python_package.errors import BoundError, InvalidScriptError, NotPythonError
from python_package.files import bounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# Lists and objects in a notebook: each takes ten times the memory of its two brackets. Drawn maps have a million.
VALUES = 5_000_000

# What has names of its own.
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, *COMPREHENSIONS)
# What a kernel calls Python, also where it is part of a longer name: pyspark, ipython3, text/x-python.
_PYTHONS = ("python", "pyspark", "sage")


@dataclass(frozen=True)
class Notebook:
    """The tree and the text of a notebook's Python, the places of its lines, and remarks for the user.

    `written` are the modules that cells write: the path of each, what messages call it, its text, and whether the text
    is added to a file that is there.
    """

    tree: ast.Module
    text: bytes
    lines: Lines
    remarks: tuple[str, ...]
    written: tuple[tuple[str, str, str, bool], ...] = ()


def parse(source: bytes, name: str) -> Notebook:
    """Read a notebook of format 3 or 4; messages call it `name`, and a cell by its place among all cells.

    A cell that is not Python is left out, with a remark. Raises NotPythonError for what is no notebook, is one in
    another language, or has no cell of Python among those that should be.
    """
    reader = _Reader(name)
    for number, code in _cells(_load(source, name), name):
        reader.add(number, code)
    if reader.faults and not reader.places:
        raise reader.faults[0]
    return Notebook(
        ast.Module(reader.body, []),
        b"\n".join(reader.texts),
        Lines(name, tuple(reader.places)),
        tuple(reader.remarks),
        tuple((path, *rest) for path, rest in reader.written.items()),
    )


class _Reader:
    """Takes a notebook's code cells one after the other, and knows what earlier ones did."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.body: list[ast.stmt] = []
        self.texts: list[bytes] = []
        self.places: list[tuple[int, int]] = []
        self.remarks: list[str] = []
        self.faults: list[InvalidScriptError] = []
        self.written: dict[str, tuple[str, str, bool]] = {}
        self.folder = ""
        self.before = 0

    def add(self, number: int, code: object) -> None:
        place = f"{self.name}:cell {number}"
        try:
            if not isinstance(code, str):
                raise NotPythonError(place, 1, "its source is not text")
            cell, text, tree, remark = self._parsed(code, place)
            if sum(map(len, self.texts)) + len(text) > bounds.PARSED:
                raise parsing.too_large(place)
        except (NotPythonError, BoundError) as error:
            self.faults.append(error)
            self.remarks.append(f"{error}; what the cell imports is not listed")
            return
        self.remarks += [f"{place}:{line}: {said}" for line, said in cell.remarks]
        self.remarks += [] if remark is None else [remark]
        self.folder = cell.folder
        if cell.written is not None:
            self._write(cell.written, place)
        self.body += ast.increment_lineno(tree, self.before).body
        self.places.append((self.before, number))
        self.texts.append(text)
        self.before += text.count(b"\n") + 1

    def _parsed(self, code: str, place: str) -> tuple[magics.Cell, bytes, ast.Module, str | None]:
        shell = magics.Shell(self.folder, self._bound)
        try:
            return _parsed(code, shell, place)
        except NotPythonError as error:
            try:
                return _parsed(code, replace(shell, lenient=True), place)
            except NotPythonError:
                raise error from None

    def _bound(self) -> set[str]:
        """Return the names that the cells bind outside functions and classes."""
        nodes = parsing.walk(self.body, within=_SCOPES)
        return {name for node in nodes for name in names_bound_by(node) if name != "*"}

    def _write(self, written: magics.Written, place: str) -> None:
        if not written.appended:
            self.written[written.path] = (place, written.text, False)
        else:
            _, text, appended = self.written.get(written.path, ("", "", True))
            self.written[written.path] = (f"{written.path}, written by {place}", text + written.text, appended)


def _parsed(code: str, shell: magics.Shell, place: str) -> tuple[magics.Cell, bytes, ast.Module, str | None]:
    """Parse a cell by itself: one that another's quotes would open or close is no Python."""
    cell = magics.strip(code, shell)
    text = cell.text.encode(errors="replace")
    return cell, text, *parsing.parse(text, place)


def _load(source: bytes, name: str) -> dict[str, Any]:
    if source.count(b"[") + source.count(b"{") > VALUES:
        raise BoundError(f"{name}: more than {VALUES:,} lists and objects; clear the outputs of its cells")
    try:
        data = json.loads(source)
    except json.JSONDecodeError as error:
        raise NotPythonError(name, error.lineno, f"no notebook, whose JSON it lacks: {error.msg}") from None
    except RecursionError:
        raise BoundError(f"{name}: JSON nested too deep for a notebook") from None
    except ValueError as error:  # not UTF-8, or a number of 5,000 digits
        raise NotPythonError(name, 1, f"no notebook: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("cells", data.get("worksheets")), list):
        raise NotPythonError(name, 1, "no notebook: it has no cells")
    return data


def _cells(data: dict[str, Any], name: str) -> Iterator[tuple[int, object]]:
    """Yield the code cells, each with its place among all cells."""
    language = _other_language(data.get("metadata"))
    if language:
        raise NotPythonError(name, 1, f"a notebook in {language}")
    sheets = [data["cells"]] if "cells" in data else [_get(sheet, "cells") for sheet in data["worksheets"]]
    cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    for number, cell in enumerate(cells, 1):
        if _get(cell, "cell_type") != "code":
            continue
        code = _get(cell, "source", _get(cell, "input", ""))  # format 3 calls it input
        if isinstance(code, list) and all(isinstance(line, str) for line in code):
            code = "".join(code)
        languages = _get(cell, "language"), _get(_get(_get(cell, "metadata"), "vscode"), "languageId")
        if all(not language or _is_python(language) for language in languages):
            yield number, code


def _other_language(metadata: object) -> str:
    """Return what a notebook that is in another language than Python says it is in, else nothing.

    Kernels spell theirs as they like, or leave it out: one that is Python by any sign of it is.
    """
    kernel, about = _get(metadata, "kernelspec"), _get(metadata, "language_info")
    signs = [_get(about, "name"), _get(kernel, "language")]
    given = [sign for sign in signs if sign and isinstance(sign, str)]
    mode = _get(about, "codemirror_mode")
    more = [_get(mode, "name", mode), _get(about, "mimetype"), _get(about, "pygments_lexer")]
    is_python = any(map(_is_python, [*given, *more])) or _get(about, "file_extension") == ".py"
    return "" if is_python or not given else given[0][:40]


def _is_python(language: object) -> bool:
    return isinstance(language, str) and any(name in language.lower() for name in _PYTHONS)


def _get(data: object, key: str, default: object = None) -> object:
    return data.get(key, default) if isinstance(data, dict) else default
