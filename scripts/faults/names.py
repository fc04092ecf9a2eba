"""Imports below names that many projects share."""

from __future__ import annotations

import json

from scripts.faults.injection import Try, fault, is_one_line

# An import, what analyze lists for it, and the package that create says it would take; none: it is refused.
_SHARED = (
    ("import lsst.utils.introspection", "lsst.utils", "lsst-utils"),
    ("from lsst.daf.butler import Butler", "lsst.daf.butler", "lsst-daf-butler"),
    ("from cocotbext.uart import UartSource", "cocotbext.uart", "cocotbext-uart"),
    ("from ufal.morphodita import Tagger", "ufal.morphodita", "ufal-morphodita"),
    ("import openff", "openff", ""),
    ("from lsst import afw", "lsst.afw", ""),
    ("from airflow.providers.unknown import hooks", "airflow.providers.unknown", ""),
)


@fault("10", "an import below a name that many projects share", tries=len(_SHARED))
def shared(attempt: Try) -> bool:
    """Analyze a script and explain it: the project that has the module is told, or the name is refused."""
    source, module, package = _SHARED[attempt.index]
    (attempt.folder / "task.py").write_text(f"{source}\n")
    told = attempt.run(attempt.commands.analyze, "--explain", "task.py", "task.json")
    if told.returncode or json.loads((attempt.folder / "task.json").read_text())["modules"] != [module]:
        return False
    lines = [line.split() for line in (told.stdout + told.stderr).splitlines()]
    if package:
        return any(words[:1] == [module] and words[-1] == package for words in lines)
    made = attempt.run(attempt.commands.create, "-c", attempt.supplies.channel, "task.json", "task")
    return made.returncode == 4 and is_one_line(made.stderr) and f"{module}: many packages fill" in made.stderr
