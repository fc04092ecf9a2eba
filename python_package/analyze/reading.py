"""A file of the user -> what it imports and what it says about itself: a script, a notebook, a module."""

from __future__ import annotations

import os

from python_package.analyze.imports import SCRIPT, Import, Module, imports_of
from python_package.analyze.syntax import decode, parse, too_large
from python_package.errors import BoundError
from python_package.files import bounds
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from python_package.analyze.metadata import Metadata
    from python_package.analyze.scope import Scope


class Lines(Value):
    """What messages call the lines of a file.

    A notebook's cells are read as one text; `cells` has the line before each cell's first, and the cell's number.
    """

    name: str
    cells: tuple[tuple[int, int], ...] = ()

    def at(self, line: int) -> str:
        """Return the place of a line."""
        name, first = self.name, 0
        for before, cell in self.cells:
            if before < line:
                name, first = f"{self.name}:cell {cell}", before
        return f"{name}:{line - first}"


class Reading(Value):
    """What has been read of one file; `remarks` is what the user should know about it, a line each.

    `in_scope` tells whether it has the function that was asked for. `written` are the modules that a notebook writes,
    as notebook.Notebook has them.
    """

    module: Module
    lines: Lines
    remarks: tuple[str, ...]
    in_scope: bool = True
    metadata: Metadata | None = None
    written: tuple[tuple[str, str, str, bool], ...] = ()


def read(source: bytes, path: str, name: str, *, script: bool = False, scope: Scope | None = None) -> Reading:
    """Read the source of the file at `path`, which messages call `name`.

    Only of a `script` the metadata counts, and a scope limits its imports.

    Raises NotPythonError, BoundError, and InvalidScriptError for metadata that cannot be honoured.
    """
    lines = Lines(name)
    written: tuple[tuple[str, str, str, bool], ...] = ()
    if path.endswith(".ipynb"):
        from python_package.analyze import notebook

        book = notebook.parse(source, name)
        tree, source, lines, remarks = book.tree, book.text, book.lines, list(book.remarks)
        written = book.written
    elif len(source) > bounds.PARSED and scope is None:
        return _read_large(source, name, lines)
    else:
        tree, remark = parse(source, name)
        remarks = [] if remark is None else [remark]
    # What has been blanked out to read a file may bind names.
    module = imports_of(tree, path, source, elsewhere=frozenset if remarks else None)
    for found in module.imports:
        if found.level != SCRIPT and len(found.name) > bounds.NAME:
            raise BoundError(f"{lines.at(found.line)}: an import of more than {bounds.NAME:,} characters")
    in_scope = True
    if scope is not None:
        from python_package.analyze.scope import limit

        limited = limit(module, tree, scope)
        in_scope = limited is not None
        module = limited or Module((), (), (), ())
    remarks += [
        f"{lines.at(line)}: runs a script by a path that only running it tells: what that imports is not listed"
        for line in module.computed_scripts
    ]
    remarks += _computed(module, lines)
    metadata = None
    if script and b"# /// script" in source:
        from python_package.analyze import metadata as inline

        metadata = inline.read(decode(source, name), os.path.dirname(path), lines.at)
    return Reading(module, lines, tuple(remarks), in_scope, metadata, written)


def _computed(module: Module, lines: Lines) -> list[str]:
    return [
        f"{lines.at(line)}: imports a module by a name that only running it tells: not listed"
        for line in module.computed
    ]


def _read_large(source: bytes, name: str, lines: Lines) -> Reading:
    """Read a file that is too large to be parsed in full; metadata in one is refused."""
    from python_package.analyze.skim import skim

    found = None if b"# /// script" in source else skim(source)
    if found is None:
        raise too_large(name)
    imports, computed = found
    module = Module(tuple(Import(*each) for each in imports), (), (), computed)
    return Reading(module, lines, tuple(_computed(module, lines)))
