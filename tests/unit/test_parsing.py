"""Reading source of any Python version, and refusing what is of none."""

from __future__ import annotations

import codecs

import pytest

from python_package.analyze.imports import imports_of
from python_package.analyze.parsing import parse
from python_package.errors import NotPythonError


def _imports(source: bytes) -> list[tuple[str, int]]:
    """Return the name and line of each import."""
    tree, _ = parse(source, "script.py")
    return [(found.name, found.line) for found in imports_of(tree, "/script.py", source).imports]


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\n",
        b"# nothing but a comment",
        b"{'json': [1, 2]}",
        b"this is not python\n",  # it is: two comparisons of names
    ],
)
def test_parse__source_without_imports__is_fine(source: bytes) -> None:
    tree, remark = parse(source, "script.py")
    assert remark is None
    assert not imports_of(tree, "/script.py", source).imports


@pytest.mark.parametrize(
    ("source", "imports"),
    [
        (b"import a\r\nimport b\r\n", [("a", 1), ("b", 2)]),
        (b"import a\rimport b\r", [("a", 1), ("b", 2)]),
        (b"import a\n\x0c\nimport b\n\x0cimport c\n", [("a", 1), ("b", 3), ("c", 4)]),
        (codecs.BOM_UTF8 + b"import a\n", [("a", 1)]),
        (codecs.BOM_UTF8 + b"# coding: utf-8\nimport a\n", [("a", 2)]),
        (b"# -*- coding: latin-1 -*-\nname = '\xe9'\nimport a\n", [("a", 3)]),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nname = '\x80'\nimport a\n", [("a", 4)]),
        (b"# coding: euc-jp\nname = '\xa4\xa2'\nimport a", [("a", 3)]),
        ("import ñandú\n".encode(), [("ñandú", 1)]),
        ("# coding: latin-1\nimport ñandú\n".encode("latin-1"), [("ñandú", 2)]),
        # With a Python 2 statement as well, so that the tolerant parser has to cope.
        (b"import a\r\nprint 'x'\r\nimport b\r\n", [("a", 1), ("b", 3)]),
        (b"import a\rprint 'x'\rimport b\r", [("a", 1), ("b", 3)]),
        (codecs.BOM_UTF8 + b"print 'x'\nimport a\n", [("a", 2)]),
        (b"# coding: latin-1\nprint '\xe9'\nimport a\n", [("a", 3)]),
        (b"import a\n\x0cprint 'x'\n\x0cimport b", [("a", 1), ("b", 3)]),
    ],
)
def test_parse__encodings_and_line_ends__keep_names_and_lines(source: bytes, imports: list[tuple[str, int]]) -> None:
    assert _imports(source) == imports


OLDER = [
    b'print "x"',
    b"print>>f, x,",
    b"print x; import y",
    b"if x: print x\nelse:print y",
    b"print'x'",
    b"print `x`",
    b"print`x`",
    b'exec "a" in ns',
    b"exec code",
    b"exec f.read() in g, l",
    b"x = `y`",
    b"try: pass\nexcept E, e: pass",
    b"try: pass\nexcept (E, F), e: pass",
    b'x = ur"abc"',
    b"x = 0777",
    b"x = 10L",
    b"x = 0xFFl",
    b"if a <> b: pass",
    b'raise E, "m"',
    b'raise E, "m", tb',
    b"def f(a, (b, c)): pass",
    b"def f((a, b)=(1, 2)): pass",
    b"lambda (a, b): a",
    b"[x for x in 1, 2]",
    b"if x:\n\ta\n        b",
    b"class A:\n  def f(self):\n\treturn 1\n  def g(self):\n        return 2",
    b"async = 1",
    b"x.async",
    b"f(async=True)",
    b"def async(x): pass",
    b"@d(`x`)\ndef f(): pass",
    b"while 1L: pass",
    b"with `x`: pass",
    b"for x in `y`, 2: pass",
]
NEWER = [
    b"type X = int",
    b"def f[T](x: T) -> T: pass",
    b"class A[T: (int, str), *U, **V](B): pass",
    b"async def f[T,\n  U](x): pass",
    b'x = f"{d["a"]}"',
    b"x = f'{f'{1}'}'",
    b"x = f\"{'\\n'.join(y)}\"",
    b'x = t"hi {name}"',
    b"x = rt'{y}'",
    b"try: pass\nexcept A, B: pass",
    b"try: pass\nexcept A, B, C: pass",
    b"lazy import a",
    b"class A:\n    lazy import a",
    b"try:\n    lazy from a import b\nfinally: pass",
    b"x = [*y for y in z]",
    b"try: pass\nexcept* A: pass",
    b"x[*y]",
    b"def f(*args: *Ts): pass",
    b'if f"{d["a"]}": pass',
]


@pytest.mark.parametrize("statement", OLDER, ids=repr)
def test_parse__syntax_of_an_older_python__is_read_with_its_line_named(statement: bytes) -> None:
    source = b"import first\n" + statement + b"\nimport last\n"
    tree, remark = parse(source, "script.py")
    found = imports_of(tree, "/script.py", source).imports
    assert (found[0].name, found[0].line) == ("first", 1)
    assert (found[-1].name, found[-1].line) == ("last", source.count(b"\n"))
    assert remark is None or remark.startswith("script.py:")
    if statement[:4] in (b"prin", b"exec", b"x = ", b"rais"):
        assert remark is None or "an older Python" in remark


@pytest.mark.parametrize("statement", NEWER, ids=repr)
def test_parse__syntax_of_a_newer_python__is_read(statement: bytes) -> None:
    # Some of it, depending on the interpreter that runs this, needs no tolerance.
    source = b"import first\n" + statement + b"\nimport last\n"
    tree, remark = parse(source, "script.py")
    names = [(found.name, found.line) for found in imports_of(tree, "/script.py", source).imports]
    assert names[0] == ("first", 1)
    assert names[-1] == ("last", source.count(b"\n"))
    assert remark is None or remark.startswith(("script.py:2: ", "script.py:3: "))


def test_parse__python_2_import_lines__remark_names_the_first_line_of_it() -> None:
    _, remark = parse(b"import a\n\nprint 'x'\nexec 'y'\n", "script.py")
    assert remark is not None
    assert remark.startswith("script.py:3: the syntax of an older Python")


def test_parse__dynamic_import_inside_an_old_statement__is_found() -> None:
    source = b'print >>f, `x`, __import__("a").name, f(__import__("b"))\n'
    assert [name for name, _ in _imports(source)] == ["a", "b"]


def test_parse__statement_over_several_lines__keeps_the_lines_after_it() -> None:
    source = b'raise E, (\n  1,\n  2)  # why\nimport a\nraise E, """\n\n"""; import b\n'
    assert _imports(source) == [("a", 4), ("b", 7)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [b"x = " + b"a+" * 60_000 + b"a\nimport last\n", b"x = " + b"-" * 10_000 + b"1\nimport last\n"],
    ids=["sum", "signs"],
)
def test_parse__expression_too_deep_for_this_interpreter__is_skipped_with_a_remark(source: bytes) -> None:
    tree, remark = parse(source, "script.py")
    assert [found.name for found in imports_of(tree, "/script.py", source).imports] == ["last"]
    assert remark is None or remark.startswith("script.py:1: ")  # newer interpreters go deeper


def test_parse__chain_of_hundreds_of_elifs__is_walked() -> None:
    source = b"if x: pass\n" + b"elif x: pass\n" * 900 + b"else: import last\n"
    assert _imports(source) == [("last", 902)]


def test_parse__statements_nested_deeper_than_any_python_allows__are_refused() -> None:
    source = b"if x: pass\n" + b"elif x: pass\n" * 50_000 + b"else: import last\n"
    with pytest.raises(NotPythonError, match=r"^script\.py:1: .*nested too deep"):
        parse(source, "script.py")


def test_parse__invalid_escape_in_a_string__prints_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert _imports(b"x = '\\d'; import a\nif x is 'y': pass\n") == [("a", 1)]
    assert not recwarn.list


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        (b"<html>\n<body>\n", 1, "invalid syntax"),
        (b"#!/bin/sh\nset -e\necho 'hi'\n", 3, "invalid syntax"),
        (b"#include <stdio.h>\nint main() { return 0; }\n", 2, ""),
        (b"# Title\n\nSome prose here.\n", 3, "invalid syntax"),
        (b"{\n  // comment\n  'a': 1\n}\n", 2, ""),
        (b"import os\nx = (\n", 2, "never closed"),
        (b"import os\ndef f(:\n    pass\n", 2, ""),
        (b"import os\nx = 1\nif x:\n", 3, ""),
        (b"import os\n'unterminated\n", 2, "unterminated"),
        (b'import os\n"""unterminated\n\n', 2, "unterminated"),
        (b"import\n", 1, ""),
        (b"import os as\n", 1, ""),
        (b"from x import\n", 1, ""),
        (b"x = 1\n    y = 2\n", 2, "unexpected indent"),
        (b"if x:\npass\n", 2, "indented block"),
        (b"if x:\n    a\n  b\n", 3, "unindent"),
        (b"f(a=1, 2)\n", 1, "positional"),
        (b"f() = 1\n", 1, "assign"),
        # Python 2, and yet of no version: the fault is named, not the old syntax before it.
        (b"print 'x'\nx = (\n", 2, "never closed"),
        (b"print 'x'\ndef f(:\n    pass\n", 2, ""),
        (b"print 'x'\n  y = 2\n", 2, "unexpected indent"),
        (b"print `x`\nf(a=1, 2)\n", 2, "positional"),
        (b"lazy import a\nimport\n", 2, ""),
        (b"print hello world\n", 1, ""),
    ],
)
def test_parse__text_of_no_python_version__names_the_line(source: bytes, line: int, reason: str) -> None:
    with pytest.raises(NotPythonError) as caught:
        parse(source, "script.py")
    # A block that the end of the file cuts off is an error of the line after.
    assert caught.value.line in (line, line + (source[-2:] == b":\n"))
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"script.py:{caught.value.line}: not valid Python: ")


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        (b"import a\nname = '\xe9'\n", 2, "byte 0xe9 is not UTF-8"),
        (b"import a\n# \xff\n", 2, "byte 0xff is not UTF-8"),
        (b"# coding: ascii\nimport a\nname = '\xe9'\n", 3, "is not ASCII"),
        (b"# coding: no-such-codec\nimport a\n", 1, "unknown encoding"),
        (codecs.BOM_UTF8 + b"# coding: latin-1\nimport a\n", 1, "encoding problem"),
        (codecs.BOM_UTF16_LE + "import a\n".encode("utf-16-le"), 1, "UTF-16"),
        (codecs.BOM_UTF16_BE + "import a\n".encode("utf-16-be"), 1, "UTF-16"),
        (b"import a\nx = 1\x00\n", 2, "NUL byte"),
        (b"\x7fELF\x02\x01\x01\x00\x00", 1, ""),
        (b"\x89PNG\r\n\x1a\n\x00", 1, "byte 0x89"),
        (b"import a\nimport b\n\n# caf\xe9\n", 4, "byte 0xe9"),
        (b"# a comment\n# caf\xe9\n", 2, "byte 0xe9"),
    ],
)
def test_parse__bytes_that_are_no_text__name_the_line(source: bytes, line: int, reason: str) -> None:
    with pytest.raises(NotPythonError) as caught:
        parse(source, "script.py")
    assert caught.value.line == line
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
