"""A file of the user -> what it imports and what it says about itself: a script, a notebook, or many modules."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from functools import partial

from python_package.analyze.imports import DYNAMIC, changes_path, imports_of, limit
from python_package.analyze.parsing import compile_only, decode, parse, too_large
from python_package.analyze.values import SCRIPT, Lines, Module, Scope
from python_package.errors import BoundError, InvalidScriptError, NotPythonError
from python_package.files import bounds
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Sequence

    from python_package.analyze.metadata import Metadata

# Bytes that take about as long to read as another process takes to start.
_WORTH_A_PROCESS = 1_000_000
_CHUNK = 32
# Seconds after which a signal is noticed that comes just when this process begins to wait.
_BETWEEN_SIGNALS = 0.5
# Of more bytes, only the statements of each file that import are parsed.
_WORTH_HASTE = 4_000_000
# What is on a line before the import of a statement, and how a statement starts that is in no other one.
_BEFORE = re.compile(rb"(?:.*[;:\r])?(?:\xef\xbb\xbf)?[ \t\f]*(?:from\b[^'\"#]*)?")
_STATEMENT = re.compile(rb"\n(?=[A-Za-z_@])(?!(?:elif|else|except|finally)\b)")


class Reading(Value):
    """What has been read of one file; `remarks` is what the user should know about it, a line each.

    `in_scope` tells whether it has the function that was asked for. `written` are the modules that a notebook writes,
    as notebook.Notebook has them.
    """

    module: Module
    lines: Lines
    remarks: tuple[str, ...]
    in_scope: bool = True
    metadata: Metadata | None = None
    written: tuple[tuple[str, str, str, bool], ...] = ()


def read_files(files: Sequence[tuple[str, str]], scope: Scope | None = None) -> list[Reading]:
    """Read files, each given by its path and by what messages call it, with as many processes as there are cores."""
    size = sum(_size(path) for path, _ in files if path.endswith(".py"))
    read_one = partial(read_file, scope=scope, hasty=scope is None and size > _WORTH_HASTE)
    processes = min(len(os.sched_getaffinity(0)), size // _WORTH_A_PROCESS)
    found = _read_by(processes, files, read_one) if processes > 1 else []
    return found + _read_each(read_one, files[len(found) :])


def _read_each(read_one: Callable[[str, str], Reading], files: Sequence[tuple[str, str]]) -> list[Reading]:
    return [read_one(*file) for file in files]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # gone since the directory was listed
        return 0


def _read_by(
    processes: int, files: Sequence[tuple[str, str]], read_one: Callable[[str, str], Reading]
) -> list[Reading]:
    """Return what processes have read, in the order of the files; those from one that made a process die are missing.

    The processes are forks, as any other kind would import the main module of whoever calls. With threads beside
    this one, a fork is not safe.
    """
    import multiprocessing
    import threading
    from concurrent.futures import ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    from python_package.files import interrupts

    found: list[Reading] = []
    if threading.active_count() > 1:
        return found
    others = set(multiprocessing.active_children())
    try:
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), _be_a_worker)
        try:
            with interrupts.held():  # of which a worker that has just begun would die with a traceback
                chunks = [files[at : at + _CHUNK] for at in range(0, len(files), _CHUNK)]
                tasks = [pool.submit(_read_each, read_one, chunk) for chunk in chunks]
            for task in tasks:
                while not task.done():
                    wait([task], _BETWEEN_SIGNALS)
                found += task.result()
        except KeyboardInterrupt:
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            pool.shutdown(wait=False)  # one may have been killed in the middle of its answer
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    except (BrokenProcessPool, OSError, ImportError):  # killed for its memory; no /dev/shm
        pass
    return found


def _be_a_worker() -> None:
    """Leave interrupts to the process that started this one, and end with it."""
    import multiprocessing
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def read_file(path: str, name: str, scope: Scope | None = None, hasty: bool = False) -> Reading:
    """Read one of many files; what is wrong with it is a remark, and so are computed names, in one line."""
    faults = []
    try:
        source = bounds.read(path, name, bounds.SCRIPT)
        try:
            reading = read(source, path, name, script=True, scope=scope, brief=True, hasty=hasty)
        except (NotPythonError, BoundError):
            raise
        except InvalidScriptError as error:
            faults = [f"{error}: its metadata does not count"]
            reading = read(source, path, name, scope=scope, brief=True, hasty=hasty)
    except OSError as error:
        return _unread(name, f"{name}: {error.strerror}")
    except (NotPythonError, BoundError) as error:
        return _unread(name, str(error))
    return reading.replace(remarks=(*faults, *reading.remarks))


def _unread(name: str, fault: str) -> Reading:
    return Reading(Module((), (), (), ()), Lines(name), (f"{fault}; what it imports is not listed",), in_scope=False)


def read(
    source: bytes,
    path: str,
    name: str,
    *,
    script: bool = False,
    scope: Scope | None = None,
    brief: bool = False,
    hasty: bool = False,
) -> Reading:
    """Read the source of the file at `path`, which messages call `name`.

    Only of a `script` the metadata counts, and a scope limits its imports. One `brief` remark is on all computed names.

    Raises NotPythonError, BoundError, and InvalidScriptError for metadata that cannot be honoured.
    """
    lines = Lines(name)
    written: tuple[tuple[str, str, str, bool], ...] = ()
    if path.endswith(".ipynb"):
        from python_package.analyze import notebook

        book = notebook.parse(source, name)
        tree, source, lines, remarks = book.tree, book.text, book.lines, list(book.remarks)
        written = book.written
    else:
        tree, remarks = _parsed(source, name, hasty)
    # Of what has not been parsed, or was blanked out to be, nothing tells which names it binds.
    whole = not remarks and len(source) <= bounds.PARSED
    module = imports_of(tree, path, source, whole=whole)
    for found in module.imports:
        if found.level != SCRIPT and len(found.name) > bounds.NAME:
            raise BoundError(f"{lines.at(found.line)}: an import of more than {bounds.NAME:,} characters")
    if sum(len(found.names) or 1 for found in module.imports) > bounds.IMPORTS:
        raise BoundError(f"{name}: more than {bounds.IMPORTS:,} imported names")
    in_scope = True
    if scope is not None:
        limited = limit(module, tree, scope)
        in_scope = limited is not None
        module = limited or Module((), (), (), ())
    remarks += [
        f"{lines.at(line)}: runs a script by a path that only running it tells: what that imports is not listed"
        for line in module.computed_scripts
    ]
    remarks += _computed(module.computed, lines, brief)
    metadata = None
    if script and b"# /// script" in source:
        from python_package.analyze import metadata as inline

        metadata = inline.read(decode(source, name), os.path.dirname(path), lines.at)
    return Reading(module, lines, tuple(remarks), in_scope, metadata, written)


def _computed(numbers: Sequence[int], lines: Lines, brief: bool) -> list[str]:
    """Return remarks on imports whose names are computed; some files have a hundred."""
    if brief and len(numbers) > 1:
        what = f"imports {len(numbers)} modules by names that only running it tells"
        return [f"{lines.at(numbers[0])}: {what}: not listed"]
    return [f"{lines.at(line)}: imports a module by a name that only running it tells: not listed" for line in numbers]


def _parsed(source: bytes, name: str, hasty: bool) -> tuple[ast.Module, list[str]]:
    """Return the tree of a source, and remarks; of a large one, or in haste, the tree of the statements that import."""
    large = len(source) > bounds.PARSED
    if large or (hasty and not any(word in source for word in DYNAMIC)):
        head = _importing(source)
        if len(head) > bounds.PARSED:
            raise too_large(name)
        try:
            return compile_only(head), []
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # one is cut within a string, say
            if large:
                raise too_large(name) from None
    tree, remark = parse(source, name)
    return tree, [] if remark is None else [remark]


def _importing(source: bytes) -> bytes:
    """Return a source without the statements of its top level that import nothing; every line keeps its number.

    All of it is returned where it may put folders on sys.path, or where strings may hold what looks like a statement.
    """
    if changes_path(source):
        return source
    starts = [0, *(found.end() for found in _STATEMENT.finditer(source)), len(source)]
    kept, start, end = [], 0, 0
    at = source.find(b"import")
    while at >= 0:
        line = source.rfind(b"\n", 0, at) + 1
        if _BEFORE.fullmatch(source, line, at) or source.endswith((b"\\\n", b"\\\r\n"), 0, line):
            before, done, number = start, end, bisect_right(starts, at)
            start, end = starts[number - 1], starts[number]
            is_whole = not source.endswith((b"\\\n", b"\\\r\n"), 0, start)
            if not is_whole or any(source.count(quotes, before, start) % 2 for quotes in (b"'''", b'"""')):
                return source
            kept.append(b"\n" * source.count(b"\n", done, start) + source[start:end])
        at = source.find(b"import", max(at + 1, end))
    return b"".join(kept)
