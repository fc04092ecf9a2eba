"""Lines that IPython takes for a magic without its %: `ls`, `cd ..`, `pip install x`.

IPython does so where a line is the whole cell, its first word is a magic or an alias, and no variable has that name.
"""

from __future__ import annotations

import ast
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

# The line magics and aliases of IPython 8 and 9, as %lsmagic lists them on Linux, and those of Jupyter's kernel.
_MAGICS = """
    alias alias_magic autoawait autocall automagic bookmark cat cd code_wrap colors conda config cp debug dhist dirs
    doctest_mode ed edit env gui hist history killbgscripts ldir lf lk ll load load_ext loadpy logoff logon logstart
    logstate logstop ls lsmagic lx macro magic mamba matplotlib micromamba mkdir mv notebook page pastebin pdb pdef
    pdoc pfile pinfo pinfo2 pip popd pprint precision prun psearch psource pushd pwd pycat pylab quickref recall
    rehashx reload_ext rep rerun reset reset_selective rm rmdir run save sc set_env sx system tb time timeit unalias
    unload_ext uv who who_ls whos xdel xmode
    autosave clear connect_info less man more qtconsole subshell
"""
_LINE = re.compile(r"\s*(?P<magic>\w+)(?![\w.*])(?!\s*[=,])(?P<argument>.*)", re.DOTALL)


def split(line: str) -> tuple[str, str] | None:
    """Return the magic and the argument that a line is without %; None for a line that cannot be one."""
    found = _LINE.fullmatch(line)
    if found is None or found["magic"] not in _MAGICS.split():
        return None
    return found["magic"], found["argument"].strip()


def bound(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names that cells bind outside functions and classes."""
    return {name for tree in trees for statement in _statements(tree) for name in _names(statement)}


def _statements(tree: ast.Module) -> Iterator[Any]:
    stack: list[Any] = list(tree.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for block in ("body", "handlers", "orelse", "finalbody", "cases"):
                stack += getattr(node, block, ())


def _names(statement: Any) -> Iterator[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, (ast.Import, ast.ImportFrom)):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0]
    stack = [*getattr(statement, "targets", ()), getattr(statement, "target", None)]
    stack += [item.optional_vars for item in getattr(statement, "items", ()) if isinstance(item, ast.withitem)]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Starred):
            stack.append(node.value)
        elif isinstance(node, (ast.Tuple, ast.List)):
            stack += node.elts
