"""The folders that a file puts on sys.path, where its text alone tells: literals, and paths built from __file__."""

from __future__ import annotations

import _ast as ast
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from python_package.analysis.constants import Lookup

_SAME = {"Path", "PurePath", "PosixPath", "str", "fspath", "abspath", "realpath", "normpath"}
_SAME_METHOD = {"resolve", "absolute", "as_posix"}
_CONSTANTS = {"pardir": "..", "curdir": ".", "sep": "/"}


class Folders:
    """Follows assignments of paths, and `sys.path` changes, through a file's statements in their order.

    `found` holds each folder, absolute or as the file writes it, and whether it goes to the front.
    """

    def __init__(self, file: str, lookup: Lookup | None = None) -> None:
        """Prepare for a file; `lookup` gives what names are bound to, instead of the statements that are visited."""
        self.found: list[tuple[str, bool]] = []
        self._names: dict[str, str | None] = {"__file__": file}
        self._lookup = lookup

    def visit(self, node: Any) -> None:
        """Take note of one statement."""
        cls = node.__class__
        if cls is ast.Assign:
            value = self.path(node.value)
            for target in node.targets:
                if target.__class__ is ast.Name:
                    self._names[target.id] = value
        elif cls is ast.AugAssign:
            if _is_sys_path(node.target):
                self._add(_items(node.value), front=False)
        elif cls is ast.Expr and node.value.__class__ is ast.Call:
            call = node.value
            if call.func.__class__ is ast.Attribute and _is_sys_path(call.func.value):
                if call.func.attr == "insert" and len(call.args) == 2:
                    self._add(call.args[1:], front=getattr(call.args[0], "value", 1) == 0)
                elif call.func.attr == "append":
                    self._add(call.args, front=False)
                elif call.func.attr == "extend" and call.args:
                    self._add(_items(call.args[0]), front=False)

    def _add(self, nodes: list[Any], front: bool) -> None:
        values = map(self.path, nodes)
        self.found.extend((value, front) for value in values if value is not None)

    def path(self, node: Any) -> str | None:
        """Return the path that an expression is, None for what the text alone does not tell."""
        try:
            return self._value(node)
        except RecursionError:  # an expression of a thousand levels is no path
            return None

    def _value(self, node: Any) -> str | None:
        cls = node.__class__
        if cls is ast.Constant:
            return node.value if isinstance(node.value, str) else None
        if cls is ast.Name:
            if self._lookup is None or node.id in self._names:
                return self._names.get(node.id)
            return self._value(self._lookup(node.id))
        if cls is ast.Attribute:
            if node.attr == "parent":
                return self._parent(node.value, 1)
            return _CONSTANTS.get(node.attr)
        if cls is ast.BinOp:
            if node.op.__class__ is ast.Div:
                return self._join([node.left, node.right])
            return self._concatenate([node.left, node.right]) if node.op.__class__ is ast.Add else None
        if cls is ast.JoinedStr:
            return self._concatenate([shown(part) for part in node.values])
        if cls is ast.Subscript:
            index = getattr(node.slice, "value", None)
            if getattr(node.value, "attr", "") == "parents" and isinstance(index, int):
                return self._parent(node.value.value, index + 1)
            return None
        return self._call(node) if cls is ast.Call else None

    def _call(self, node: Any) -> str | None:
        function = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if function in _SAME_METHOD:
            return self._value(getattr(node.func, "value", None))
        if function == "dirname" and node.args:
            return self._parent(node.args[0], 1)
        if function == "join" or (function in _SAME and node.args):
            return self._join(node.args)
        if function == "joinpath":
            return self._join([node.func.value, *node.args])
        return None

    def _parent(self, node: Any, levels: int) -> str | None:
        value = self._value(node)
        for _ in range(levels if value is not None else 0):
            value = os.path.dirname(os.path.normpath(value or "."))
        return value

    def _join(self, nodes: list[Any]) -> str | None:
        values = [self._value(node) for node in nodes]
        known = [value for value in values if value is not None]
        return os.path.join(*known) if known and len(known) == len(values) else None

    def _concatenate(self, nodes: list[Any]) -> str | None:
        values = [self._value(node) for node in nodes]
        known = [value for value in values if value is not None]
        return "".join(known) if len(known) == len(values) else None


def _is_sys_path(node: Any) -> bool:
    return node.__class__ is ast.Attribute and node.attr == "path" and getattr(node.value, "id", "") == "sys"


def _items(node: Any) -> list[Any]:
    return list(node.elts) if node.__class__ in (ast.List, ast.Tuple) else []


def shown(part: Any) -> Any:
    """Return the expression whose text a part of a formatted string is, None where it is shown otherwise."""
    if part.__class__ is not ast.FormattedValue:
        return part
    return part.value if part.format_spec is None and part.conversion in (-1, ord("s")) else None
