"""What goes with each kind is decided by paths, and by what the modules that stay import."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from python_package.errors import UsageError
from python_package.pack import slim

SITE = "lib/python3.11/site-packages"


def gone(kind: str, files: Mapping[str, str]) -> set[str]:
    """Return what goes of a site-packages with these files, whose texts are given."""
    texts = {f"{SITE}/{path}": text.encode() for path, text in files.items()}
    return {path.removeprefix(f"{SITE}/") for path in slim.left_out(texts, [kind], texts.__getitem__)}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("headers", "include/python3.11/Python.h"),
        ("headers", "include/c++/vector"),
        ("headers", "targets/x86_64-linux/include/cuda.h"),
        ("headers", f"{SITE}/numpy/_core/include/numpy/arrayobject.h"),
        ("headers", f"{SITE}/numpy/__init__.pxd"),
        ("static", "lib/libz.a"),
        ("static", "lib/libz.la"),
        ("static", "lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a"),
        ("docs", "share/man/man1/ttx.1"),
        ("docs", "man/man1/python3.1"),
        ("docs", "share/doc/zlib/README"),
        ("docs", "share/info/dir"),
    ],
)
def test_left_out__a_path_of_the_kind__goes(kind: str, path: str) -> None:
    assert slim.left_out([path], [kind], lambda _: b"") == {path}
    assert not slim.left_out([path], set(slim.KINDS) - {kind}, lambda _: b"")


@pytest.mark.parametrize(
    "path",
    [
        "lib/gcc/x86_64-conda-linux-gnu/13/libgcc.a",  # a compiler's own
        "lib/gcc/x86_64-conda-linux-gnu/13/include/stddef.h",
        "lib/R/include/R.h",
        "share/doc/zlib/LICENSE",
        "share/doc/zlib/copyright",
        "share/mandala/data",
        f"{SITE}/pkg/data.a",
        f"{SITE}/pkg/include/data.json",
        f"{SITE}/pkg-1.dist-info/licenses/LICENSE",
        f"{SITE}/typed/marker.py.typed",
    ],
)
def test_left_out__what_only_looks_like_it__stays(path: str) -> None:
    assert not slim.left_out([path], slim.KINDS, lambda _: b"")


def test_left_out__tests__is_each_suite_with_its_data_and_pytests_settings() -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/conftest.py": "from pkg.tests import helper\n",
        "pkg/tests/__init__.py": "",
        "pkg/tests/helper.py": "",
        "pkg/tests/data/big.npy": "",
        "pkg/tests/deep/test_it.py": "",
        "pkg/tests/__pycache__/helper.cpython-311.pyc": "",
        "pkg/__pycache__/conftest.cpython-311.pyc": "",
        "pkg/sub/test/it_test.py": "",
        "tests/test_top.py": "",
    }
    assert gone("tests", files) == set(files) - {"pkg/__init__.py"}


def test_left_out__tests_of_the_interpreter__go() -> None:
    paths = ["lib/python3.11/test/test_os.py", "lib/python3.11/unittest/test/test_case.py", "lib/python3.11/os.py"]
    assert slim.left_out(paths, ["tests"], lambda _: b"") == set(paths[:2])


@pytest.mark.parametrize(
    "files",
    [
        {"numpy/testing/__init__.py": "", "numpy/testing/_private/utils.py": ""},  # users import it
        {"django/test/__init__.py": "", "django/test/client.py": ""},  # no test is in it
        {"pkg/latests/test_it.py": "", "pkg/test_utils.py": "", "test_alone.py": "", "conftest.py": ""},
    ],
)
def test_left_out__no_suite_of_tests__stays(files: Mapping[str, str]) -> None:
    assert gone("tests", files) == set()


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("pkg/__init__.py", "from .tests import runner\n"),
        ("pkg/__init__.py", "from . import tests\n"),
        ("pkg/__init__.py", "from . import (\n    one,\n    tests,\n)\n"),
        ("pkg/__init__.py", "from . import one, \\\n    tests\n"),
        ("pkg/sub/mod.py", "def late():\n    from ..tests.runner import main\n"),
        ("pkg/sub/__init__.py", "from ..tests.runner import main\n"),
        ("other/mod.py", "import os, pkg.tests.runner as runner\n"),
        ("other/mod.py", "import_module('pkg.tests.runner')\n"),
        ("other/mod.py", 'ENTRY = "pkg.tests:main"\n'),
        ("alone.py", "from pkg.tests import *"),
        ("other/tests/data.py", "import pkg.tests\n"),  # a folder of that name without a test is no suite
    ],
)
def test_left_out__a_suite_that_something_imports__stays_whole(module: str, text: str) -> None:
    files = {"pkg/tests/__init__.py": "", "pkg/tests/runner.py": "", "pkg/tests/test_it.py": "", "pkg/x.py": ""}
    assert gone("tests", {**files, module: text}) == set()


@pytest.mark.parametrize(
    "text",
    [
        "# from .tests import runner\n",
        "tests = 1\n",
        "from .testing import tests_of\n",
        "name = 'tests'\n",
        "import test\n",
    ],
)
def test_left_out__a_suite_that_is_only_mentioned__goes(text: str) -> None:
    assert gone("tests", {"pkg/mod.py": text, "pkg/tests/test_it.py": ""}) == {"pkg/tests/test_it.py"}


def test_left_out__a_suite_that_one_that_stays_imports__stays_too() -> None:
    files = {
        "first/mod.py": "from first.tests import helper\n",
        "first/tests/helper.py": "from second.tests.helper import more\n",
        "first/tests/test_it.py": "",
        "second/tests/helper.py": "",
        "second/tests/test_it.py": "from third.tests import x\n",
        "third/tests/test_it.py": "",
        "fourth/tests/test_it.py": "import first.tests\n",
    }
    assert gone("tests", files) == {"fourth/tests/test_it.py"}


def test_left_out__stubs__are_those_of_modules_that_are_there() -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/__init__.pyi": "",
        "pkg/fast.cpython-311-x86_64-linux-gnu.so": "",
        "pkg/fast.pyi": "",
        "pkg/py.typed": "",
        "other-stubs/__init__.pyi": "",
        "mypy/typeshed/stdlib/os.pyi": "",  # data of a tool
        "lazy/__init__.py": "import lazy_loader\nlazy_loader.attach_stub(__name__, __file__)\n",
        "lazy/__init__.pyi": "",  # read when it is imported
    }
    expected = {"pkg/__init__.pyi", "pkg/fast.pyi", "pkg/py.typed", "other-stubs/__init__.pyi"}
    assert gone("stubs", files) == expected


def test_left_out__bytecode__is_what_can_be_made_again() -> None:
    files = {
        "pkg/a.py": "",
        "pkg/__pycache__/a.cpython-311.pyc": "",
        "pkg/__pycache__/a.cpython-311.opt-1.pyc": "",
        "pkg/__pycache__/gone.cpython-311.pyc": "",
        "pkg/only.pyc": "",  # has no module of its own
    }
    assert gone("bytecode", files) == {"pkg/__pycache__/a.cpython-311.pyc", "pkg/__pycache__/a.cpython-311.opt-1.pyc"}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("all", tuple(slim.KINDS)),
        ("tests,headers", ("headers", "tests")),
        ("headers, tests,tests", ("headers", "tests")),
        ("docs,all", tuple(slim.KINDS)),
    ],
)
def test_parse__kinds__are_those_in_their_order(text: str, kinds: tuple[str, ...]) -> None:
    assert slim.parse(text) == kinds


@pytest.mark.parametrize("text", ["", "header", "headers,", "Tests", "headers;tests", "headers tests"])
def test_parse__no_kind__names_it_and_the_kinds_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="headers, static, tests, docs, stubs, bytecode"):
        slim.parse(text)
