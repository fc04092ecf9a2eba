"""From uv's lock to the one file of each distribution and back; where a lock's files are on this machine."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from locks import LOCAL, WHEEL, as_json, locked
from packaging import tags

from python_package.conda.checksums import Seals
from python_package.conda.records import PLATFORM
from python_package.conda.solver import Channels
from python_package.create.locked_files import locate
from python_package.errors import ChecksumError, SolveError, UnreachableError
from python_package.lock import Distribution
from python_package.pypi import pylock, uv_pip

HEAD = 'lock-version = "1.0"\ncreated-by = "uv"\n'
VERSION = ".".join(map(str, sys.version_info[:3]))
ABI = f"cp{sys.version_info.major}{sys.version_info.minor}"


def listed(*files: str, kind: str = "wheels") -> str:
    entries = [f'{{ url = "https://i.example/{file}", hashes = {{ sha256 = "{"ab" * 32}" }} }}' for file in files]
    value = f"[{', '.join(entries)}]" if kind == "wheels" else entries[0]
    return f'{HEAD}[[packages]]\nname = "one"\nversion = "1.0"\n{kind} = {value}\n'


def chosen(text: str) -> str:
    (distribution,) = pylock.parse(text, VERSION, ABI)
    return distribution.location.rpartition("/")[2]


# pylock


def test_parse__several_wheels__takes_the_best_for_that_interpreter_here() -> None:
    best = next(iter(tags.platform_tags()))
    files = ["one-1.0-py3-none-any.whl", f"one-1.0-{ABI}-{ABI}-{best}.whl", f"one-1.0-{ABI}-abi3-{best}.whl",
             f"one-1.0-cp27-cp27mu-{best}.whl", "one-1.0-cp311-cp311-win_amd64.whl"]  # fmt: skip
    assert chosen(listed(*files)) == files[1]
    assert chosen(listed(files[0], files[3], files[4])) == files[0]


def test_parse__wheels_of_a_free_threaded_interpreter__are_taken_for_its_abi_only() -> None:
    best = next(iter(tags.platform_tags()))
    text = listed(f"one-1.0-cp313-cp313t-{best}.whl", f"one-1.0-cp313-cp313-{best}.whl")
    assert "cp313t" in pylock.parse(text, "3.13.2", "cp313t")[0].location
    assert "cp313t" not in pylock.parse(text, "3.13.2", "cp313")[0].location


def test_parse__no_wheel_fits_but_there_is_a_source__takes_the_source() -> None:
    text = listed("one-1.0-cp311-cp311-win_amd64.whl")
    text += f'sdist = {{ url = "https://i.example/one-1.0.tar.gz", hashes = {{ sha256 = "{"cd" * 32}" }} }}\n'
    assert chosen(text) == "one-1.0.tar.gz"


def test_parse__file_has_another_projects_name__is_an_error_that_names_it() -> None:
    with pytest.raises(SolveError, match=r"other-1\.0"):
        pylock.parse(listed("other-1.0.tar.gz", kind="sdist"), VERSION, ABI)


def test_parse__nothing_fits__is_an_error_that_names_it() -> None:
    with pytest.raises(SolveError, match="one"):
        pylock.parse(listed("one-1.0-cp311-cp311-win_amd64.whl"), VERSION, ABI)


@pytest.mark.parametrize(
    "distribution",
    [
        WHEEL,
        LOCAL,
        replace(LOCAL, direct=False),
        replace(WHEEL, direct=True),
        replace(WHEEL, name="one", location="https://i.example/one-1.0.tar.gz"),
        Distribution("three", "1.0", "git+https://g.example/three@" + "0a" * 20, "", direct=True),
        Distribution("three", "1.0", "git+https://me:pw@g.example/three@" + "0a" * 20, "", direct=True),
        Distribution("three", "1.0", "git+https://g.example/three@" + "0a" * 20 + "#subdirectory=a/b", "", direct=True),
        Distribution("four", "1.0", "file:///home/me/a%20folder", "", direct=True),
    ],
)
def test_parse__text_of_a_distribution__is_that_distribution(distribution: Distribution) -> None:
    assert pylock.parse(pylock.to_text([distribution]), VERSION, ABI) == (distribution,)


@pytest.mark.parametrize(
    ("record", "folder", "expected"),
    [
        ("python-3.11.7-h1_0_cpython.json", "python3.11", ("3.11.7", "cp311")),
        ("python-3.13.1-h1_0_cp313t.json", "python3.13t", ("3.13.1", "cp313t")),
        ("python-3.7.3-h1_0.json", "python3.7", ("3.7.3", "cp37m")),
    ],
)
def test_python__of_a_prefix__is_its_version_and_abi(
    tmp_path: Path, record: str, folder: str, expected: tuple[str, str]
) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / record).touch()
    (tmp_path / "conda-meta" / record.replace("python-", "python-dateutil-")).touch()
    (tmp_path / "lib" / folder).mkdir(parents=True)
    assert uv_pip.python_of(tmp_path) == expected


def test_parse__what_uv_settles_for_this_interpreter__is_what_it_would_install(tmp_path: Path) -> None:
    """The tags of packaging and those of uv agree: what we choose is not refused."""
    from uv import find_uv_bin
    from wheels import write_wheel

    best = list(tags.platform_tags())
    for platform in (best[0], best[-1]):
        write_wheel(tmp_path / "index", "one", {"one.py": f"PLATFORM = {platform!r}\n"}, tag=f"{ABI}-{ABI}-{platform}")
    argv = [find_uv_bin(), "pip", "compile", "-q", "--no-deps", "--no-index", "--find-links", str(tmp_path / "index")]
    argv += ["--format", "pylock.toml", "--python", sys.executable, "--cache-dir", str(tmp_path / "uv"), "-"]
    text = subprocess.run(argv, input="one==1.0\n", check=True, capture_output=True, text=True).stdout
    assert chosen(text) == f"one-1.0-{ABI}-{ABI}-{best[0]}.whl"


# locate


@pytest.fixture
def seals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seals:
    """Return the memory of a machine without caches."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    return Seals()


def wheel(tmp_path: Path, folder: str, content: bytes = b"wheel") -> Distribution:
    """Return a locked wheel that is nowhere, and put a file of its name into a folder."""
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / folder / "mine-0.1-py3-none-any.whl").write_bytes(content)
    return replace(
        LOCAL, location="file:///nowhere/mine-0.1-py3-none-any.whl", sha256=hashlib.sha256(b"wheel").hexdigest()
    )


def found(tmp_path: Path, distribution: Distribution) -> Path:
    lock = locked(tmp_path, distributions=(distribution,), platform=PLATFORM)
    (result,) = locate(lock, Channels([])).distributions
    return Path(result.location.removeprefix("file://"))


@pytest.mark.usefixtures("seals")
def test_locate__wheel_where_pip_looks__is_found(tmp_path: Path) -> None:
    assert found(tmp_path, wheel(tmp_path, "links")) == tmp_path / "links" / "mine-0.1-py3-none-any.whl"


@pytest.mark.usefixtures("seals")
def test_locate__wheel_in_the_cache__is_found(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"wheel").hexdigest()
    place = f"xdg/python_package/wheels/{digest}"
    assert found(tmp_path, wheel(tmp_path, place)) == tmp_path / place / "mine-0.1-py3-none-any.whl"


@pytest.mark.usefixtures("seals")
def test_locate__first_wheel_of_that_name_is_another__takes_the_right_one(tmp_path: Path) -> None:
    recorded = replace(wheel(tmp_path, "links"), location=(tmp_path / "old" / "mine-0.1-py3-none-any.whl").as_uri())
    wheel(tmp_path, "old", b"another")
    assert found(tmp_path, recorded).parent == tmp_path / "links"


@pytest.mark.usefixtures("seals")
def test_locate__only_wheel_of_that_name_is_another__is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChecksumError, match=str(tmp_path / "links")):
        found(tmp_path, wheel(tmp_path, "links", b"another"))


@pytest.mark.usefixtures("seals")
def test_locate__wheel_is_nowhere__says_where_it_may_be_put(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="a folder that PIP_FIND_LINKS names"):
        found(tmp_path, wheel(tmp_path, "elsewhere"))


@pytest.mark.usefixtures("seals")
def test_locate__package_in_another_folder_with_that_name_and_another_content__is_not_taken(tmp_path: Path) -> None:
    lock = locked(tmp_path, "file:///nowhere/channel", distributions=(), platform=PLATFORM)
    places = {record.file_name: tmp_path / "c" / record.subdir / record.file_name for record in lock.records}
    for name, place in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"another" if name.startswith("plain") else b"")  # whose sha256 all of them have
    located = {each.file_name: each.url for each in locate(lock, Channels([str(tmp_path / "c")])).records}
    assert located.pop("plain-1-0.conda") == "file:///nowhere/channel/linux-64/plain-1-0.conda"
    assert located == {name: place.as_uri() for name, place in places.items() if name in located}


@pytest.mark.usefixtures("seals")
def test_locate__package_of_this_hosts_own_interpreters__is_found(tmp_path: Path) -> None:
    lock = locked(tmp_path, "file:///nowhere/channel", distributions=(), platform=PLATFORM)
    home = tmp_path / "xdg" / "python_package" / "channel" / "3.11.7-0123"
    for record in lock.records:
        (home / record.subdir).mkdir(parents=True, exist_ok=True)
        (home / record.subdir / record.file_name).touch()
    assert all(each.url.startswith(home.as_uri()) for each in locate(lock, Channels([])).records)


@pytest.mark.usefixtures("seals")
def test_locate__channel_with_a_password__lends_it_to_its_own_packages_only(tmp_path: Path) -> None:
    lock = locked(tmp_path, "https://channel.example/main", distributions=(), platform=PLATFORM)
    given = Channels(["https://me:secret@channel.example/main", "https://me:secret@other.example"])
    assert {each.url.partition("channel.example")[0] for each in locate(lock, given).records} == {"https://me:secret@"}
    other = Channels(["https://me:secret@other.example/main"])
    assert as_json(locate(lock, other).records) == as_json(lock.records)


@pytest.mark.usefixtures("seals")
@pytest.mark.parametrize(("need", "glibc", "says"), [
    ("__glibc >=2.30,<3.0.a0", "2.28", "needs __glibc >=2.30,<3.0.a0, and this machine has 2.28"),
    ("__cuda >=12", "2.28", "needs __cuda >=12, and this machine has none"),
    ("__glibc >=2.17", "2.28", ""),
    ("__unix", "2.28", ""),
])  # fmt: skip
def test_locate__package_needs_something_of_the_system__is_refused_where_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, need: str, glibc: str, says: str
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", glibc)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "")
    first, *others = locked(tmp_path).records
    packages = (replace(first, depends=("python", need)), *others)
    lock = locked(tmp_path, distributions=(), platform=PLATFORM, records=packages)
    with pytest.raises(SolveError) if says else nullcontext() as caught:
        locate(lock, Channels([]))
    assert says in str(caught and caught.value)


def test_locate__another_platform__is_refused(tmp_path: Path) -> None:
    with pytest.raises(SolveError, match=f"the lock is for osx-64, and this machine is {PLATFORM}"):
        locate(locked(tmp_path, platform="osx-64"), Channels([]))
