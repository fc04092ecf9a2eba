"""ModuleFinder of the standard library as an oracle: whatever it finds that a script imports, analyze lists."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from python_package.analyze import analyze_script
from python_package.errors import NotPythonError
from scripts.compare.corpus import cases

ROOT = Path(__file__).parents[2]

# Prints the names that no file beside the script answers. Nothing is executed.
_FIND = """
import modulefinder, os, sys
script = os.path.abspath(sys.argv[1])
finder = modulefinder.ModuleFinder([os.path.dirname(script)])
finder.run_script(script)
print(*finder.badmodules)
"""

# What ModuleFinder names and analyze does not, with the reason, by script.
_OTHER_PYTHON = "the standard library of another Python"
_TYPE_CHECKING = "under TYPE_CHECKING, which is false at run time"
EXPLAINED = {
    "inside-its-namespace": {
        "proj.core": "the script's own namespace, above its folder, where ModuleFinder does not look"
    },
    "optional": dict.fromkeys(("annotationlib", "cPickle", "urllib2"), _OTHER_PYTHON),
    "shadowing": {
        "never": "in files called like sys, time and os, which Python has imported before it looks for files"
    },
    "standard-library-of-python2": dict.fromkeys(("cPickle", "urllib2"), _OTHER_PYTHON),
    "type-checking": dict.fromkeys((f"dropped{number}" for number in range(1, 7)), _TYPE_CHECKING),
    "type-checking-else": {"nobody": _TYPE_CHECKING},
}


def scripts(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield the name, folder and path of every script of the corpus and of the integration cases that parses."""
    for case in cases():
        if case.script != ".":
            yield case.name, folder / case.name, case.lay_out(folder / case.name)
    for path in sorted((ROOT / "integration" / "cases").glob("*/main.py")):
        yield path.parent.name, path.parent, path


def found(script: Path) -> set[str] | None:
    """Return what ModuleFinder misses on its path; None for a script that it cannot read."""
    argv = [sys.executable, "-I", "-W", "ignore", "-c", _FIND, str(script)]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    return set(ran.stdout.split()) if ran.returncode == 0 else None


def test_analyze__every_script_at_hand__lists_what_modulefinder_finds(tmp_path: Path) -> None:
    compared, missed = 0, {}
    for name, folder, script in scripts(tmp_path):
        names = found(script)
        if names is None:
            continue
        try:
            spec = analyze_script(str(script))
        except NotPythonError:
            continue  # ModuleFinder takes any bytes for text
        listed = {*spec.modules, *spec.submodules}
        local = {path.stem for path in folder.rglob("*.py")} | {path.name for path in folder.rglob("*")}
        tops = {each.partition(".")[0] for each in listed}
        explained = EXPLAINED.get(name, {})
        lost = {
            each
            for each in names - explained.keys()
            if each.partition(".")[0] not in tops | local | set(sys.stdlib_module_names)
        }
        compared += 1
        if lost:
            missed[name] = sorted(lost)
    assert missed == {}
    assert compared > 60
