"""The target's file, as a probe prints it or somebody writes it, and a platform's name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from locks import locked

from python_package.create.machine import choose, is_named
from python_package.create.options import CreateOptions
from python_package.errors import PackageError, SolveError, SpecError, SpecNotFoundError, UsageError
from python_package.lock import Lock
from python_package.progress import Silent
from python_package.target import Target, overridden, parse

PROBED = {
    "subdir": "linux-64",
    "kernel": "5.10.0-28-amd64",
    "libc": "glibc",
    "libc_version": "2.31",
    "microarchitecture": "x86_64_v3",
    "cuda": "12.4",
    "cores": 8,
    "memory": 1 << 34,
    "places": [{"path": "/scratch", "free": 1 << 30, "filesystem": "tmpfs", "noexec": False}],
    "tools": ["flock", "bash"],
}


def probed(**said: object) -> Target:
    return parse(json.dumps({**PROBED, **said}), "worker.json")


def test_parse__probe__is_the_machine() -> None:
    target = probed()
    assert target == Target("linux-64", (2, 31), "x86_64_v3", "5.10.0", "12.4")
    assert str(target) == "worker.json"


@pytest.mark.parametrize(("subdir", "least"), [("linux-64", "x86_64"), ("linux-aarch64", "aarch64")])
def test_parse__platform_alone__is_the_least_machine_as_its_name_gives(subdir: str, least: str) -> None:
    target = parse(json.dumps({"subdir": subdir}), "mine.json")
    assert target == Target(subdir, (2, 28), least, "4.18", "") == Target.load(subdir)
    assert str(Target.load(subdir)) == subdir


def test_parse__what_it_gives_again__is_the_same() -> None:
    assert parse(json.dumps(probed().to_json()), "again") == probed()


def test_parse__two_digits_of_a_version__are_a_number_not_a_fraction() -> None:
    assert probed(libc_version="2.9").glibc < probed(libc_version="2.30").glibc


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"subdir": None}, "names no subdir; only linux-64 or linux-aarch64 are"),
        ({"subdir": "osx-arm64"}, "osx-arm64 is no platform that an environment can be made for; only linux-64"),
        ({"subdir": ["linux-64"]}, "its subdir is"),
        ({"libc": "musl"}, "that machine has musl, and Conda's packages need glibc"),
        ({"libc_version": 2.30}, "its libc_version is '2.3', not a short text in quotes"),
        ({"libc_version": "2"}, "'2' is no version"),
        ({"libc_version": "new"}, "its libc_version is 'new', not a version"),
        ({"kernel": "linux"}, "its kernel is 'linux', not a version"),
        ({"cuda": True}, "its cuda is 'True'"),
        ({"cuda": "12.4\n"}, "its cuda is"),
        ({"cuda": "none"}, "its cuda is 'none', not a version"),
        ({"microarchitecture": "aarch64"}, "its microarchitecture, aarch64, is none of linux-64"),
        ({"microarchitecture": "x y"}, "its microarchitecture is"),
        ({"subdir": "linux-aarch64"}, "its microarchitecture, x86_64_v3, is none of linux-aarch64"),
    ],
)
def test_parse__no_machine__is_refused_in_one_line_that_names_the_file(said: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=r"^worker\.json: .*") as caught:
        probed(**said)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '"linux-64"', "[" * 100_000])
def test_parse__no_object__is_refused_in_one_line_that_names_the_file(text: str) -> None:
    with pytest.raises(SpecError, match=r"^worker\.json: not a target as python_package_run --probe prints it: "):
        parse(text, "worker.json")


@pytest.mark.parametrize("argument", ["osx-arm64", "win-64", "linux-ppc64le", "linux-32"])
def test_load__platform_of_no_environment__says_what_is_possible(argument: str) -> None:
    with pytest.raises(UsageError, match=f"--target {argument}: .*; only linux-64 or linux-aarch64 are"):
        Target.load(argument)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("none.json", None, SpecNotFoundError), (".", None, SpecNotFoundError), ("odd.json", b"\xff", SpecError)],
)
def test_load__file_that_cannot_be_read__is_refused_by_name(
    tmp_path: Path, name: str, content: bytes | None, kind: type[PackageError]
) -> None:
    if content:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(kind, match=str(tmp_path / name)):
        Target.load(str(tmp_path / name))


def test_load__file_called_like_a_foreign_platform__is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("win-64").write_text(json.dumps(PROBED))
    assert Target.load("win-64") == probed()


def test_differences__two_machines__are_named_with_both_values() -> None:
    assert probed().differences(probed()) == ""
    other = probed(cuda="", libc_version="2.36")
    assert probed().differences(other) == "glibc 2.31, not 2.36, cuda 12.4, not none"


def test_target__platform_of_no_environment__cannot_be_made() -> None:
    with pytest.raises(UsageError, match="--target osx-64: no platform"):
        Target("osx-64")


# Conda's variables


def test_overridden__no_variable__changes_nothing() -> None:
    assert overridden(probed(), {"CONDA_OVERRIDE_OSX": "13.0"}) == probed()


def test_overridden__each_variable__comes_before_the_file() -> None:
    variables = {"GLIBC": "2.17", "CUDA": "12", "LINUX": "6", "ARCHSPEC": "haswell"}
    found = overridden(probed(), {f"CONDA_OVERRIDE_{name}": value for name, value in variables.items()})
    assert found == Target("linux-64", (2, 17), "haswell", "6", "12")


def test_overridden__empty_variable__takes_it_away() -> None:
    empty = dict.fromkeys(("CONDA_OVERRIDE_CUDA", "CONDA_OVERRIDE_LINUX", "CONDA_OVERRIDE_ARCHSPEC"), "")
    assert overridden(probed(), empty) == Target("linux-64", (2, 31), "", "", "")


@pytest.mark.parametrize(
    ("variable", "value"),
    [("GLIBC", ""), ("GLIBC", "2"), ("GLIBC", "2.x"), ("CUDA", "12.4\n"), ("LINUX", "new"), ("ARCHSPEC", "a b")],
)
def test_overridden__no_value_of_its_kind__is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(SolveError, match=f"^CONDA_OVERRIDE_{variable}: .* is not valid; make it like "):
        overridden(probed(), {f"CONDA_OVERRIDE_{variable}": value})


# Which machine it is for


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    return locked(tmp_path, target=probed())


def chosen(options: CreateOptions, subdir: str = "linux-64") -> Target | None:
    return choose(options, subdir, Silent(), {})


def test_is_named__platform_by_its_name_alone__is() -> None:
    assert is_named(Target.load("linux-64"))
    assert not is_named(parse('{"subdir": "linux-64"}', "mine.json"))
    assert not is_named(None)


def test_choose__lock_of_a_target__is_for_that_one(lock: Lock) -> None:
    assert chosen(CreateOptions(locked=lock)) == probed()
    assert chosen(CreateOptions(locked=lock, target=probed())) == probed()


def test_choose__lock_of_no_target__is_for_this_machine(tmp_path: Path) -> None:
    assert chosen(CreateOptions(locked=locked(tmp_path))) is None


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"libc_version": "2.28"}, "glibc 2.31, not 2.28; leave the target out"),
        ({"cuda": ""}, "cuda 12.4, not none; leave the target out"),
        ({"kernel": "6.1.0", "microarchitecture": ""}, "microarchitecture x86_64_v3, not x86_64, kernel 5.10.0, not 6"),
        ({"subdir": "linux-aarch64", "microarchitecture": "aarch64"}, "subdir linux-64, not linux-aarch64, micro"),
    ],
)
def test_choose__lock_of_another_target__is_refused_with_what_differs(
    lock: Lock, said: dict[str, object], what: str
) -> None:
    options = CreateOptions(locked=lock, target=probed(**said))
    with pytest.raises(SpecError, match=r"^the lock is for another target than worker\.json: ") as caught:
        chosen(options, str(said.get("subdir", "linux-64")))
    assert what in str(caught.value)


def test_choose__target_and_a_lock_of_none__is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="it names none, and was made for linux-64"):
        chosen(CreateOptions(locked=locked(tmp_path), target=probed()))


def test_choose__condas_subdir_and_a_lock_of_another__is_refused(lock: Lock) -> None:
    with pytest.raises(SpecError, match="another target than linux-aarch64: subdir linux-64, not linux-aarch64"):
        chosen(CreateOptions(locked=lock), "linux-aarch64")
