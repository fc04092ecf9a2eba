"""Many files -> what each imports, read by as many processes as there are cores."""

from __future__ import annotations

import marshal
import os
import select
import sys

from python_package.analyze.reading import Lines, read
from python_package.errors import BoundError, InvalidScriptError, NotPythonError
from python_package.files import bounds
from python_package.host_python.default_python import kill
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from python_package.analyze.metadata import Metadata
    from python_package.analyze.scope import Scope

# Fewer bytes are read before another process has started.
_WORTH_A_PROCESS = 1_000_000
# As much as takes a moment to parse in full. Of more, only what tells the imports is.
_WORTH_SKIMMING = 4_000_000
_CHUNK = 32
_PIPE = 1 << 16
_START = "import sys; sys.path[:] = eval(sys.argv[1]); from python_package.analyze.crew import work; work()"


class Page(Value):
    """What one file of many says: a Reading whose imports are tuples, so that it can travel between processes.

    `imports` are (name, names, level, line, kind, always), as in Import; `cells` as in Lines; `written` as in Notebook.
    """

    imports: tuple[tuple[str, tuple[str, ...], int, int, str, bool], ...]
    folders: tuple[tuple[str, bool], ...] = ()
    remarks: tuple[str, ...] = ()
    cells: tuple[tuple[int, int], ...] = ()
    in_scope: bool = False
    metadata: Metadata | None = None
    written: tuple[tuple[str, str, str, bool], ...] = ()


def read_files(files: Sequence[tuple[str, str]], scope: Scope | None = None) -> list[Page]:
    """Read files, each given by its path and by what messages call it; what is wrong with one is among its remarks.

    Of very many, only what tells the imports is looked at.
    """
    sizes = [(_size(path), path.endswith(".py")) for path, _ in files]
    size = sum(size for size, _ in sizes)
    quick = scope is None and sum(size for size, script in sizes if script) > _WORTH_SKIMMING
    processes = min(len(os.sched_getaffinity(0)), size // _WORTH_A_PROCESS)
    found = _by_crew(files, scope, quick, processes) if processes > 1 and sys.executable else {}
    # What no other process has read, such as one that has died, is read here.
    return [Page(*found[n]) if found.get(n) else page(*file, scope, quick) for n, file in enumerate(files)]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # gone since the directory was listed
        return 0


def page(path: str, name: str, scope: Scope | None = None, quick: bool = False) -> Page:
    """Read one file; a `quick` look parses only where the text does not tell what is imported."""
    try:
        source = bounds.read(path, name, bounds.SCRIPT)
    except OSError as error:
        return Page((), remarks=(f"{name}: {error.strerror}; what it imports is not listed",))
    except BoundError as error:
        return Page((), remarks=(f"{error}; what it imports is not listed",))
    if quick and path.endswith(".py") and b"# /// script" not in source:
        from python_package.analyze.skim import skim

        found = skim(source)
        if found is not None:
            imports, computed = found
            return Page(imports, remarks=_computed(computed, Lines(name)), in_scope=True)
    return _page(source, path, name, scope)


def _page(source: bytes, path: str, name: str, scope: Scope | None) -> Page:
    faults = []
    try:
        try:
            reading = read(source, path, name, script=True, scope=scope)
        except (NotPythonError, BoundError):
            raise
        except InvalidScriptError as error:
            faults = [f"{error}: its metadata does not count"]
            reading = read(source, path, name, scope=scope)
    except (NotPythonError, BoundError) as error:
        return Page((), remarks=(f"{error}; what it imports is not listed",))
    module = reading.module
    imports = tuple(found.values() for found in module.imports)
    others = reading.remarks[: len(reading.remarks) - len(module.computed)]
    remarks = (*faults, *others, *_computed(module.computed, reading.lines))
    return Page(
        imports, module.folders, remarks, reading.lines.cells, reading.in_scope, reading.metadata, reading.written
    )


def _computed(lines: Sequence[int], places: Lines) -> tuple[str, ...]:
    """Return a remark on the imports whose names are computed, one for all of a file: some have a hundred."""
    if not lines:
        return ()
    times = "a module by a name" if len(lines) == 1 else f"{len(lines)} modules by names"
    return (f"{places.at(lines[0])}: imports {times} that only running it tells: not listed",)


def work() -> None:
    """Be one of the crew: read what files there are, and as much of them as there is to do, as `_by_crew` gives it."""
    todo = int(sys.argv[2])
    files: Sequence[tuple[str, str]]
    files, chunk, quick, function = marshal.loads(sys.stdin.buffer.read())  # noqa: S302 - from our own parent
    scope = None
    if function:
        from python_package.analyze.scope import Scope

        scope = Scope(*function)
    done = {}
    while number := os.read(todo, 4):
        start = int.from_bytes(number, "little")
        for at in range(start, min(start + chunk, len(files))):
            found = page(*files[at], scope, quick)
            # Metadata does not travel; few files have any.
            done[at] = None if found.metadata else found.values()
    sys.stdout.buffer.write(marshal.dumps(done))
    sys.stdout.buffer.flush()
    os._exit(0)


def _by_crew(
    files: Sequence[tuple[str, str]], scope: Scope | None, quick: bool, processes: int
) -> dict[int, tuple[Any, ...]]:
    """Return what other processes have read, by the files' numbers; whatever they fail at is missing."""
    todo, more = os.pipe()
    os.set_inheritable(todo, True)
    # All the work is in the pipe before anybody takes of it, so that who is fast takes more.
    chunk = max(_CHUNK, -(-len(files) // (_PIPE // 4)))
    job = marshal.dumps((tuple(files), chunk, quick, (scope.function,) if scope is not None else None))
    os.write(more, b"".join(n.to_bytes(4, "little") for n in range(0, len(files), chunk)))
    os.close(more)
    workers = []
    answers: dict[int, list[bytes]] = {}
    try:
        for _ in range(processes):
            process, inlet, outlet = _start(todo)
            workers.append(process)
            answers[outlet] = []
            with open(inlet, "wb") as pipe:
                pipe.write(job)
        os.close(todo)
        todo = -1
        waiting = set(answers)
        while waiting:
            for outlet in select.select(list(waiting), [], [])[0]:
                piece = os.read(outlet, _PIPE)
                answers[outlet].append(piece)
                if not piece:
                    waiting.discard(outlet)
        return {n: found for pieces in answers.values() for n, found in _answer(pieces).items()}
    except OSError:
        return {}
    finally:
        for descriptor in (todo, *answers):
            if descriptor >= 0:
                os.close(descriptor)
        for process in workers:
            kill(process)


def _start(todo: int) -> tuple[int, int, int]:
    """Start one of the crew; return the process, and the pipes to and from it."""
    theirs_in, inlet = os.pipe()
    outlet, theirs_out = os.pipe()
    try:
        process = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-c", _START, repr(sys.path), str(todo)],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs_in, 0),
                (os.POSIX_SPAWN_DUP2, theirs_out, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setpgroup=0,
        )
    except OSError:
        os.close(inlet)
        os.close(outlet)
        raise
    finally:
        os.close(theirs_in)
        os.close(theirs_out)
    return process, inlet, outlet


def _answer(pieces: list[bytes]) -> dict[int, tuple[Any, ...]]:
    try:
        answer: dict[int, tuple[Any, ...]] = marshal.loads(b"".join(pieces))  # noqa: S302 - from our own child
    except (EOFError, ValueError, TypeError):  # it has died
        return {}
    return answer
