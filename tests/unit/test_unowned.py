"""Modules that the default python3 has of no distribution: with --local they travel like the user's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from user_python import UserPython
from wheels import write_wheel

COMMAND = Path(sys.executable).with_name("python_package_analyze")
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
# What SWIG 4.1 writes at the top of a module.
SWIG = """\
from sys import version_info as _swig_python_version_info
# Import the low-level C/C++ module
if __package__ or "." in __name__:
    from . import {name}
else:
    import {name}

try:
    import builtins as __builtin__
except ImportError:
    import __builtin__
import cloudpickle
"""


@pytest.fixture
def user(tmp_path: Path) -> UserPython:
    """Return a python3 with a distribution, and a folder `made` of what somebody's `make install` put there."""
    (tmp_path / "user").mkdir()
    user = UserPython(tmp_path / "user")
    write_wheel(user.wheels, "proper", {"proper/__init__.py": "import idna\n"})
    user.install("proper")
    made = user.folder / "made"
    (made / "tools" / "vine").mkdir(parents=True)
    (made / "tools" / "__init__.py").touch()
    (made / "tools" / "vine" / "__init__.py").write_text("from .cvine import *\nimport tools.other\n")
    (made / "tools" / "vine" / "cvine.py").write_text(SWIG.format(name="_cvine"))
    (made / "tools" / "other.py").write_text("from proper import x\n")
    (made / "flat.py").write_text(SWIG.format(name="_flat"))
    for extension in (made / "tools" / "vine" / f"_cvine{SUFFIX}", made / f"_flat{SUFFIX}"):
        extension.write_bytes(b"\x7fELF")
    return user


def analyze(user: UserPython, script: str, *options: str, path: str | Path = "made") -> tuple[dict[str, object], str]:
    (user.folder / "task.py").write_text(script)
    done = subprocess.run(
        [COMMAND, *options, "task.py", "-"],
        cwd=user.folder,
        env={**os.environ, "PATH": f"{user.bin}:{os.environ['PATH']}", "PYTHONPATH": str(user.folder / path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_local__package_of_no_distribution__travels_with_its_extension_and_what_it_needs(user: UserPython) -> None:
    spec, said = analyze(user, "import tools.vine as vine\n", "--local")

    assert spec["local"] == {"task": str(user.folder / "task.py"), "tools": str(user.folder / "made/tools")}
    assert spec["modules"] == ["cloudpickle", "proper"]
    assert "optional" not in spec
    assert "tools: in your python3 without a distribution, and so taken as local\n" in said


def test_local__module_beside_its_extension__travels_with_it(user: UserPython) -> None:
    spec, said = analyze(user, "import flat\n", "--local")

    made = user.folder / "made"
    assert spec["local"] == {
        "_flat": str(made / f"_flat{SUFFIX}"),
        "flat": str(made / "flat.py"),
        "task": str(user.folder / "task.py"),
    }
    assert spec["modules"] == ["cloudpickle"]
    assert f"_flat{SUFFIX}: compiled, so what it imports is not listed" in said


def test_local__in_site_packages__travels_too(user: UserPython) -> None:
    site = next((user.folder / "venv").glob("lib/python3*/site-packages"))
    for place in (user.folder / "made").iterdir():
        shutil.move(place, site)

    spec, _ = analyze(user, "from tools import vine\nimport flat\n", "--local")

    assert set(spec["local"]) == {"_flat", "flat", "task", "tools"}  # type: ignore[call-overload]
    assert spec["modules"] == ["cloudpickle", "proper"]


def test_local__of_a_directory__travels_too(user: UserPython) -> None:
    project = user.folder / "project"
    project.mkdir()
    (project / "run.py").write_text("import flat\n")
    environ = {**os.environ, "PATH": f"{user.bin}:{os.environ['PATH']}", "PYTHONPATH": str(user.folder / "made")}

    done = subprocess.run(
        [COMMAND, "--local", project, "-"], env=environ, capture_output=True, text=True, timeout=60, check=True
    )

    assert set(json.loads(done.stdout)["local"]) == {"_flat", "flat", "run"}


def test_no_local__module_of_no_distribution__is_listed(user: UserPython) -> None:
    spec, _ = analyze(user, "import flat, tools.vine\n")

    assert spec["modules"] == ["flat", "tools"]
    assert "local" not in spec


@pytest.mark.parametrize("module", ["proper", "nowhere", "lib2to3", "_bisect", "this"])
def test_local__any_other_module__is_not_taken(user: UserPython, module: str) -> None:
    spec, _ = analyze(user, f"import {module}\n", "--local")

    assert spec["local"] == {"task": str(user.folder / "task.py")}


def test_local__module_of_the_users_own__comes_first(user: UserPython) -> None:
    (user.folder / "flat.py").write_text("import idna\n")

    spec, _ = analyze(user, "import flat\n", "--local")

    assert spec["local"] == {"flat": str(user.folder / "flat.py"), "task": str(user.folder / "task.py")}


def test_local__relative_pythonpath__does_not_count(user: UserPython) -> None:
    """As for all that is asked of the user's python3: what is in the working directory is not installed."""
    environ = {**os.environ, "PATH": f"{user.bin}:{os.environ['PATH']}", "PYTHONPATH": "made"}
    (user.folder / "task.py").write_text("import flat\n")

    done = subprocess.run(
        [COMMAND, "--local", "task.py", "-"], cwd=user.folder, env=environ, capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout)["modules"] == ["flat"]


def test_local__broken_module_of_no_distribution__exits_3_and_names_it(user: UserPython) -> None:
    (user.folder / "made/flat.py").write_text("def (:\n")
    (user.folder / "task.py").write_text("import flat\n")
    environ = {**os.environ, "PATH": f"{user.bin}:{os.environ['PATH']}", "PYTHONPATH": str(user.folder / "made")}

    done = subprocess.run(
        [COMMAND, "--local", "task.py", "-"], cwd=user.folder, env=environ, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (3, "", False)
    assert "made/flat.py:1" in done.stderr.splitlines()[-1]
