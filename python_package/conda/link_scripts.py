"""Packages' own scripts that run after they are linked: as Conda does, one that fails makes the whole fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from python_package import subprocesses
from python_package.errors import PackError, ProgramError

# Files that a shell would run first.
_SHELLS_OWN = ("BASH_ENV", "ENV")

# As Conda does, in the activated environment, and sourced by the shell rather than executed.
_PROGRAM = """
for activation in "$PREFIX"/etc/conda/activate.d/*.sh; do
    if [ -r "$activation" ]; then . "$activation"; fi
done
. "$1"
"""


def run(prefix: Path, packages: Iterable[tuple[str, str, int]]) -> None:
    """Run the post-link scripts that these packages (name, version, build number) have, in this order.

    Raises PackError, which names the script and has what it said, when one fails.
    """
    shell = shutil.which("bash") or "/bin/sh"
    for name, version, build_number in packages:
        script = prefix / "bin" / f".{name}-post-link.sh"
        if not script.is_file():
            continue
        told = prefix / ".messages.txt"  # where Conda's documentation has scripts write to
        told.unlink(missing_ok=True)
        environ = {key: value for key, value in subprocesses.environment().items() if key not in _SHELLS_OWN} | {
            "PREFIX": str(prefix),
            "ROOT_PREFIX": str(prefix),
            "CONDA_PREFIX": str(prefix),
            "CONDA_SHLVL": "1",
            "PKG_NAME": name,
            "PKG_VERSION": version,
            "PKG_BUILDNUM": str(build_number),
            "PATH": f"{prefix / 'bin'}:{os.environ.get('PATH', os.defpath)}",
        }
        which = f"cannot link the environment: the post-link script of {name} {version} ({script.name})"
        try:
            done = subprocesses.run(
                [shell, "-c", _PROGRAM, shell, str(script)], seconds=subprocesses.TOOL_SECONDS, env=environ
            )
        except ProgramError as error:
            raise PackError(f"{which} does not end: {error}") from None
        message = told.read_text(errors="replace").strip() if told.is_file() else ""
        told.unlink(missing_ok=True)
        if done.code:
            said = message or f"{done.stdout}\n{done.stderr}".strip()[-500:]
            raise PackError(f"{which} exited with {done.code}{said and f': {said}'}")
