"""What no channel has comes from PyPI, through uv, and never overwrites what Conda installed."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from uv import find_uv_bin

from python_package.errors import PackError, SolveError, UnreachableError
from python_package.indexes import for_uv

# uv's own words for a network that does not answer, and for a cache that lacks what --offline forbids to fetch.
_NETWORK = re.compile(
    r"failed to fetch|error sending request|dns error|connect|timed out|network connectivity is disabled"
    r"|was not found in the cache",
    re.IGNORECASE,
)


def install(prefix: Path, requirements: Sequence[str], *, offline: bool = False) -> tuple[str, ...]:
    """Install the requirements and what they need into the prefix; return the `name==version` of all that was added.

    Raises SolveError when no index has a requirement or it conflicts with what Conda installed,
    UnreachableError when an index does not answer, PackError when files cannot be written.
    """
    before = _distributions(prefix)
    uv = for_uv()
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as constraints:
        constraints.write("".join(f"{pin}\n" for pin in sorted(before)))
        constraints.flush()
        argv = [find_uv_bin(), "pip", "install", "--quiet", "--no-progress", "--color", "never"]
        argv += ["--python", str(prefix / "bin" / "python"), "--constraint", constraints.name]
        argv += ["--offline"] if offline else []
        process = subprocess.run(
            [*argv, *uv.options, "--", *requirements],
            env=uv.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    if process.returncode:
        raise _failure(process.stderr, requirements)
    return tuple(sorted(_distributions(prefix) - before))


def install_most(
    prefix: Path, requirements: Sequence[str], optional: Sequence[str], *, offline: bool = False
) -> dict[str, str]:
    """Install the requirements and as many of the optional ones as can be had; return why each other was refused.

    Raises as `install` does, of an optional requirement only when files cannot be written.
    """
    try:
        install(prefix, [*requirements, *optional], offline=offline)
        return {}
    except (SolveError, UnreachableError):
        if not optional:
            raise
    if requirements:
        install(prefix, requirements, offline=offline)
    refused = {}
    for requirement in optional:
        try:
            install(prefix, [requirement], offline=offline)
        except (SolveError, UnreachableError) as error:
            refused[requirement] = str(error)
    return refused


def _distributions(prefix: Path) -> set[str]:
    paths = [str(path) for path in prefix.glob("lib/python3*/site-packages")]
    return {f"{d.metadata['Name']}=={d.version}" for d in metadata.distributions(path=paths)}


def _failure(stderr: str, requirements: Sequence[str]) -> SolveError | UnreachableError | PackError:
    text = " ".join(line.strip() for line in stderr.splitlines())
    wanted = ", ".join(requirements)
    if "No space left" in text or "Permission denied" in text:
        return PackError(f"cannot install {wanted} from PyPI: {text}")
    if _NETWORK.search(text):
        return UnreachableError(f"the package index does not answer for {wanted}: {text}")
    return SolveError(f"cannot install {wanted} from PyPI: {text}")
