"""What is IPython's own in a cell, and what is Python; IPython 8 itself was the judge of the statements here."""

from __future__ import annotations

import ast

import pytest

from python_package.analyze.magics import Shell, Written, strip


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


@pytest.mark.parametrize("argument", ["$name", "{folder}/a.py", "", "-Z a.py", "-m $name"])
def test_strip__file_that_only_running_tells__is_a_remark_at_its_line(argument: str) -> None:
    cell = strip(f"%%time\nx = 1\n%run {argument}")
    assert [line for line, _ in cell.remarks] == [3]
    assert _imports(f"%%time\nx = 1\n%run {argument}") == []


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("%run other.py", "runpy.run_path('other.py')"),
        ("%run other", "runpy.run_path('other.py')"),
        ("%run -i -N 3 -p 'an other.py' x --y", "runpy.run_path('an other.py')"),
        ("%run ./a/../b.ipynb", "runpy.run_path('b.ipynb')"),
        ("%run -m a.b x", "runpy.run_module('a.b')"),
        ("run other.py", "runpy.run_path('other.py')"),
    ],
)
def test_strip__file_that_is_run__is_run_by_python(line: str, runs: str) -> None:
    assert strip(line).text.endswith(runs)
    assert strip(line).remarks == ()


@pytest.mark.parametrize(
    "cell",
    [
        "ls",
        "ls lung*",
        "ls -l",
        "ls (",
        "\n  cd ..\n",
        "pip install x",
        "cp a b",
        "mkdir -p /x",
        "conda install -c conda-forge x",
        "%%time\nls a b",
    ],
)
def test_strip__magic_without_its_sign__is_gone(cell: str) -> None:
    assert strip(cell).text.strip() in ("pass", "sys.path.insert(0, '..')", "")


@pytest.mark.parametrize(
    "cell", ["ls = 1", "cd, x = 1, 2", "cat == 1", "time.sleep(1)", "run.x", "ls(1)\nx", "x = 1\nls", "env['x'] = 1\ny"]
)
def test_strip__python_that_starts_with_the_name_of_a_magic__is_left_alone(cell: str) -> None:
    assert strip(cell).text == cell


def test_strip__magic_whose_name_is_bound__is_left_alone() -> None:
    assert strip("ls x", Shell(bound=lambda: {"ls"})).text == "ls x"
    assert strip("ls x", Shell(bound=lambda: {"cd"})).text == "pass"


def test_strip__magic_without_its_sign_among_other_lines__is_gone_for_the_lenient() -> None:
    cell = "pip install x\nimport x\nif x:\n    cd ..\ntime = 1"
    assert strip(cell).text == cell
    found = strip(cell, Shell(lenient=True))
    assert found.text == "pass\nimport x\nif x:\n    sys.path.insert(0, '..')\ntime = 1"
    assert found.folder == ".."


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("%%writefile a.py", ("a.py", False)),
        ("%%file -a 'b c.py'", ("b c.py", True)),
        ("%%writefile --append pkg/../x/__init__.py", ("x/__init__.py", True)),
    ],
)
def test_strip__module_that_is_written__is_no_python_of_the_cell(line: str, written: tuple[str, bool]) -> None:
    cell = strip(f"\n{line}\nimport a\n%x")
    assert cell.text == ""
    assert cell.written == Written(written[0], "\n\nimport a\n%x\n", written[1])


@pytest.mark.parametrize("line", ["%%writefile a.txt", "%%file", "%%file a.py b.py", "%%writefile $name.py"])
def test_strip__file_that_is_no_module__is_nothing(line: str) -> None:
    cell = strip(f"{line}\nimport a")
    assert (cell.text, cell.written) == ("", None)
    assert [at for at, _ in cell.remarks] == ([1] if "$" in line else [])


def test_strip__folder_that_a_cell_goes_to__is_where_what_it_writes_and_runs_is() -> None:
    shell = Shell(strip("%cd a\n%cd ../b").folder)
    assert shell.folder == "b"
    assert strip("%run c", shell).text == "import runpy; sys.path.insert(0, 'b'); runpy.run_path('b/c.py')"
    written = strip("%%file d.py\n", shell).written
    assert written is not None
    assert written.path == "b/d.py"
    assert [strip(f"%cd {to}", shell).folder for to in ("-", "$x", "{x}", "a b", "")] == ["b"] * 5


def test_strip__long_line__takes_no_time() -> None:
    line = "a" + " " * 1_000_000 + "b"
    assert strip(line).text == line


def test_strip__setup_of_timeit__is_python_too() -> None:
    assert _imports("%%timeit -n 1 import a\nimport b") == [("a", 1), ("b", 2)]
