"""The corpus of hard scripts: what analyze says, and that a real Python agrees."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from fake_python import fake_python

from python_package import import_names
from python_package.analyze import analyze_script, analyze_sources, read_script
from python_package.errors import InvalidScriptError
from scripts.compare.corpus import Case, cases, single_imports
from scripts.compare.judge import canonical

PYTHON = "3.11.7"
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
    root = (tmp_path / "case").resolve()
    script = case.lay_out(root)
    monkeypatch.chdir(root if script == root else script.parent)
    name = "." if script == root else script.name
    python = fake_python(tmp_path, f"echo Python {case.python or PYTHON}")

    if case.refuses:
        with pytest.raises(InvalidScriptError, match=re.escape(case.refuses)):
            analyze_sources([(name, read_script(name))], python=python)
        return
    analysis = analyze_sources([(name, read_script(name))], python=python)

    assert analysis.spec.modules == case.modules
    assert analysis.spec.optional == case.optional
    assert analysis.spec.packages == case.packages
    assert analysis.spec.python == (case.python or PYTHON)
    assert {str(Path(path).relative_to(root)) for path in analysis.local} == case.local
    for text in case.says:
        assert any(text in remark for remark in analysis.remarks), analysis.remarks
    for remark in analysis.remarks:
        assert any(text in remark for text in case.says + case.may_say), remark


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in single_imports()])
def test_answers__single_import_with_nothing_installed__is_its_distribution_or_refused(case: Case) -> None:
    (wanted,) = case.providers.values()
    (answer,) = import_names.answers(case.modules, ())
    if wanted:
        assert answer.package and not answer.refusal
        found = answer.package.pypi or answer.package.conda[0]
        assert canonical(found) in map(canonical, wanted.split("|"))
    else:
        assert answer.refusal and not answer.package


@pytest.mark.parametrize("case", [case for case in CASES if case.values[0].executes])  # type: ignore[union-attr]
def test_corpus__real_python_runs_the_script__it_imports_what_the_case_says(case: Case, tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    case.lay_out(folder)
    tops = {module.partition(".")[0] for module in case.modules}
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", _RUN, str(folder), case.script, *sorted(tops)],
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
    assert {name.partition(".")[0] for name in imported} <= tops
    spec = analyze_script(folder / case.script, python=fake_python(tmp_path, f"echo Python {case.python or PYTHON}"))
    assert set(spec.submodules) - set(spec.deferred) <= imported
    assert {module for module, _ in spec.names} <= imported
