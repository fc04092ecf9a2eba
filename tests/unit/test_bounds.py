"""What the user names is read within bounds: devices without an end, silent pipes, bombs, deep nesting."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from python_package.errors import BoundError
from python_package.files import bounds, documents
from python_package.files.bounds import read, read_stream
from python_package.files.documents import json_value, toml_value, yaml_value

BIN = Path(sys.executable).parent

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
MERGES = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))


def test_read__file__is_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 200_000)
    assert read(tmp_path / "a", "a", 200_000) == b"x" * 200_000


def test_read__file_without_a_size__is_its_bytes() -> None:
    assert read("/proc/self/status", "status", 1 << 20).startswith(b"Name:")


def test_read__larger_file__is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BoundError, match=r"^a: more than the 1 MiB"):
        read(tmp_path / "a", "a", 1 << 20)


def test_read__device_without_an_end__is_refused() -> None:
    with pytest.raises(BoundError, match=r"^/dev/zero: more than the 1 MiB"):
        read("/dev/zero", "/dev/zero", 1 << 20)


def test_read__directory__is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read(tmp_path, "a", 1 << 20)


def test_read__pipe_that_is_written_late__is_its_bytes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    writer = threading.Timer(0.2, lambda: (tmp_path / "a").write_bytes(b"import yaml\n" * 20_000))
    writer.start()
    assert read(tmp_path / "a", "a", 1 << 20) == b"import yaml\n" * 20_000
    writer.join()


def test_read__pipe_that_nobody_writes__is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SILENCE", 0.05)
    os.mkfifo(tmp_path / "a")
    with pytest.raises(BoundError, match=r"^a: a pipe that says nothing"):
        read(tmp_path / "a", "a", 1 << 20)


def test_read_stream__more_than_the_bound__is_refused() -> None:
    assert read_stream(io.BytesIO(b"12345"), "-", 5) == b"12345"
    with pytest.raises(BoundError, match=r"^-: more than"):
        read_stream(io.BytesIO(b"123456"), "-", 5)


@pytest.mark.parametrize("parse", [json_value, toml_value, yaml_value])
@pytest.mark.parametrize("levels", [60, pytest.param(100_000, marks=pytest.mark.slow)])
def test_values__nested_deep__are_a_value_error(parse: object, levels: int) -> None:
    text = "[" * levels + "]" * levels
    with pytest.raises(ValueError, match="nested more than 50 levels deep"):
        parse(f"a = {text}" if parse is toml_value else text)  # type: ignore[operator]


def test_toml_value__dotted_key_of_a_thousand_parts__is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested more than"):
        toml_value(".".join("a" * 1000) + " = 1")


@pytest.mark.parametrize("text", [BOMB, MERGES], ids=["aliases", "merges"])
def test_yaml_value__few_bytes_that_expand_to_gigabytes__are_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="more than 100,000 values"):
        yaml_value(text)


def test_yaml_value__alias_of_what_it_is_in__is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested more than"):
        yaml_value("a: &a [*a]")


def test_yaml_value__aliases_and_merges_as_people_write_them__are_followed() -> None:
    text = "base: &base [numpy, yaml]\nmore: &more {a: 1}\ndependencies: *base\nall:\n  <<: *more\n  b: 2\n"
    assert yaml_value(text)["dependencies"] == ["numpy", "yaml"]
    assert yaml_value(text)["all"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "text",
    [
        "!!bool x",
        "!!timestamp x",
        "!!int x",
        "!!float x",
        "2001-99-99",
        "a: !!python/object:os.system x",
        "\0",
        "[",
        "*a",
    ],
)
def test_yaml_value__what_no_value_is_of__is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        yaml_value(text)
    assert str(caught.value)


@pytest.mark.parametrize(("parse", "most"), [(json_value, "DOCUMENT"), (toml_value, "TOML"), (yaml_value, "YAML")])
def test_values__larger_than_is_read__are_a_value_error(
    parse: object, most: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, most, 3)
    with pytest.raises(ValueError, match="larger than"):
        parse("a = 1")  # type: ignore[operator]


HOSTILE = {
    "bomb.yml": f"{BOMB}dependencies: *a8\n",
    "deep.yml": "dependencies: " + "[" * 10_000,
    "deep.json": '{"python": "3.11.2", "modules": ' + "[" * 100_000,
    "deep.toml": "[project]\ndependencies = " + "[" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_create__hostile_file__is_one_line_and_3(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(HOSTILE[name])
    _is_refused(tmp_path, "python_package_create", name, "venv")


@pytest.mark.parametrize("command", ["python_package_analyze", "python_package_create"])
@pytest.mark.parametrize("argument", ["/dev/zero", "-"])
def test_commands__device_without_an_end__is_one_line_and_3(tmp_path: Path, command: str, argument: str) -> None:
    _is_refused(tmp_path, command, argument, "out", stdin="/dev/zero")


@pytest.mark.parametrize("command", ["python_package_analyze", "python_package_create"])
def test_commands__closed_standard_input__is_one_line_and_2(tmp_path: Path, command: str) -> None:
    script = f"exec {BIN / command} - out <&-"
    ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)


def _is_refused(folder: Path, command: str, *arguments: str, stdin: str = "/dev/null") -> None:
    with Path(stdin).open("rb") as source:
        ran = subprocess.run(
            [BIN / command, *arguments], cwd=folder, stdin=source, capture_output=True, text=True, timeout=60
        )
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr.count("\n") == 1
    assert len(ran.stderr) < 300
    assert ran.stderr.startswith(f"{command}: ")


@pytest.mark.parametrize(
    "source",
    [
        "# coding: rot13\nvzcbeg lnzy\n",
        "# coding: hex\n00\n",
        "# coding: undefined\nx\n",
        "# coding: punycode\nx\n",
        "# /// script\n# a = " + "[" * 10_000 + "\n# ///\n",
        "import a" + ".a" * 10_000,
        "import a\n" + "(" * 3_000_000 + "\nimport b\n",
        "a b " * 500_000,
    ],
    ids=["rot13", "hex", "undefined", "punycode", "metadata", "name", "brackets", "words"],
)
def test_analyze__hostile_script__is_one_line_and_3(tmp_path: Path, source: str) -> None:
    (tmp_path / "script.py").write_text(source)
    _is_refused(tmp_path, "python_package_analyze", "script.py", "-")


@pytest.mark.parametrize(
    "source",
    [
        "import yaml\nx = [" + "1," * 2_000_000 + "]\n",
        "import yaml, runpy\nrunpy.run_path('\\ud800')\nrunpy.run_path('a\\0b')\n",
        "import yaml, importlib\nx = 'a'\n" + "x = x + x\n" * 100 + "importlib.import_module(x)\n",
        "import yaml, importlib\nx0 = ''\n"
        + "".join(f"x{at + 1} = x{at} + x{at}\n" for at in range(60))
        + "importlib.import_module(x60)\n",
        "import yaml\n" + "# /// a\n#\n" * 100_000 + "# /// script\n#\n" * 50_000,
        "import yaml\nfrom . import " + "a" * 300 + "\n",
    ],
    ids=["data", "paths", "doubling", "doubling nothing", "metadata", "long name"],
)
def test_analyze__odd_script__has_its_imports(tmp_path: Path, source: str) -> None:
    (tmp_path / "script.py").write_text(source)
    command = [str(BIN / "python_package_analyze"), "script.py", "-"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, '["yaml"]' in ran.stdout) == (0, True), ran.stderr[-500:]
