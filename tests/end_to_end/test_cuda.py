"""A package with a build for GPUs, from a channel over HTTP, on a machine without one: chosen, checked and told of."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from compiled import library, linked, needing_glibc
from desk import Desk, make_desk, one_line
from run_worker import WRAPPER

from python_package import pack
from python_package.conda.records import PLATFORM, index_channel
from python_package.host_python import conda_package
from scripts.faults.misbehaving import serving

CUDA = "libcuda.so.1"
SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
CORE = f"gpu/core{sysconfig.get_config_var('EXT_SUFFIX')}"
# A compiled module that calls the driver when it is asked where it runs.
SOURCE = """\
#include <Python.h>
int cuInit(unsigned);
static PyObject *where(PyObject *self, PyObject *unused) { return PyUnicode_FromFormat("cuda %d", cuInit(0)); }
static PyMethodDef all[] = {{"where", where, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef it = {PyModuleDef_HEAD_INIT, "core", NULL, -1, all};
PyMODINIT_FUNC PyInit_core(void) { return PyModule_Create(&it); }
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a driver's library to link with, which no package holds and no machine has in its folders."""
    return library(tmp_path_factory.mktemp("driver") / CUDA, "int cuInit(unsigned flags) { return 0; }")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, driver: Path) -> Iterator[str]:
    """Serve a channel whose package `gpu` has a build for GPUs, that declares so, and one for all others."""
    root = tmp_path_factory.mktemp("cuda")
    core = linked(root / "core.so", driver, source=SOURCE, options=[f"-I{sysconfig.get_config_var('INCLUDEPY')}"])
    init = "from gpu.core import where\n"
    add(root, "gpu", {"gpu/__init__.py": init, "gpu/core.py": "def where():\n    return 'cpu'\n"}, "cpu", 0)
    add(root, "gpu", {"gpu/__init__.py": init, CORE: core}, "cuda", 200, "__cuda >=12")
    # These declare nothing of what a file of theirs needs.
    add(root, "hidden", {"hidden/__init__.py": "", "hidden/it.so": core})
    add(root, "newer", {"newer/__init__.py": "", "newer/it.so": needing_glibc(root / "newer.so", "9.99")})
    index_channel(root / "channel")
    with serving(root / "channel", {}) as server:
        yield server.url


def add(root: Path, name: str, files: Mapping[str, str | Path], build: str = "0", number: int = 0, *needs: str) -> None:
    stage = root / f"{name}-{build}"
    for path, content in files.items():
        file = stage / SITE / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copy(content, file)
        else:
            file.write_text(content)
    python = f"python {sys.version_info[0]}.{sys.version_info[1]}.*"
    index = {"name": name, "version": "1.0", "build": build, "build_number": number, "subdir": PLATFORM}
    conda_package.write(
        stage, conda_package.scan(stage), root / "channel", {**index, "depends": [python, *needs, "__glibc >=2.5"]}
    )


@pytest.fixture
def at(tmp_path: Path, channel: Path, caches: Mapping[str, str]) -> Desk:
    return make_desk(tmp_path, channel, caches)


def create(desk: Desk, url: str, *argv: str, module: str = "gpu", **extra: str) -> subprocess.CompletedProcess[str]:
    return desk.create("-c", url, f"--map={module}={module}", *argv, modules=(module,), **extra)


def target(desk: Desk, **said: str) -> str:
    """Write the file of a machine with this one's glibc, which the interpreter was built for."""
    libc = (os.confstr("CS_GNU_LIBC_VERSION") or "").removeprefix("glibc ")
    (desk.cwd / "worker.json").write_text(json.dumps({"subdir": PLATFORM, "libc_version": libc, **said}))
    return "worker.json"


def run(desk: Desk, command: str, worker: str = "worker", **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a worker that has nothing but the tarball."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(desk.cwd / worker), **extra}
    (desk.cwd / worker).mkdir(exist_ok=True)
    argv = [str(WRAPPER), str(desk.cwd / "env"), command]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("how", ["target", "variable"])
def test_create__with_a_driver_to_come__takes_the_build_for_it_and_tells_what_it_needs(
    at: Desk, url: str, driver: Path, how: str
) -> None:
    argv = ["--target", target(at, cuda="12.4")] if how == "target" else []
    variables = {} if how == "target" else {"CONDA_OVERRIDE_CUDA": "12.4"}

    refused = create(at, url, *argv, **variables)

    assert refused.returncode == 6, refused.stderr
    said = one_line(refused.stderr)
    assert f"does not import in the environment: gpu (ImportError: {CUDA}: cannot open shared object file" in said
    assert f"--allow-missing {CUDA}" in said
    assert not (at.cwd / "env.tar.gz").exists()

    made = create(at, url, *argv, "--allow-missing", CUDA, "--sbom", "env.json", **variables)

    assert made.returncode == 0, made.stderr
    assert f"not imported, for want of {CUDA} on this machine: gpu\n" in made.stderr
    manifest = pack.read(at.cwd / "env.tar.gz")
    assert manifest.libraries == ((CUDA, f"{SITE}/{CORE}"),)
    assert f"library {CUDA} {SITE}/{CORE}\n" in info(at)
    bill = json.loads((at.cwd / "env.json").read_text())
    told = {each["name"]: each["value"] for each in bill["metadata"]["component"]["properties"]}
    assert told["python_package:needs:library"] == f"{CUDA} {SITE}/{CORE}"
    # A worker with a driver, then one without.
    where = "python -c 'import gpu; print(gpu.where())'"
    there = run(at, where, LD_LIBRARY_PATH=str(driver.parent))
    assert (there.returncode, there.stdout, there.stderr) == (0, "cuda 0\n", "")
    note = f"python_package_run: note: this machine lacks {CUDA} for {SITE}/{CORE}"
    for first in (True, False):
        lacking = run(at, where, "other worker")
        assert lacking.returncode == 1
        assert f"ImportError: {CUDA}" in lacking.stderr
        # Said once, when it is unpacked.
        assert [line for line in lacking.stderr.splitlines() if "python_package_run" in line] == [note] * first


def info(desk: Desk) -> str:
    argv = [str(WRAPPER), "--info", str(desk.cwd / "env")]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("cuda", ["", "11.8"])
def test_create__no_driver_or_one_too_old__takes_the_other_build(at: Desk, url: str, cuda: str) -> None:
    done = create(at, url, "--target", target(at, cuda=cuda), "--allow-missing", CUDA)
    assert done.returncode == 0, done.stderr
    assert f"--allow-missing {CUDA}: no file is linked to it, and no import failed for want of it\n" in done.stderr
    assert pack.read(at.cwd / "env.tar.gz").libraries == ()
    ran = run(at, "python -c 'import gpu; print(gpu.where())'")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "cpu\n", "")


def test_create__a_need_that_nobody_declared__is_noted_for_a_target_without_a_driver(at: Desk, url: str) -> None:
    done = create(at, url, "--target", target(at), module="hidden")
    assert done.returncode == 0, done.stderr
    (note,) = re.findall(rf".*{CUDA}.*", done.stderr)
    assert f"worker.json has no CUDA driver, which would bring {CUDA} ({SITE}/hidden/it.so needs it)" in note


def test_create__a_file_that_needs_more_than_the_target_has__is_refused(at: Desk, url: str) -> None:
    done = create(at, url, "--target", target(at), module="newer")
    assert done.returncode == 4, done.stderr
    assert f"{SITE}/newer/it.so needs glibc 9.99, and worker.json has 2." in one_line(done.stderr)
    assert not (at.cwd / "env.tar.gz").exists()
    assert list(at.envs.glob("*")) == []
    # For machines like this one nothing is compared: it runs here or not.
    assert create(at, url, module="newer").returncode == 0
    assert "\nglibc 9.99\n" in info(at)
