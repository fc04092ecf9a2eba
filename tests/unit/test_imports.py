"""What a module's syntax tree says about imports, beyond the corpus: kinds, levels, lines, odd calls, folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_package.analyze.imports import imports_of
from python_package.analyze.parsing import parse
from python_package.analyze.values import CONDITIONAL, OPTIONAL, REQUIRED, Import, Module


def _module(text: str) -> Module:
    source = text.encode()
    return imports_of(parse(source, "script.py")[0], "/home/me/script.py", source)


def _kinds(text: str) -> dict[str, str]:
    return {found.name: found.kind for found in _module(text).imports}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import a.b as c", Import("a.b", (), 0, 1, REQUIRED, True)),
        ("\n\nfrom a.b import (c,\n d as e)", Import("a.b", ("c", "d"), 0, 3, REQUIRED, True)),
        ("from a import *", Import("a", ("*",), 0, 1, REQUIRED, True)),
        ("from . import a", Import("", ("a",), 1, 1, REQUIRED, True)),
        ("from ...a.b import c", Import("a.b", ("c",), 3, 1, REQUIRED, True)),
        ("__import__('a.b', globals(), locals(), ['c'], 0)", Import("a.b", ("c",), 0, 1, REQUIRED)),
        ("__import__('a', globals(), level=2)", Import("a", (), 2, 1, REQUIRED)),
        ("__import__(name='a', fromlist=('b', 'c'))", Import("a", ("b", "c"), 0, 1, REQUIRED)),
        ("__import__('a', {}, {}, [], -1)", Import("a", (), 0, 1, REQUIRED)),
    ],
)
def test_imports_of__one_import__is_recorded_in_full(text: str, found: Import) -> None:
    assert _module(text).imports == (found,)


@pytest.mark.parametrize(
    ("text", "always"),
    [
        ("import a", True),
        ("from a import b", True),
        ("x = 1; import a", True),
        ("with warnings.catch_warnings():\n  import a", True),
        ("class A:\n  with b:\n    import a", True),
        ("with suppress(ImportError):\n  import a", False),
        ("with suppress(ImportError):\n  with b:\n    import a", False),
        ("if x:\n  import a", False),
        ("if __name__ == '__main__':\n  import a", False),
        ("try:\n  import a\nfinally:\n  pass", False),
        ("try:\n  import a\nexcept ImportError:\n  raise", False),
        ("def f():\n  import a", False),
        ("class A:\n  def f(self):\n    import a", False),
        ("def f():\n  with b:\n    class A:\n      import a", False),
        ("for x in y:\n  import a", False),
        ("while x:\n  import a", False),
        ("__import__('a')", False),
    ],
)
def test_imports_of__import_outside_functions_if_and_try__always_happens(text: str, always: bool) -> None:
    assert [found.always for found in _module(text).imports if found.name == "a"] == [always]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import_module('.a', 'p')", ("p.a", 0)),
        ("import_module('.a.b', 'p.q')", ("p.q.a.b", 0)),
        ("import_module('..a', 'p.q')", ("p.a", 0)),
        ("import_module('..a', __package__)", ("a", 2)),
        ("import_module('.a', package=__name__)", ("a", 1)),
    ],
)
def test_imports_of__relative_import_module__is_resolved(text: str, found: tuple[str, int]) -> None:
    last = _module(f"from importlib import import_module\n{text}").imports[-1]
    assert (last.name, last.level) == found


@pytest.mark.parametrize(
    "call",
    [
        "import_module(name)",
        "import_module()",
        "import_module('')",
        "import_module('.a')",
        "import_module('.a', package)",
        "import_module('a' + b)",
        "import_module(f'a{b}')",
        "import_module(1)",
        "import_module(*names)",
        "import_module(**names)",
        "__import__(name)",
        "__import__(b'a')",
    ],
)
def test_imports_of__call_with_a_computed_name__gives_its_line(call: str) -> None:
    module = _module(f"from importlib import import_module\n\nx = [{call}]")
    assert [found.name for found in module.imports] == ["importlib"]
    assert module.computed == (3,)


@pytest.mark.parametrize(
    "text",
    [
        "import_module('a')",  # not importlib's
        "def import_module(x): pass\nimport_module('a')",
        "self.import_module('a')",
        "loader.import_module('a')",
        "__import__",
        "'import_module(1)'",
    ],
)
def test_imports_of__function_that_is_not_pythons__is_left_alone(text: str) -> None:
    module = _module(text)
    assert module.imports == ()
    assert module.computed == ()


@pytest.mark.parametrize(
    "text",
    [
        "from importlib import *\nimport_module('a')",
        "import importlib.machinery\nimportlib.import_module('a')",
        "x.importlib.import_module('a')",
        "import importlib\nload = importlib.import_module\ndef f(): load('a')",
        "load = __import__\nload('a')",
        "def f(): return load('a')\nfrom importlib import import_module as load",
        "from importlib import __import__ as load\nload('a')",
        "import builtins as b\nb.__import__('a')",
    ],
)
def test_imports_of__import_function_under_another_name__is_recognised(text: str) -> None:
    assert "a" in [found.name for found in _module(text).imports]


@pytest.mark.parametrize(
    "text",
    [
        "try: import a\nexcept ImportError: pass",
        "try: import a\nexcept ModuleNotFoundError as error: print(error)",
        "try: import a\nexcept (KeyError, ImportError): pass",
        "try: import a\nexcept: pass",
        "try: import a\nexcept Exception: pass",
        "try: import a\nexcept builtins.ImportError: pass",
        "try: pass\nexcept ImportError: import a",
        "try:\n if x: import a\nexcept ImportError: pass",
        "def f():\n try: import a\n except ImportError: return",
        "import contextlib\nwith contextlib.suppress(ImportError): import a",
        "with suppress(KeyError, ModuleNotFoundError): import a",
        "try: __import__('a')\nexcept ImportError: pass",
    ],
)
def test_imports_of__import_whose_failure_is_handled__is_optional(text: str) -> None:
    assert _kinds(text)["a"] == OPTIONAL


@pytest.mark.parametrize(
    "condition",
    [
        "sys.platform == 'win32'",
        "'win32' == sys.platform",
        "sys.platform != 'linux'",
        "sys.platform in ('win32', 'cygwin')",
        "sys.platform not in {'linux', 'darwin'}",
        "sys.platform.startswith('win')",
        "sys.platform.startswith(('win', 'cygwin'))",
        "not sys.platform.startswith('linux')",
        "os.name == 'nt'",
        "platform.system() == 'Windows'",
        "platform.system() == 'Darwin' and wanted",
        "os.name == 'nt' or sys.platform == 'darwin'",
    ],
)
def test_imports_of__condition_that_only_other_systems_meet__makes_optional(condition: str) -> None:
    kinds = _kinds(f"if {condition}:\n import a\n if x: import b\nelse: import c")
    assert kinds == {"a": OPTIONAL, "b": OPTIONAL, "c": CONDITIONAL}
    turned = _kinds(f"if not ({condition}): import a\nelif y: import b\nelse: import c")
    assert turned == {"a": CONDITIONAL, "b": OPTIONAL, "c": OPTIONAL}


@pytest.mark.parametrize(
    "condition",
    [
        "sys.platform == wanted",
        "sys.platform == 'win32' or wanted",
        "sys.platform != 'win32' and wanted",
        "sys.platform in names",
        "sys.platform == ('win32', 'cygwin')",
        "sys.platform in 'win32'",
        "sys.platform in ('win32', name)",
        "sys.platform == b'win32'",
        "sys.platform < 'win32'",
        "'a' == sys.platform == 'b'",
        "platform.system == 'Windows'",
        "sys.platform() == 'win32'",
        "my.platform == 'win32'",
        "platform.system(x) == 'Windows'",
        "sys.platform.startswith(prefix)",
        "sys.platform.endswith('32')",
        "sys.version_info < (3, 8)",
        "wanted",
    ],
)
def test_imports_of__condition_that_may_hold_on_linux__is_a_condition(condition: str) -> None:
    kinds = _kinds(f"if {condition}: import a\nelse: import b")
    assert kinds == {"a": CONDITIONAL, "b": CONDITIONAL}


@pytest.mark.parametrize(
    "text",
    [
        "import a",
        "def f(): import a",
        "if __name__ == '__main__': import a",
        "if '__main__' == __name__: import a",
        "try: import a\nexcept ValueError: pass",
        "try: import a\nfinally: pass",
        "try: pass\nexcept ImportError: pass\nelse: import a",
        "try: pass\nexcept ImportError: pass\nfinally: import a",
        "try: import a\nexcept ImportError: raise SystemExit('install a')",
        "try: import a\nexcept ImportError: sys.exit('install a')",
        "try: import a\nexcept ImportError:\n print('install a')\n exit(1)",
        "try: import a\nexcept ImportError: os._exit(1)",
        "with open(ImportError): import a",
        "if TYPE_CHECKING: pass\nelse: import a",
        "if not TYPE_CHECKING: import a",
    ],
)
def test_imports_of__import_whose_failure_ends_the_script__is_required(text: str) -> None:
    assert _kinds(text)["a"] == REQUIRED


@pytest.mark.parametrize(
    "text",
    [
        "if x: import a",
        "if x: pass\nelse: import a",
        "if x: pass\nelif y: import a",
        "try: pass\nexcept ValueError: import a",
        "match x:\n case 1: import a",
        "if TYPE_CHECKING or x: import a",
        "if x:\n def f(): import a",
    ],
)
def test_imports_of__import_under_a_condition__is_conditional(text: str) -> None:
    assert _kinds(text)["a"] == CONDITIONAL


# What SWIG 4 writes, without and with -builtin, and what people write.
PAIRS = [
    'if __package__ or "." in __name__:\n  from . import _x\nelse:\n  import _x\n',
    'if __package__ or "." in __name__:\n  from ._x import *\nelse:\n  from _x import *\n',
    "if __package__:\n  from . import _x\nelse:\n  import _x\n",
    "if not __package__:\n  import _x\nelse:\n  from . import _x\n",
    'if __package__ in (None, ""):\n  import _x\nelse:\n  from . import _x\n',
    'if "." in __name__:\n  from . import _x\nelse:\n  import _x\n',
]


@pytest.mark.parametrize("text", PAIRS)
def test_imports_of__module_beside_it_with_or_without_a_package__is_not_required_of_others(
    text: str, tmp_path: Path
) -> None:
    source, file = text.encode(), tmp_path / "x.py"
    alone = imports_of(parse(source, "x.py")[0], str(file), source).imports
    (tmp_path / "__init__.py").touch()
    inside = imports_of(parse(source, "x.py")[0], str(file), source).imports

    assert [found.kind for found in alone if found.level == 0] == [OPTIONAL]
    assert [found.level for found in inside] == [1]


@pytest.mark.parametrize(
    "text",
    [
        "if __package__:\n  from . import b\nelse:\n  import a\n",
        "if __package__:\n  import a\n",
        "if x:\n  from . import a\nelse:\n  import a\n",
        "if __package__:\n  from .. import a\nelse:\n  import a\n",
        "if __package__ is None:\n  import a, c\nelse:\n  from . import b\n",
    ],
)
def test_imports_of__another_module_with_or_without_a_package__stays_conditional(text: str, tmp_path: Path) -> None:
    source = text.encode()
    (tmp_path / "__init__.py").touch()
    found = imports_of(parse(source, "x.py")[0], str(tmp_path / "x.py"), source).imports

    assert {each.name: each.kind for each in found if each.level == 0}["a"] == CONDITIONAL


@pytest.mark.parametrize(
    "condition",
    [
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
        "TYPE_CHECKING and x",
        "x and TYPE_CHECKING",
        "not not TYPE_CHECKING",
        "not (x or not TYPE_CHECKING)",
        "TYPE_CHECKING or typing.TYPE_CHECKING",
    ],
)
def test_imports_of__condition_that_is_false_at_run_time__drops_the_body_alone(condition: str) -> None:
    assert _kinds(f"if {condition}: import a\nelse: import b") == {"b": REQUIRED}


def test_imports_of__alias_of_type_checking_bound_in_a_try__is_known_after_it() -> None:
    text = "try: from typing import TYPE_CHECKING as T\nexcept ImportError: T = False\nif T: import a"
    assert "a" not in _kinds(text)


def test_imports_of__literal_all__is_exported() -> None:
    assert _module("__all__ = ['a', 'b']").exports == ("a", "b")
    assert _module("__all__ = names()").exports == ()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("sys.path.insert(0, 'lib')", ("lib", True)),
        ("sys.path.insert(1, 'lib')", ("lib", False)),
        ("sys.path.append('/opt/lib')", ("/opt/lib", False)),
        ("sys.path.extend(['lib'])", ("lib", False)),
        ("sys.path += ['lib']", ("lib", False)),
        ("if x: sys.path.append('lib')", ("lib", False)),
        ("sys.path.append(os.path.dirname(__file__))", ("/home/me", False)),
        ("sys.path.append(os.path.abspath(os.path.join(os.path.dirname(__file__), '..')))", ("/home/me/..", False)),
        ("sys.path.append(os.path.join(os.path.dirname(__file__), os.pardir, 'lib'))", ("/home/me/../lib", False)),
        ("sys.path.append(os.path.dirname(os.path.realpath(__file__)) + '/lib')", ("/home/me/lib", False)),
        ("sys.path.append(str(Path(__file__).parent / 'lib'))", ("/home/me/lib", False)),
        ("sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))", ("/home", False)),
        ("sys.path.append(Path(__file__).parent.joinpath('a', 'b').as_posix())", ("/home/me/a/b", False)),
        ("sys.path.append(f'{os.path.dirname(__file__)}/lib')", ("/home/me/lib", False)),
        ("here = os.path.dirname(__file__)\nroot = os.path.dirname(here)\nsys.path.insert(0, root)", ("/home", True)),
        ("lib = 'lib'\nsys.path.append(lib)", ("lib", False)),
        ("lib: str = 'lib'\nsys.path.append(lib)", ("lib", False)),
        ("sys.path += ('lib',)", ("lib", False)),
        ("sys.path += ['lib'] + find()", ("lib", False)),
        ("sys.path.extend(('lib',))", ("lib", False)),
        ("sys.path[0:0] = ['lib']", ("lib", True)),
        ("sys.path[:0] = ['lib']", ("lib", True)),
        ("sys.path[:1] = ('lib',)", ("lib", True)),
        ("sys.path[1:1] = ['lib']", ("lib", False)),
        ("sys.path[len(sys.path):] = ['lib']", ("lib", False)),
        ("sys.path[:] = ['lib'] + sys.path", ("lib", True)),
        ("sys.path[:] = sys.path + ['lib']", ("lib", False)),
        ("sys.path = ['lib'] + sys.path", ("lib", True)),
        ("sys.path = ['lib', *sys.path]", ("lib", True)),
        ("sys.path = [*sys.path, 'lib']", ("lib", False)),
        ("sys.path = sys.path + find() + ['lib']", ("lib", False)),
        ("sys.path = sys.path[:1] + ['lib'] + sys.path[1:]", ("lib", False)),
        ("sys.path = ['lib'] + sys.path[1:]", ("lib", True)),
        ("before = sys.path = ['lib'] + sys.path", ("lib", True)),
        ("site.addsitedir('lib')", ("lib", False)),
        ("site.addsitedir('lib', 'known')", ("lib", False)),
        ("from site import addsitedir\naddsitedir('lib', known)", ("lib", False)),
        ("site.addsitedir(os.path.join(os.path.dirname(__file__), 'lib'))", ("/home/me/lib", False)),
        ("sys.path.append(os.getcwd())", (".", False)),
        ("sys.path.append(os.path.join(os.getcwd(), 'lib'))", ("./lib", False)),
        ("sys.path.append(os.getcwd() + '/lib')", ("./lib", False)),
        ("from os import getcwd\nsys.path.append(f'{getcwd()}/lib')", ("./lib", False)),
        ("sys.path.append(str(Path.cwd() / 'lib'))", ("./lib", False)),
        ("sys.path.append(str(pathlib.Path.cwd().joinpath('lib')))", ("./lib", False)),
        ("sys.path.append(os.path.abspath(os.getcwd()))", (".", False)),
        ("sys.path.append(os.path.dirname(os.getcwd()))", ("./..", False)),
        ("sys.path.append(str(Path.cwd().parent / 'lib'))", ("./../lib", False)),
        ("sys.path.append(str(Path.cwd().parents[1]))", ("../..", False)),
        ("sys.path.append(str((Path.cwd() / 'a' / 'b').parent))", ("a", False)),
        ("sys.path.append(str(Path('..').resolve().parent))", ("../..", False)),
        ("here = os.getcwd()\nsys.path.insert(0, here)", (".", True)),
    ],
)
def test_imports_of__folder_put_on_sys_path__is_found(statement: str, found: tuple[str, bool]) -> None:
    assert _module(f"import os, sys\n{statement}").folders == (found,)


@pytest.mark.parametrize(
    "statement",
    [
        "sys.path.append(os.environ['LIB'])",
        "sys.path.append(sys.argv[1])",
        "sys.path.append(find() + '/lib')",
        "sys.path.append(os.path.join(root, 'lib'))",
        "sys.path.append(Path(__file__).parents[n])",
        "sys.path.append(b'lib')",
        "sys.path.append(1 - 2)",
        "sys.path.append()",
        "sys.path.insert('lib')",
        "sys.path.extend()",
        "sys.path.remove('lib')",
        "os.path.append('lib')",
        "path.append('lib')",
        "lib = 'lib'\nlib = find()\nsys.path.append(lib)",
        "lib = 'lib'\nlib: str = find()\nsys.path.append(lib)",
        "lib = 'lib'\nlib += find()\nsys.path.append(lib)",
        "lib = 'lib'\nsys.path.append(f'{lib!r}')",
        "lib = 'lib'\nsys.path.append(f'{lib:>9}')",
        "sys.path[0:0] = find()",
        "sys.path[0:0] = 'lib'",
        "sys.path[0] = 'lib'",
        "sys.path[0] = ['lib']",
        "sys.path[0:0] = [find()]",
        "sys.path = find()",
        "sys.path = [x for x in sys.path if x != 'lib']",
        "sys.path = sys.path[1:]",
        "paths[0:0] = ['lib']",
        "os.path[0:0] = ['lib']",
        "x.sys.path = ['lib']",
        "sys.path, x = ['lib'], 1",
        "sys.path == ['lib']",
        "sys.path += find()",
        "del sys.path[0:0]",
        "site.addsitedir(find())",
        "site.addsitedir()",
        "site.addsitepackages('lib')",
        "other.addsitedir('lib')",
        "site.addsitedir",
        "sys.path.append(ftp.getcwd())",
        "sys.path.append(find().getcwd())",
        "sys.path.append(self.cwd())",
        "sys.path.append(cwd())",
        "sys.path.append(Path.cwd)",
        "sys.path.append(os.getcwd)",
        "sys.path.append(os.getcwd(1))",
        "sys.path.append(os.path.join(os.getcwd(), find()))",
    ],
)
def test_imports_of__folder_that_only_running_tells__is_not_guessed(statement: str) -> None:
    assert _module(f"import os, sys\n{statement}").folders == ()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("sys.path[0:0] = ['a', 'b']", [("b", True), ("a", True)]),
        ("sys.path = ['a', 'b', *sys.path, 'c', 'd']", [("b", True), ("a", True), ("c", False), ("d", False)]),
        ("sys.path[:] = ['a'] + ['b'] + sys.path + ['c']", [("b", True), ("a", True), ("c", False)]),
        ("sys.path += ['a', find(), 'b']", [("a", False), ("b", False)]),
        ("sys.path[1:1] = ['a', 'b']", [("a", False), ("b", False)]),
    ],
)
def test_imports_of__several_folders_put_on_sys_path__keep_their_order(
    statement: str, found: list[tuple[str, bool]]
) -> None:
    # What goes to the front is taken one after the other, so that the last one taken is the first of all.
    assert _module(f"import sys\n{statement}").folders == tuple(found)


def test_imports_of__condition_nested_deeper_than_the_recursion_limit__is_walked() -> None:
    # The parser itself goes to about 2,000 levels.
    assert _kinds("if " + "not " * 1500 + "x: import a") == {"a": CONDITIONAL}


def test_imports_of__sum_nested_deeper_than_the_recursion_limit__is_walked() -> None:
    assert _kinds("x = y" + " + y" * 1500 + "\nimport a") == {"a": REQUIRED}


def test_imports_of__call_inside_blocks__is_found_once_with_the_kind_of_its_own_place() -> None:
    call = "importlib.import_module"
    text = f"import importlib\nif x:\n try:\n  {call}('a'), {call}(n)\n except ImportError: pass"
    module = _module(text)
    assert [(found.name, found.kind) for found in module.imports] == [("importlib", REQUIRED), ("a", OPTIONAL)]
    assert module.computed == (4,)
