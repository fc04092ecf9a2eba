"""Source bytes -> a syntax tree, whatever version of Python they are written for."""

from __future__ import annotations

import ast
import warnings

from python_package.errors import BoundError, NotPythonError
from python_package.files import bounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any


def parse(source: bytes, path: str) -> tuple[ast.Module, str | None]:
    """Return the tree, and a remark when only the error-tolerant parser could read the source.

    Raises NotPythonError, with the line, for what is Python of no version, and BoundError.
    """
    if len(source) > bounds.PARSED:
        raise too_large(path)
    try:
        source.decode()
    except UnicodeDecodeError:
        decode(source, path)  # in a comment, compile() overlooks what Python refuses when it reads the file
    try:
        return compile_only(source), None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if len(source) > bounds.TOLERATED:
            line = getattr(error, "lineno", None) or 1
            raise NotPythonError(path, line, getattr(error, "msg", None) or "nested too deep to be parsed") from None
        # Imported only now: tree-sitter costs as much as the rest of the analysis of a small script.
        from python_package.analyze import other_versions

        text = decode(source, path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return other_versions.parse(text, path, error)
        except SyntaxError as final:
            raise NotPythonError(path, final.lineno or 1, final.msg) from None
        except (RecursionError, MemoryError):
            raise NotPythonError(path, 1, "its statements are nested too deep to be parsed") from None


def too_large(path: str) -> BoundError:
    """Return the error of a source that would take too long, and too much memory, to parse."""
    return BoundError(f"{path}: more than the {bounds.PARSED >> 20} MiB of Python that are parsed; move data out of it")


def compile_only(source: bytes | str) -> ast.Module:
    """Parse with this interpreter's own parser, silently; never compile further, never execute."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in the user's script is not our message
        return ast.parse(source, "<script>")


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
