"""The lock as a value and as text: the format of pixi, nothing secret, nothing of the machine in what travels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from locks import LOCAL, PACKAGES, SHA256, WHEEL, as_json, locked, records
from rattler import LockFile

from python_package import lock
from python_package.address import Address
from python_package.conda import lockfile
from python_package.conda.records import to_rattler
from python_package.errors import SpecError, SpecNotFoundError
from python_package.lock import LOCAL_INDEX, Lock, portable_spec
from python_package.spec import Index, Pin, Spec
from python_package.target import Target


def same(one: Lock, other: Lock) -> bool:
    return as_json(one.records) == as_json(other.records) and replace(one, records=()) == replace(other, records=())


# canonical


def test_canonical__of_its_own_result__changes_nothing(tmp_path: Path) -> None:
    once = lockfile.canonical(records(tmp_path, "https://channel.example/main"), "linux-64")
    again = lockfile.canonical(map(to_rattler, once), "linux-64")
    assert as_json(again) == as_json(once)


def test_canonical__records_with_all_an_index_can_say__lose_only_when_they_were_indexed(tmp_path: Path) -> None:
    before = {r.file_name: json.loads(r.to_json()) for r in records(tmp_path, "https://channel.example/main")}
    found = lockfile.canonical(records(tmp_path, "https://channel.example/main"), "linux-64")
    after = {each.file_name: json.loads(to_rattler(each).to_json()) for each in found}
    for name, facts in before.items():
        del facts["indexed_timestamp"]
        assert "indexed_timestamp" not in after[name]
        facts.pop("timestamp", None)  # kept, in milliseconds always
        assert {key: after[name].get(key) for key in facts} == facts
    assert after["full-1.0-h1_3.conda"]["timestamp"] == 1577836800123


def test_canonical__password_in_a_channel__is_kept_for_the_download(tmp_path: Path) -> None:
    (first, *_) = lockfile.canonical(records(tmp_path, "https://me:secret@channel.example/main"), "linux-64")
    assert "me:secret@" in first.url


# to_text, parse


@pytest.mark.parametrize("channel", ["https://channel.example/main", "file:///home/me/a%20b/channel"])
def test_parse__text_of_a_lock__is_that_lock(tmp_path: Path, channel: str) -> None:
    made = locked(tmp_path, channel, distributions=(LOCAL, WHEEL))
    assert same(lockfile.parse(lockfile.to_text(made), "lock"), made)


@pytest.mark.parametrize("portable", [True, False])
def test_to_text__of_what_was_parsed__is_the_same_text(tmp_path: Path, portable: bool) -> None:
    text = lockfile.to_text(locked(tmp_path, "file:///home/me/channel"), portable=portable)
    assert lockfile.to_text(lockfile.parse(text, "lock"), portable=portable) == text


def test_to_text__portable_of_a_parsed_private_one__is_the_portable_one(tmp_path: Path) -> None:
    made = locked(tmp_path, "file:///home/me/channel")
    again = lockfile.parse(lockfile.to_text(made), "lock")
    assert lockfile.to_text(again, portable=True) == lockfile.to_text(made, portable=True)


def test_to_text__portable__is_the_same_wherever_the_folders_are(tmp_path: Path) -> None:
    texts = []
    for home in ("/home/me", "/mnt/other place"):
        wheel = replace(LOCAL, location=Path(home, "mine-0.1-py3-none-any.whl").as_uri())
        spec = Spec("3.11.7", ("mine",), local=(("mine", f"{home}/mine.py"),), channels=(f"{home}/channel",),
                    pins=(Pin("mine", "mine", "0.1", "editable", f"file://{home}/mine"),))  # fmt: skip
        made = locked(tmp_path, f"file://{home}/channel", spec=spec, distributions=(wheel,))
        texts.append(lockfile.to_text(made, portable=True))
    assert texts[0] == texts[1]
    assert "home" not in texts[0]


def test_to_text__two_folders_as_channels__are_one_in_what_travels(tmp_path: Path) -> None:
    text = lockfile.to_text(
        locked(tmp_path, channels=tuple(map(Address, ("file:///a", "https://c.example", "file:///b")))), portable=True
    )
    assert lockfile.parse(text, "lock").channels == (Address(lock.LOCAL_CHANNEL), Address("https://c.example"))


@pytest.mark.parametrize("channel", ["https://me:secret@channel.example/main", "https://channel.example/t/secret/main"])
@pytest.mark.parametrize("portable", [True, False])
def test_to_text__secrets_in_addresses__are_not_in_it(tmp_path: Path, channel: str, portable: bool) -> None:
    wheel = replace(WHEEL, location="https://me:secret@index.example/onlypypi-1.0-py3-none-any.whl")
    pin = Pin("mine", "mine", "0.1", "local", "git+https://me:secret@git.example/mine")
    spec = Spec("3.11.7", ("mine",), channels=(channel,), pins=(pin,))
    text = lockfile.to_text(locked(tmp_path, channel, spec=spec, distributions=(wheel,)), portable=portable)
    assert "secret" not in text
    assert lockfile.parse(text, "lock").channels[0].reveal().startswith("https://channel.example/main")


def test_to_text__any_lock__is_yaml_that_py_rattler_reads_with_every_sum(tmp_path: Path) -> None:
    text = lockfile.to_text(locked(tmp_path, "file:///home/me/channel"))
    (tmp_path / "pixi.lock").write_text(text)
    file = LockFile.from_path(tmp_path / "pixi.lock")
    environment = file.default_environment()
    assert environment is not None
    (platform,) = file.platforms()
    found = {package.name: package.hashes.sha256.hex() for package in environment.packages(platform) or ()
             if package.hashes and package.hashes.sha256}  # fmt: skip
    assert found["onlypypi"] == WHEEL.sha256
    assert found["mine"] == LOCAL.sha256
    assert len(found) == len(PACKAGES) + 2
    assert yaml.safe_load(text)["version"] == 7


def test_to_text__folder_that_looks_like_a_token__is_kept(tmp_path: Path) -> None:
    made = locked(tmp_path, "file:///home/t/x/channel", distributions=())
    assert same(lockfile.parse(lockfile.to_text(made), "lock"), made)


def test_parse__python_is_a_constraint__is_kept(tmp_path: Path) -> None:
    made = locked(tmp_path, spec=Spec(">=3.10", ("full",)))
    assert lockfile.parse(lockfile.to_text(made), "lock").spec.python == ">=3.10"


def test_modules__some_were_dropped__are_the_others(tmp_path: Path) -> None:
    assert locked(tmp_path).modules == ("full", "mine")


# what is not a lock


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a lock of python_package_create; make one with --lock"),
        ("version: 7\nplatforms: []\nenvironments: {}\npackages: []\n", "not a lock of python_package_create"),
        ("# python-package: {\n", "its first line is damaged"),
        ("# python-package: []\n", "its first line is damaged"),
        ('# python-package: {"format": 1}\n', "its first line is damaged: KeyError"),
        ('# python-package: {"format": 2}\n', "of format 2, from another version"),
    ],
)
def test_parse__not_a_lock_of_ours__says_so(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        lockfile.parse(text, "my.lock")
    assert str(caught.value).startswith("my.lock: ")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("version: 7", "version: 99", "not a readable lock: found newer lockfile format"),
        ("packages:\n- conda", "packages:\n] conda", "not a readable lock"),
        ("  default:", "  another:", "no environment named 'default'"),
        (f"  sha256: {SHA256}\n", "", "has no sha256"),
        (f"  sha256: {WHEEL.sha256}\n", "", "onlypypi has no sha256"),
        ("- name: linux-64", "- name: linux-64\n- name: osx-64", "for one platform"),
        ('"modules": [', '"models": [', "its first line is damaged"),
    ],
)
def test_parse__damaged__says_how(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = lockfile.to_text(locked(tmp_path))
    assert old in text
    with pytest.raises(SpecError, match=says):
        lockfile.parse(text.replace(old, new), "my.lock")


def test_load__no_such_file__names_it(tmp_path: Path) -> None:
    with pytest.raises(SpecNotFoundError, match=r"absent\.lock: No such file or directory; expected a lock"):
        lockfile.load(tmp_path / "absent.lock")


def test_load__not_utf8__says_where(tmp_path: Path) -> None:
    (tmp_path / "binary.lock").write_bytes(b"# \xff")
    with pytest.raises(SpecError, match="not UTF-8 at byte 2"):
        lockfile.load(tmp_path / "binary.lock")


def test_load__a_lock__is_read(tmp_path: Path) -> None:
    (tmp_path / "my.lock").write_text(lockfile.to_text(locked(tmp_path)))
    assert same(lockfile.load(tmp_path / "my.lock"), locked(tmp_path, distributions=(LOCAL, WHEEL)))


# check


def test_check__the_same_dependency_file__passes(tmp_path: Path) -> None:
    made = locked(tmp_path)
    made.check(made.spec)


def test_check__the_same_from_another_folder__passes(tmp_path: Path) -> None:
    spec = Spec("3.11.7", ("full",), local=(("mine", "/home/me/mine.py"),))
    made = lockfile.parse(lockfile.to_text(locked(tmp_path, spec=spec)), "lock")
    made.check(Spec("3.11.7", ("full",), local=(("mine", "/elsewhere/mine.py"),)))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (Spec("3.12.1", ("full", "mine", "onlypypi")), "its python is 3.11.7, not 3.12.1"),
        (Spec("3.11.7", ("full", "scipy")), "modules: mine, onlypypi only there, scipy only here"),
        (Spec("3.11.7", ("full", "mine", "onlypypi"), mapping=(("full", "f<2"),)), "mapping: full = f<2 only here"),
        (
            Spec("3.11.7", ("full", "mine", "onlypypi"), pins=(Pin("full", "full", "1.0", "pypi"),)),
            "pins: full only here",
        ),
        (
            Spec("3.11.7", ("full", "mine", "onlypypi"), submodules=("full.a",), names=(("full.a", "B"),)),
            "submodules: full.a only here; names: from full.a import B only here",
        ),
    ],
)
def test_check__another_dependency_file__says_what_differs_and_how_to_mend_it(
    tmp_path: Path, spec: Spec, says: str
) -> None:
    with pytest.raises(SpecError) as caught:
        locked(tmp_path).check(spec)
    assert f"the lock was made from another dependency file: {says}; make a new lock" in str(caught.value)


def test_check__channels_in_another_order__says_so(tmp_path: Path) -> None:
    made = locked(tmp_path, spec=Spec("3.11.7", (), channels=("a", "b")))
    with pytest.raises(SpecError, match="channels: in another order"):
        made.check(Spec("3.11.7", (), channels=("b", "a")))


def test_portable_spec__indexes__have_no_password_and_no_folder_of_this_machine() -> None:
    theirs = Index("https://me:pw@lab/simple?token=abc", "extra")
    indexes = (theirs, Index("file:///home/me/lab", "explicit", "", ("x",)))
    found = portable_spec(Spec("3.11.7", (), indexes=indexes))
    assert found.indexes == (Index("https://lab/simple", "extra"), Index(LOCAL_INDEX, "explicit", "", ("x",)))
    assert Spec.from_json(found.to_json(), "lock") == found


# The target


TARGET = Target("linux-64", (2, 31), "x86_64_v3", "5.10.0", "12.4", "/home/me/worker.json")


@pytest.mark.parametrize("target", [TARGET, replace(TARGET, microarchitecture="", kernel="", cuda="")])
def test_parse__lock_of_a_target__has_it_and_not_its_files_name(tmp_path: Path, target: Target) -> None:
    made = locked(tmp_path, target=target)
    for portable in (True, False):
        text = lockfile.to_text(made, portable=portable)
        again = lockfile.parse(text, "lock")
        assert again.target == target
        assert str(again.target) == "linux-64"
        assert "worker.json" not in text
        assert lockfile.to_text(again, portable=portable) == text


def test_to_text__lock_of_a_target__has_its_virtual_packages_for_other_readers(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(lockfile.to_text(locked(tmp_path, target=TARGET)))
    (platform,) = LockFile.from_path(tmp_path / "lock").platforms()
    assert sorted(platform.virtual_packages) == [
        "__archspec=1=x86_64_v3",
        "__cuda=12.4=0",
        "__glibc=2.31=0",
        "__linux=5.10.0=0",
        "__unix=0=0",
    ]


def test_to_text__lock_of_no_target__is_as_it_was(tmp_path: Path) -> None:
    text = lockfile.to_text(locked(tmp_path))
    assert "target" not in text
    assert "virtual" not in text
    assert lockfile.parse(text, "lock").target is None


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ('"libc_version": "2.31"', '"libc_version": "new"', "libc_version"),
        ('"target": {"subdir": "linux-64"', '"target": {"subdir": "osx-64"', "osx-64 is no platform"),
        ('"target": {"subdir": "linux-64"', '"target": {"subdir": "linux-aarch64"', "linux-aarch64"),
        ('"target": {', '"target": [], "x": {', "damaged"),
        ('"cuda": "12.4"', '"cuda": 12.4', "cuda"),
    ],
)
def test_parse__damaged_target__is_refused_by_name(tmp_path: Path, was: str, now: str, words: str) -> None:
    text = lockfile.to_text(locked(tmp_path, target=TARGET))
    assert was in text
    with pytest.raises(SpecError, match=words) as caught:
        lockfile.parse(text.replace(was, now), "a.lock")
    assert str(caught.value).startswith("a.lock: ")


def test_parse__packages_of_another_platform_than_the_target__is_refused(tmp_path: Path) -> None:
    text = lockfile.to_text(locked(tmp_path, target=Target("linux-aarch64", microarchitecture="aarch64")))
    with pytest.raises(SpecError, match="its target is of linux-aarch64, its packages of linux-64"):
        lockfile.parse(text, "a.lock")
