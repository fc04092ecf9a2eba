"""Compile an environment's modules with its own interpreter, so that no worker does."""

from __future__ import annotations

import _imp
import json
import os
from collections.abc import Callable, Mapping, Sequence
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

# Before Python 3.11, marshal's later versions mark what else the process happens to share: bytes by chance.
_MARSHAL = "2 if sys.version_info < (3, 11) else marshal.version"

# Runs in the environment's interpreter. Reads [source, name, output] from stdin as JSON; writes unchecked-hash .pyc
# files (PEP 552). What does not compile is left out, and what holds the prefix, which conda-unpack will change.
_PROGRAM = f"""
import importlib.util, json, marshal, sys
version = {_MARSHAL}
prefix, jobs = json.load(sys.stdin)
magic = importlib.util.MAGIC_NUMBER
for source, name, output in jobs:
    with open(source, "rb") as file:
        text = file.read()
    if prefix.encode("utf-8", "surrogateescape") in text:
        continue
    try:
        code = marshal.dumps(compile(text, name, "exec", dont_inherit=True, optimize=0), version)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        continue
    with open(output, "wb") as file:
        file.write(magic + b"\\1\\0\\0\\0" + importlib.util.source_hash(text) + code)
"""

_UNCHECKED = b"\1\0\0\0"


class Shipped(NamedTuple):
    """A compiled file that a package ships, with the time or the hash of its source in the header."""

    path: str
    source: str

    def read(self) -> bytes:
        """Return it as an unchecked-hash .pyc: a time would be wrong after unpacking, a hash read at each start."""
        data, text = Path(self.path).read_bytes(), Path(self.source).read_bytes()
        # What importlib.util.source_hash does, but for the interpreter that the file is for.
        return data[:4] + _UNCHECKED + _imp.source_hash(int.from_bytes(data[:4], "little"), text) + data[16:]


# For each compiled file, by path in the environment: the file that was made, or what a package ships.
Compiled = Mapping[str, str | Shipped]


# compile_layers, or what a benchmark puts in its place.
Compiler = Callable[[Contents, Sequence[Layer], Path, Executor, Callable[[], None]], Sequence[Compiled]]


def compile_layers(
    contents: Contents, layers: Sequence[Layer], folder: Path, pool: Executor, tick: Callable[[], None]
) -> list[dict[str, str | Shipped]]:
    """Compile the modules of the layers into `folder`; return for each what there is besides or instead of its files.

    `tick` is called now and then. Raises PackError when the environment's interpreter does not run here.
    """
    if not contents.python or not layers:
        return [{} for _ in layers]
    tag, magic = _run(contents, _ASK).split() or ("", "")
    if not tag:
        return [{} for _ in layers]
    numbers = count()
    jobs = [_jobs(layer, tag, lambda: str(folder / f"{next(numbers)}.pyc")) for layer in layers]
    every = [job for some in jobs for job in some.values()]
    batches = [every[start : start + _BATCH] for start in range(0, len(every), _BATCH)]
    program = partial(_run, contents, _PROGRAM)
    for running in [pool.submit(program, json.dumps((str(contents.prefix), batch))) for batch in batches]:
        running.result()
        tick()
    return [
        {
            **_shipped(layer, bytes.fromhex(magic)),
            **{path: output for path, (_, _, output) in some.items() if os.path.exists(output)},
        }
        for layer, some in zip(layers, jobs, strict=True)
    ]


def _jobs(layer: Layer, tag: str, output: Callable[[], str]) -> dict[str, tuple[str, str, str]]:
    """Return what _PROGRAM is to compile, by the path of the compiled file in the environment."""
    targets = {file.target for file in layer.files}
    jobs = {}
    for file in layer.files:
        if file.target.startswith("lib/python") and file.target.endswith(".py") and file.file_mode != "text":
            folder, name = os.path.split(file.target)
            compiled = f"{folder}/__pycache__/{name[:-3]}.{tag}.pyc"
            if compiled not in targets:
                jobs[compiled] = (file.source, file.target, output())
    return jobs


def _shipped(layer: Layer, magic: bytes) -> dict[str, Shipped]:
    """Return the compiled files whose header has to change: it holds a time, which the archive does not keep."""
    files = {file.target: file for file in layer.files}
    found = {}
    for path, file in files.items():
        if path.startswith("lib/python") and path.endswith(".pyc"):
            source = files.get(source_of(path) or "")
            if source is not None and source.file_mode != "text":
                with open(file.source, "rb") as stream:
                    head = stream.read(8)
                if head[:4] == magic and head[4:] != _UNCHECKED:
                    found[path] = Shipped(file.source, source.source)
    return found


def _run(contents: Contents, program: str, text: str = "") -> str:
    python = contents.prefix / "bin/python"
    command = [str(python), "-s", "-S", "-W", "ignore", "-c", program]  # not -I: the seed of hashes is a variable
    try:
        done = subprocesses.run(command, seconds=_SECONDS, env=_ENVIRONMENT, stdin=text)
    except ProgramError as error:
        raise PackError(f"{python} cannot compile the environment's modules: {error}") from None
    if done.code:
        lines = done.stderr.split("\n")
        reason = next((line for line in reversed(lines) if line.strip()), f"it ended with {done.code}")
        raise PackError(f"{python} cannot compile the environment's modules: {reason}")
    return done.stdout
