"""Names of a module -> what they are bound to throughout it, or in each round of the loops over literals."""

from __future__ import annotations

import ast
import re
from functools import partial
from itertools import product

from python_package.analyze.parsing import walk
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from python_package.analyze.sys_path import Lookup

# Of loops in loops, more rounds than anybody writes modules down for.
_MOST = 1000
# What loops bind, by their text.
_TARGETS = re.compile(rb"\bfor\b([^:=]*?)\bin\b")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_TEXTS = (ast.Constant, ast.BinOp, ast.JoinedStr, ast.FormattedValue)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Loop(Value):
    """A `for`, of a statement or a comprehension; `node` is all of it."""

    node: Any
    target: Any
    iter: Any
    names: frozenset[str]


class Bindings:
    """The names that a module, function or class binds, each with what it is bound to; None is for the unknown."""

    def __init__(self, outer: Bindings | None, is_class: bool = False) -> None:
        self.outer, self.is_class = outer, is_class
        self.bound: dict[str, list[Any]] = {}


class Constants:
    """What names are bound to throughout a module.

    A name of the module counts if one statement at its top level binds it and nothing else does, the name of a loop
    in the loop's own statements, where these do not bind it again.
    """

    def __init__(self, tree: ast.Module, wanted: Iterable[Any]) -> None:
        """Look a whole tree through; `wanted` are the nodes in it that will be asked about."""
        module = Bindings(None)
        asked = {id(node) for node in wanted}
        self._frames: dict[int, tuple[Bindings, tuple[Loop, ...]]] = {}
        self._once = {id(target): value for node in tree.body for target, value in _assigned(node)}
        # Bindings of `global` and `nonlocal`, the line of the last `import *`, and names that are read, and those of
        # them where that cannot change a list.
        self._shared: set[str] = set()
        self._star = 0
        self._reads: list[str] = []
        self._harmless: list[str] = []
        stack: list[tuple[Any, Bindings, tuple[Loop, ...]]] = [(node, module, ()) for node in tree.body]
        while stack:
            node, scope, loops = stack.pop()
            if id(node) in asked:
                self._frames[id(node)] = scope, loops
            self._note(node, scope, loops)
            stack.extend(_inside(node, scope, loops))

    def rounds(self, at: Any, nodes: Iterable[Any]) -> list[Lookup] | None:
        """Return what names are bound to in each round of the loops around `at` that expressions there depend on.

        None is for loops that only running tells.
        """
        scope, loops = self._frames[id(at)]
        used = {name for node in nodes for name in _names(node)}
        shadowed = _names_of(loops)
        tables, size = [], 1
        for n, loop in enumerate(loops):
            if used & (loop.names - _names_of(loops[n + 1 :])):
                rows = self._rows(loop, scope, shadowed)
                size *= 0 if rows is None else len(rows)
                if rows is None or size > _MOST:
                    return None
                tables.append(rows)
        return [
            partial(self._lookup, scope, shadowed, {name: node for row in rows for name, node in row.items()})
            for rows in product(*tables)
        ]

    def _lookup(self, scope: Bindings, shadowed: frozenset[str], row: dict[str, Any], name: str) -> Any:
        node = row.get(name) if name in shadowed else self._constant(name, scope)
        # What depends on the names of loops itself may have been made in other rounds.
        return None if any(inner in shadowed for inner in _names(node)) else node

    def _constant(self, name: str, scope: Bindings | None) -> Any:
        """Return what a name of the module is bound to, None for what is not the same at all times."""
        start = scope
        while scope is not None and (name not in scope.bound or (scope.is_class and scope is not start)):
            scope = scope.outer
        if scope is None or name in self._shared:
            return None
        nodes = scope.bound[name]
        return nodes[0] if len(nodes) == 1 and nodes[0] is not None and nodes[0].lineno > self._star else None

    def _rows(self, loop: Loop, scope: Bindings, shadowed: frozenset[str]) -> list[dict[str, Any]] | None:
        """Return what each round of a loop binds its names to."""
        bound = [name for node in walk(loop.node) for name in names_bound_by(node)]
        items = self._items(loop.iter, scope, shadowed)
        if items is None or any(name in self._shared or bound.count(name) > 1 for name in loop.names):
            return None
        return [_row(loop.target, item) for item in items]

    def _items(self, node: Any, scope: Bindings, shadowed: frozenset[str]) -> list[Any] | None:
        if node.__class__ is ast.Name:
            name = node.id
            node = None if name in shadowed else self._constant(name, scope)
            # A list that is used for more than loops may not stay as it is.
            if node.__class__ is not ast.Tuple and self._reads.count(name) > self._harmless.count(name):
                return None
        return list(node.elts) if node.__class__ in (ast.Tuple, ast.List, ast.Set) else None

    def _note(self, node: Any, scope: Bindings, loops: tuple[Loop, ...]) -> None:
        cls = node.__class__
        if cls is ast.Name and node.ctx.__class__ is ast.Load:
            self._reads.append(node.id)
        elif cls in (ast.Global, ast.Nonlocal):
            self._shared.update(node.names)
        elif cls is ast.For:
            self._harmless += _named([node.iter])
        elif cls in COMPREHENSIONS:
            self._harmless += _named(generator.iter for generator in node.generators)
        elif cls is ast.Compare:
            self._harmless += _named((node.left, *node.comparators))
        elif cls is ast.ImportFrom and node.names[0].name == "*":
            self._star = max(self._star, node.lineno)
        # The names of a comprehension are its own, which the loop tells.
        own = loops[-1].names if loops and loops[-1].node.__class__ in COMPREHENSIONS else ()
        for name in names_bound_by(node):
            if name not in own:
                scope.bound.setdefault(name, []).append(self._once.get(id(node)))


def may_be_told(names: Iterable[str], tree: ast.Module, source: bytes) -> bool:
    """Tell whether each name may be one of a loop or of the module; to look the whole tree through takes long."""
    targets = set(re.findall(rb"[\w\x80-\xff]+", b" ".join(_TARGETS.findall(source))))
    top = {target.id for node in tree.body for target, _ in _assigned(node)}
    return all(name in top or name.encode() in targets for name in names)


def names_of(nodes: Iterable[Any]) -> frozenset[str]:
    """Return the names that have to be known to tell the strings that expressions are; none if that is not enough."""
    names = set()
    for node in walk(list(nodes)):
        if node.__class__ is ast.Name:
            names.add(node.id)
        elif isinstance(node, ast.expr) and node.__class__ not in _TEXTS:
            return frozenset()
    return frozenset(names)


def _row(target: Any, item: Any) -> dict[str, Any]:
    """Return what an item of a loop binds the names of the loop to."""
    if target.__class__ is ast.Name:
        return {target.id: item}
    if target.__class__ not in (ast.Tuple, ast.List) or item.__class__ not in (ast.Tuple, ast.List):
        return {}
    if len(target.elts) != len(item.elts) or any(each.__class__ is ast.Starred for each in (*target.elts, *item.elts)):
        return {}
    pairs = zip(target.elts, item.elts, strict=True)
    return {name.id: value for name, value in pairs if name.__class__ is ast.Name}


def _assigned(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the name that a statement assigns to, with the value, if it is one name."""
    targets = node.targets if node.__class__ is ast.Assign else [node.target] if node.__class__ is ast.AnnAssign else []
    if len(targets) == 1 and targets[0].__class__ is ast.Name:
        yield targets[0], node.value


def _inside(node: Any, scope: Bindings, loops: tuple[Loop, ...]) -> Iterator[tuple[Any, Bindings, tuple[Loop, ...]]]:
    """Yield the nodes right inside one, with the scope and the loops that each is in."""
    cls = node.__class__
    if cls in COMPREHENSIONS:
        for generator in node.generators:
            yield generator.iter, scope, loops
            loops = (*loops, Loop(node, generator.target, generator.iter, frozenset(_names(generator.target))))
            yield from ((each, scope, loops) for each in (generator.target, *generator.ifs))
        yield from ((getattr(node, field), scope, loops) for field in ("elt", "key", "value") if hasattr(node, field))
        return
    inner, around = scope, loops
    if cls in _FUNCTIONS or cls is ast.ClassDef:
        inner, around = Bindings(scope, is_class=cls is ast.ClassDef), ()
    elif cls in (ast.For, ast.AsyncFor):
        around = (*loops, Loop(node, node.target, node.iter, frozenset(_names(node.target))))
    for field in node._fields:
        value = getattr(node, field, None)
        for child in value if isinstance(value, list) else (value,):
            if field == "body":
                yield child, inner, around
            elif child.__class__ is ast.arguments:
                yield from ((each, inner, ()) for each in _parameters(child))
                yield from ((each, scope, loops) for each in (*child.defaults, *child.kw_defaults) if each is not None)
            elif isinstance(child, ast.AST):
                yield child, scope, loops


def _parameters(arguments: Any) -> list[Any]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [each for each in every if each is not None]


def names_bound_by(node: Any) -> Iterator[str]:
    """Yield the names that a node itself binds or unbinds."""
    cls = node.__class__
    if cls is ast.Name:
        if node.ctx.__class__ is not ast.Load:
            yield node.id
    elif cls is ast.alias:
        yield node.asname or node.name.partition(".")[0]
    elif cls is ast.arg:
        yield node.arg
    else:  # functions, classes, handlers, patterns, parameters of types
        yield from (
            name for name in (getattr(node, "name", None), getattr(node, "rest", None)) if isinstance(name, str)
        )


def _names(tree: Any) -> Iterator[str]:
    yield from _named(walk(tree))


def _named(nodes: Iterable[Any]) -> list[str]:
    return [node.id for node in nodes if node.__class__ is ast.Name]


def _names_of(loops: Iterable[Loop]) -> frozenset[str]:
    return frozenset(name for loop in loops for name in loop.names)
