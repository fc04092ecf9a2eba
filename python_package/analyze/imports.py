"""A module's syntax tree -> what it imports and which folders it puts on sys.path; nothing is executed."""

from __future__ import annotations

import ast
import os
import re

from python_package.analyze.conditions import (
    asks_for_package,
    forgives,
    holds_on_linux,
    is_main_guard,
    suppresses,
    truth,
)
from python_package.analyze.parsing import walk
from python_package.analyze.sys_path import Folders
from python_package.analyze.values import (
    BLOCKS,
    CONDITIONAL,
    OPTIONAL,
    REQUIRED,
    Import,
    Module,
    Scope,
    strings,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from python_package.analyze.import_calls import Dynamic


# What the text of a file has that may call what imports.
DYNAMIC = (b"import_module", b"__import__", b"runpy")
_SYS_PATH = re.compile(rb"sys(?:[\s()\\]|#[^\n]*)*\.(?:[\s()\\]|#[^\n]*)*path\b")
# Most statements, which hold no others.
_SIMPLE = {ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Assert, ast.Raise, ast.Pass, ast.Delete}
# Blocks that run whenever what is before them has.
_ALWAYS = {ast.With, ast.ClassDef}
_TRY = {"Try", "TryStar"}  # TryStar came with Python 3.11


def imports_of(tree: ast.Module, path: str, source: bytes, *, whole: bool = True) -> Module:
    """Return what the module at `path` imports; its `source` tells what need not be looked for in the tree.

    Of a tree that is not the `whole` module, no names are followed to what they are bound to.
    """
    walk = _Walk(path, source)
    if any(word in source for word in DYNAMIC):
        from python_package.analyze.import_calls import Dynamic  # few files need it

        walk.dynamic = Dynamic(path, source, whole)
    return walk.module(tree)


def changes_path(source: bytes, start: int = 0) -> bool:
    """Tell whether the text of a file may put folders on sys.path."""
    return source.find(b"addsitedir", start) >= 0 or _SYS_PATH.search(source, start) is not None


class _Walk:
    """One pass over the statements, in the order of the source."""

    def __init__(self, path: str, source: bytes) -> None:
        self.dynamic: Dynamic | None = None
        self.imports: list[Import] = []
        self.exports: list[str] = []
        self.folders = Folders(path)
        self.path = path
        self.asks_for_package = b"__package__" in source or b"in __name__" in source
        self.has_folders = changes_path(source)
        # What the file calls typing.TYPE_CHECKING.
        self.checking = {"TYPE_CHECKING"}

    def module(self, tree: ast.Module) -> Module:
        # Depth first with a stack of our own: a chain of a thousand elifs is a thousand levels deep.
        stack: list[tuple[Any, str, bool]] = [(node, REQUIRED, True) for node in reversed(tree.body)]
        while stack:
            node, kind, always = stack.pop()
            stack.extend(reversed(list(self._visit(node, kind, always=always))))
        computed: tuple[tuple[int, ...], ...] = ((), ())
        if self.dynamic:
            self.dynamic.finish(tree)
            self.imports += self.dynamic.imports
            computed = tuple(self.dynamic.computed), tuple(self.dynamic.computed_scripts)
        imports = sorted(self.imports, key=lambda found: found.line)
        return Module(tuple(imports), tuple(self.folders.found), tuple(self.exports), *computed)

    def _visit(self, node: Any, kind: str, *, always: bool) -> Iterator[tuple[Any, str, bool]]:
        """Record what a statement says; yield those inside it, each with its kind and whether it always runs."""
        cls = node.__class__
        if cls is ast.Import:
            for alias in node.names:
                self._bind(alias, "", "")
                self.imports.append(Import(alias.name, (), 0, node.lineno, kind, always))
            return
        if cls is ast.ImportFrom:
            for alias in node.names:
                self._bind(alias, node.module or "", "." * node.level)
            names = tuple(alias.name for alias in node.names)
            self.imports.append(Import(node.module or "", names, node.level, node.lineno, kind, always))
            return
        if self.dynamic:
            self.dynamic.collect(node, kind)
        if cls in _SIMPLE:
            if self.has_folders:
                self.folders.visit(node)
            if cls is ast.Assign:
                self._assign(node)
            return
        kinds = dict.fromkeys(BLOCKS, kind)
        if cls is ast.If:
            known = truth(node.test, self.checking)
            if known is None and not is_main_guard(node.test):
                kinds["body"] = kinds["orelse"] = _under_condition(kind)
                here = holds_on_linux(node.test)
                if here is not None:
                    kinds["orelse" if here else "body"] = OPTIONAL  # what only other systems run
            elif known is not None:
                del kinds["orelse" if known else "body"]
        elif cls.__name__ in _TRY:
            if any(map(forgives, node.handlers)):
                kinds["body"] = kinds["handlers"] = OPTIONAL
            else:
                kinds["handlers"] = _under_condition(kind)
        elif cls is ast.With and any(map(suppresses, node.items)):
            kinds["body"] = OPTIONAL
        elif cls.__name__ == "match_case":
            kinds["body"] = _under_condition(kind)
        always = always and cls in _ALWAYS and kinds["body"] == REQUIRED
        inner = [(child, kind, always) for block, kind in kinds.items() for child in getattr(node, block, ())]
        if cls is ast.If and self.asks_for_package and asks_for_package(node.test):
            inner = self._without_alternatives(inner)
        yield from inner

    def _without_alternatives(self, inner: list[tuple[Any, str, bool]]) -> list[tuple[Any, str, bool]]:
        """Return the statements of `if __package__: from . import _x`, `else: import _x` without the one not meant.

        In a package that is the second, which elsewhere may fail, because it is only found where the first would be.
        """
        relative = {name for node, _, _ in inner for name in _imported(node, relative=True)}
        others = {id(node) for node, _, _ in inner if relative.intersection(_imported(node, relative=False))}
        if os.path.exists(os.path.join(os.path.dirname(self.path), "__init__.py")):
            return [each for each in inner if id(each[0]) not in others]
        return [(node, OPTIONAL if id(node) in others else kind, always) for node, kind, always in inner]

    def _bind(self, alias: Any, module: str, dots: str) -> None:
        """Note a name that is bound to TYPE_CHECKING or to what imports."""
        if alias.name == "TYPE_CHECKING" and (module or dots):
            self.checking.add(alias.asname or alias.name)
        elif self.dynamic and not dots:
            self.dynamic.bind(alias, module)

    def _assign(self, node: Any) -> None:
        """Note `load = importlib.import_module`, and a literal `__all__`."""
        for target in node.targets:
            if getattr(target, "id", "") == "__all__":
                self.exports.extend(strings(node.value))
            elif target.__class__ is ast.Name and self.dynamic:
                self.dynamic.assign(target.id, node.value)


def _imported(node: Any, *, relative: bool) -> list[str]:
    """Return the modules that a statement imports from the file's own package, or from the top."""
    if node.__class__ is ast.Import and not relative:
        return [alias.name for alias in node.names]
    if node.__class__ is not ast.ImportFrom or relative is not (node.level == 1):
        return []
    return [node.module] if node.module else [alias.name for alias in node.names]


def _under_condition(kind: str) -> str:
    return CONDITIONAL if kind == REQUIRED else kind


def limit(module: Module, tree: ast.Module, scope: Scope) -> Module | None:
    """Return a module with only the imports of a scope, None when it has no such function."""
    lines: set[int] = set()
    if scope.function is None:
        lines.update(node.lineno for node in tree.body if node.__class__ in (ast.Import, ast.ImportFrom))
    else:
        function = _find(tree, scope.function)
        if function is None:
            return None
        lines.update(range(function.lineno, (function.end_lineno or function.lineno) + 1))
    return Module(
        tuple(found for found in module.imports if found.line in lines),
        module.folders,
        module.exports,
        tuple(line for line in module.computed if line in lines),
        tuple(line for line in module.computed_scripts if line in lines),
    )


def _find(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the first function of a name, at whatever depth."""
    functions = (node for node in walk(tree) if node.__class__ in (ast.FunctionDef, ast.AsyncFunctionDef))
    return next((function for function in functions if function.name == name), None)
