"""A file that is read in haste, up to its last import, has the imports that all of it has."""

from __future__ import annotations

import sysconfig
import warnings
from pathlib import Path

import pytest

from python_package.analyze.reading import read
from python_package.analyze.values import Module
from python_package.errors import BoundError, InvalidScriptError
from python_package.files import bounds
from scripts.compare.corpus import Case, cases

# The whole of it takes half a minute; each run of the tests takes every so many files.
EVERY = 8


def _read(source: bytes, *, hasty: bool) -> Module | None:
    """Return what a file says of imports; None for one that is not Python."""
    try:
        module = read(source, "/x.py", "x.py", hasty=hasty).module
    except InvalidScriptError:
        return None
    return module.replace(exports=())  # nobody asks for them of files that are read in haste


def _agrees(source: bytes) -> None:
    whole = _read(source, hasty=False)
    if whole is not None:
        assert _read(source, hasty=True) == whole, source


@pytest.mark.slow
@pytest.mark.parametrize("place", ["stdlib", "purelib"])
def test_read__real_files_in_haste__have_the_imports_of_the_whole(place: str) -> None:
    files = sorted(Path(sysconfig.get_path(place)).rglob("*.py"))
    files = [file for file in files if place == "purelib" or "site-packages" not in file.parts][::EVERY]
    assert len(files) > 50
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            _agrees(file.read_bytes())


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases()])
def test_read__hard_script_in_haste__has_the_imports_of_the_whole(case: Case) -> None:
    for name, source in case.files.items():
        if name.endswith(".py"):
            _agrees(source)


SHAPES = [
    "class A:\n  import a\n  with b:\n    import c\n    def f():\n      import d\nimport e",
    "with suppress(ImportError):\n  import a\nwith b, c:\n  import d\nwith e: import f",
    "for a in b:\n  with c:\n    import d\nelse:\n  import e",
    "import a, b.c as d",
    "from a import (b as c,  # why\n  d,\n)\nimport e",
    "from . import a\nfrom ...b.c import *\nfrom .d import e, f",
    "from .import a",
    "from a import\\\n  b\nimport c",
    "import a; x = 1; import b",
    "if x: import a",
    "if x: import a; import b\nelse: import c",
    "try: import a\nexcept ImportError: import b",
    "try:\n  import a\nexcept (ImportError, KeyError) as e:\n  x = 1\n  raise\nimport b",
    "try:\n  import a\nexcept ImportError:\n  def f():\n    pass\n  # x\n\nelse:\n  import b\nfinally:\n  import c",
    "try:\n  x = 1\nexcept ValueError:\n  import a\n",
    "try:\n  import a\nexcept ImportError:\n  sys.exit('no')",
    "def f(x=(\n1,\n)) -> int:\n  '''import no'''\n  import a\n  return 1\nimport b",
    "class A:\n  x = 1\n  @d(\n1)\n  async def f(self):\n    async with x:\n      import a\n    if y:\n      import b",
    "def f(): import a\nclass B: import b",
    "for x in y:\n  import a\nelse:\n  import b\nwhile x: import c",
    "def f():\n  for x in y: pass\n  else:\n    import a",
    "with suppress(ImportError):\n  import a\nwith open(x):\n  import b",
    "def f():\n  with contextlib.suppress(\n    ImportError\n  ):\n    import a",
    "match x:\n  case 1:\n    import a\n  case _: import b",
    "match = 1\ncase = [\n2]\nimport a",
    "def f():\n  match = x\n  if y:\n    match = z\n    import a",
    "if TYPE_CHECKING:\n  import no\nelse:\n  import a",
    "from typing import TYPE_CHECKING as  T\nif T:\n  import no\nimport a",
    "def f():\n  if typing.TYPE_CHECKING:\n    import no\n  import a",
    "if __name__ == '__main__':\n  import a",
    "if sys.platform == 'win32':\n  import a\nelif x:\n  import b\nelse:\n  import c",
    "def f():\n  if x:\n    return\n  import a\n  if y: pass\n  import b\n  if z:\n    import c",
    "class A:\n  if x:\n    def f(self):\n      import a\n  def g(self):\n    import b",
    "x = '''\nimport no\n'''\nimport a\ny = '''\nimport no\n'''",
    "x = \"it's\"  # don't import no\nimport a",
    "x = 'a\\\nimport no'\nimport a",
    "x = (\n'import no'\n)\nimport a\nx = [ # (\n1]",
    "x = r'\\' + '#'\nimport a  # (",
    "x = 'import no' if y else \"\"\"import no\"\"\"\nimport a",
    "x = 1 + \\\n  2\nimport a \\\n\nimport b",
    "important = 1\nx.imports = reimport\nimport a",
    "# import no",
    "'import no'",
    "import a\ndef f():\n\tif x:\n\t\timport b\n",
    "import a\r\nif x:\r\n  import b\r\n",
    "\nimport a\n\fimport b\n",
    "# -*- coding: utf-8 -*-\nimport a",
    "#!x\n# vim: set fileencoding=UTF8 :\nimport a\nñ = 1",
    "import ñandú\nfrom ñ import é",
    "import importlib\nimportlib.import_module('a')\nx = importlib.import_module('b' + '.c')",
    "from importlib import import_module\nif x:\n  y = [import_module('a'), import_module(f'b')]",
    "import importlib\ndef f(u1):\n  u1 = u1 or 'a'\n  return importlib.import_module(u1)",
    "import importlib\nu2 = 'a'\nx = importlib.import_module(u2.z)\n",
    "import importlib\nfor u3 in f(): importlib.import_module(u3)",
    "import importlib\nfor u4 in x.y: importlib.import_module(u4)",
    "import importlib\nu5 = 'a'\nx = importlib.import_module(f'{u5}.{u6}')",
    "import importlib\nu7 = None\nx = importlib.import_module(u7)",
    "import importlib\nu8 = f()\nx = importlib.import_module(u8)",
    "from other import import_module\nimport_module('no')",
    "try:\n  __import__('a')\nexcept ImportError: pass",
    "def f(x=__import__('a')):\n  pass",
    "def import_module(x):\n  return 1\nf(g, __import__)",
    "print(x)\nx.print\nfprint = exec\nimport a",
    "x = f'{a!r:>{b}} {{}} {c[\"d\"]}'\nimport a",
    "x = f'''{\na}\n'''\nimport b",
    "import a\nif x:\n  y = '''\nnot a statement '''\n  import b\nz = 1",
    "import a\nx = '''\nimport no\ny = 1\n'''\n",
    "if x:\n    pass\n# comment at the margin\n    import a\nelse:\n    import b",
    "import a\nif x != y: pass",
    "import sys\nx = sys.path[0]\nif sys.path == y: pass",
    "import sys\nfor x in sys.path: pass\nsys.pathology = 1",
    "async def f():\n  async for x in y:\n    import a",
    "if a:\n  if b:\n    import c\n  elif d:\n    pass\n  else:\n    try:\n      import e\n    except: pass\nimport f",
    "x: int = 1\nlambda: (yield)\nimport a",
    "x = {'a': 1,\n'b':\n2}\nimport a",
    "if x:\n  import a\n  # end\n\n\nelif y:\n\n  import b\n\n\nx = 1\n",
    "def f():\n    return (\n  1)\n    import a\n",
    "import a, \\\nb\nx = 1",
    "if x:\n  y = (1,\n2); import a\nimport b",
    "x = (\n1) + (\n2); import a\nimport b",
    "class A:\n    if x:\n        import a\nclass B:\n\tif x:\n\t\timport b\n\tdef f(self):\n\t  \timport c\n",
]  # fmt: skip


@pytest.mark.parametrize("text", SHAPES)
def test_read__python_of_all_shapes_in_haste__has_the_imports_of_the_whole(text: str) -> None:
    _agrees(text.encode())
    _agrees(text.encode() + b"\n")
    _agrees(text.encode() + b"\n\n\ny = 2\n")
    _agrees(b"x = 1\n\n" + text.encode() + b"\n\n\ny = 2\n")


ODD = [
    b"import sys\nsys.path.append('x')",
    b"import sys\nsys. \\\n path += ['x']",
    b"import sys\ndef f():\n  sys.path.insert(0, 'x')",
    b"import sys\nx = '''import'''\ny = 1\nsys.path.append('x')",
    b"import sys\nsys.path[0:0] = ['x']",
    b"import sys\nx = 1\nsys.path [ : ] = ['x'] + sys.path",
    b"import sys\nx = 1\nsys.path = ['x', *sys.path]",
    b"import sys\n( sys\n.path ) [len(sys.path):] = ['x']",
    b"import site\nx = 1\nsite.addsitedir('x')",
    b"from site import (\n addsitedir)\nif x:\n  addsitedir ('x')",
    b"import importlib\nload = importlib.import_module\nload('a')",
    b"load = __import__\nload('a')",
    b"from importlib import import_module as load\nload('a')",
    b"import importlib\ny = 'a'\nx = importlib.import_module(y)",
    b"import importlib\nfor y in ('a', 'b'):\n  importlib.import_module(y)",
    b"import importlib\ny: str = ('a')\nx = importlib.import_module(y)",
    b"import importlib\nz = 'a'\ny = z + 'b'\nx = importlib.import_module(y)",
    b"import importlib\nz = 'a'\ny = f'{z}.b'\nx = importlib.import_module(y)",
    b"import importlib\ny = \\\n  'a'\nx = importlib.import_module(y)",
    b"import importlib\nx = [importlib.import_module(y) for y in 'a', 'b']",
    b"import importlib\nz = ['a']\nx = [importlib.import_module(y) for y in z]",
    b"import importlib\nz = ['a']\nfor (y,\n  x) in z :\n  importlib.import_module(y)",
    b"import importlib; y = 'a'\nx = importlib.import_module(y)\ny = f()",
    b"import runpy\nrunpy.run_path('x.py')",
    b"# coding: latin-1\nimport a",
    b"# coding: utf-16\nimport a",
    b"import a\n\xe9 = 1",
    b"\xef\xbb\xbfimport a",
    b"import a\rimport b",
    b"import a\nx = '\x01'",
    b"import a\n\x00",
    b"x = '''\nimport a",
    b"x = 'a\nimport a",
    b"x = (\nimport a",
    b"x = (]\nimport a",
    b"x = )\nimport a",
    b"print 'x'\nimport a",
    b"print x\nimport a",
    b"print >>x, y\nimport a",
    b"exec 'x'\nimport a",
    b"exec x in y\nimport a",
    b"raise E, 'm'\nimport a",
    b"try: import a\nexcept E, e: pass",
    b"x = `y`\nimport a",
    b"if a <> b: import a",
    b"x?\nimport a",
    b"!ls\nimport a",
    b"import {{ name }}",
    b"@d(__import__('b'))\ndef g(): pass",
    b"{% if x %}\nimport a",
    b"import a b",
    b"import a.",
    b"from a import",
    b"if x:\n\timport a\n        import b",
    b"else: import a",
    b"for x in y: pass\nelse: import a\nfoo:\n  import b",
    b'x = f"{y["import a"]}"\nimport b',
    b'x = f"{y["#"]}"; import b',
    b"x = f'{y['''\nimport a\n''']}'\nimport b",
    b'x = f"{ {{1} - y["; import a"]}"\nimport b',
    b"x = rF'{y['#']}'; import b",
    b"x = t'{y['#']}'; import b",
]


@pytest.mark.parametrize("source", ODD)
def test_read__odd_source_in_haste__has_the_imports_of_the_whole(source: bytes) -> None:
    _agrees(source)
    _agrees(source + b"\ny = 2\n")


def test_read__python_of_all_shapes_in_any_order_and_blocks__has_the_imports_of_the_whole() -> None:
    whole = "\n".join(text for text in SHAPES if "\t" not in text and "\f" not in text and "\r" not in text)
    _agrees(whole.encode())
    for header in ("def f():", "class A:", "if x:", "try:", "with y:", "with suppress(ImportError):"):
        for text in SHAPES:
            if any(odd in text for odd in ("\t", "\f", "\r", "'''", '"""', "\\\n")):
                continue  # whose lines cannot be indented
            block = "\n".join("    " + line for line in text.split("\n"))
            end = "\nexcept ImportError:\n    pass" if header == "try:" else ""
            _agrees(f"import z\n{header}\n{block}{end}\nimport y\n".encode())
            _agrees(f"import z\n{header}\n{block}{end}\nx = y\n".encode())


def test_read__names_that_may_be_told_in_haste__are_as_in_the_whole() -> None:
    shapes = ["N = {}", "N: str = {}", "N={} # x", "(N) = {}", "import x; N = {}", "N \\\n = {}", "N: [\n] = \\\n{}"]
    values = ["'a'", "b + 'a'", "'a' + b", "f'{b}'", "b", "('a'\n'b')", "(b)", "u'a'", "('a')", "c", "b # x", '"""a"""']
    for assigned in (shape.format(value) for shape in shapes for value in values):
        source = f"b = 'x'\n{assigned}\n__import__(N)\n".encode()
        _agrees(source)
    targets = ["N", "N, m", "(m, N)", "(m,\n N)", "[N, m]", "m, (N)"]
    sources = [
        "('a', 'b')",
        "'a', b",
        "b, 'a'",
        "ALL",
        "(ALL)",
        "['a']",
        "{'a'}",
        "(('a', 'b'),)",
        "[['a', 'b']]",
        "\\\nALL",
    ]
    for loop in (f"for {target} in {items}" for target in targets for items in sources):
        for text in (
            f"{loop}: __import__(N)",
            f"{loop} :\n  __import__(N)",
            f"x = [__import__(N) {loop.replace(', b', '')}]",
        ):
            source = f"b = 'x'\nALL = (('a', 'c'), ('d', 'e'))\n{text}\n".encode()
            _agrees(source)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import a\nx = [\n" + "1,\n" * 99 + "]\n", ["a"]),
        ("def f():\n  import a\ny = '''\nto import\n'''\n" + "x = 1\n" * 99, ["a"]),
        ("x = 1\n" * 99, []),
    ],
)
def test_read__larger_than_is_parsed__is_read_up_to_its_last_import(
    source: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "PARSED", 100)
    assert [found.name for found in read(source.encode(), "/x.py", "x.py").module.imports] == names


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n" * 99 + "import a\n",
        "import a\n" + "x = 1\n" * 99 + "sys.path.append('x')\n",
        "x = '''\nimport a\nb\n" + "x = 1\n" * 99 + "'''\n",
    ],
)
def test_read__larger_than_is_parsed_up_to_its_last_import__is_refused(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "PARSED", 100)
    with pytest.raises(BoundError, match="more than the"):
        read(source.encode(), "/x.py", "x.py")
