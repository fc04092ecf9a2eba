"""Names of modules that the text alone tells: constants, sums, loops over literals; and those that it does not."""

from __future__ import annotations

import pytest

from python_package.analyze.imports import imports_of
from python_package.analyze.parsing import parse
from python_package.analyze.values import CONDITIONAL, OPTIONAL, REQUIRED, Module


def _module(text: str) -> Module:
    source = f"from importlib import import_module as load\nimport importlib\n{text}\n".encode()
    return imports_of(parse(source, "script.py")[0], "/home/me/script.py", source)


def _called(module: Module) -> list[str]:
    """Return what calls import; the statements import other modules."""
    return [found.name for found in module.imports if found.name not in ("importlib", "x", "y")]


def _names(text: str) -> list[str]:
    """Return what is imported; nothing is to be left out."""
    module = _module(text)
    assert module.computed == ()
    return _called(module)


def _is_computed(text: str) -> None:
    module = _module(text)
    assert _called(module) == []
    assert len(module.computed) == 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("N = 'a'\nload(N)", ["a"]),
        ("N: str = 'a'\nload(N)", ["a"]),
        ("N = 'a'\nimportlib.import_module(name=N)", ["a"]),
        ("N = 'a'\n__import__(N)", ["a"]),
        ("def f():\n return load(N)\nN = 'a'", ["a"]),
        ("N = 'a'\nclass A:\n m = load(N)\n def f(self, x=load(N)): load(N)", ["a", "a", "a"]),
        ("N = 'a'\ndef f(other):\n N2 = 1\n for x in y: load(N)", ["a"]),
        ("P = 'a'\nN = P + '.b'\nload(N)", ["a.b"]),
        ("load('a' + '.b' + '.c')", ["a.b.c"]),
        ("load('a' '.b')", ["a.b"]),
        ("load(f'a.b')", ["a.b"]),
        ("P = 'a'\nload(f'{P}.b')", ["a.b"]),
        ("P = 'a'\nload(f'{P!s}.b' + '.c')", ["a.b.c"]),
        ("from x import *\nN = 'a'\nload(N)", ["a"]),
        ("P = 'a.b'\nload('.c', P)", ["a.b.c"]),
        ("P = 'a.b'\nload('..c', package=f'{P}')", ["a.c"]),
        ("class A:\n def N(self): return 1\nN = 'a'\nload(N)", ["a"]),
        ("N = 'a'\ndef f(N): pass\nload(N)", ["a"]),
        ("N = 'a'\nx = [N for N in y]\nload(N)", ["a"]),
        ("N = 'a'\nx = [1 for N in (load(N),)]", ["a"]),
        ("N = 'a'\nclass A:\n N = 'b'\n def f(self): load(N)", ["a"]),
        ("N = 'a'\ndef f(*, x=load(N)): pass\ng = lambda x=load(N): 1", ["a", "a"]),
    ],
)
def test_imports_of__name_that_is_bound_once_to_a_literal__is_imported(text: str, names: list[str]) -> None:
    assert _names(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "load(N)",
        "N = 'a'\nN = 'b'\nload(N)",
        "N = 'a'\nload(N)\nN = 'b'",
        "N = 'a'\nN += 'b'\nload(N)",
        "if x: N = 'a'\nload(N)",
        "try: N = 'a'\nexcept E: pass\nload(N)",
        "for x in y: N = 'a'\nload(N)",
        "N = 'a'\nif x: N = 'b'\nload(N)",
        "N = 'a'\nclass A:\n N = 'b'\n load(N)",
        "N = 'a'\ndef f(N): load(N)",
        "N = 'a'\ndef f(*N): load(N)",
        "N = 'a'\ndef f(*, N=1): load(N)",
        "N = 'a'\ndef f(**N): load(N)",
        "N = 'a'\ndef f(N, /): load(N)",
        "N = 'a'\nf = lambda N: load(N)",
        "N = 'a'\ndef f():\n N = x\n def g(): load(N)",
        "N = 'a'\ndef f():\n global N\n N = x\nload(N)",
        "def f():\n N = 'a'\nload(N)",
        "class A:\n N = 'a'\n def f(self): load(N)",
        "N = 'a'\nfrom x import N\nload(N)",
        "N = 'a'\nimport y as N\nload(N)",
        "N = 'a'\nfrom x import *\nload(N)",
        "N = 'a'\ndel N\nload(N)",
        "N = 'a'\ndef N(): pass\nload(N)",
        "N = 'a'\nclass N: pass\nload(N)",
        "N = 'a'\nif (N := f()): load(N)",
        "N = 'a'\nwith x as N: load(N)",
        "N = 'a'\ntry: pass\nexcept E as N: load(N)",
        "N = 'a'\nmatch x:\n case [N]: load(N)",
        "N = 'a'\nmatch x:\n case [*N]: load(N)",
        "N = 'a'\nmatch x:\n case {**N}: load(N)",
        "N = 'a'\nN, M = x\nload(N)",
        "N = N2 = 'a'\nN2 = f()\nload(N2)",
        "N: str\nload(N)",
        "N = 'a', 'b'\nload(N)",
        "N = 1\nload(N)",
        "N = b'a'\nload(N)",
        "N = ''\nload(N)",
        "N = N + 'a'\nload(N)",
        "N = M\nM = N\nload(N)",
        "N = 'a'\nload(N % 'b')",
        "N = 'a'\nload(N * 2)",
        "N = 'a'\nload(N.lower())",
        "N = 'a'\nload(N[0])",
        "N = 'a'\nload(f'{N!r}')",
        "N = 'a'\nload(f'{N:>9}')",
        "N = 'a'\nload(x.N)",
        "N = 'a'\nload('a' if x else N)",
        "N = f()\nload(N)",
        "N = 'a'\nload(f'{N}.{x}')",
        "N = '.a'\nload(N)",
        "P = f()\nload('.a', P)",
        "N = 'a'\nload(*N)",
        "load('x'" + " + 'x'" * 1500 + ")",
    ],
)
def test_imports_of__name_that_may_be_another_when_it_runs__is_computed(text: str) -> None:
    _is_computed(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("for n in ('a', 'b'): load(n)", ["a", "b"]),
        ("for n in 'a', 'b':\n load(n)", ["a", "b"]),
        ("for n in ['a', 'b']:\n x = load(n)", ["a", "b"]),
        ("for n in {'a', 'b'}: load(n)", ["a", "b"]),
        ("for n in ('a', 'b', 'a'): load(n)", ["a", "b"]),
        ("for n in (): load(n)", []),
        ("ALL = ('a', 'b')\nfor n in ALL: load(n)", ["a", "b"]),
        ("ALL = ['a', 'b']\nfor n in ALL: load(n)\nif x in ALL: pass", ["a", "b"]),
        ("ALL = ['a', 'b']\nif ALL == x < y: pass\nfor n in ALL: load(n)", ["a", "b"]),
        ("ALL = ['a', 'b']\nx = [load(n) for n in ALL]", ["a", "b"]),
        ("ALL = ('a', 'b')\nprint(ALL)\nfor n in ALL: load(n)", ["a", "b"]),
        ("ALL = ('a', 'b')\ndef f():\n for n in ALL:\n  with x:\n   load(n)", ["a", "b"]),
        ("x = [load(n) for n in ('a', 'b')]", ["a", "b"]),
        ("x = {n: load(n) for n in ('a', 'b')}", ["a", "b"]),
        ("x = {load(n) for n in ('a', 'b') if n}", ["a", "b"]),
        ("x = all(load(n) for n in ('a', 'b'))", ["a", "b"]),
        ("x = [1 for n in ('a', 'b') if load(n)]", ["a", "b"]),
        ("for n in ('b', 'c'): load('a.' + n)", ["a.b", "a.c"]),
        ("for n in ('b', 'c'): load(f'a.{n}')", ["a.b", "a.c"]),
        ("for n in ('a', 'b'):\n for m in ('c', 'd'): load(f'{n}.{m}')", ["a.c", "a.d", "b.c", "b.d"]),
        ("x = [load(f'{n}.{m}') for n in ('a', 'b') for m in ('c', 'd')]", ["a.c", "a.d", "b.c", "b.d"]),
        ("for n in ('a', 'b'): load(f'{n}.{n}')", ["a.a", "b.b"]),
        ("for n in x:\n for n in ('a',): load(n)", ["a"]),
        ("for n in x:\n for m in ('a',): load(m)", ["a"]),
        ("for n, m in (('a', 'x'), ('b', 1)): load(n)", ["a", "b"]),
        ("for n, m in [('a', 'x'), ('b', 'y')]: load(f'{n}.{m}')", ["a.x", "b.y"]),
        ("B = 'a'\nfor n in (B, B + '.b'): load(n)", ["a", "a.b"]),
        ("P = 'p'\nfor n in ('.a', '.b'): load(n, P)", ["p.a", "p.b"]),
        ("for n in ('.a', '.b'): load(n, 'p')", ["p.a", "p.b"]),
        ("for n in ('a', 'b'): __import__(n)", ["a", "b"]),
        ("for n in x: print(n)\nfor n in ('a', 'b'): load(n)\nn = 1", ["a", "b"]),
        ("for n in ('a', 'b'): load(n)\nelse:\n load('c')", ["a", "b", "c"]),
        ("class A:\n for n in ('a', 'b'): load(n)", ["a", "b"]),
    ],
)
def test_imports_of__loop_over_literals__imports_each(text: str, names: list[str]) -> None:
    assert _names(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "for n in x: load(n)",
        "for n in ('a', x): load(n)",
        "for n in ('a', 1): load(n)",
        "for n in ('a', *x): load(n)",
        "for n in 'ab': load(n)",
        "for n in {'a': 1}: load(n)",
        "for n in ('a',) + x: load(n)",
        "for n in ('a', 'b'): pass\nload(n)",
        "for n in ('a', 'b'): pass\nelse: load(n)",
        "for n in (load(n), 'b'): pass",
        "for n in ('a', 'b'):\n n = f(n)\n load(n)",
        "for n in ('a', 'b'):\n load(n)\n n += 'x'",
        "for n in ('a', 'b'):\n for n in x: load(n)",
        "for n in ('a', 'b'):\n def f(n): load(n)",
        "for n in ('a', 'b'):\n def f(): load(n)",
        "for n in ('a', 'b'): x = lambda: load(n)",
        "for n in ('a', 'b'):\n x = [load(n) for n in y]",
        "def f():\n for n in ('a', 'b'):\n  def g():\n   nonlocal n\n   n = x\n  load(n)",
        "def f():\n global n\n n = x\nfor n in ('a', 'b'):\n f()\n load(n)",
        "ALL = ['a', 'b']\nALL.append(x)\nfor n in ALL: load(n)",
        "ALL = ['a', 'b']\nALL[0] = x\nfor n in ALL: load(n)",
        "ALL = ['a', 'b']\nALL += x\nfor n in ALL: load(n)",
        "ALL = ['a', 'b']\nfill(ALL)\nfor n in ALL: load(n)",
        "ALL = ['a', 'b']\nx = [n for n in y if ALL]\nfor n in ALL: load(n)",
        "ALL = {'a', 'b'}\nALL.add(x)\nfor n in ALL: load(n)",
        "ALL = ('a', 'b')\nALL = x\nfor n in ALL: load(n)",
        "def f(ALL):\n for n in ALL: load(n)\nALL = ('a', 'b')",
        "for ALL in (('a', 'b'),):\n for n in ALL: load(n)",
        "for n, m in x: load(n)",
        "for n, m in ('a', 'b'): load(n)",
        "for n, m in (('a', 'b', 'c'),): load(n)",
        "for n, *m in (('a', 'b'),): load(n)",
        "for n, m in (('a', *x),): load(n)",
        "for x.n in ('a', 'b'): load(x.n)",
        "for n in (n, 'b'): load(n)",
        "n = 'a'\nx = [load(n) for n, m in ('pq', ('b', 'c'))]",
        "n = 'a'\nx = [load(n) for n in y]",
        "B = 'a'\nfor n in (B,):\n for B in ('b',): load(f'{n}.{B}')",
        "B = 'a'\nA = B + '.x'\ndef f():\n for B in ('b',): load(A + B)",
        "for a in R:\n for b in ('b',): load(a + b)",
        "R = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'\n"
        "x = [load(a + b + c) for a in R for b in R for c in R]",
    ],
)
def test_imports_of__loop_that_may_be_over_others_when_it_runs__is_computed(text: str) -> None:
    _is_computed(text)


def test_imports_of__names_in_a_loop__have_the_line_and_kind_of_the_call() -> None:
    text = "for n in ('a', 'b'):\n try: load(n)\n except ImportError: pass\nif x: load(N)\nN = 'c'\nload(N)"
    found = {(each.name, each.line, each.kind) for each in _module(text).imports[2:]}
    assert found == {("a", 4, OPTIONAL), ("b", 4, OPTIONAL), ("c", 6, CONDITIONAL), ("c", 8, REQUIRED)}


def test_imports_of__tree_that_is_not_the_whole_module__follows_no_names() -> None:
    source = b"N = 'a'\n__import__(N)\n__import__('b' + '.c')"
    module = imports_of(parse(source, "script.py")[0], "/script.py", source, whole=False)
    assert [found.name for found in module.imports] == ["b.c"]
    assert module.computed == (2,)
