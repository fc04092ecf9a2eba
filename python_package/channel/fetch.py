"""Requirements -> wheels, by pip: its resolver, its caches and the user's own settings of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from python_package.channel.interpreter import Interpreter
from python_package.errors import PackageError, PackError, SolveError, UnreachableError
from python_package.indexes import for_uv

_SERVES_OTHERS = Version("22.3")  # the first pip with --python
# uv's variables -> pip's: who has set only uv's means them here too.
_VARIABLES = {
    "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
    "UV_INDEX_URL": "PIP_INDEX_URL",
    "UV_INDEX": "PIP_EXTRA_INDEX_URL",
    "UV_EXTRA_INDEX_URL": "PIP_EXTRA_INDEX_URL",
    "UV_FIND_LINKS": "PIP_FIND_LINKS",
    "UV_INSECURE_HOST": "PIP_TRUSTED_HOST",
    "UV_OFFLINE": "PIP_NO_INDEX",
    "UV_NO_INDEX": "PIP_NO_INDEX",
}
# What pip (with --verbose) and uv, which may have to fetch pip, say of an index that does not answer as one.
_UNREACHABLE = re.compile(r"Could not fetch URL (?P<url>\S+): (?!404)|Max retries exceeded|Failed to fetch")
# The line that tells most, most telling first.
_UNSATISFIED = (
    re.compile(r"ERROR: (Cannot install .*)"),
    re.compile(r"ERROR: (Invalid requirement.*)"),
    re.compile(r"ERROR: (No matching distribution.*)"),
)


def fetch(
    requirements: Sequence[str],
    interpreter: Interpreter,
    folder: Path,
    *,
    progress: Callable[[str], None],
    pip: Callable[[Interpreter], list[str]] | None = None,
) -> list[Path]:
    """Collect the wheels of requirements, and of all they need, in a folder; what has only a source is built.

    Raises SolveError for what no index has and for conflicts, UnreachableError when an index does not answer,
    PackError when a source does not build.
    """
    command = [*(pip or find_pip)(interpreter), "wheel", "--verbose", "--prefer-binary", "--no-color"]
    command += ["--progress-bar=off", "--wheel-dir", str(folder), "--", *requirements]
    lines = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=for_uv(pip_environ(os.environ)).environ,  # pip, or uv that brings it
    ) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if re.match(r"\s*(Downloading|Building wheel)", line):
                progress(line.strip())
    if process.returncode:
        raise _explained(" ".join(requirements), lines)
    return sorted(folder.glob("*.whl"))


def pip_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for pip: the caller's own, and what uv's variables say where pip's are silent."""
    translated: dict[str, str] = {}
    for theirs, ours in _VARIABLES.items():
        values = re.split(r"[,\s]+" if theirs == "UV_FIND_LINKS" else r"\s+", environ.get(theirs, "").strip())
        if values[0] and ours not in translated:
            # uv lets an index carry a name: name=url.
            translated[ours] = " ".join(re.sub(r"^[\w.-]+=(?=\w+:)", "", value) for value in values if value)
    # A setting that guards installations; nothing is installed here.
    return translated | dict(environ) | {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def find_pip(interpreter: Interpreter) -> list[str]:
    """Return the command of a pip that serves an interpreter: the one beside us, else one that uv brings."""
    try:
        ours = metadata("pip")
    except PackageNotFoundError:
        return uv_pip(interpreter)
    pythons = SpecifierSet(ours["Requires-Python"])
    if Version(ours["Version"]) < _SERVES_OTHERS or not pythons.contains(interpreter.version, prereleases=True):
        return uv_pip(interpreter)
    return [sys.executable, "-m", "pip", "--python", str(interpreter.executable)]


def uv_pip(interpreter: Interpreter) -> list[str]:
    """Return the command of the pip that uv fetches for an interpreter."""
    from uv import find_uv_bin

    return [find_uv_bin(), "tool", "run", "--quiet", "--python", str(interpreter.executable), "pip"]


def _explained(wanted: str, lines: Sequence[str]) -> PackageError:
    output = "\n".join(lines)
    if unreachable := _UNREACHABLE.search(output):
        return UnreachableError(f"{wanted}: the package index does not answer: {unreachable['url'] or lines[-1]}")
    for pattern in _UNSATISFIED:
        if unsatisfied := pattern.search(output):
            return SolveError(f"{wanted}: {unsatisfied[1]}")
    errors = [line for line in lines if re.match(r"\s*(ERROR|error): ", line)]
    return PackError(f"{wanted}: pip cannot make its wheels: {(errors or lines or ['it said nothing'])[-1].strip()}")
