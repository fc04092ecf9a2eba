"""Expressions -> the text or path that they can only be, and the folders that a file puts on sys.path by them.

Nothing is executed: what counts are literals, sums and formatted strings of them, and paths built from __file__.
"""

from __future__ import annotations

import ast
import os

from python_package.files import bounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    # What a name is bound to, None for what only running the module tells.
    Lookup = Callable[[str], Any]

# Characters of a path that the kernel takes; sixty lines of `x = x + x` would make more than memory holds.
_LONGEST = 4096
# Expressions that are looked at for one value; the same lines with an empty text would make no end of them.
_STEPS = 20_000
_SAME = {"Path", "PurePath", "PosixPath", "str", "fspath", "abspath", "realpath", "normpath"}
_SAME_METHOD = {"resolve", "absolute", "as_posix"}
# What gives the current directory, which is taken for the script's folder, and what it is a function of.
_CURRENT = {"getcwd": (None, "os"), "cwd": ("Path", "PosixPath")}
_CONSTANTS = {"pardir": "..", "curdir": ".", "sep": "/"}


def text_of(node: Any, lookup: Lookup) -> str | None:
    """Return the string that an expression is, by what its names are bound to; None for any other."""
    return _Evaluator(lookup, _TEXTS, bounds.NAME).told(node)


def path_of(node: Any, file: str, lookup: Lookup) -> str | None:
    """Return the path that an expression of a `file` is, None for what the text alone does not tell."""
    names = {"__file__": ast.Constant(file)}
    return _Evaluator(lambda name: names.get(name) or lookup(name), _PATHS, _LONGEST).told(node)


class _Evaluator:
    """Evaluates the kinds of expressions that there are `rules` for, as far as they are not too long."""

    def __init__(
        self, lookup: Lookup, rules: Mapping[type, Callable[[_Evaluator, Any], str | None]], longest: int
    ) -> None:
        self.lookup = lookup
        self.rules = rules
        self.longest = longest
        self.steps = 0

    def told(self, node: Any) -> str | None:
        try:
            return self.value(node)
        except RecursionError:  # a name bound to itself or doubled, an expression of a thousand levels
            return None

    def value(self, node: Any) -> str | None:
        self.steps += 1
        if self.steps > _STEPS:
            raise RecursionError
        rule = self.rules.get(node.__class__)
        return rule(self, node) if rule else None

    def joined(self, nodes: list[Any], join: Callable[..., str]) -> str | None:
        values = [self.value(node) for node in nodes]
        known = [value for value in values if value is not None]
        if sum(map(len, known)) > self.longest:
            raise RecursionError
        return join(*known) if known and len(known) == len(values) else None

    def constant(self, node: Any) -> str | None:
        return node.value if isinstance(node.value, str) else None

    def name(self, node: Any) -> str | None:
        return self.value(self.lookup(node.id))

    def formatted(self, node: Any) -> str | None:
        return self.joined([ast.Constant(""), *map(_shown, node.values)], _sum)

    def operation(self, node: Any) -> str | None:
        divided = node.op.__class__ is ast.Div and self.rules is _PATHS
        join = os.path.join if divided else _sum if node.op.__class__ is ast.Add else None
        return self.joined([node.left, node.right], join) if join else None

    def attribute(self, node: Any) -> str | None:
        return self.parent(node.value, 1) if node.attr == "parent" else _CONSTANTS.get(node.attr)

    def subscript(self, node: Any) -> str | None:
        index = getattr(node.slice, "value", None)
        if getattr(node.value, "attr", "") == "parents" and isinstance(index, int):
            return self.parent(node.value.value, index + 1)
        return None

    def call(self, node: Any) -> str | None:
        function = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if function in _CURRENT:
            owner = getattr(node.func, "value", None)
            name = getattr(owner, "id", getattr(owner, "attr", owner))
            return "." if name in _CURRENT[function] and not node.args else None
        if function in _SAME_METHOD:
            return self.value(getattr(node.func, "value", None))
        if function == "dirname" and node.args:
            return self.parent(node.args[0], 1)
        if function == "join" or (function in _SAME and node.args):
            return self.joined(node.args, os.path.join)
        if function == "joinpath":
            return self.joined([node.func.value, *node.args], os.path.join)
        return None

    def parent(self, node: Any, levels: int) -> str | None:
        value = self.value(node)
        for _ in range(levels if value is not None else 0):
            value = os.path.normpath(value) if value else ""
            # Above the current directory, or what is above that, only `..` leads.
            above = value == "." or os.path.basename(value) == ".."
            value = os.path.join(value, "..") if above else os.path.dirname(value)
        return value


def _sum(*texts: str) -> str:
    return "".join(texts)


def _shown(part: Any) -> Any:
    """Return the expression whose text a part of a formatted string is, None where it is shown otherwise."""
    if part.__class__ is not ast.FormattedValue:
        return part
    return part.value if part.format_spec is None and part.conversion in (-1, ord("s")) else None


_TEXTS = {
    ast.Constant: _Evaluator.constant,
    ast.Name: _Evaluator.name,
    ast.BinOp: _Evaluator.operation,
    ast.JoinedStr: _Evaluator.formatted,
}
_PATHS = {
    **_TEXTS,
    ast.Attribute: _Evaluator.attribute,
    ast.Subscript: _Evaluator.subscript,
    ast.Call: _Evaluator.call,
}


class Folders:
    """Follows assignments of paths, and `sys.path` changes, through a file's statements in their order.

    `found` holds each folder, absolute or as the file writes it, and whether it goes to the front.
    """

    def __init__(self, file: str) -> None:
        """Prepare for a file."""
        self.found: list[tuple[str, bool]] = []
        self._names: dict[str, Any] = {"__file__": ast.Constant(file)}

    def visit(self, node: Any) -> None:
        """Take note of one statement."""
        cls = node.__class__
        if cls is ast.Assign:
            for target in node.targets:
                if target.__class__ is ast.Name:
                    self._names[target.id] = ast.Constant(self._path(node.value))
                elif _is_sys_path(target):
                    self._assign(None, node.value)
                elif getattr(target, "slice", None).__class__ is ast.Slice and _is_sys_path(target.value):
                    self._assign(target.slice.lower, node.value)
        elif cls is ast.AnnAssign and node.target.__class__ is ast.Name:
            self._names[node.target.id] = ast.Constant(self._path(node.value))
        elif cls is ast.AugAssign:
            if _is_sys_path(node.target):
                self._add(_items(node.value), front=False)
            elif node.target.__class__ is ast.Name:
                self._names[node.target.id] = None
        elif cls is ast.Expr and node.value.__class__ is ast.Call:
            self._take_call(node.value)

    def _take_call(self, call: Any) -> None:
        function, arguments = call.func, call.args
        name = getattr(function, "attr", getattr(function, "id", ""))
        if name == "addsitedir":
            if function.__class__ is ast.Name or getattr(function.value, "id", "") == "site":
                self._add(arguments[:1], front=False)
        elif function.__class__ is ast.Attribute and _is_sys_path(function.value):
            if name == "insert" and len(arguments) == 2:
                self._add(arguments[1:], front=_is_zero(arguments[0]))
            elif name == "append":
                self._add(arguments, front=False)
            elif name == "extend" and arguments:
                self._add(_items(arguments[0]), front=False)

    def _assign(self, lower: Any, value: Any) -> None:
        """Take an assignment to all of sys.path, or to a slice that starts at `lower`."""
        items = _items(value)
        middle = next((at for at, item in enumerate(items) if _is_sys_path(item)), len(items))
        self._add(items[:middle], front=lower is None or _is_zero(lower))
        self._add(items[middle:], front=False)

    def _add(self, nodes: list[Any], front: bool) -> None:
        # Each goes before those that are there, so that the last one taken is the first of all.
        values = map(self._path, reversed(nodes) if front else nodes)
        self.found.extend((value, front) for value in values if value is not None)

    def _path(self, node: Any) -> str | None:
        return _Evaluator(self._names.get, _PATHS, _LONGEST).told(node)


def _is_sys_path(node: Any) -> bool:
    return node.__class__ is ast.Attribute and node.attr == "path" and getattr(node.value, "id", "") == "sys"


def _is_zero(node: Any) -> bool:
    return node.__class__ is ast.Constant and node.value == 0


def _items(node: Any) -> list[Any]:
    """Return the items of a list or tuple, or of a sum of these, and sys.path itself where it is among them."""
    items: list[Any] = []
    stack = [node]
    while stack:
        node = stack.pop()
        if node.__class__ in (ast.List, ast.Tuple):
            items += [item.value if item.__class__ is ast.Starred else item for item in node.elts]
        elif node.__class__ is ast.BinOp and node.op.__class__ is ast.Add:
            stack += [node.right, node.left]
        elif _is_sys_path(node):
            items.append(node)
        elif node.__class__ is ast.Subscript:
            stack.append(node.value)
    return items
