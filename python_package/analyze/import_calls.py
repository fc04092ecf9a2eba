"""Calls that import: importlib's functions, `__import__` and runpy's, under every name that a file gives them."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left

from python_package.analyze.parsing import walk
from python_package.analyze.sys_path import path_of, text_of
from python_package.analyze.values import BLOCKS, SCRIPT, Import, strings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from python_package.analyze.constants import Constants
    from python_package.analyze.sys_path import Lookup

_ARGUMENTS = {
    "import_module": ("name", "package"),
    "__import__": ("name", "globals", "locals", "fromlist", "level"),
    "run_module": ("mod_name",),
    "run_path": ("path_name",),
}
_LIBRARIES = {"importlib": ("import_module", "__import__"), "runpy": ("run_module", "run_path")}


class Dynamic:
    """The calls of one file; `computed` are the lines of those whose module only running the file tells.

    `computed_scripts` are the lines of those whose script only running it tells.
    """

    def __init__(self, file: str, source: bytes, whole: bool) -> None:
        """Prepare for a file; names are followed where the tree is the `whole` of it."""
        self.imports: list[Import] = []
        self.computed: list[int] = []
        self.computed_scripts: list[int] = []
        self._file = file
        self._source = source
        self._whole = whole
        self._statements: list[tuple[Any, str]] = []
        self._calls: list[ast.Call] = []
        self._constants: Constants | None = None
        # What the file calls the libraries, and their functions.
        self._libraries: dict[str, str] = {}
        self._functions = {"__import__": "__import__"}

    def bind(self, alias: Any, module: str) -> None:
        """Note a name that is bound to a library, or to one of its functions where the import is from a `module`."""
        name, bound = alias.name, alias.asname or alias.name
        if module:
            functions = _LIBRARIES.get(module, ())
            if name == "*":
                self._functions.update((each, each) for each in functions)
            elif name in functions:
                self._functions[bound] = name
        elif name in _LIBRARIES or (name.startswith("importlib.") and not alias.asname):
            self._libraries[bound.partition(".")[0]] = name.partition(".")[0]

    def assign(self, name: str, value: Any) -> None:
        """Note `load = importlib.import_module`."""
        function = self._function(value)
        if function:
            self._functions[name] = function

    def collect(self, statement: Any, kind: str) -> None:
        """Take a statement, whose own expressions may call what imports."""
        self._statements.append((statement, kind))

    def finish(self, tree: ast.Module) -> None:
        """Record what the calls import, now that all names are known."""
        names = re.compile("|".join({*_ARGUMENTS, *self._functions}).encode())
        rows = re.split(rb"\r\n|\r|\n", self._source)
        lines = [number for number, row in enumerate(rows, 1) if names.search(row)]
        calls = [
            (call, kind, function)
            for statement, kind in self._statements
            if _has_any(statement, lines)
            for call in walk([getattr(statement, field, None) for field in statement._fields if field not in BLOCKS])
            if call.__class__ is ast.Call and (function := self._function(call.func))
        ]
        self._calls = [call for call, _, _ in calls]
        for call, kind, function in calls:
            given = {word.arg: word.value for word in call.keywords}
            given.update(zip(_ARGUMENTS[function], call.args, strict=False))
            found = self._imports(tree, call, kind, function, given)
            self.imports += found or ()
            if found is None:
                (self.computed_scripts if function == "run_path" else self.computed).append(call.lineno)

    def _function(self, node: Any) -> str | None:
        """Return which import function an expression is."""
        if node.__class__ is ast.Name:
            return self._functions.get(node.id)
        if node.__class__ is not ast.Attribute:
            return None
        if node.attr == "__import__":
            return "__import__"  # of builtins or importlib, under whatever name
        library = getattr(node.value, "attr", "") or self._libraries.get(getattr(node.value, "id", ""), "")
        return node.attr if node.attr in _LIBRARIES.get(library, ()) else None

    def _imports(self, tree: Any, call: Any, kind: str, function: str, given: dict[Any, Any]) -> list[Import] | None:
        """Return the imports of a call, one for each round of the loops around it; None if only running tells."""
        nodes = [given.get(_ARGUMENTS[function][0]), given.get("package")]
        rounds = self._rounds(tree, call, nodes, paths=function == "run_path")
        if rounds is None:
            return None
        found: dict[Import, None] = {}
        for lookup in rounds:
            named = self._named(function, given, lookup)
            if named is None:
                return None
            found[Import(*named, call.lineno, kind)] = None
        return list(found)

    def _rounds(self, tree: Any, call: Any, nodes: Sequence[Any], paths: bool) -> Sequence[Lookup] | None:
        nodes = [
            node for node in nodes if node is not None and node.__class__ is not ast.Constant and not _is_own(node)
        ]
        if not nodes:
            return (_nothing,)
        from python_package.analyze.constants import Constants, may_be_told, names_of

        # A path may be made in other ways than a name.
        names = names_of(nodes)
        if not self._whole or not (names or paths):
            return (_nothing,)
        if not paths and not may_be_told(names, tree, self._source):
            return None
        if self._constants is None:
            self._constants = Constants(tree, self._calls)
        return self._constants.rounds(call, nodes)

    def _named(self, function: str, given: dict[Any, Any], lookup: Lookup) -> tuple[str, tuple[str, ...], int] | None:
        """Return what one round of a call imports: the name, the names from it, and the level."""
        node = given.get(_ARGUMENTS[function][0])
        if function == "run_path":
            path = path_of(node, self._file, lookup)
            return (path, (), SCRIPT) if path else None
        name = text_of(node, lookup)
        if function == "run_module":
            return (name, ("__main__",), 0) if name and not name.startswith(".") else None
        level = getattr(given.get("level"), "value", 0) if function == "__import__" else 0
        if name is not None and function == "import_module" and name.startswith("."):
            name, level = _relative(name, given.get("package"), lookup)
        if not name or not isinstance(level, int) or level < 0:
            return None
        return name, strings(given.get("fromlist")), level


def _relative(name: str, package: Any, lookup: Lookup) -> tuple[str | None, int]:
    """Resolve import_module's `.name` against its package: one that is known, or the caller's own."""
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    if _is_own(package):
        return bare, level
    anchor = text_of(package, lookup)
    if anchor is None:
        return None, 0
    parts = anchor.split(".")[: len(anchor.split(".")) - level + 1]
    return ".".join([*parts, bare]), 0


def _has_any(node: Any, lines: Sequence[int]) -> bool:
    """Tell whether a node of the tree has one of some lines, given in order; a case, which has no number, may."""
    at = bisect_left(lines, getattr(node, "lineno", 0))
    return at < len(lines) and lines[at] <= getattr(node, "end_lineno", lines[at])


def _is_own(node: Any) -> bool:
    return node.__class__ is ast.Name and node.id in ("__package__", "__name__")


def _nothing(_name: str) -> None:
    """Be the lookup of a file whose names are not followed."""
