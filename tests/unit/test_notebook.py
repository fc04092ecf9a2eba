"""Notebooks: which cells are read, what messages call their lines, and what is no notebook of Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_python import fake_python

from python_package.analyze import analyze_sources, read_script
from python_package.analyze.values import Analysis, Scope
from python_package.errors import InvalidScriptError, NotPythonError


@pytest.fixture
def python(tmp_path: Path) -> str:
    """Return a python3 of version 3.11.7."""
    return fake_python(tmp_path, "echo Python 3.11.7")


def _cell(source: str | list[str], kind: str = "code", **more: object) -> dict[str, object]:
    return {"cell_type": kind, "metadata": {}, "source": source, **more}


def _book(*cells: object, **metadata: object) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}).encode()


def _analyze(python: str, folder: Path, *books: bytes, scope: Scope | None = None) -> Analysis:
    sources = [(str(folder / f"{number}.ipynb"), book) for number, book in enumerate(books)]
    return analyze_sources(sources, python=python, scope=scope)


def test_analyze_sources__notebook__has_the_imports_of_its_code_cells(tmp_path: Path, python: str) -> None:
    book = _book(
        _cell("# import no", "markdown"),
        _cell(["import os\n", "import numpy as np"], outputs=[{"text": "import no"}]),
        _cell("import no", "raw"),
        _cell("%%bash\nimport no"),
        _cell("%%time\nimport pandas\n!pip install no"),
        _cell(""),
        kernelspec={"name": "python3", "language": "python"},
        language_info={"name": "python"},
    )
    found = _analyze(python, tmp_path, book)
    assert found.spec.modules == ("numpy", "pandas")
    assert [(use.found.name, use.found.line) for use in found.uses] == [("numpy", 2), ("pandas", 5)]
    assert found.remarks == ()


def test_analyze_sources__notebook_of_format_3__is_read(tmp_path: Path, python: str) -> None:
    cells = [
        {"cell_type": "heading", "source": "x"},
        {"cell_type": "code", "language": "python", "input": "import a"},
        {"cell_type": "code", "language": "ruby", "input": "import no"},
        {"cell_type": "code", "input": ["import b\n", "import c"]},
    ]
    book = {"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": cells}, {"cells": cells[:1]}, {}]}
    assert _analyze(python, tmp_path, json.dumps(book).encode()).spec.modules == ("a", "b", "c")


def test_analyze_sources__notebook__follows_modules_beside_it_and_folders_of_other_cells(
    tmp_path: Path, python: str
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "deep.py").write_text("import a")
    (tmp_path / "helper.py").write_text("import b")
    book = _book(_cell("import sys\nlib = 'lib'"), _cell("sys.path.append(lib)\nimport deep, helper"))
    assert _analyze(python, tmp_path, book).spec.modules == ("a", "b")


def test_analyze_sources__messages_of_a_notebook__name_cell_and_line(tmp_path: Path, python: str) -> None:
    name = f"{tmp_path}/0.ipynb"
    book = _book(
        _cell("x = 1\ny = 2"),
        _cell("text", "markdown"),
        _cell("\n__import__(x)\n__import__('my-module')"),
        _cell("if PY2:\n  import urllib2"),
        _cell("x\nprint 'old'"),
        _cell("%%mine\nno Python"),
        _cell("\n%run $x"),
    )
    assert _analyze(python, tmp_path, book).remarks == (
        f"{name}:cell 5:2: the syntax of an older Python; its imports were read all the same",
        f"{name}:cell 6:1: a cell of %%mine, and not Python: what it imports is not listed",
        f"{name}:cell 7:2: %run: what a file that only running tells imports is not listed",
        f"{name}:cell 3:2: imports a module by a name that only running it tells: not listed",
        f"{name}:cell 3:3: 'my-module' is not the name of an installable module: not listed",
        f"{name}:cell 4:2: urllib2 is of another Python's standard library, and optional: not listed",
    )


@pytest.mark.parametrize(
    "cell",
    [
        "ok\ndef (",
        "(\n",
        "'''",
        "if x:\n",
        "## Title\n\nThis has been run once\n",
        "x <- function(y) {\n  y$z\n}",
        "x = 1\nfoo x: y z",
        "%%time\nSELECT 1 FROM x",
    ],
)
def test_analyze_sources__cell_that_is_not_python__is_left_out_with_a_remark(
    cell: str, tmp_path: Path, python: str
) -> None:
    found = _analyze(python, tmp_path, _book(_cell("import a"), _cell(cell), _cell("import b")))
    assert found.spec.modules == ("a", "b")
    (remark,) = found.remarks
    assert remark.startswith(f"{tmp_path}/0.ipynb:cell 2:")
    assert remark.endswith("; what the cell imports is not listed")


@pytest.mark.parametrize("cells", [["def ("], ["no Python", "no Python either"]])
def test_analyze_sources__no_cell_that_is_python__is_refused(cells: list[str], tmp_path: Path, python: str) -> None:
    with pytest.raises(NotPythonError, match=r"0\.ipynb:cell 1:1: not valid Python: "):
        _analyze(python, tmp_path, _book(*map(_cell, cells)))


@pytest.mark.parametrize("cells", [[], ["%%bash\nls"], ["!ls", "no Python"], ["ls x y"], [""], ["# only this"]])
def test_analyze_sources__no_import_in_any_cell__is_no_module(cells: list[str], tmp_path: Path, python: str) -> None:
    assert _analyze(python, tmp_path, _book(*map(_cell, cells))).spec.modules == ()


def test_analyze_sources__magics_without_their_sign__are_ipythons(tmp_path: Path, python: str) -> None:
    cells = ["import a", "ls lung*", "cd ..", "pip install b", "pip install c\nimport b, c", "pylab inline"]
    found = _analyze(python, tmp_path, _book(*map(_cell, cells)))
    assert found.spec.modules == ("a", "b", "c", "matplotlib", "numpy")
    assert found.remarks == ()


def test_analyze_sources__name_of_a_magic_that_a_cell_binds__is_a_variable(tmp_path: Path, python: str) -> None:
    cells = ["from x import time\nif 1:\n  ls, *cd = 1, 2", "time x", "cd y", "ls z", "cp a b"]
    found = _analyze(python, tmp_path, _book(*map(_cell, cells)))
    assert [remark.split(":")[1] for remark in found.remarks] == ["cell 2", "cell 3", "cell 4"]


def test_analyze_sources__module_that_a_cell_writes__is_local_and_its_imports_count(
    tmp_path: Path, python: str
) -> None:
    cells = [
        "%%file helper.py\nimport a",
        "%%writefile pkg/__init__.py\nfrom . import inner",
        "%%writefile pkg/inner.py\nimport b",
        "%%file space/inner.py\nimport c",
        "%%file script.py\nimport d",
        "%%file -a script.py\nimport e",
        "%%file data.txt\nimport no",
        "import helper, pkg\nfrom space import inner\n!python script.py",
    ]
    found = _analyze(python, tmp_path, _book(*map(_cell, cells)))
    assert found.spec.modules == ("a", "b", "c", "d", "e")
    assert (found.remarks, found.local, found.places) == ((), (), ())
    assert {each.found.name: each.where for each in found.listed}["a"] == f"{tmp_path}/0.ipynb:cell 1:2"


def test_analyze_sources__file_that_a_cell_writes_anew__is_what_the_cell_says(tmp_path: Path, python: str) -> None:
    (tmp_path / "old.py").write_text("import old_one\n")
    (tmp_path / "more.py").write_text("import a\n")
    cells = ["%%file old.py\nimport b", "%%file -a more.py\nimport c", "import old, more"]
    found = _analyze(python, tmp_path, _book(*map(_cell, cells)))
    assert found.spec.modules == ("a", "b", "c")
    assert found.places == (("more", (f"{tmp_path}/more.py",)), ("old", (f"{tmp_path}/old.py",)))


def test_analyze_sources__written_file_that_is_not_python__is_a_remark(tmp_path: Path, python: str) -> None:
    cells = ["%%file broken.py\nimport (", "import broken, a"]
    found = _analyze(python, tmp_path, _book(*map(_cell, cells)))
    assert found.spec.modules == ("a",)
    assert [remark.partition(": ")[0] for remark in found.remarks] == [f"{tmp_path}/0.ipynb:cell 1:2"]


def test_analyze_sources__file_that_a_cell_runs__is_followed(tmp_path: Path, python: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "other.py").write_text("import a")
    (tmp_path / "sub" / "deep.py").write_text("import beside")
    (tmp_path / "sub" / "beside.py").write_text("import b")
    (tmp_path / "book.ipynb").write_bytes(_book(_cell("import c"), _cell("%%file made.py\nimport d")))
    cells = ["%run other.py x", "if 1:\n  %run -i sub/deep", "run book.ipynb", "%run -m e.f", "%cd sub", "%run gone.py"]
    found = _analyze(python, tmp_path, _book(*map(_cell, cells)))
    assert found.spec.modules == ("a", "b", "c", "d", "e")
    assert found.remarks == (f"{tmp_path}/0.ipynb:cell 6:1: no local file is sub/gone.py",)


def test_analyze_sources__folder_that_a_cell_goes_to__answers_imports(tmp_path: Path, python: str) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "__init__.py").write_text("import a")
    found = _analyze(python, tmp_path / "notebooks", _book(_cell("cd .."), _cell("import ours")))
    assert found.spec.modules == ("a",)


def test_analyze_sources__directory_of_notebooks__follows_what_they_write_and_run(tmp_path: Path, python: str) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "a.ipynb").write_bytes(_book(_cell("%%file made.py\nimport a"), _cell("import made"), _cell("no Python")))
    (folder / "b.ipynb").write_bytes(_book(_cell("%run other.py")))
    (folder / "other.py").write_text("import c")
    found = analyze_sources([(str(folder), read_script(str(folder)))], python=python)
    assert found.spec.modules == ("a", "c")
    assert len(found.remarks) == 1


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "pysparkkernel", "language": ""}, "language_info": {"name": "pyspark"}},
        {"kernelspec": {"name": "env", "language": ""}},
        {"kernelspec": {"language": "sage"}, "language_info": {"name": "sage"}},
        {"kernelspec": {"language": "Glue"}, "language_info": {"name": "Python_Glue_Session"}},
        {"kernelspec": {"language": "x"}, "language_info": {"name": "x", "mimetype": "text/x-python"}},
        {"language_info": {"name": "x", "codemirror_mode": {"name": "ipython", "version": 3}}},
        {"language_info": {"name": "x", "file_extension": ".py"}},
        {"language_info": {"name": None, "file_extension": 5}, "kernelspec": [1]},
        {"language_info": {"name": ["x"]}, "kernelspec": {"language": {"x": 1}}},
    ],
)
def test_analyze_sources__kernel_of_python_by_any_sign__is_python(
    metadata: dict[str, object], tmp_path: Path, python: str
) -> None:
    assert _analyze(python, tmp_path, _book(_cell("import a"), **metadata)).spec.modules == ("a",)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"", "0.ipynb:1: not valid Python: no notebook"),
        (b"import a\n", "0.ipynb:1: "),
        (b'{"cells": [\n\n}', "0.ipynb:3: "),
        (b"\xff\xfe", "0.ipynb:1: "),
        (b"[" * 100_000, "0.ipynb: JSON nested too deep"),
        (b"[]", "no notebook: it has no cells"),
        (b"{}", "no notebook: it has no cells"),
        (b'{"cells": {}}', "no notebook: it has no cells"),
        (_book(_cell("x", "raw"), _cell({"a": 1})), "0.ipynb:cell 2:1: not valid Python: its source is not text"),  # type: ignore[arg-type]
        (_book(kernelspec={"name": "ir", "language": "R"}), "0.ipynb:1: not valid Python: a notebook in R"),
        (_book(language_info={"name": "julia"}), "a notebook in julia"),
    ],
)
def test_analyze_sources__what_is_no_notebook_of_python__says_so(
    source: bytes, says: str, tmp_path: Path, python: str
) -> None:
    with pytest.raises(InvalidScriptError) as raised:
        _analyze(python, tmp_path, source)
    assert says in str(raised.value)


@pytest.mark.parametrize("cell", [None, 1, {}, {"cell_type": "code"}, _cell("", metadata=None), _cell([])])
def test_analyze_sources__odd_cell__is_empty(cell: object, tmp_path: Path, python: str) -> None:
    assert _analyze(python, tmp_path, _book(cell, _cell("import a"))).spec.modules == ("a",)


def test_analyze_sources__cell_in_another_language_of_the_editor__is_left_out(tmp_path: Path, python: str) -> None:
    other = _cell("SELECT 1", metadata={"vscode": {"languageId": "sql"}})
    same = _cell("import a", metadata={"vscode": {"languageId": "python"}})
    assert _analyze(python, tmp_path, _book(other, same)).spec.modules == ("a",)


def test_analyze_sources__metadata_in_a_cell__counts_and_faults_name_the_cell(tmp_path: Path, python: str) -> None:
    text = "# /// script\n# dependencies = [{}]\n# ///"
    book = _book(_cell("x"), _cell(text.format("'rich'")))
    assert _analyze(python, tmp_path, book).spec.packages == ("rich",)
    with pytest.raises(InvalidScriptError, match=r"0\.ipynb:cell 2:2: `dependencies`"):
        _analyze(python, tmp_path, _book(_cell("x"), _cell(text.format("1"))))


def test_analyze_sources__function_of_one_cell__counts_alone(tmp_path: Path, python: str) -> None:
    book = _book(_cell("import a\nimport a2"), _cell("def f():\n  import b"), _cell("import c"))
    assert _analyze(python, tmp_path, book, scope=Scope("f")).spec.modules == ("b",)
    assert _analyze(python, tmp_path, book, scope=Scope(None)).spec.modules == ("a", "a2", "c")


def test_analyze_sources__notebook_and_script__have_one_spec(tmp_path: Path, python: str) -> None:
    sources = [(str(tmp_path / "a.ipynb"), _book(_cell("import a"))), (str(tmp_path / "b.py"), b"import b")]
    assert analyze_sources(sources, python=python).spec.modules == ("a", "b")
