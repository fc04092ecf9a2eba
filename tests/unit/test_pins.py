"""analyze --pin: what the default python3 has of the modules, read from what real installers leave."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
from pathlib import Path

import pytest
from fake_python import fake_python
from user_python import BACKEND, UserPython
from wheels import write_wheel

from python_package import elf, import_names
from python_package.analyze import analyze_script, analyze_sources, pins
from python_package.analyze.values import Analysis
from python_package.cli import analyze as command
from python_package.errors import InterpreterError
from python_package.spec import Pin, Spec

WHEELS = {
    "PyYAML": "yaml/__init__.py",
    "lazyaml": "yaml/lazy.py",
    "opentelemetry-api": "opentelemetry/trace.py",
    "acme-one": "acme/one/__init__.py",
    "acme-two": "acme/two.py",
    "shared-a": "shared/__init__.py",
    "shared-b": "shared/__init__.py",
    "google-cloud-storage": "google/cloud/storage/__init__.py",
    "work-queue": "work_queue.py",
}
PROJECT = """
[build-system]
build-backend = "backend"
backend-path = ["."]
requires = []
[project]
name = "{name}"
version = "1.0"
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> UserPython:
    """Return a python3 with distributions of every kind."""
    user = UserPython(tmp_path_factory.mktemp("user"))
    for name, file in WHEELS.items():
        write_wheel(user.wheels, name, {file: "raise SystemExit('imported')"}, version="2.5.post1")
    user.install(*WHEELS)
    user.install(str(write_wheel(user.folder / "elsewhere", "from-file", {"from_file.py": ""})))
    project = user.folder / "edited project"
    (project / "src" / "edited").mkdir(parents=True)
    (project / "src" / "edited" / "__init__.py").touch()
    (project / "backend.py").write_text(BACKEND)
    (project / "pyproject.toml").write_text(PROJECT.format(name="edited"))
    user.install("--editable", str(project))
    site = next(Path(folder) for folder in user.import_path() if folder.endswith("site-packages"))
    (site / "unowned.py").touch()
    system = site / "ours-1.0.egg-info"
    system.write_text("Metadata-Version: 2.1\nName: ours\nVersion: 1.0\n")
    (site / "ours.py").touch()
    return user


def _pinned(user: UserPython, source: str) -> Analysis:
    return pins.pinned(analyze_sources([("script.py", source.encode())], python=user.python), user.python)


@pytest.mark.parametrize(
    ("module", "pin"),
    [
        ("yaml", Pin("yaml", "PyYAML", "2.5.post1", "pypi")),
        ("google.cloud.storage", Pin("google.cloud.storage", "google-cloud-storage", "2.5.post1", "pypi")),
        ("ours", Pin("ours", "ours", "1.0", "system")),
        ("work_queue", Pin("work_queue", "work-queue", "2.5.post1", "pypi")),
    ],
)
def test_pinned__installed__names_project_version_and_source(module: str, pin: Pin, user: UserPython) -> None:
    analysis = _pinned(user, f"import {module}")
    assert (analysis.spec.pins, analysis.remarks) == ((pin,), ())


def test_pinned__installed_from_a_file__is_local_with_its_url(user: UserPython) -> None:
    (pin,) = _pinned(user, "import from_file").spec.pins
    assert (pin.source, pin.url) == ("local", (user.folder / "elsewhere" / "from_file-1.0-py3-none-any.whl").as_uri())


def test_pinned__edited_in_place__is_editable_with_its_folder(user: UserPython) -> None:
    (pin,) = _pinned(user, "import edited").spec.pins
    assert (pin.source, pin.url) == ("editable", (user.folder / "edited project").as_uri())


@pytest.mark.parametrize(
    ("module", "remark"),
    [
        ("absent", "not pinned: your python3 does not have absent"),
        ("google.auth", "not pinned: your python3 does not have google.auth"),
        ("shared", "not pinned: several packages provide shared in your python3: shared-a, shared-b"),
    ],
)
def test_pinned__not_to_be_told__is_a_remark(module: str, remark: str, user: UserPython) -> None:
    analysis = _pinned(user, f"import {module}, yaml")
    assert analysis.remarks == (remark,)
    assert analysis.spec.modules == (module, "yaml")
    assert [pin.module for pin in analysis.spec.pins] == ["yaml"]


def test_pinned__no_package_owns_it__is_a_remark_that_says_where_it_is(user: UserPython) -> None:
    (remark,) = _pinned(user, "import unowned").remarks
    assert remark.startswith("not pinned: no package owns unowned, which your python3 has in /")


def test_pinned__what_python_ships__needs_no_pin(user: UserPython) -> None:
    analysis = _pinned(user, "import antigravity, os")
    assert (analysis.spec.pins, analysis.remarks) == ((), ())


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import acme.one", ("acme.one",)),
        ("from acme import one, two", ("acme.one", "acme.two")),
        ("from acme.one.deep import x\nimport acme", ("acme.one",)),
        ("import acme", ("acme",)),
        ("import acme.one, acme.three", ("acme", "acme.one")),
        ("from yaml import lazy", ("yaml",)),
        ("from opentelemetry import trace", ("opentelemetry",)),
        ("from shared import a", ("shared",)),
    ],
)
def test_pinned__namespace_of_the_interpreter_alone__is_told_apart(
    source: str, modules: tuple[str, ...], user: UserPython
) -> None:
    assert _pinned(user, source).spec.modules == modules


def test_pinned__namespace_told_apart__keeps_what_is_optional(user: UserPython) -> None:
    spec = _pinned(user, "import acme.one\ntry: import acme.two\nexcept ImportError: pass").spec
    assert (spec.modules, spec.optional) == (("acme.one", "acme.two"), ("acme.two",))
    assert [pin.package for pin in spec.pins] == ["acme-one", "acme-two"]


def test_pinned__spec__is_one_that_create_reads_and_resolves_without_the_interpreter(user: UserPython) -> None:
    spec = _pinned(user, "import yaml, acme.one, from_file, edited, google.cloud.storage").spec
    assert Spec.from_json(spec.to_json(), "deps.json") == spec
    packages = {
        package.module: package
        for package in import_names.resolve(spec.modules, wishes=import_names.Wishes(pins=spec.pins))
    }
    assert (packages["acme.one"].pypi, packages["acme.one"].version) == ("acme-one", "==2.5.post1")
    assert packages["yaml"].version == "==2.5.post1"
    assert packages["edited"].origin == (user.folder / "edited project").as_uri()


def test_pinned__built_by_conda__is_conda_s(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    (site / "torch-2.1.dist-info").mkdir(parents=True)
    (site / "torch.py").touch()
    (site / "osgeo.py").touch()
    (site / "torch-2.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.1\n")
    (site / "torch-2.1.dist-info" / "RECORD").write_text("torch.py,,\n")
    (site / "torch-2.1.dist-info" / "INSTALLER").write_text("conda\n")
    (tmp_path / "conda-meta").mkdir()
    record = {"name": "libgdal-core", "version": "3.8.4", "files": ["lib/python3.11/site-packages/osgeo.py"]}
    (tmp_path / "conda-meta" / "libgdal-core-3.8.4-h1_0.json").write_text(json.dumps(record))
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n[ $1 = -V ] && echo Python 3.11.7 || echo '[\"{site}\"]'\n")
    python.chmod(0o755)
    analysis = analyze_sources([("script.py", b"import torch, osgeo")], python=str(python))
    assert pins.pinned(analysis, str(python)).spec.pins == (
        Pin("osgeo", "conda:libgdal-core", "3.8.4", "conda"),
        Pin("torch", "torch", "2.1", "conda"),
    )


@pytest.mark.parametrize(("name", "version"), [("ours", ""), ("ours", "1 0"), ("o u", "1.0"), ("-x", "1.0")])
def test_pinned__metadata_that_no_index_could_have__is_a_remark(tmp_path: Path, name: str, version: str) -> None:
    (tmp_path / "ours.py").touch()
    (tmp_path / "ours-1.0.dist-info").mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (tmp_path / "ours-1.0.dist-info" / "METADATA").write_text(text)
    (tmp_path / "ours-1.0.dist-info" / "RECORD").write_text("ours.py,,\n")
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n[ $1 = -V ] && echo Python 3.11.7 || echo '[\"{tmp_path}\"]'\n")
    python.chmod(0o755)
    analysis = pins.pinned(analyze_sources([("script.py", b"import ours")], python=str(python)), str(python))
    assert analysis.spec.pins == ()
    assert analysis.remarks[0].startswith("not pinned: no index can have ")


def test_pinned__interpreter_that_says_nothing__is_an_error(tmp_path: Path) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\n[ $1 = -V ] && echo Python 3.11.7\n")
    (tmp_path / "python3").chmod(0o755)
    with pytest.raises(InterpreterError, match="does not tell where it imports modules from"):
        analyze_and_pin(tmp_path / "python3")


def analyze_and_pin(python: Path) -> Spec:
    (python.parent / "script.py").write_text("import yaml")
    return analyze_script(python.parent / "script.py", pin=True, python=str(python))


def test_analyze__pin__is_asked_for_in_the_api(user: UserPython) -> None:
    assert analyze_and_pin(Path(user.python)).pins == (Pin("yaml", "PyYAML", "2.5.post1", "pypi"),)


def test_command__pin__writes_the_key_and_the_remarks(
    user: UserPython, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", f"{user.bin}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "script.py").write_text("import yaml, absent")
    assert command.main(["--pin", str(tmp_path / "script.py"), "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["pins"] == {"yaml": {"package": "PyYAML", "version": "2.5.post1", "source": "pypi"}}
    assert said.err == "python_package_analyze: not pinned: your python3 does not have absent\n"
    assert command.main([str(tmp_path / "script.py"), "-"]) == 0
    said = capsys.readouterr()
    assert "pins" not in json.loads(said.out)
    assert said.err == ""


def _aarch64_program(folder: Path) -> Path:
    """Write a program of another platform, as far as its header tells."""
    machine = 183 if elf.subdir(Path("/proc/self/exe")) == "linux-64" else 62
    ident = b"\x7fELF\2\1\1".ljust(16, b"\0")
    head = struct.pack("<16sHHIQQQIHHHHHH", ident, 2, machine, 1, 64, 0, 0, 0, 64, 56, 0, 64, 0, 0)
    folder.mkdir()
    (folder / "python3").write_bytes(head)
    (folder / "python3").chmod(0o755)
    return folder / "python3"


def test_pinned__interpreter_of_another_platform_under_an_emulator__is_refused_with_why(
    user: UserPython, tmp_path: Path
) -> None:
    foreign = _aarch64_program(tmp_path / "foreign")
    # As an emulator does: the interpreter answers, and takes the foreign program for what it is.
    emulated = fake_python(tmp_path, f'exec bash -c \'exec -a "$0" "$@"\' {foreign} {user.python} "$@"', "python3")
    analysis = analyze_sources([("script.py", b"import yaml")], python=emulated)
    assert analysis.spec.modules == ("yaml",)
    here, there = elf.subdir(Path("/proc/self/exe")), elf.subdir(foreign)
    with pytest.raises(InterpreterError) as caught:
        pins.pinned(analysis, emulated)
    words = f"--pin: the default interpreter {emulated} is for {there} ({foreign}), and this machine is {here}: "
    assert str(caught.value).startswith(words)
    assert f"pin on a machine of {there}, or put a python3 of this machine first on PATH" in str(caught.value)


def test_analyze__interpreter_of_another_platform_that_does_not_run__is_an_error_that_says_why(tmp_path: Path) -> None:
    foreign = _aarch64_program(tmp_path / "foreign")
    words = rf"cannot be run: Exec format error \(it is for {elf.subdir(foreign)}\)"
    with contextlib.suppress(OSError):  # where the system has an emulator for it, that one answers
        subprocess.run([foreign], check=False, timeout=60)
        words = "does not tell its version"
    with pytest.raises(InterpreterError, match=words):
        analyze_sources([("script.py", b"import yaml")], python=str(foreign))


def test_analyze__file_that_is_no_program__is_an_error_without_a_platform(tmp_path: Path) -> None:
    (tmp_path / "python3").write_bytes(b"\x7fELF")
    (tmp_path / "python3").chmod(0o755)
    with pytest.raises(InterpreterError, match="cannot be run: Exec format error; install it"):
        analyze_sources([("script.py", b"import yaml")], python=str(tmp_path / "python3"))
