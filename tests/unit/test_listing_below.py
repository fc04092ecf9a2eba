"""What a script needs below the top level: the submodules it imports, and the names that it takes from modules."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from python_package.analyze import analyze_sources

if TYPE_CHECKING:
    from pathlib import Path

    from python_package.spec import Spec


def _spec(source: str, name: str = "script.py") -> Spec:
    return analyze_sources([(name, source.encode())], python=sys.executable).spec


@pytest.mark.parametrize(
    "source",
    ["import numpy, yaml", "import numpy as np", "from numpy import *", "import os.path, xml.etree.ElementTree"],
)
def test_analyze__script_without_submodules__has_just_two_keys(source: str) -> None:
    assert list(json.loads(_spec(source).to_json())) == ["python", "modules"]


@pytest.mark.parametrize(
    ("source", "submodules"),
    [
        ("import matplotlib.pyplot as plt", ["matplotlib.pyplot"]),
        ("import a.b, a.b.c", ["a.b", "a.b.c"]),
        ("from a.b import *", ["a.b"]),
        ("from werkzeug.contrib.cache import SimpleCache", ["werkzeug.contrib.cache"]),
        ("from importlib import import_module as load\nload('a.b')", ["a.b"]),
        ("def f():\n  import a.b", ["a.b"]),
        ("try:\n  import a.b\nexcept ImportError:\n  import c.d", ["a.b", "c.d"]),
        # What the list of modules has already, and what is above that.
        ("import google.cloud.storage", []),
        ("from google.cloud import storage", []),
        ("import google.cloud.storage.blob", ["google.cloud.storage.blob"]),
        # What is run is not imported, and what is no identifier is no module.
        ("import runpy; runpy.run_module('a.b')", []),
        ("__import__('a.b-c')", []),
    ],
)
def test_analyze__submodules__are_recorded_after_the_modules(source: str, submodules: list[str]) -> None:
    data = json.loads(_spec(source).to_json())
    assert data.get("submodules", []) == submodules
    assert list(data)[:2] == ["python", "modules"]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from a import b, c as d", {"a": ["b", "c"]}),
        ("from a.b import c\nfrom a.b import d", {"a.b": ["c", "d"]}),
        ("with warnings.catch_warnings():\n  from a import b", {"a": ["b"]}),
        ("from google.cloud import storage", {}),
        ("from google.cloud.storage import Client", {"google.cloud.storage": ["Client"]}),
        ("from os import path", {}),
        ("if x:\n  from a import b", {}),
        ("if __name__ == '__main__':\n  from a import b", {}),
        ("try:\n  from a import b\nexcept ImportError:\n  raise", {}),
        ("def f():\n  from a import b", {}),
        ("for x in y:\n  from a import b", {}),
    ],
)
def test_analyze__names_taken_from_modules__are_recorded_where_the_script_cannot_start_without_them(
    source: str, names: dict[str, list[str]]
) -> None:
    assert json.loads(_spec(source).to_json()).get("names", {}) == names


@pytest.mark.parametrize(
    ("source", "deferred"),
    [
        ("import a.b", ()),
        ("from a.b import c", ()),
        ("def f():\n  import a.b", ("a.b",)),
        ("if x:\n  import a.b\nelse:\n  import a.c", ("a.b", "a.c")),
        ("try:\n  import a.b\nexcept ImportError:\n  raise", ("a.b",)),
        ("__import__('a.b')", ("a.b",)),
        ("def f():\n  import a.b\nimport a.b", ()),
    ],
)
def test_analyze__submodules_that_may_fail__are_deferred(source: str, deferred: tuple[str, ...]) -> None:
    assert _spec(source).deferred == deferred


def test_analyze__local_modules__count_as_surely_as_they_are_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "sure.py": "import q1.sub, further",
        "further.py": "from q2.sub import name\nfrom . import stray",
        "maybe.py": "import q3.sub, deep",
        "deep.py": "import q4.sub\nfrom q4 import name",
        "both.py": "import q5.sub",
        "pkg/__init__.py": "import q6.sub",
        "pkg/inner.py": "import q7.sub",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    spec = _spec("import sure\nimport pkg.inner\ndef f():\n  import maybe, both\nimport both")
    assert spec.submodules == tuple(f"q{number}.sub" for number in range(1, 8))
    assert spec.deferred == ("q3.sub", "q4.sub")
    assert spec.names == (("q2.sub", "name"),)


def test_analyze__files_of_a_directory__count_as_scripts(tmp_path: Path) -> None:
    from python_package.analyze import analyze_script

    (tmp_path / "q1.py").write_text("import a.b\nfrom a import c\nimport q2\ndef f():\n  import q3")
    (tmp_path / "q2.py").write_text("from a.d import e")
    (tmp_path / "q3.py").write_text("import a.f")
    spec = analyze_script(tmp_path, python=sys.executable)
    assert (spec.submodules, spec.deferred) == (("a.b", "a.d", "a.f"), ())
    assert spec.names == (("a", "c"), ("a.d", "e"))


def test_analyze__cells_of_a_notebook__are_as_a_script(tmp_path: Path) -> None:
    cells = ["import a.b", "%%time\nfrom a import c", "!ls\ndef f():\n  import a.d", "%load_ext e.f"]
    book = {"cells": [{"cell_type": "code", "source": cell} for cell in cells], "metadata": {}}
    spec = _spec(json.dumps(book), str(tmp_path / "book.ipynb"))
    assert (spec.submodules, spec.deferred) == (("a.b", "a.d", "e.f"), ("a.d",))
    assert spec.names == (("a", "c"),)
