"""python_package_create --map and --strict-names, and what it says of names."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from python_package.cli import create
from python_package.create import create_environment
from python_package.create.options import CreateOptions
from python_package.errors import SolveError, UnreachableError, UsageError
from python_package.progress import Silent
from python_package.spec import Spec

PYTHON = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a user without a condarc and with a default python3 that has nothing but its standard library."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    (tmp_path / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def run(*argv: str, modules: tuple[str, ...] = ()) -> int:
    Path("deps.json").write_text(json.dumps({"python": PYTHON, "modules": modules}))
    return create.main(
        [*argv, "-q", "--interpreter", "channel", "-c", str(Path("no-channel").absolute()), "deps.json", "env"]
    )


@pytest.mark.parametrize("choice", ["yaml", "yaml=", "=pyyaml", "ya-ml=pyyaml", "a..b=c", ""])
def test_main__map_of_another_form__is_a_usage_error(choice: str) -> None:
    with pytest.raises(UsageError, match=r"--map .*expected IMPORT=PACKAGE"):
        run("--map", choice)


def test_main__map_to_no_package__is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"'\.\./x' is not the name of a package"):
        run("--map", "yaml=../x", modules=("yaml",))


def test_main__unknown_import__is_refused_before_any_channel_is_asked() -> None:
    with pytest.raises(SolveError, match="--map qzxwv=PACKAGE"):
        run(modules=("qzxwv",))


def test_main__unknown_import_with_map__goes_on_to_the_channels() -> None:
    with pytest.raises(UnreachableError, match="no-channel"):
        run("--map", "qzxwv=ours", modules=("qzxwv",))


def test_main__map_given_twice__the_last_one_counts() -> None:
    with pytest.raises(UsageError, match="b b"):
        run("--map", "yaml=a", "--map", "yaml=b b", modules=("yaml",))


def test_main__assumed_and_strict__is_refused() -> None:
    with pytest.raises(UnreachableError):
        run(modules=("discord",))
    with pytest.raises(SolveError, match="discord: assumed to be discord-py"):
        run("--strict-names", modules=("discord",))


def test_main__standard_library_of_the_target_in_the_dependency_file__is_not_looked_up() -> None:
    with pytest.raises(UnreachableError):
        run(modules=("os", "xml"))


def test_create__assumed__says_so() -> None:
    lines: list[str] = []

    class Notes(Silent):
        def note(self, line: str) -> None:
            lines.append(line)

    with pytest.raises(UnreachableError):
        options = CreateOptions(channels=("./no-channel",), interpreter="channel")
        create_environment(Spec(PYTHON, ("discord", "numpy")), "env", options, Notes())
    assert lines == ["discord: assumed to be discord-py; py-cord can provide it too"]
