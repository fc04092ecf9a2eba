"""A module's syntax tree -> what it imports and which folders it puts on sys.path; nothing is executed."""

from __future__ import annotations

import _ast as ast  # the node classes alone: importing ast would cost 6 ms

from python_package.analysis.folders import Folders
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

REQUIRED = "required"
CONDITIONAL = "conditional"
OPTIONAL = "optional"

_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_EXITS = {"exit", "_exit", "quit", "abort"}
# What holds statements; everything else that a statement holds is expressions, which cannot hold an import statement.
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
# Most statements, which hold no others.
_SIMPLE = {ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Assert, ast.Raise, ast.Pass, ast.Delete}
_TRY = {"Try", "TryStar"}  # TryStar came with Python 3.11


class Import(Value):
    """One import: of the dotted `name`, `level` packages up (0 is absolute), of `names` from it.

    `kind` is REQUIRED, OPTIONAL (its failure is handled, or only other systems run it) or CONDITIONAL (under an if or
    match).
    """

    name: str
    names: tuple[str, ...]
    level: int
    line: int
    kind: str


class Module(Value):
    """What one source file says about imports.

    `folders` are what it puts on sys.path, each with whether it goes to the front, `exports` its literal
    `__all__`, `computed` the lines of dynamic imports whose name only running the file could tell.
    """

    imports: tuple[Import, ...]
    folders: tuple[tuple[str, bool], ...]
    exports: tuple[str, ...]
    computed: tuple[int, ...]


def imports_of(tree: ast.Module, path: str, source: bytes) -> Module:
    """Return what the module at `path` imports; its `source` tells what need not be looked for in the tree."""
    return _Walk(path, b"import_module" in source or b"__import__" in source).module(tree)


class _Walk:
    """One pass over the statements, in the order of the source."""

    def __init__(self, path: str, dynamic: bool) -> None:
        self.dynamic = dynamic
        self.imports: list[Import] = []
        self.exports: list[str] = []
        self.computed: list[int] = []
        self.calls: list[tuple[ast.Call, str]] = []
        self.folders = Folders(path)
        # What the file calls typing.TYPE_CHECKING, the module importlib, and its import functions.
        self.checking = {"TYPE_CHECKING"}
        self.libraries: set[str] = set()
        self.functions = {"__import__"}

    def module(self, tree: ast.Module) -> Module:
        # Depth first with a stack of our own: a chain of a thousand elifs is a thousand levels deep.
        stack: list[tuple[Any, str]] = [(node, REQUIRED) for node in reversed(tree.body)]
        while stack:
            node, kind = stack.pop()
            inner = list(self._visit(node, kind))
            stack.extend(reversed(inner))
        for call, kind in self.calls:
            self._call(call, kind)
        imports = sorted(self.imports, key=lambda found: found.line)
        return Module(tuple(imports), tuple(self.folders.found), tuple(self.exports), tuple(self.computed))

    def _visit(self, node: Any, kind: str) -> Iterator[tuple[Any, str]]:
        """Record what a statement says; yield the statements inside it, each with its kind."""
        cls = node.__class__
        if cls is ast.Import:
            for alias in node.names:
                self._bind(alias, "", "")
                self.imports.append(Import(alias.name, (), 0, node.lineno, kind))
            return
        if cls is ast.ImportFrom:
            for alias in node.names:
                self._bind(alias, node.module or "", "." * node.level)
            names = tuple(alias.name for alias in node.names)
            self.imports.append(Import(node.module or "", names, node.level, node.lineno, kind))
            return
        if self.dynamic:
            self.calls.extend((call, kind) for call in _calls(node))
        if cls in _SIMPLE:
            self.folders.visit(node)
            if cls is ast.Assign:
                self._assign(node)
            return
        kinds = dict.fromkeys(_BLOCKS, kind)
        if cls is ast.If:
            truth = self._truth(node.test)
            if truth is None and not _is_main_guard(node.test):
                kinds["body"] = kinds["orelse"] = _under_condition(kind)
                here = self._holds_here(node.test)
                if here is not None:
                    kinds["orelse" if here else "body"] = OPTIONAL  # what only other systems run
            elif truth is not None:
                del kinds["orelse" if truth else "body"]
        elif cls.__name__ in _TRY:
            if any(map(_forgives, node.handlers)):
                kinds["body"] = kinds["handlers"] = OPTIONAL
            else:
                kinds["handlers"] = _under_condition(kind)
        elif cls is ast.With and any(map(_suppresses, node.items)):
            kinds["body"] = OPTIONAL
        elif cls.__name__ == "match_case":
            kinds["body"] = _under_condition(kind)
        for block, block_kind in kinds.items():
            for child in getattr(node, block, ()):
                yield child, block_kind

    def _bind(self, alias: Any, module: str, dots: str) -> None:
        """Note a name that is bound to TYPE_CHECKING, importlib or one of its import functions."""
        name, bound = alias.name, alias.asname or alias.name
        if not module and not dots:
            if name == "importlib" or (name.startswith("importlib.") and not alias.asname):
                self.libraries.add(bound.partition(".")[0])
        elif name == "TYPE_CHECKING":
            self.checking.add(bound)
        elif module == "importlib":
            if name in ("import_module", "__import__"):
                self.functions.add(bound)
            elif name == "*":
                self.functions.add("import_module")

    def _assign(self, node: Any) -> None:
        """Note `load = importlib.import_module`, and a literal `__all__`."""
        for target in node.targets:
            if target.__class__ is not ast.Name:
                continue
            if target.id == "__all__":
                self.exports.extend(_strings(node.value) or ())
            elif self._is_import_function(node.value):
                self.functions.add(target.id)

    def _truth(self, test: Any) -> bool | None:
        """Evaluate a condition at run time, where TYPE_CHECKING is false; None is for what cannot be known."""
        try:
            return self._evaluate(test)
        except RecursionError:
            return None

    def _holds_here(self, test: Any) -> bool | None:
        """Evaluate a condition on the operating system; None is for any other."""
        from python_package.analysis.systems import holds_on_linux  # few scripts need it

        try:
            return holds_on_linux(test)
        except RecursionError:
            return None

    def _evaluate(self, test: Any) -> bool | None:
        cls = test.__class__
        if cls is ast.Name and test.id in self.checking:
            return False
        if cls is ast.Attribute and test.attr == "TYPE_CHECKING":
            return False
        if cls is ast.UnaryOp and test.op.__class__ is ast.Not:
            truth = self._evaluate(test.operand)
            return None if truth is None else not truth
        if cls is ast.BoolOp:
            truths = [self._evaluate(value) for value in test.values]
            decides = test.op.__class__ is ast.Or
            if decides in truths:
                return decides
            return None if None in truths else not decides
        return None

    def _is_import_function(self, node: Any) -> bool:
        if node.__class__ is ast.Name:
            return node.id in self.functions
        if node.__class__ is not ast.Attribute:
            return False
        if node.attr == "__import__":
            return True  # of builtins or importlib, under whatever name
        return node.attr == "import_module" and (
            (node.value.__class__ is ast.Name and node.value.id in self.libraries)
            or (node.value.__class__ is ast.Attribute and node.value.attr == "importlib")
        )

    def _call(self, call: Any, kind: str) -> None:
        """Record a call of an import function."""
        if not self._is_import_function(call.func):
            return
        given = {word.arg: word.value for word in call.keywords}
        legacy = (call.func.id if call.func.__class__ is ast.Name else call.func.attr) == "__import__"
        order = ("name", "globals", "locals", "fromlist", "level") if legacy else ("name", "package")
        given.update(zip(order, call.args, strict=False))
        name = _string(given.get("name"))
        level = getattr(given.get("level"), "value", 0) if legacy else 0
        if name is not None and not legacy and name.startswith("."):
            name, level = _relative(name, given.get("package"))
        if not name or not isinstance(level, int) or level < 0:
            self.computed.append(call.lineno)
            return
        names = _strings(given.get("fromlist")) or ()
        self.imports.append(Import(name, names, level, call.lineno, kind))


def _calls(statement: Any) -> Iterator[ast.Call]:
    """Yield the calls in a statement's own expressions, not in the statements inside it."""
    stack = [getattr(statement, field, None) for field in reversed(statement._fields) if field not in _BLOCKS]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(reversed(node))
        elif isinstance(node, ast.AST):
            if node.__class__ is ast.Call:
                yield node
            # A lambda's body is an expression, though the field is called as a block is.
            stack.extend(getattr(node, field, None) for field in reversed(node._fields))


def _relative(name: str, package: Any) -> tuple[str | None, int]:
    """Resolve import_module's `.name` against its package: a literal, or the caller's own."""
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    anchor = _string(package)
    if anchor is not None:
        parts = anchor.split(".")[: len(anchor.split(".")) - level + 1]
        return ".".join([*parts, bare]), 0
    if package.__class__ is ast.Name and package.id in ("__package__", "__name__"):
        return bare, level
    return None, 0


def _string(node: Any) -> str | None:
    value = node.value if node.__class__ is ast.Constant else None
    return value if isinstance(value, str) else None


def _strings(node: Any) -> tuple[str, ...] | None:
    """Return a literal list or tuple of strings."""
    if node.__class__ not in (ast.List, ast.Tuple):
        return None
    return tuple(text for text in map(_string, node.elts) if text is not None)


def _names(node: Any) -> Iterator[str]:
    """Yield the last names of an exception type or a tuple of them."""
    if node.__class__ is ast.Tuple:
        for item in node.elts:
            yield from _names(item)
    else:
        yield getattr(node, "id", getattr(node, "attr", ""))


def _forgives(handler: Any) -> bool:
    """Tell whether an except clause handles a failing import, rather than reword it or give up."""
    caught = handler.type is None or not _IMPORT_ERRORS.isdisjoint(_names(handler.type))
    last = handler.body[-1]
    gives_up = last.__class__ is ast.Raise or (
        last.__class__ is ast.Expr
        and last.value.__class__ is ast.Call
        and not _EXITS.isdisjoint(_names(last.value.func))
    )
    return caught and not gives_up


def _suppresses(item: Any) -> bool:
    """Tell whether a with item is `contextlib.suppress(ImportError)`."""
    call = item.context_expr
    return (
        call.__class__ is ast.Call
        and "suppress" in _names(call.func)
        and any(not _IMPORT_ERRORS.isdisjoint(_names(argument)) for argument in call.args)
    )


def _is_main_guard(test: Any) -> bool:
    return test.__class__ is ast.Compare and any(
        getattr(side, "id", "") == "__name__" for side in (test.left, *test.comparators)
    )


def _under_condition(kind: str) -> str:
    return CONDITIONAL if kind == REQUIRED else kind
