"""Where the user's own interpreter imports from."""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from python_package import subprocesses
from python_package.errors import ProgramError

# Runs in the user's interpreter with -I -S. It puts the import path together as `site` does at start-up, and runs
# nothing of what lies there: no sitecustomize, no `import` line of a .pth file, nothing of a relative PYTHONPATH.
_QUESTION = r"""
import json, os, sys, site
path = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(p)] + sys.path

def add(folder, *_, **__):
    if not os.path.isdir(folder):
        return
    path.append(folder)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".pth") and not name.startswith("."):
            try:
                with open(os.path.join(folder, name), encoding="utf-8-sig", errors="surrogateescape") as file:
                    lines = file.read().splitlines()
            except OSError:
                continue
            for line in lines:
                place = os.path.join(folder, line.rstrip())
                if line.strip() and not line.startswith(("#", "import ", "import\t")) and os.path.exists(place):
                    path.append(place)

site.addsitedir = add
site.ENABLE_USER_SITE = not os.environ.get("PYTHONNOUSERSITE") and os.getuid() == os.geteuid()
site.venv(set())
if site.ENABLE_USER_SITE:
    add(site.getusersitepackages())
site.addsitepackages(set())
print(json.dumps(list(dict.fromkeys(path))))
print(json.dumps(sys.executable or ""))
"""


class UsersPython(NamedTuple):
    """Where the user's interpreter imports from, and the file that it is."""

    paths: tuple[str, ...] = ()
    executable: str = ""


def import_path(python: str = "python3") -> tuple[str, ...]:
    """Return the folders that the user's interpreter imports from; none when there is no such interpreter."""
    return ask(python).paths


def ask(python: str) -> UsersPython:
    """Ask the user's interpreter; nothing of theirs is run. The answer is empty when there is no such interpreter."""
    # The folder stays the user's: a shim may choose a Python by it.
    argv = [python, "-I", "-S", "-c", _QUESTION]
    try:
        answer = subprocesses.run(argv, seconds=subprocesses.QUESTION_SECONDS, env=os.environ, here=True)
        paths, _, executable = answer.stdout.partition("\n")
        return UsersPython(tuple(json.loads(paths)), json.loads(executable or '""'))
    except (ProgramError, ValueError):
        return UsersPython()
