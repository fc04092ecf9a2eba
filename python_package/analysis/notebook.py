"""A Jupyter notebook -> one syntax tree of its code cells, in their order."""

from __future__ import annotations

import ast
import json

from python_package.analysis import magics, syntax
from python_package.analysis.reading import Lines
from python_package.errors import NotPythonError
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Notebook(Value):
    """The tree and the text of a notebook's Python, the places of its lines, and remarks for the user."""

    tree: ast.Module
    text: bytes
    lines: Lines
    remarks: tuple[str, ...]


def parse(source: bytes, name: str) -> Notebook:
    """Read a notebook of format 3 or 4; messages call it `name`, and a cell by its place among all cells.

    Raises NotPythonError for what is no notebook, is one in another language, or has a cell that is not Python.
    """
    body: list[ast.stmt] = []
    texts, places, remarks = [], [], []
    before = 0
    for number, code in _cells(_load(source, name), name):
        place = f"{name}:cell {number}"
        stripped = magics.strip(code)
        remarks += [f"{place}:{line}: {remark}" for line, remark in stripped.remarks]
        # Each cell has to be Python by itself. One that another's quotes would open or close is none.
        text = stripped.text.encode(errors="replace")
        tree, remark = syntax.parse(text, place)
        remarks += [] if remark is None else [remark]
        body += ast.increment_lineno(tree, before).body
        places.append((before, number))
        texts.append(text)
        before += text.count(b"\n") + 1
    return Notebook(ast.Module(body, []), b"\n".join(texts), Lines(name, tuple(places)), tuple(remarks))


def _load(source: bytes, name: str) -> dict[str, Any]:
    try:
        data = json.loads(source)
    except json.JSONDecodeError as error:
        raise NotPythonError(name, error.lineno, f"no notebook, whose JSON it lacks: {error.msg}") from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise NotPythonError(name, 1, f"no notebook: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("cells", data.get("worksheets")), list):
        raise NotPythonError(name, 1, "no notebook: it has no cells")
    return data


def _cells(data: dict[str, Any], name: str) -> Iterator[tuple[int, str]]:
    """Yield the code cells, each with its place among all cells."""
    metadata = data.get("metadata")
    for key, field in (("kernelspec", "language"), ("language_info", "name")):
        language = _get(_get(metadata, key), field)
        if not _is_python(language):
            raise NotPythonError(name, 1, f"a notebook in {language}")
    sheets = [data["cells"]] if "cells" in data else [_get(sheet, "cells") for sheet in data["worksheets"]]
    cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    for number, cell in enumerate(cells, 1):
        if _get(cell, "cell_type") != "code":
            continue
        code = _get(cell, "source", _get(cell, "input", ""))  # format 3 calls it input
        text = "".join(map(str, code)) if isinstance(code, list) else code
        if not isinstance(text, str):
            raise NotPythonError(f"{name}:cell {number}", 1, "its source is not text")
        languages = _get(cell, "language"), _get(_get(_get(cell, "metadata"), "vscode"), "languageId")
        if all(map(_is_python, languages)):
            yield number, text


def _is_python(language: object) -> bool:
    """Tell whether a language is Python, which is also what a notebook that names none is in."""
    return language is None or str(language).lower() in ("python", "python3", "ipython", "python2")


def _get(data: object, key: str, default: object = None) -> object:
    return data.get(key, default) if isinstance(data, dict) else default
