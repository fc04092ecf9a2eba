"""What a script imports below the top level is there, or nothing is shipped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from desk import Desk, one_line
from wheels import write_wheel

ANALYZE = Path(sys.executable).with_name("python_package_analyze")
MAP = ("--map=shelf=shelf", "--map=late=late")

# As six does: modules that exist only once the package has run.
LATE = """
import sys, types
from importlib.machinery import ModuleSpec

class Made:
    def find_spec(self, name, path, target=None):
        return ModuleSpec(name, self, is_package=True) if name.startswith("late.moves") else None
    def create_module(self, spec):
        return types.ModuleType(spec.name)
    def exec_module(self, module):
        module.parse = "made"

sys.meta_path.append(Made())
registered = sys.modules["late.registered"] = types.ModuleType("late.registered")

def __getattr__(name):
    if name == "lazy":
        return 1
    raise AttributeError(name)
"""


@pytest.fixture
def shelf(desk: Desk) -> Desk:
    """A machine whose index has a package that lost a submodule, and one that makes its own as it runs."""
    index = Path(desk.environ["PIP_FIND_LINKS"])
    write_wheel(
        index, "shelf", {"shelf/__init__.py": "", "shelf/contrib/cache.py": "class Cache: pass\n"}, version="0.16"
    )
    write_wheel(index, "shelf", {"shelf/__init__.py": "", "shelf/cache.py": "class Cache: pass\n"}, version="3.1.2")
    write_wheel(index, "late", {"late/__init__.py": LATE})
    return desk


def analyzed(desk: Desk, source: str) -> str:
    (desk.cwd / "task.py").write_text(source)
    subprocess.run([ANALYZE, "task.py", "deps.json"], cwd=desk.cwd, env=desk.environ, check=True, capture_output=True)
    return "deps.json"


def create(desk: Desk, spec: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return desk.run("-c", str(desk.channel), *MAP, *argv, spec, "env")


def test_create__submodule_that_the_newest_version_lacks__exits_6_and_an_older_one_is_shipped(shelf: Desk) -> None:
    spec = analyzed(shelf, "from shelf.contrib.cache import Cache\nprint(Cache)\n")
    done = create(shelf, spec)
    assert done.returncode == 6, done.stderr
    assert (
        "does not import in the environment: shelf.contrib.cache "
        "(ModuleNotFoundError: No module named 'shelf.contrib'; shelf 3.1.2 is installed); "
        "where another version has it, ask for that: --map 'shelf=shelf<3'"
    ) in one_line(done.stderr)
    assert not (shelf.cwd / "env.tar.gz").exists()
    done = create(shelf, spec, "--map=shelf=shelf<3")
    assert done.returncode == 0, done.stderr
    ran = subprocess.run(
        [shelf.envs / "env" / "bin" / "python3", "task.py"], cwd=shelf.cwd, capture_output=True, text=True
    )
    assert ran.stdout == "<class 'shelf.contrib.cache.Cache'>\n"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import shelf.contrib", "shelf.contrib (ModuleNotFoundError: No module named 'shelf.contrib'; shelf 3.1.2"),
        (
            "from shelf import contrib",
            "from shelf import contrib (ImportError: cannot import name 'contrib' from 'shelf'",
        ),
        ("from shelf.cache import Caches", "from shelf.cache import Caches (ImportError: cannot import name 'Caches'"),
    ],
)
def test_create__what_an_import_takes_is_not_there__exits_6(shelf: Desk, source: str, says: str) -> None:
    done = create(shelf, analyzed(shelf, source))
    assert done.returncode == 6, done.stderr
    assert f"does not import in the environment: {says}" in one_line(done.stderr)


def test_create__what_only_the_running_package_makes__passes(shelf: Desk) -> None:
    source = (
        "import late.moves.urllib\nfrom late.moves.urllib import parse\nimport late.registered\nfrom late import lazy"
    )
    done = create(shelf, analyzed(shelf, source + "\nfrom shelf import cache\nfrom shelf.cache import Cache"))
    assert done.returncode == 0, done.stderr


def test_create__submodule_in_a_function_or_under_a_condition__is_a_note_each_time(shelf: Desk) -> None:
    source = (
        "import shelf, sys\ndef f():\n  from shelf.contrib.cache import Cache\n"
        "if len(sys.argv) > 9:\n  import shelf.never\n"
        "try:\n  from shelf.cache import Caches\nexcept ImportError: pass\n"
    )
    spec = analyzed(shelf, source)
    for _ in range(2):
        done = create(shelf, spec)
        assert done.returncode == 0, done.stderr
        assert "note: deferred, and does not import in the environment: shelf.contrib.cache (" in done.stderr
        assert "; shelf.never (ModuleNotFoundError" in done.stderr
        assert "Caches" not in done.stderr


def test_create__submodules_of_an_optional_module_that_is_left_out__are_not_asked_for(shelf: Desk) -> None:
    source = "try:\n  import nobody_knows_this_one.sub\nexcept ImportError:\n  pass\n"
    done = create(shelf, analyzed(shelf, source))
    assert done.returncode == 0, done.stderr
    assert "does not import" not in done.stderr


def test_create__locked__submodules_are_those_of_the_lock(shelf: Desk) -> None:
    spec = analyzed(shelf, "import shelf.cache\n")
    assert create(shelf, spec, "--lock", "env.lock").returncode == 0
    done = shelf.run("-c", str(shelf.channel), "--locked", "env.lock", spec, "env")
    assert done.returncode == 0, done.stderr
    data = json.loads((shelf.cwd / spec).read_text())
    assert data["submodules"] == ["shelf.cache"]
    (shelf.cwd / spec).write_text(json.dumps({**data, "submodules": ["shelf.cache", "shelf.more"]}))
    done = shelf.run("-c", str(shelf.channel), "--locked", "env.lock", spec, "env")
    assert done.returncode == 3
    assert "another dependency file: submodules: shelf.more only here" in one_line(done.stderr)
