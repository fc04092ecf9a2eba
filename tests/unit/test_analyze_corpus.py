"""The corpus of hard scripts: what analyze says, and that a real Python agrees."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from corpus_cases import Case, cases
from fake_python import fake_python

from python_package.analyze import analyze, analyze_sources

CASES = [pytest.param(case, id=case.name) for case in cases()]

# Runs a script with stand-ins for the modules that the case lists, and nothing else that is not the interpreter's
# own; prints what was imported: stand-ins by name, local files by path.
_RUN = """
import importlib.abc, importlib.machinery, os, runpy, sys

folder, script, *names = sys.argv[1:]

class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        def attribute(name):
            if name.startswith("__"):
                raise AttributeError(name)
            return lambda *arguments, **named: arguments[0] if arguments else None
        module.__getattr__ = attribute

sys.meta_path.append(StandIn())
script = os.path.join(folder, script)
sys.path[0] = os.path.dirname(script)
sys.argv = [script]
before = set(sys.modules)
runpy.run_path(script, run_name="__main__")
for name in sorted(set(sys.modules) - before):
    module = sys.modules[name]
    file = getattr(module, "__file__", None) or ""
    if isinstance(module.__spec__.loader, StandIn):
        print("module", name)
    elif file.startswith(folder + os.sep):
        print("local", os.path.relpath(file, folder))
"""


@pytest.mark.parametrize("case", CASES)
def test_analyze_sources__hard_script__lists_exactly_its_modules_and_local_files(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = case.lay_out(tmp_path / "case")
    monkeypatch.chdir(script.parent)
    python = fake_python(tmp_path, f"echo Python {case.python}")

    analysis = analyze_sources([(script.name, script.read_bytes())], python=python)

    assert analysis.spec.modules == case.modules
    assert analysis.spec.optional == case.optional
    assert analysis.spec.python == case.python
    root = (tmp_path / "case").resolve()
    assert {str(Path(path).relative_to(root)) for path in analysis.local} == case.local
    for text in case.says:
        assert any(text in remark for remark in analysis.remarks), analysis.remarks
    for remark in analysis.remarks:
        assert any(text in remark for text in case.says + case.may_say), remark


@pytest.mark.parametrize("case", [case for case in CASES if case.values[0].executes])  # type: ignore[union-attr]
def test_corpus__real_python_runs_the_script__it_imports_what_the_case_says(case: Case, tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    case.lay_out(folder)
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", _RUN, str(folder), case.script, *case.modules],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = [line.split(" ", 1) for line in ran.stdout.splitlines() if line.startswith(("module ", "local "))]
    assert {name for kind, name in found if kind == "local"} == case.local
    imported = {name for kind, name in found if kind == "module"}
    assert {name.partition(".")[0] for name in imported} <= set(case.modules)
    spec = analyze(folder / case.script, python=fake_python(tmp_path, f"echo Python {case.python}"))
    assert set(spec.submodules) - set(spec.deferred) <= imported
    assert {module for module, _ in spec.names} <= imported
