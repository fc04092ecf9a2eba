"""What this Python's own parser says of a source, and its text."""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_left

from python_package.errors import BoundError, NotPythonError
from python_package.files import bounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any

_ONLY_AST = 0x400  # ast.PyCF_ONLY_AST


def too_large(path: str) -> BoundError:
    """Return the error of a source that would take too long, and too much memory, to parse."""
    return BoundError(f"{path}: more than the {bounds.PARSED >> 20} MiB of Python that are parsed; move data out of it")


def compile_only(source: bytes | str) -> ast.Module:
    """Parse with this interpreter's own parser, silently; never compile further, never execute."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in the user's script is not our message
        tree: ast.Module = compile(source, "<script>", "exec", _ONLY_AST, dont_inherit=True)
        return tree


def decode(source: bytes, path: str) -> str:
    """Return the text of a source by PEP 263, lines ended by a newline each.

    Raises NotPythonError at the line of the byte or declaration that is wrong.
    """
    import io
    import tokenize

    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotPythonError(path, 1, "UTF-16; save it as UTF-8")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    except SyntaxError as error:
        if "missing encoding" not in error.msg:
            raise NotPythonError(path, 1, error.msg) from None
        encoding = "utf-8"  # its first lines are not even that, which is said below with their line
    except (ValueError, LookupError, OSError, ImportError):  # a NUL in the name, or one that is no name at all
        raise NotPythonError(path, 1, "its declaration of an encoding (PEP 263) names none") from None
    try:
        text = source.decode(encoding)
    except LookupError as error:  # rot13 and hex: codecs, but not of text
        raise NotPythonError(path, 1, str(error).partition(";")[0]) from None
    except UnicodeDecodeError as error:
        line = 1 + source.count(b"\n", 0, error.start)
        reason = f"byte 0x{source[error.start]:02x} is not {encoding.upper()}; declare the encoding (PEP 263)"
        raise NotPythonError(path, line, reason) from None
    except UnicodeError as error:  # of punycode and undefined
        raise NotPythonError(path, 1, str(error)) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise NotPythonError(path, 1 + text.count("\n", 0, text.index("\0")), "a NUL byte; this is a binary file")
    return text


def walk(tree: Any, within: Collection[type] = ()) -> Iterator[Any]:
    """Yield the nodes of a tree, or of a list of trees, in the order of the source, and none inside those `within`."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(reversed(node))
        elif isinstance(node, ast.AST):
            yield node
            if node.__class__ not in within:
                stack.extend(getattr(node, field, None) for field in reversed(node._fields))


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
