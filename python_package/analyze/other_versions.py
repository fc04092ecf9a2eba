"""Source of another Python version -> a tree: what only that version knows is blanked out, line by line, and parsed.

tree-sitter, whose grammar is the union of Python 2 and 3, finds the statements that this interpreter's parser
would refuse. Only syntax that some version is known to have is replaced, so that this interpreter's parser stays
the judge of what is Python at all.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tree_sitter
import tree_sitter_python

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tree_sitter import Node

_OLD = "the syntax of an older Python; its imports were read all the same"
_NEW = "syntax newer than Python {}.{}, which runs this tool; its imports were read all the same"
_FORMATTED = "an f-string, which may or may not need Python 3.12"
_DEEP = "an expression nested too deep to look for imports in it"


def _without_parameters(found: re.Match[str]) -> str:
    return found[1] + "\\\n" * found[0].count("\n")


# Python 2 counts a tab to the next multiple of eight, and lets tabs and spaces be mixed.
_INDENT = re.compile(r"^[ \t\f]*\t[ \t\f]*", re.MULTILINE)

# What text alone can reword, each with what it is a sign of. That strings are changed as well does no harm.
_START = r"((?:^|[:;])[ \f]*)"
_REWORDINGS: list[tuple[str, str | Callable[[re.Match[str]], str], str]] = [
    # print and exec were statements: what follows them is an expression.
    (_START + r"(?:print|exec)(?:[ \t]*(?=[\"'`])|[ \t]+(?!(?:in|is|and|or|if)\b|[=(.,;:)\]}>]))", r"\1", _OLD),
    # Names that were no keywords before Python 3.7.
    (r"\b(async|await)\b(?=[ ]*[=,.:;()]|[ ]*$)", r"\1_", _OLD),
    # Python 3.15 imports lazily.
    (_START + r"lazy[ \t]+(?=(?:import|from)\b)", r"\1", _NEW),
    # Python 3.12's type parameters.
    (r"^([ ]*(?:async[ ]+)?(?:def|class)[ ]+\w+)\[(?:[^][]|\[(?:[^][]|\[[^][]*\])*\])*\]", _without_parameters, _NEW),
]


# What holds statements. The other children of a compound statement or clause are its header.
_CONTAINERS = {"module", "block", "ERROR"}
_COMPOUND = re.compile(r"(if|while|for|with|try|match)_statement|(elif|else|except|finally|case)_clause|\w+_definition")
# What a header's part becomes; `_` is the default.
_BLANKS = {
    "parameters": b"()",
    "argument_list": b"()",
    "decorator": b"@_",
    "if_clause": b"if _",
}

_UNPACKING = {
    "list_comprehension",
    "set_comprehension",
    "dictionary_comprehension",
    "generator_expression",
    "subscript",
}
# Nodes that mark a version: the reason, and the nodes that they mark it in, or everywhere.
_MARKS: dict[str, tuple[str, set[str]]] = {
    "chevron": (_OLD, set()),
    "<>": (_OLD, set()),
    "tuple_pattern": (_OLD, {"parameters", "lambda_parameters", "default_parameter"}),
    "expression_list": (_OLD, {"raise_statement"}),
    "type_alias_statement": (_NEW, set()),
    "splat_type": (_NEW, set()),
    "list_splat": (_NEW, _UNPACKING),
    "dictionary_splat": (_NEW, _UNPACKING),
    "interpolation": (_FORMATTED, set()),
}
# Nodes that mark one by how they are written.
_WRITTEN = [
    ("string_start", re.compile(rb"`|[uU][rR]"), _OLD),
    ("string_start", re.compile(rb"[rR]?[tT]"), _NEW),
    ("integer", re.compile(rb"0[0-9]*[1-9]|\w+[lL]\Z"), _OLD),
]

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))


@dataclass(frozen=True)
class _Change:
    """Bytes `start` to `end` become `text`, because of `reason`."""

    start: int
    end: int
    text: bytes
    reason: str


def parse(text: str, path: str, refusal: Exception) -> tuple[ast.Module, str]:
    """Return the tree of a source that this interpreter refused, and a remark that says why it was refused.

    Every import is in the tree, at its line; other statements may be missing. Raises SyntaxError where the source
    is Python of no version.
    """
    text = _INDENT.sub(lambda found: found[0].rpartition("\f")[2].expandtabs(8), text)
    reasons = []
    for pattern, replacement, reason in _REWORDINGS:
        text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        reasons += [reason] * bool(count)
    source = text.encode() + b"\n"
    deep = isinstance(refusal, (RecursionError, MemoryError))
    changes = sorted(_changes(_PARSER.parse(source).root_node, deep), key=lambda change: change.start)
    tree = ast.parse(b"".join(_applied(source, changes)).decode())
    reason = [*(change.reason for change in changes), *reasons, _OLD][0]
    line = getattr(refusal, "lineno", None) or 1 + source.count(b"\n", 0, changes[0].start if changes else 0)
    return tree, f"{path}:{line}: {reason.format(*sys.version_info)}"


def _applied(source: bytes, changes: list[_Change]) -> Iterator[bytes]:
    """Yield the pieces of the changed source, every line at its number."""
    done = 0
    for change in changes:
        yield source[done : change.start]
        yield change.text
        yield b"\\\n" * (source.count(b"\n", change.start, change.end) - change.text.count(b"\n"))
        done = change.end
    yield source[done:]


def _changes(root: Node, deep: bool) -> Iterator[_Change]:
    stack = [root]
    while stack:
        node = stack.pop()
        in_header = node.type not in _CONTAINERS
        for child in node.children:
            if child.type in _CONTAINERS or _COMPOUND.fullmatch(child.type):
                stack.append(child)
            elif reason := _reason(child, deep and not in_header):
                text = _BLANKS.get(child.type, b"_") if in_header else _calls(child)
                yield _Change(child.start_byte, child.end_byte, text, reason)
        if node.type == "except_clause":
            yield from _classic(node)


def _classic(clause: Node) -> Iterator[_Change]:
    """Put `except A, b:` of Python 2 and `except A, B:` of 3.14 into parentheses; make `except*` of 3.11 `except`."""
    for child in clause.children:
        if child.type == "*":
            yield _Change(child.start_byte, child.end_byte, b"", _NEW)
    values = clause.children_by_field_name("value")
    if len(values) > 1:
        last = (values[-1].text or b"").decode()
        reason = _OLD if last.islower() else _NEW
        yield _Change(values[0].start_byte, values[0].start_byte, b"(", reason)
        yield _Change(values[-1].end_byte, values[-1].end_byte, b")", reason)


def _reason(node: Node, deep: bool) -> str | None:
    """Say why this interpreter refuses a statement, or part of a header, that another version accepts."""
    if node.has_error or not node.is_named:
        return None
    marks = {_mark(inner, parent) for inner, parent in _subtree(node)}
    if found := marks & {_OLD, _NEW}:
        return _OLD if _OLD in found else _NEW
    if not deep and _FORMATTED not in marks:
        return None
    text = (node.text or b"").decode()
    refusals = [_refusal(candidate) for candidate in (text, f"({text}\n)")]
    if None in refusals:
        return None
    if not all(isinstance(refusal, SyntaxError) for refusal in refusals):
        return _DEEP
    return _NEW if _FORMATTED in marks else None


def _refusal(text: str) -> Exception | None:
    try:
        ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError) as error:
        return error
    return None


def _mark(node: Node, parent: str) -> str | None:
    """Tell which versions' syntax a node, inside one of type `parent`, is a mark of."""
    kind = node.type
    if kind == "for_in_clause":
        return _OLD if len(node.children_by_field_name("right")) > 1 else None
    if kind in _MARKS:
        reason, parents = _MARKS[kind]
        return reason if not parents or parent in parents else None
    return next((why for which, form, why in _WRITTEN if which == kind and form.match(node.text or b"")), None)


def _subtree(node: Node) -> Iterator[tuple[Node, str]]:
    """Yield a node and all below it, each with the type of the one above (asking `node.parent` walks from the root)."""
    stack = [(node, node.parent.type if node.parent else "")]
    while stack:
        node, parent = stack.pop()
        yield node, parent
        stack.extend((child, node.type) for child in node.children)


def _calls(statement: Node) -> bytes:
    """Return what is left of a statement: its calls, any of which may be a dynamic import."""
    kept, stack = [], list(reversed(statement.children))
    while stack:
        node = stack.pop()
        text = node.text or b""
        if node.type == "call" and _refusal(text.decode()) is None:
            kept.append(text)
            continue
        stack.extend(reversed(node.children))
    return b"(" + b", ".join(kept) + b")" if kept else b"pass"
