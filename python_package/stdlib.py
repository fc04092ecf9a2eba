"""The names that belong to the interpreter itself, for the version of Python that the script will run on."""

from __future__ import annotations

import functools
import os
import sys

from python_package.errors import InterpreterError

# stdlib-list names them, the library reference does not; the man page's example shows that they are listed.
_LISTED_ALL_THE_SAME = {"antigravity", "this"}

# Holes of stdlib-list 0.12, found by comparison with real interpreters 3.6 to 3.15: their own test modules, what
# only Windows, macOS or AIX builds have, and private modules that its older lists lack.
_EVERY_VERSION = """
    __hello__ __main__ __phello__ _aix_support _bootsubprocess _ctypes_test _msi _overlapped _posixshmem
    _scproxy _statistics _testbuffer _testcapi _testclinic _testclinic_limited _testexternalinspection
    _testimportmultiple _testinternalcapi _testlimitedcapi _testmultiphase _testsinglephase _winapi
    _xxinterpchannels _xxsubinterpreters _xxtestfuzz _zoneinfo nt test xxlimited xxlimited_35 xxsubtype
"""
# No module of these versions, though listed.
_WRONG = {(3, 9): {"lib"}}
# What changed in versions that stdlib-list does not know yet: came, went.
_CHANGES = {(3, 15): ({"_math_integer", "profiling"}, {"sre_compile", "sre_constants", "sre_parse"})}

# Found before any file of the user: built in, frozen, or imported before a script starts (measured, 3.6 to 3.15).
_FIXED = """
    __hello__ __main__ __phello__ _abc _ast _codecs _collections _collections_abc _frozen_importlib
    _frozen_importlib_external _functools _imp _io _locale _operator _signal _sitebuiltins _sre _stat
    _string _symtable _thread _tracemalloc _warnings _weakref abc atexit builtins codecs encodings errno
    faulthandler gc genericpath io itertools marshal os posix posixpath pwd site stat sys time zipimport
"""
FIXED = frozenset(_FIXED.split())


@functools.cache
def standard_library(version: str) -> frozenset[str]:
    """Return the top-level names of the standard library of a Python version such as "3.11.7"."""
    target = _minor(version)
    folder = _lists()
    known = sorted(_minor(name) for name in os.listdir(folder) if name.endswith(".txt"))
    listed = max((minor for minor in known if minor <= target), default=known[0])
    names = _read(folder, listed)
    at = known.index(listed)
    if 0 < at < len(known) - 1:
        # What the versions before and after have, this one has: the list of 3.9 lacks 45 modules.
        names |= _read(folder, known[at - 1]) & _read(folder, known[at + 1])
    for minor, (came, went) in sorted(_CHANGES.items()):
        if listed < minor <= target:
            names = (names | came) - went
    return names.union(_EVERY_VERSION.split()) - _LISTED_ALL_THE_SAME - _WRONG.get(target, set())


@functools.cache
def standard_once() -> frozenset[str]:
    """Return the names that are in the standard library of at least one version of Python, 2 included."""
    folder = _lists()
    names = {name for minor in map(_minor, os.listdir(folder)) for name in _read(folder, minor)}
    return frozenset(names.union(*(came for came, _ in _CHANGES.values())) - _LISTED_ALL_THE_SAME)


def _minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int("".join(filter(str.isdigit, minor)))


def _lists() -> str:
    """Find stdlib-list's data without importing it: its import takes longer than all else that analyze does."""
    for finder in sys.meta_path:
        spec = finder.find_spec("stdlib_list", None)
        if spec is not None and spec.submodule_search_locations:
            return os.path.join(spec.submodule_search_locations[0], "lists")
    raise InterpreterError("the package stdlib-list is missing; install it: pip install stdlib-list")


def _read(folder: str, minor: tuple[int, int]) -> frozenset[str]:
    with open(os.path.join(folder, f"{minor[0]}.{minor[1]}.txt"), encoding="ascii") as lines:
        return frozenset(line.strip().partition(".")[0] for line in lines)
