"""A part of a script -> the imports in that part alone."""

from __future__ import annotations

import ast

from python_package.analyze.imports import Module
from python_package.value import Value


class Scope(Value):
    """Which of a script's own imports count: those of `function`, or, without one, those outside all blocks."""

    function: str | None


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
    stack: list[ast.AST] = [*reversed(tree.body)]
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return node
        for block in ("cases", "finalbody", "orelse", "handlers", "body"):
            inner = getattr(node, block, ())
            stack.extend(reversed(inner) if isinstance(inner, list) else ())
    return None
