"""What uv would install beside a solution, asked without an environment."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import pytest
from wheels import write_wheel

from python_package.create.optional import with_optional
from python_package.errors import SolveError
from python_package.pypi.resolution import Destination, foresee

VERSION = ".".join(map(str, sys.version_info[:3]))
ABI = f"cp{sys.version_info[0]}{sys.version_info[1]}"


@pytest.fixture(autouse=True)
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an index of our own be the only one."""
    index = tmp_path / "index"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    write_wheel(index, "dotted.name", {}, version="3.0")
    write_wheel(
        index,
        "user",
        {},
        requires=("dotted-name>=1", "other", "deep; extra == 'more'"),
        headers="Provides-Extra: more\n",
    )
    write_wheel(index, "picky", {}, requires=("dotted-name>=2",))
    write_wheel(index, "other", {}, version="2.0")
    write_wheel(index, "deep", {})
    write_wheel(index, "newer", {}, headers="Requires-Python: >=4\n")


def foreseen(
    *requirements: str, optional: tuple[str, ...] = (), conda: dict[str, str] | None = None
) -> tuple[dict[str, tuple[str, tuple[str, ...]]], dict[str, str]]:
    work = partial(foresee, destination=Destination(VERSION, ABI, conda or {}))
    found, refused = with_optional(work, requirements, optional)
    return {each.name: (each.version, needed_by) for each, needed_by in found.items()}, refused


def test_foresee__nothing_from_conda__is_all_from_the_index_with_who_needs_it() -> None:
    found, refused = foreseen("user", "other<3")
    assert found == {"user": ("1.0", ()), "other": ("2.0", ("user",)), "dotted-name": ("3.0", ("user",))}
    assert refused == {}


def test_foresee__conda_has_a_part__is_left_out_whatever_the_spelling_of_its_name() -> None:
    assert foreseen("user", conda={"dotted.name": "1.5", "unrelated": "7"})[0].keys() == {"user", "other"}


def test_foresee__version_of_conda_in_another_spelling__counts_and_one_that_pypi_cannot_have_is_left_alone() -> None:
    assert foreseen("user", conda={"dotted.name": "1.05", "other": "9e"})[0].keys() == {"user"}


def test_foresee__extras_of_what_conda_has__are_added() -> None:
    found, _ = foreseen("user[more]", conda={"user": "1.0", "other": "2.0", "dotted.name": "3.0"})
    assert found == {"deep": ("1.0", ("user",))}


def test_foresee__version_of_conda_does_not_fit__is_refused() -> None:
    with pytest.raises(SolveError, match=r"cannot install picky from PyPI: .*dotted-name"):
        foreseen("picky", conda={"dotted.name": "1.5"})


def test_foresee__optional_that_does_not_fit__is_refused_alone_and_the_rest_taken() -> None:
    found, refused = foreseen("other", optional=("deep", "picky", "absent"), conda={"dotted.name": "1.5"})
    assert found.keys() == {"other", "deep"}
    assert refused["picky"].startswith("cannot install picky from PyPI: ")
    assert refused["absent"].startswith("cannot install absent from PyPI: ")


def test_foresee__required_cannot_be_had__is_refused_whatever_is_optional() -> None:
    with pytest.raises(SolveError, match="cannot install absent from PyPI"):
        foreseen("absent", optional=("deep",))


def test_foresee__needs_another_python__is_refused() -> None:
    with pytest.raises(SolveError, match="newer"):
        foreseen("newer")


def test_foresee__nothing_wanted__asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert foreseen() == ({}, {})
