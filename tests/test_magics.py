"""What is IPython's own in a cell, and what is Python; IPython 8 itself was the judge of the statements here."""

from __future__ import annotations

import ast

import pytest

from python_package.analysis.magics import strip


def _imports(cell: str) -> list[tuple[str, int]]:
    """Return the imports that are left of a cell, with their lines; what is left has to be Python."""
    tree = ast.parse(strip(cell).text)
    return [(node.names[0].name, node.lineno) for node in ast.walk(tree) if isinstance(node, ast.Import)]


@pytest.mark.parametrize(
    "cell",
    [
        "%cd /tmp\nimport a",
        "%cd (\nimport a",
        "!echo '\nimport a",
        "!!ls\nimport a",
        "?x\nimport a",
        "??x\nimport a",
        "x?\nimport a",
        "x.y[0]??\nimport a",
        "%time?\nimport a",
        "x = foo?\nimport a",
        "x = !ls\nimport a",
        "a, *b = !ls\nimport a",
        "d['k'] = !ls\nimport a",
        "x = %who_ls\nimport a",
        "/f x\nimport a",
        ",f x y\nimport a",
        ";f x y\nimport a",
        "x = [ # (\n1]; import a",
        ">>> x = 1\n>>> import a",
        "In [1]: x\nIn [2]: import a",
    ],
)
def test_strip__statement_of_ipython__is_gone_and_lines_stay(cell: str) -> None:
    assert _imports(cell) == [("a", 2)]


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("!ls \\\n -l\nimport a", 3),
        ("%cd \\\n\\\n  x\nimport a", 4),
        ("if x:\n    !ls\n    import a", 3),
        ("class A:\n    def f(self):\n        %cd x\n    x = !ls\n    import a", 5),
        ("\n  x = 1\n  import a", 3),
        (">>> def f():\n...     x\n...     import a", 3),
        ("In [1]: def f():\n   ...:     x\n   ...:     import a", 3),
    ],
)
def test_strip__statement_in_a_block_or_on_several_lines__keeps_the_shape(cell: str, line: int) -> None:
    assert _imports(cell) == [("a", line)]


@pytest.mark.parametrize(
    "cell",
    [
        "s = '''\n%magic\n!ls\nx?\n'''",
        's = """x\\"""\n!ls"""',
        "f(\n  3\n  % x,\n)",
        "y = x \\\n% 3",
        "'abc \\\n!def'",
        "x = f'''{\ny!r\n}'''",
        "print('x = !ls')",
        "print('a?')",
        "x = '!ls' # why?",
        "x = 1 #= !ls",
        "a != b",
        "a %= b",
        'x = "it\'s" % 3',
        "x = r'\\' # '",
        "await f()",
        "x: int = 3;",
    ],
)
def test_strip__python_that_looks_like_it__is_left_alone(cell: str) -> None:
    assert strip(cell).text == cell


def test_strip__comment_that_ends_in_a_backslash__does_not_go_on() -> None:
    assert _imports("# c \\\n!ls\nimport a") == [("a", 3)]


@pytest.mark.parametrize(
    ("line", "imports"),
    [
        ("%time import a", [("a", 1)]),
        ("%timeit -n 3 -r1 import a", [("a", 1)]),
        ("%timeit", []),
        ("%time not python", []),
        ("%load_ext a.b", [("a.b", 1)]),
        ("%load_ext autoreload", []),
        ("%load_ext", []),
        ("%load_ext $x", []),
        ("%matplotlib inline", [("matplotlib", 1)]),
        ("%pylab", [("matplotlib", 1)]),
    ],
)
def test_strip__magic_that_imports__is_its_import(line: str, imports: list[tuple[str, int]]) -> None:
    assert _imports(line) == imports


@pytest.mark.parametrize(
    "magic", ["time", "timeit -n 2", "capture out", "prun -s x", "python3", "mine", "time\n%%mine"]
)
def test_strip__cell_magic_over_python__keeps_the_cell(magic: str) -> None:
    assert _imports(f"\n%%{magic}\n!ls\nimport a") == [("a", 4 + magic.count("\n"))]
    assert strip(f"%%{magic}\nimport a").remarks == ()


@pytest.mark.parametrize("magic", ["bash", "!", "html", "writefile x.py", "R -i x", "cython", "sql x <<"])
def test_strip__cell_magic_over_another_language__drops_the_cell(magic: str) -> None:
    assert strip(f"%%{magic}\nimport a").text == ""
    assert strip(f"%%{magic}\n<b>").remarks == ()


def test_strip__unknown_cell_magic_over_what_is_not_python__says_so() -> None:
    cell = strip("\n%%mine x\nselect 1 from t")
    assert cell.text == ""
    assert cell.remarks == ((2, "a cell of %%mine, and not Python: what it imports is not listed"),)


def test_strip__file_that_is_run__is_a_remark_at_its_line() -> None:
    assert [line for line, _ in strip("%%time\nx = 1\n%run helper.py").remarks] == [3]


def test_strip__setup_of_timeit__is_python_too() -> None:
    assert _imports("%%timeit -n 1 import a\nimport b") == [("a", 1), ("b", 2)]
