"""Conditions, handlers and with statements -> whether what is in them runs, and whether it may fail."""

from __future__ import annotations

import ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Any

_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_EXITS = {"exit", "_exit", "quit", "abort"}
_VALUES = {("sys", "platform"): "linux", ("os", "name"): "posix", ("platform", "system"): "Linux"}


def truth(test: Any, checking: Collection[str]) -> bool | None:
    """Evaluate a condition at run time, where TYPE_CHECKING, and what else is called so, is false; None: unknown."""
    return _evaluate(test, lambda node: False if _is_checking(node, checking) else None)


def holds_on_linux(test: Any) -> bool | None:
    """Evaluate a condition on the operating system, where all that is made here runs; None is for any other."""
    return _evaluate(test, _on_linux)


def _evaluate(test: Any, leaf: Callable[[Any], bool | None]) -> bool | None:
    """Evaluate a condition of which `leaf` tells the parts; None is for what cannot be known."""
    try:
        if test.__class__ is ast.UnaryOp and test.op.__class__ is ast.Not:
            value = _evaluate(test.operand, leaf)
            return None if value is None else not value
        if test.__class__ is ast.BoolOp:
            values = [_evaluate(each, leaf) for each in test.values]
            decides = test.op.__class__ is ast.Or
            return decides if decides in values else None if None in values else not decides
        return leaf(test)
    except RecursionError:
        return None


def _is_checking(node: Any, checking: Collection[str]) -> bool:
    return (node.__class__ is ast.Name and node.id in checking) or (
        node.__class__ is ast.Attribute and node.attr == "TYPE_CHECKING"
    )


def _on_linux(test: Any) -> bool | None:
    cls = test.__class__
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


def _names(node: Any) -> Iterator[str]:
    """Yield the last names of an exception type or a tuple of them."""
    if node.__class__ is ast.Tuple:
        for item in node.elts:
            yield from _names(item)
    else:
        yield getattr(node, "id", getattr(node, "attr", ""))


def forgives(handler: Any) -> bool:
    """Tell whether an except clause handles a failing import, rather than reword it or give up."""
    caught = handler.type is None or not _IMPORT_ERRORS.isdisjoint(_names(handler.type))
    last = handler.body[-1]
    gives_up = last.__class__ is ast.Raise or (
        last.__class__ is ast.Expr
        and last.value.__class__ is ast.Call
        and not _EXITS.isdisjoint(_names(last.value.func))
    )
    return caught and not gives_up


def suppresses(item: Any) -> bool:
    """Tell whether a with item is `contextlib.suppress(ImportError)`."""
    call = item.context_expr
    return (
        call.__class__ is ast.Call
        and "suppress" in _names(call.func)
        and any(not _IMPORT_ERRORS.isdisjoint(_names(argument)) for argument in call.args)
    )


def asks_for_package(test: Any) -> bool:
    """Tell whether a condition asks if the file is imported as part of a package, as in what SWIG generates."""
    return any(
        getattr(node, "id", "") == "__package__"
        or (
            node.__class__ is ast.Compare
            and getattr(node.left, "value", "") == "."
            and [getattr(each, "id", "") for each in node.comparators] == ["__name__"]
        )
        for node in ast.walk(test)
    )


def is_main_guard(test: Any) -> bool:
    """Tell whether a condition asks if the file is run as a script."""
    return test.__class__ is ast.Compare and any(
        getattr(side, "id", "") == "__name__" for side in (test.left, *test.comparators)
    )
