"""From the script to the worker: what analyze records is what create builds and the task runs with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from desk import Desk
from user_python import UserPython
from wheels import write_wheel

ANALYZE = Path(sys.executable).with_name("python_package_analyze")
WRAPPER = Path(__file__).parents[2] / "python_package" / "run" / "python_package_run"

TASK = """\
from acme import one
from acme.two.deep import two
import pkg, sibling
try:
    import numpyy
except ImportError:
    numpyy = None
print(one.VERSION, two, pkg.TEXT, sibling.X, numpyy)
"""


@pytest.fixture
def user(tmp_path: Path) -> UserPython:
    """Return a python3 with an older release of one part of a namespace, and another part."""
    (tmp_path / "user").mkdir()
    user = UserPython(tmp_path / "user")
    for version in ("1.0", "2.0"):
        write_wheel(user.wheels, "acme-one", {"acme/one.py": f"VERSION = {version}\n"}, version=version)
    write_wheel(user.wheels, "acme-two", {"acme/two/deep.py": "two = 2\n"})
    user.install("acme-one==1.0", "acme-two")
    return user


def test_commands__pinned_namespace_local_modules_and_a_missing_optional_one__run_on_a_worker(
    desk: Desk, user: UserPython, tmp_path: Path
) -> None:
    (desk.cwd / "task.py").write_text(TASK)
    (desk.cwd / "sibling.py").write_text("X = 'x'\n")
    (desk.cwd / "pkg").mkdir()
    (desk.cwd / "pkg" / "__init__.py").write_text("TEXT = open(__file__[:-11] + 'data.txt').read()\n")
    (desk.cwd / "pkg" / "data.txt").write_text("data")
    environ = {**desk.environ, "PATH": f"{user.bin}:{desk.environ['PATH']}"}
    analyzed = subprocess.run(
        [ANALYZE, "--pin", "--local", "task.py", "deps.json"],
        cwd=desk.cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert analyzed.stderr == "python_package_analyze: not pinned: your python3 does not have numpyy\n"
    assert json.loads((desk.cwd / "deps.json").read_text())["modules"] == ["acme.one", "acme.two", "numpyy"]

    created = desk.run("-c", str(desk.channel), "deps.json", "env", PIP_FIND_LINKS=str(user.wheels))
    assert created.returncode == 0, created.stderr
    assert "note: numpyy: optional, and left out: no package is known to provide it; is it a slip" in created.stderr

    worker = tmp_path / "worker"
    worker.mkdir()
    (desk.cwd / "env.tar.gz").rename(worker / "env.tar.gz")
    desk.envs.rename(tmp_path / "out of reach")
    desk.cwd.rename(tmp_path / "away")
    ran = subprocess.run(
        [WRAPPER, "env", "python3 -m task"],
        cwd=worker,
        env={"PATH": "/usr/bin:/bin", "HOME": str(worker)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.stdout, ran.stderr) == ("1.0 2 data x None\n", "")


# What SWIG 4.1 writes at the top of a module, and the least that it then finds in the library.
SWIG = """\
if __package__ or "." in __name__:
    from . import {name}
else:
    import {name}

def answer():
    return {name}.answer()
"""
LIBRARY = """\
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *unused) {{ return PyLong_FromLong({number}); }}
static PyMethodDef all[] = {{{{"answer", answer, METH_NOARGS, NULL}}, {{NULL, NULL, 0, NULL}}}};
static struct PyModuleDef it = {{PyModuleDef_HEAD_INIT, "{name}", NULL, -1, all}};
PyMODINIT_FUNC PyInit_{name}(void) {{ return PyModule_Create(&it); }}
"""


@pytest.mark.skipif(
    not shutil.which("gcc") and os.environ.get("CI") != "true", reason="no C compiler; CI must have one"
)
def test_commands__modules_that_make_installed_without_a_distribution__travel_with_their_libraries(
    desk: Desk, user: UserPython, tmp_path: Path
) -> None:
    """As ndcctools is installed: a package and a module on PYTHONPATH, each with an extension module beside it."""
    made = tmp_path / "made"
    (made / "tools").mkdir(parents=True)
    (made / "tools" / "__init__.py").write_text("from .vine import answer\n")
    (made / "tools" / "vine.py").write_text(SWIG.format(name="_vine"))
    (made / "flat.py").write_text(SWIG.format(name="_flat"))
    for folder, name, number in ((made / "tools", "_vine", 42), (made, "_flat", 43)):
        (folder / "library.c").write_text(LIBRARY.format(name=name, number=number))
        include, suffix = (sysconfig.get_config_var(each) for each in ("INCLUDEPY", "EXT_SUFFIX"))
        subprocess.run(
            ["gcc", "-shared", "-fPIC", f"-I{include}", "-o", folder / f"{name}{suffix}", folder / "library.c"],
            check=True,
            timeout=60,
        )
        (folder / "library.c").unlink()
    (desk.cwd / "task.py").write_text("import tools, flat\nprint(tools.answer(), flat.answer())\n")
    environ = {**desk.environ, "PATH": f"{user.bin}:{desk.environ['PATH']}", "PYTHONPATH": str(made)}
    analyzed = subprocess.run(
        [ANALYZE, "--local", "task.py", "deps.json"],
        cwd=desk.cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "flat, tools: in your python3 without a distribution" in analyzed.stderr

    created = desk.run("-c", str(desk.channel), "deps.json", "env")
    assert created.returncode == 0, created.stderr

    worker = tmp_path / "worker"
    worker.mkdir()
    (desk.cwd / "env.tar.gz").rename(worker / "env.tar.gz")
    made.rename(tmp_path / "out of reach")
    ran = subprocess.run(
        [WRAPPER, "env", "python3 -m task"],
        cwd=worker,
        env={"PATH": "/usr/bin:/bin", "HOME": str(worker)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.stdout, ran.stderr) == ("42 43\n", "")


def test_commands__pinned_in_an_environment_of_ours__makes_the_same_versions_again(desk: Desk) -> None:
    assert desk.create("--map=onlypypi=onlypypi==0.9", modules=("idna", "onlypypi")).returncode == 0
    (desk.cwd / "task.py").write_text("import idna, onlypypi\n")
    environ = {**desk.environ, "PATH": f"{desk.envs}/env/bin:/usr/bin:/bin"}
    argv = [str(ANALYZE), "--pin", "task.py", "deps.json"]
    analyzed = subprocess.run(argv, cwd=desk.cwd, env=environ, capture_output=True, text=True, timeout=60)
    assert analyzed.stderr == ""
    pins = json.loads((desk.cwd / "deps.json").read_text())["pins"]
    assert (pins["idna"]["source"], pins["onlypypi"]["source"]) == ("conda", "pypi")

    created = desk.run("-c", str(desk.channel), "deps.json", "again")
    assert created.returncode == 0, created.stderr
    python = desk.envs / "again" / "bin" / "python"
    show = "import importlib.metadata as m; print(m.version('idna'), m.version('onlypypi'))"
    versions = subprocess.run([python, "-c", show], capture_output=True, text=True, check=True, timeout=60)
    assert versions.stdout.split() == [pins["idna"]["version"], "0.9"]
