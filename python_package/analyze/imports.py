"""A module's syntax tree -> what it imports and which folders it puts on sys.path; nothing is executed."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left

from python_package.analyze.folders import Folders
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from python_package.analyze.dynamic import Dynamic

    # What is to be done about names that are bound elsewhere.
    Elsewhere = Callable[[frozenset[str]], object]

REQUIRED = "required"
CONDITIONAL = "conditional"
OPTIONAL = "optional"
# What the text of a file has that may call what imports.
DYNAMIC = (b"import_module", b"__import__", b"runpy")
# The level of an import that is a script which is run; its name is the path of the file.
SCRIPT = -1

_SYS_PATH = re.compile(rb"sys(?:[\s()\\]|#[^\n]*)*\.(?:[\s()\\]|#[^\n]*)*path\b")
_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_EXITS = {"exit", "_exit", "quit", "abort"}
# What holds statements; everything else that a statement holds is expressions, which cannot hold an import statement.
BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
# Most statements, which hold no others.
_SIMPLE = {ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Assert, ast.Raise, ast.Pass, ast.Delete}
# Blocks that run whenever what is before them has.
_ALWAYS = {ast.With, ast.ClassDef}
_TRY = {"Try", "TryStar"}  # TryStar came with Python 3.11


class Import(Value):
    """One import: of the dotted `name`, `level` packages up (0 is absolute, SCRIPT a path), of `names` from it.

    `kind` is REQUIRED, OPTIONAL (its failure is handled, or only other systems run it) or CONDITIONAL (under an if or
    match). `always` tells of a statement that runs whenever its file does: outside functions, if, try and loops.
    """

    name: str
    names: tuple[str, ...]
    level: int
    line: int
    kind: str
    always: bool = False


class Module(Value):
    """What one source file says about imports.

    `folders` are what it puts on sys.path, each with whether it goes to the front, `exports` its literal
    `__all__`, `computed` the lines of dynamic imports whose name only running the file could tell, `computed_scripts`
    those where it runs another script.
    """

    imports: tuple[Import, ...]
    folders: tuple[tuple[str, bool], ...]
    exports: tuple[str, ...]
    computed: tuple[int, ...]
    computed_scripts: tuple[int, ...] = ()


def imports_of(tree: ast.Module, path: str, source: bytes, *, elsewhere: Elsewhere | None = None) -> Module:
    """Return what the module at `path` imports; its `source` tells what need not be looked for in the tree.

    Of a tree that is not the whole module, no names are followed to what they are bound to: `elsewhere` is called with
    those that would tell what a call imports.
    """
    calls = any(word in source for word in DYNAMIC)
    # A path on sys.path, and another name of a function that imports, may come from any statement.
    mentions = None if changes_path(source) else Mentions(source, (b"import", b"__all__", b"run_"))
    walk = _Walk(path, source, mentions, elsewhere, calls=calls)
    module = walk.module(tree)
    if mentions and walk.dynamic and walk.dynamic.has_aliases:
        module = _Walk(path, source, None, elsewhere, calls=calls).module(tree)
    return module


def changes_path(source: bytes, start: int = 0) -> bool:
    """Tell whether the text of a file may put folders on sys.path."""
    return source.find(b"addsitedir", start) >= 0 or _SYS_PATH.search(source, start) is not None


class Mentions:
    """Where a source has one of some words."""

    def __init__(self, source: bytes, words: Iterable[bytes]) -> None:
        source = source.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._lines: list[int] = []
        for word in words:
            line, done, at = 1, 0, source.find(word)
            while at >= 0:
                line += source.count(b"\n", done, at)
                self._lines.append(line)
                done, at = at, source.find(word, at + 1)
        self._lines.sort()

    def are_in(self, node: Any) -> bool:
        """Tell whether there is one in the lines of a node of the tree."""
        first = getattr(node, "lineno", 0)  # a case has no line
        at = bisect_left(self._lines, first)
        return at < len(self._lines) and (not first or self._lines[at] <= node.end_lineno)


class _Walk:
    """One pass over the statements, in the order of the source."""

    def __init__(
        self, path: str, source: bytes, mentions: Mentions | None, elsewhere: Elsewhere | None, *, calls: bool
    ) -> None:
        self.dynamic: Dynamic | None = None
        if calls:
            from python_package.analyze.dynamic import Dynamic  # few files need it

            self.dynamic = Dynamic(path, source, elsewhere)
        self.mentions = mentions
        self.imports: list[Import] = []
        self.exports: list[str] = []
        self.folders = Folders(path)
        # What the file calls typing.TYPE_CHECKING.
        self.checking = {"TYPE_CHECKING"}

    def module(self, tree: ast.Module) -> Module:
        # Depth first with a stack of our own: a chain of a thousand elifs is a thousand levels deep.
        stack: list[tuple[Any, str, bool]] = [(node, REQUIRED, True) for node in reversed(tree.body)]
        while stack:
            node, kind, always = stack.pop()
            if self.mentions is None or self.mentions.are_in(node):
                inner = list(self._visit(node, kind, always=always))
                stack.extend(reversed(inner))
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
            self.folders.visit(node)
            if cls is ast.Assign:
                self._assign(node)
            return
        kinds = dict.fromkeys(BLOCKS, kind)
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
        always = always and cls in _ALWAYS and kinds["body"] == REQUIRED
        for block, block_kind in kinds.items():
            for child in getattr(node, block, ()):
                yield child, block_kind, always

    def _bind(self, alias: Any, module: str, dots: str) -> None:
        """Note a name that is bound to TYPE_CHECKING or to what imports."""
        if alias.name == "TYPE_CHECKING" and (module or dots):
            self.checking.add(alias.asname or alias.name)
        elif self.dynamic and not dots:
            self.dynamic.bind(alias, module)

    def _assign(self, node: Any) -> None:
        """Note `load = importlib.import_module`, and a literal `__all__`."""
        for target in node.targets:
            if target.__class__ is not ast.Name:
                continue
            if target.id == "__all__":
                self.exports.extend(strings(node.value) or ())
            elif self.dynamic:
                self.dynamic.assign(target.id, node.value)

    def _truth(self, test: Any) -> bool | None:
        """Evaluate a condition at run time, where TYPE_CHECKING is false; None is for what cannot be known."""
        try:
            return self._evaluate(test)
        except RecursionError:
            return None

    def _holds_here(self, test: Any) -> bool | None:
        """Evaluate a condition on the operating system; None is for any other."""
        from python_package.analyze.systems import holds_on_linux  # few scripts need it

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


def _string(node: Any) -> str | None:
    value = node.value if node.__class__ is ast.Constant else None
    return value if isinstance(value, str) else None


def strings(node: Any) -> tuple[str, ...] | None:
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
