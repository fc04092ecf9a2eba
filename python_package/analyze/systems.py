"""A condition on the operating system -> whether it holds on Linux, where all that is made here runs."""

from __future__ import annotations

import ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VALUES = {("sys", "platform"): "linux", ("os", "name"): "posix", ("platform", "system"): "Linux"}


def holds_on_linux(test: Any) -> bool | None:
    """Evaluate a condition; None is for one that depends on anything else."""
    cls = test.__class__
    if cls is ast.UnaryOp and test.op.__class__ is ast.Not:
        truth = holds_on_linux(test.operand)
        return None if truth is None else not truth
    if cls is ast.BoolOp:
        truths = [holds_on_linux(value) for value in test.values]
        decides = test.op.__class__ is ast.Or
        if decides in truths:
            return decides
        return None if None in truths else not decides
    if cls is ast.Compare and len(test.ops) == 1:
        return _compare(test.left, test.ops[0].__class__, test.comparators[0])
    if cls is ast.Call and getattr(test.func, "attr", "") == "startswith" and len(test.args) == 1:
        value, prefixes = _value(test.func.value), _strings(test.args[0])
        return None if value is None or prefixes is None else value.startswith(prefixes)
    return None


def _compare(left: Any, operator: type, right: Any) -> bool | None:
    if operator in (ast.Eq, ast.NotEq) and _value(left) is None:
        left, right = right, left
    value, others = _value(left), _strings(right)
    if value is None or others is None:
        return None
    if operator in (ast.Eq, ast.NotEq) and len(others) == 1:
        return (value == others[0]) is (operator is ast.Eq)
    if operator in (ast.In, ast.NotIn) and right.__class__ is not ast.Constant:
        return (value in others) is (operator is ast.In)
    return None


def _value(node: Any) -> str | None:
    """Return what `sys.platform`, `os.name` or `platform.system()` is on Linux."""
    called = node.__class__ is ast.Call and not node.args
    name = node.func if called else node
    if name.__class__ is not ast.Attribute or called is not (name.attr == "system"):
        return None
    return _VALUES.get((getattr(name.value, "id", ""), name.attr))


def _strings(node: Any) -> tuple[str, ...] | None:
    """Return a literal string, or those of a literal collection."""
    nodes = node.elts if node.__class__ in (ast.Tuple, ast.List, ast.Set) else [node]
    values = [each.value for each in nodes if each.__class__ is ast.Constant]
    strings = tuple(value for value in values if isinstance(value, str))
    return strings if len(strings) == len(nodes) else None
