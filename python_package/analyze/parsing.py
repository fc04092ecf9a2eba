"""Source bytes -> a syntax tree, whatever version of Python they are written for."""

from __future__ import annotations

from python_package.analyze.syntax import compile_only, decode, too_large
from python_package.errors import NotPythonError
from python_package.files import bounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast


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
            return other_versions.parse(text, path, error)
        except SyntaxError as final:
            raise NotPythonError(path, final.lineno or 1, final.msg) from None
        except (RecursionError, MemoryError):
            raise NotPythonError(path, 1, "its statements are nested too deep to be parsed") from None
