"""analyze --explain: what it says of each module."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from user_python import UserPython
from wheels import write_wheel

from python_package.analyze import analyze_sources, pins
from python_package.analyze.explain import Line, explain, table
from python_package.analyze.local_modules import recorded
from python_package.cli import analyze as command
from python_package.errors import OutputError

SCRIPT = """\
import antigravity, cv2, discord, qzxwv, work_queue, ourlab, os
import google.cloud.storage
from google.cloud import bigquery
import helper, cv2
try: import ujson
except ImportError: import numpyy
if cv2: import yaml
"""
EXPLAINED = """\
antigravity            required     comes with python
    imported at script.py:1
cv2                    required     opencv-python-headless (in channels py-opencv)
    imported at helper.py:1, script.py:1, script.py:4
    the project that is known to provide it
discord                required     discord-py (in channels discord.py), assumed
    imported at script.py:1
    the likeliest of several projects
    assumed to be discord-py; py-cord can provide it too
google.cloud.bigquery  required     google-cloud-bigquery
    imported at script.py:3
    the project that is known to provide it
google.cloud.storage   required     google-cloud-storage
    imported at script.py:2
    the project that is known to provide it
numpyy                 optional     left out
    imported at script.py:6
    no package is known to provide it; is it a slip for numpy? Else choose with --map numpyy=PACKAGE
ourlab                 required     my-own
    imported at script.py:1
    My.Own 2.5 provides it in your python3
qzxwv                  required     refused
    imported at script.py:1
    no package is known to provide it; choose with --map qzxwv=PACKAGE
ujson                  optional     ujson
    imported at script.py:5
    the project that is known to provide it
work_queue             required     ndcctools (channels only)
    imported at script.py:1
    the project that is known to provide it
yaml                   conditional  pyyaml
    imported at helper.py:2 (optional), script.py:7
    the project that is known to provide it
helper                 local        {folder}/helper.py
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> UserPython:
    """Return a python3 that has one distribution, of a name and module that no table knows."""
    user = UserPython(tmp_path_factory.mktemp("user"))
    write_wheel(user.wheels, "My.Own", {"ourlab.py": "raise SystemExit('imported')"}, version="2.5")
    user.install("my-own")
    return user


@pytest.fixture
def folder(tmp_path: Path, user: UserPython, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which has the script and its helper; the user's python3 is first on PATH."""
    folder = tmp_path.resolve()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{user.bin}{os.pathsep}{os.environ['PATH']}")
    (folder / "script.py").write_text(SCRIPT)
    (folder / "helper.py").write_text("import cv2\ntry: import yaml\nexcept ImportError: pass\n")
    return folder


def explained(source: str, **options: object) -> list[str]:
    analysis = analyze_sources([("script.py", source.encode())], **options)  # type: ignore[arg-type]
    return explain(analysis).splitlines()[1:]


def test_command__explain__is_on_stdout_beside_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--explain", "script.py", "out.json"]) == 0
    said = capsys.readouterr()
    version = json.loads((folder / "out.json").read_text())["python"]
    assert said.out == f"python {version}\n" + EXPLAINED.format(folder=folder)
    assert said.err.count("\n") == 1


def test_command__explain_and_output_on_stdout__is_on_stderr(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--explain", "script.py", "-"]) == 0
    said = capsys.readouterr()
    assert "qzxwv" in json.loads(said.out)["modules"]
    assert f"helper                 local        {folder}/helper.py\n" in said.err


@pytest.mark.usefixtures("folder")
def test_command__explain_and_output_that_cannot_be_written__says_only_that(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OutputError):
        command.main(["--explain", "script.py", "/dev/full"])
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("folder")
def test_explain__choices_of_the_user__are_the_reason() -> None:
    options = {"mapping": {"cv2": "conda:our_cv>=4"}, "packages": ["PyYAML[c]>=6", "pypi:dill"]}
    assert explained("import cv2, yaml", **options) == [
        "cv2           required     our_cv>=4 (channels only)",
        "    imported at script.py:1",
        "    --map cv2=conda:our_cv>=4",
        "yaml          required     pyyaml",
        "    imported at script.py:1",
        "    the script's own metadata depends on it",
        "PyYAML[c]>=6  by name      pyyaml[c]>=6",
        "pypi:dill     by name      dill (PyPI only)",
    ]


@pytest.mark.usefixtures("folder")
def test_explain__look_alike_that_is_known__is_said() -> None:
    assert explained("import panda")[-1] == "    one letter away from pandas, which is better known"


@pytest.mark.usefixtures("folder")
def test_explain__look_alike_that_is_asked_for_by_name__is_said() -> None:
    assert explained("import os", packages=["reqeusts>=2"]) == [
        "reqeusts>=2  by name      reqeusts>=2",
        "    one letter away from requests, which is better known",
    ]


@pytest.mark.usefixtures("folder")
def test_explain__several_projects_of_a_namespace__are_the_candidates() -> None:
    first, _, *reason = explained("import ruamel")
    assert first == "ruamel  required     refused"
    assert " ".join(map(str.strip, reason)).startswith("many packages fill it (ruamel-yaml, ")


@pytest.mark.usefixtures("folder")
def test_explain__pinned__has_the_version() -> None:
    analysis = pins.pinned(analyze_sources([("script.py", b"import ourlab")]))
    assert explain(analysis).splitlines()[1:] == [
        "ourlab  required     my-own==2.5",
        "    imported at script.py:1",
        "    pinned: My.Own 2.5 provides it in your python3",
    ]


@pytest.mark.usefixtures("folder")
def test_explain__pinned_project__says_where_it_comes_from(tmp_path: Path, user: UserPython) -> None:
    wheel = write_wheel(tmp_path / "there", "theirs", {"theirs.py": ""})
    user.install(str(wheel))
    analysis = pins.pinned(analyze_sources([("script.py", b"import theirs")]))
    assert explain(analysis).splitlines()[1] == f"theirs  required     theirs from {wheel.as_uri()}"


def test_explain__local_modules_that_are_recorded__are_named_with_the_script(folder: Path) -> None:
    analysis = recorded(analyze_sources([("script.py", b"import helper")]))
    assert explain(analysis).splitlines()[-2:] == [
        f"helper  local        {folder}/helper.py",
        f"script  local        {folder}/script.py",
    ]


@pytest.mark.usefixtures("folder")
def test_explain__nothing_to_explain__is_the_interpreter_alone() -> None:
    assert explained("import os") == []


def test_explain__places__are_in_order_of_file_and_line(folder: Path) -> None:
    (folder / "b.py").write_text("\n" * 10 + "import ourlab")
    assert explained("import b\n" + "\n" * 7 + "import ourlab\n\nimport ourlab; import ourlab")[1] == (
        "    imported at b.py:11, script.py:9, script.py:11"
    )


def test_table__long_reason__is_wrapped_between_words() -> None:
    reason = " ".join(["one-two/three.py:10,"] * 12)
    text = table([Line("module", "required", "package", (reason, "x" * 200))])
    lines = text.splitlines()
    assert all(len(line) <= 100 for line in lines[:-1])
    assert [line.strip().count("one-two/three.py:10,") for line in lines[1:-1]] == [4, 4, 4]
    assert lines[-1] == "    " + "x" * 200
