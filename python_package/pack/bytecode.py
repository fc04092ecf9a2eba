"""Compile an environment's modules with its own interpreter, or one that stands in for it, so that no worker does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

from python_package import subprocesses
from python_package.errors import PackError, ProgramError
from python_package.pack.contents import Contents, Layer, source_of

# Files handed to one process at a time: enough to hide its start.
_BATCH = 100

# Hours for the largest environments, but no wait without an end.
_SECONDS = 3600

# Text of the compiled files must not depend on the order of sets (before Python 3.11), nor on the user's settings.
_ENVIRONMENT = {"PATH": os.defpath, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

# Nothing of a Python before 3.7, which knows no hash-based .pyc files.
_ASK = """
import importlib.util, sys
if sys.version_info >= (3, 7):
    print(sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER.hex())
"""

# Runs in the environment's interpreter. Reads the fields of Job from stdin as JSON; writes unchecked-hash .pyc files
# (PEP 552). What does not compile is left out, and what holds the prefix, which conda-unpack will change.
# Before Python 3.11, marshal's later versions mark what else the process happens to share: bytes by chance.
_PROGRAM = """
import importlib.util, json, marshal, sys
version = 2 if sys.version_info < (3, 11) else marshal.version
prefix, jobs = json.load(sys.stdin)
magic = importlib.util.MAGIC_NUMBER
for source, name, output, shipped in jobs:
    with open(source, "rb") as file:
        text = file.read()
    if shipped:
        with open(shipped, "rb") as file:
            code = file.read()[16:]
    elif prefix.encode("utf-8", "surrogateescape") in text:
        continue
    else:
        try:
            code = marshal.dumps(compile(text, name, "exec", dont_inherit=True, optimize=0), version)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    with open(output, "wb") as file:
        file.write(magic + b"\\1\\0\\0\\0" + importlib.util.source_hash(text) + code)
"""

_UNCHECKED = b"\1\0\0\0"


# The files that were made for a layer, by their paths in the environment.
Compiled = Mapping[str, str]


# compile_layers, or what a benchmark puts in its place.
Compiler = Callable[[Contents, Sequence[Layer], Path, Executor, Callable[[], None]], Sequence[Compiled]]


class Job(NamedTuple):
    """A module to compile: its file, its path in the environment, and where the compiled file goes.

    `shipped` is the compiled file that a package ships, whose header alone has to change: a time would be wrong after
    unpacking, a hash read at each start. It is "" where there is none.
    """

    source: str
    name: str
    output: str
    shipped: str = ""


def compile_layers(
    contents: Contents, layers: Sequence[Layer], folder: Path, pool: Executor, tick: Callable[[], None]
) -> list[dict[str, str]]:
    """Compile the modules of the layers into `folder`; return for each what there is besides or instead of its files.

    `tick` is called now and then. Raises PackError when the environment's interpreter does not run here.
    """
    answer = (
        _run(contents, _ASK).split()
        if contents.python and contents.compiled_for and layers and _python(contents)
        else []
    )
    if not answer:
        return [{} for _ in layers]
    tag, magic = answer
    outputs = (str(folder / f"{number}.pyc") for number in count())
    jobs = [find_jobs(layer, tag, bytes.fromhex(magic), outputs) for layer in layers]
    every = [job for some in jobs for job in some.values()]
    batches = [every[start : start + _BATCH] for start in range(0, len(every), _BATCH)]
    program = partial(_run, contents, _PROGRAM)
    for running in [pool.submit(program, json.dumps((str(contents.prefix), batch))) for batch in batches]:
        running.result()
        tick()
    return [{path: job.output for path, job in some.items() if os.path.exists(job.output)} for some in jobs]


def find_jobs(layer: Layer, tag: str, magic: bytes, outputs: Iterator[str]) -> dict[str, Job]:
    """Return what _PROGRAM is to make, by the path of the compiled file in the environment."""
    files = {file.target: file for file in layer.files if file.target.startswith("lib/python")}
    jobs = {}
    for path, file in files.items():
        if path.endswith(".py") and file.file_mode != "text":
            folder, name = os.path.split(path)
            compiled = f"{folder}/__pycache__/{name[:-3]}.{tag}.pyc"
            if compiled not in files:
                jobs[compiled] = Job(file.source, path, next(outputs))
        elif path.endswith(".pyc"):
            source = files.get(source_of(path) or "")
            if source and source.file_mode != "text" and _has_other_header(file.source, magic):
                jobs[path] = Job(source.source, source.target, next(outputs), file.source)
    return jobs


def _has_other_header(path: str, magic: bytes) -> bool:
    """Tell a compiled file of this Python that holds the time of its source, or a hash that is checked."""
    with open(path, "rb") as file:
        head = file.read(8)
    return head[:4] == magic and head[4:] != _UNCHECKED


def _python(contents: Contents) -> str:
    """Return the interpreter that compiles, "" for none."""
    return contents.compiled_by.python if contents.compiled_by else str(contents.prefix / "bin/python")


def _run(contents: Contents, program: str, text: str = "") -> str:
    python = _python(contents)
    command = [python, "-s", "-S", "-W", "ignore", "-c", program]  # not -I: the seed of hashes is a variable
    emulator = {name: value for name, value in os.environ.items() if name.startswith("QEMU_")}
    try:
        done = subprocesses.run(command, seconds=_SECONDS, env={**_ENVIRONMENT, **emulator}, stdin=text)
    except ProgramError as error:
        raise PackError(f"{python} cannot compile the environment's modules: {error}") from None
    if done.code:
        lines = done.stderr.split("\n")
        reason = next((line for line in reversed(lines) if line.strip()), f"it ended with {done.code}")
        raise PackError(f"{python} cannot compile the environment's modules: {reason}")
    return done.stdout
