"""Imports that mean something else than they seem to: submodules that are gone, folders with a library's name."""

from __future__ import annotations

import json
import subprocess

from scripts.faults.injection import Try, fault
from scripts.faults.packages import write_wheel

# What a library has that makes some of its modules as it runs.
_LIBRARY = """
import sys, types
sys.modules[__name__ + ".made"] = types.ModuleType(__name__ + ".made")

def __getattr__(name):
    if name == "lazy":
        return 1
    raise AttributeError(name)
"""
_FILES = {"shelf/__init__.py": _LIBRARY, "shelf/cache.py": "class Cache: pass\n"}

# Each script, and the exit code of create for it.
_SCRIPTS = [
    ("import shelf.cache", 0),
    ("from shelf import cache, made, lazy\nimport shelf.made", 0),
    ("def f():\n  import shelf.contrib\ntry:\n  from shelf.cache import Caches\nexcept ImportError:\n  pass", 0),
    ("import shelf.contrib.cache", 6),
    ("from shelf.contrib.cache import Cache", 6),
    ("from shelf import contrib", 6),
    ("from shelf.cache import Caches", 6),
    ("import warnings\nwith warnings.catch_warnings():\n  from shelf.old import *", 6),
]


@fault("9", "a submodule, or a name, is not in the version of a library that is installed", tries=len(_SCRIPTS))
def gone(attempt: Try) -> bool:
    """Create an environment for a script, which must not ship if the script could not start in it."""
    source, code = _SCRIPTS[attempt.index]
    write_wheel(attempt.folder, "shelf", _FILES)
    (attempt.folder / "task.py").write_text(f"{source}\n")
    analyzed = attempt.run(attempt.commands.analyze, "task.py", "task.json")
    create = (attempt.commands.create, "-q", "-c", attempt.supplies.channel, "--map", "shelf=shelf")
    links = str(attempt.folder)
    envs = str(attempt.folder / "envs")
    made = attempt.run(*create, "task.json", "task", PIP_FIND_LINKS=links, CONDA_ENVS_PATH=envs)
    started = attempt.run(attempt.commands.run, "task", "python3 task.py").returncode == 0 if code == 0 else True
    return analyzed.returncode == 0 and made.returncode == code and started


# A library that every checkout's interpreter has; what is beside the script, the script, and how it is run.
_LOCAL = {"packaging/utils.py": "", "packaging/x.py": ""}
_REGULAR = {**_LOCAL, "packaging/__init__.py": ""}
_LAYOUTS = [
    (_LOCAL, "packaging/task.py", "packaging", ["task.py"]),
    (_LOCAL, "packaging/task.py", ".", ["packaging/task.py"]),
    (_LOCAL, "a/packaging/task.py", ".", ["a/packaging/task.py"]),
    (_LOCAL, "task.py", ".", ["task.py"]),
    (_REGULAR, "task.py", ".", ["task.py"]),
    (_REGULAR, "packaging/task.py", ".", ["packaging/task.py"]),
    (_REGULAR, "packaging/task.py", ".", ["-m", "packaging.task"]),
    ({"mine/__init__.py": "", "mine/x.py": "", "mine/packaging.py": ""}, "mine/task.py", ".", ["-m", "mine.task"]),
]


@fault("11", "a folder or a file has the name of a library", tries=len(_LAYOUTS))
def hidden(attempt: Try) -> bool:
    """Analyze a script, and compare with what the interpreter finds when it runs the script."""
    files, script, where, argv = _LAYOUTS[attempt.index]
    relative = "from . import x\n" if "-m" in argv else ""
    source = f"{relative}import packaging.utils\nprint(packaging.utils.__file__)\n"
    for name, text in {**files, script: source}.items():
        (attempt.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (attempt.folder / name).write_text(text)
    ran = subprocess.run(
        [attempt.commands.python, *argv], cwd=attempt.folder / where, capture_output=True, text=True, check=True
    )
    local = ran.stdout.startswith(str(attempt.folder.resolve()))
    return _modules(attempt, script) == ([] if local else ["packaging"])


@fault("11", "the script is of an installed package", tries=4)
def installed(attempt: Try) -> bool:
    """Analyze a module of an installed package that imports others of it: the package is named."""
    ask = "import packaging; print(packaging.__path__[0])"
    asked = subprocess.run([attempt.commands.python, "-c", ask], capture_output=True, text=True, check=True)
    module = ("tags", "markers", "specifiers", "requirements")[attempt.index]
    return "packaging" in _modules(attempt, f"{asked.stdout.strip()}/{module}.py")


def _modules(attempt: Try, script: str) -> list[str]:
    analyzed = attempt.run(attempt.commands.analyze, script, "out.json")
    if analyzed.returncode:
        return ["nothing"]
    found: list[str] = json.loads((attempt.folder / "out.json").read_text())["modules"]
    return found


_RANGES = [(">=3.99", ">=3.99"), ("<3.2", "<3.2"), (">=3.98", "3.98.1"), (">=3.8", None)]


@fault("21", "the script asks for a Python that the default python3 is not", tries=len(_RANGES))
def another(attempt: Try) -> bool:
    """Analyze a script with a range of versions, beside a python3.98 that is, and one in the working directory."""
    wanted, expected = _RANGES[attempt.index]
    (attempt.folder / "bin").mkdir()
    for name, version in {"bin/python3.98": "3.98.1", "python3.99": "3.99.1"}.items():
        (attempt.folder / name).write_text(
            f'#!/bin/sh\necho "$@" >> "{attempt.folder}/{name}.log"\necho Python {version}\n'
        )
        (attempt.folder / name).chmod(0o755)
    (attempt.folder / "task.py").write_text(f"# /// script\n# requires-python = '{wanted}'\n# ///\n")
    path = f"{attempt.environ['PATH']}:.:{attempt.folder}/bin:"
    analyzed = attempt.run(attempt.commands.analyze, "task.py", "out.json", PATH=path)
    if analyzed.returncode or (attempt.folder / "python3.99.log").exists():
        return False
    python = json.loads((attempt.folder / "out.json").read_text())["python"]
    return bool(python == expected if expected else python.startswith("3."))
