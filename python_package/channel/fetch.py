"""Requirements -> wheels, by pip: its resolver, its caches and the user's own settings of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from python_package.channel.interpreter import Interpreter
from python_package.errors import PackError, SolveError, UnreachableError
from python_package.indexes import uv_environ

_PYTHON_OPTION = Version("22.3")  # the first pip that can serve another interpreter
# uv's variables -> pip's: who set only uv's means them here too.
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
_UNREACHABLE = re.compile(r"connection broken|Max retries exceeded|Connection refused|timed out|ConnectionError")


def fetch(requirements: Sequence[str], interpreter: Interpreter, folder: Path) -> list[Path]:
    """Collect the wheels of requirements and all they need into a folder; what has only a source is built.

    Raises SolveError for what no index has or a conflict, UnreachableError when an index does not answer,
    PackError when a source cannot be built.
    """
    command = [*_pip(interpreter), "wheel", "--prefer-binary", "--no-color", "--wheel-dir", str(folder), *requirements]
    result = subprocess.run(command, capture_output=True, text=True, env=pip_environ(), stdin=subprocess.DEVNULL)
    if result.returncode == 0:
        return sorted(folder.glob("*.whl"))
    output = result.stdout + result.stderr
    errors = re.findall(r"^ERROR: (.+)$", output, re.MULTILINE)
    reason = errors[0] if errors else (output.strip().splitlines() or ["it failed without a word"])[-1]
    wanted = " ".join(requirements)
    if _UNREACHABLE.search(output):
        raise UnreachableError(f"{wanted}: the package index does not answer: {reason}")
    if re.search(r"No matching distribution|ResolutionImpossible|Invalid requirement|satisfies", output):
        raise SolveError(f"{wanted}: {reason}")
    raise PackError(f"{wanted}: pip could not make wheels: {reason}")


def pip_environ(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for pip: the caller's own, and what uv's variables say where pip's are silent."""
    translated: dict[str, str] = {}
    for theirs, ours in _VARIABLES.items():
        value = environ.get(theirs)
        if value and ours not in translated:
            separator = r"[,\s]+" if theirs == "UV_FIND_LINKS" else r"\s+"
            # An index may carry a name in uv's form: name=url.
            parts = [re.sub(r"^[\w.-]+=(?=\w+:)", "", part) for part in re.split(separator, value) if part]
            translated[ours] = " ".join(parts)
    ours_always = {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return translated | dict(environ) | ours_always


def _pip(interpreter: Interpreter) -> list[str]:
    """Return the command of a pip that serves the interpreter: ours, else one that uv brings."""
    python = str(interpreter.executable)
    try:
        ours = metadata("pip")
    except PackageNotFoundError:
        pass
    else:
        serves = SpecifierSet(ours.get("Requires-Python") or "").contains(interpreter.version, prereleases=True)
        if serves and Version(ours["Version"]) >= _PYTHON_OPTION:
            return [sys.executable, "-m", "pip", "--python", python]
    return _uv_pip(python)


def _uv_pip(python: str) -> list[str]:
    from uv import find_uv_bin

    return [find_uv_bin(), "tool", "run", "--quiet", "--python", python, "pip"]
