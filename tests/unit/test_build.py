"""What the user's interpreter has from a folder is built into a wheel, and the folder stays as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from fake_python import fake_python
from own_project import write_project
from wheels import write_wheel

from python_package.errors import SolveError, UnreachableError
from python_package.pypi import build as projects
from python_package.pypi import direct_url, source_copy
from python_package.pypi.build import build
from python_package.pypi.direct_url import Project
from python_package.pypi.wheel_cache import WheelCache

PYTHON = Path(sys.executable)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "my project")


@pytest.fixture
def wheels(tmp_path: Path) -> WheelCache:
    return WheelCache(tmp_path / "cache")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's pip settings out, and the index out of reach."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def here(path: Path, name: str = "mine") -> Project:
    return Project(name, "1.2", path.as_uri())


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_build__folder__becomes_a_wheel_and_stays_untouched(project: Path, wheels: WheelCache) -> None:
    (project / "hook.py").write_text("pathlib.Path('src/made.py').write_text('')\n")
    before = contents(project)
    (wheel,) = build([here(project)], PYTHON, wheels=wheels).wheels
    assert (wheel.name, wheel.version, wheel.origin) == ("mine", "1.2", project.as_uri())
    with zipfile.ZipFile(wheel.path) as archive:
        assert archive.read("mine.py") == b"ANSWER = 42\n"
        assert "made.py" in archive.namelist()
    assert contents(project) == before


def test_build__again_unchanged__is_not_built_again(project: Path, wheels: WheelCache, tmp_path: Path) -> None:
    (project / "hook.py").write_text(f"open({str(tmp_path / 'log')!r}, 'a').write('built ')\n")
    first = build([here(project)], PYTHON, wheels=wheels)
    assert build([here(project)], PYTHON, wheels=wheels) == first
    assert (tmp_path / "log").read_text() == "built "
    (project / "src/mine.py").write_text("ANSWER = 43\n")
    assert build([here(project)], PYTHON, wheels=wheels) != first
    assert (tmp_path / "log").read_text() == "built built "


def test_build__another_umask_clock_and_cache__is_the_same_to_the_byte(project: Path, tmp_path: Path) -> None:
    (project / "hook.py").write_text(
        "e = os.environ\n"
        "text = repr([e['SOURCE_DATE_EPOCH'], e['PYTHONHASHSEED'], os.stat('src').st_mode, os.stat('more').st_mode,\n"
        "             os.umask(0), e.get('PYTHONPATH')])\n"
        "pathlib.Path('src/seen.txt').write_text(text)\n"
    )
    (first,) = build([here(project)], PYTHON, wheels=WheelCache(tmp_path / "c1")).wheels
    before = os.umask(0o077)
    (project / "more").chmod(0o640)
    (project / "src").chmod(0o700)
    os.utime(project / "more", (1, 1))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(tmp_path))
            (second,) = build([here(project)], PYTHON, wheels=WheelCache(tmp_path / "c2")).wheels
    finally:
        os.umask(before)
    assert first.path.read_bytes() == second.path.read_bytes()


def test_build__needs_another_that_the_user_has_from_a_folder__builds_that_too(
    project: Path, wheels: WheelCache, tmp_path: Path
) -> None:
    (project / "more").write_text("Requires-Dist: Other.One>=2; python_version>'3'\nRequires-Dist: numpy\n")
    other = write_wheel(tmp_path / "dist", "other.one", {"other.py": ""}, requires=("far; extra == 'x'",))
    nearby = {
        "other-one": here(other, "other-one"),
        "unneeded": here(tmp_path / "nowhere", "unneeded"),
        "far": Project("far", "1", "ssh://host/far", vcs="git", commit="abc"),
    }
    built = build([here(project)], PYTHON, others=nearby, wheels=wheels)
    assert [wheel.name for wheel in built.wheels] == ["mine", "other-one"]
    assert built.references == ("far @ git+ssh://host/far@abc",)


def test_build__a_wheel__is_taken_as_it_is(tmp_path: Path, wheels: WheelCache) -> None:
    file = write_wheel(tmp_path, "given", {"given.py": ""})
    (wheel,) = build([here(file, "given")], PYTHON, wheels=wheels).wheels
    assert wheel.path.read_bytes() == file.read_bytes()
    assert wheel.path.name == file.name


@pytest.mark.parametrize("name", ["gone", "gone-1.0-py3-none-any.whl"])
def test_build__no_longer_there__is_refused(tmp_path: Path, wheels: WheelCache, name: str) -> None:
    with pytest.raises(SolveError, match=rf"mine: .*/{name}, where it is to come from, does not exist; install"):
        build([here(tmp_path / name)], PYTHON, wheels=wheels)


def test_build__backend_fails__says_where_and_its_last_line(project: Path, wheels: WheelCache) -> None:
    (project / "hook.py").write_text("raise SystemExit('first line\\nno compiler for you')\n")
    with pytest.raises(SolveError) as caught:
        build([here(project)], PYTHON, wheels=wheels)
    assert str(caught.value) == (
        f"mine: its project {project} cannot be built into a wheel: no compiler for you"
    )  # fmt: skip
    assert not [path for path in (wheels.folder / "building").iterdir() if path.is_dir()]


def test_build__no_project_in_the_folder__is_refused(tmp_path: Path, wheels: WheelCache) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SolveError, match=r"cannot be built into a wheel: .*does not appear to be a Python project"):
        build([here(tmp_path / "empty")], PYTHON, wheels=wheels)


def test_build__narrow_terminal_and_a_long_path__is_refused_in_the_same_words(
    tmp_path: Path, wheels: WheelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv breaks the lines of its errors at COLUMNS, unless it is told not to."""
    monkeypatch.setenv("COLUMNS", "40")
    empty = tmp_path / "a-long-name-of-a-folder" / ("more of it " * 10).strip()
    empty.mkdir(parents=True)
    with pytest.raises(SolveError, match=r"cannot be built into a wheel: .*does not appear to be a Python project"):
        build([here(empty)], PYTHON, wheels=wheels)


def test_build__its_build_needs_what_the_index_lacks__is_refused(project: Path, wheels: WheelCache) -> None:
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace("requires = []", 'requires = ["no-such-backend"]'))
    with pytest.raises(SolveError, match="no-such-backend"):
        build([here(project)], PYTHON, wheels=wheels)


def test_build__the_user_forbids_indexes__none_is_asked(
    project: Path, wheels: WheelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace("requires = []", 'requires = ["hatchling"]'))
    with pytest.raises(SolveError, match="hatchling"):
        build([here(project)], PYTHON, wheels=wheels)


@pytest.mark.parametrize("is_repository", [True, False])
def test_build__version_comes_from_a_repository__is_known_also_of_a_part_of_it(
    project: Path, wheels: WheelCache, is_repository: bool
) -> None:
    name = "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_MINE"
    (project / "hook.py").write_text(
        f"pathlib.Path('src/seen').write_text(repr((os.environ.get('{name}'), os.path.exists('.git'))))\n"
    )
    if is_repository:
        subprocess.run(["git", "init", "-q", project], check=True)
    (wheel,) = build([here(project)], PYTHON, wheels=wheels).wheels
    with zipfile.ZipFile(wheel.path) as archive:
        seen = archive.read("seen").decode()
    assert seen == ("(None, True)" if is_repository else "('1.2', False)")


def test_environ__flags_of_the_user__stay_and_the_compiler_leaves_no_paths_for_debuggers() -> None:
    given = projects._environ({"CFLAGS": "-O1", "CONDA_PREFIX": "/x"}, here(Path("/p")), Path("/copy"))
    assert (given["CFLAGS"], given["CXXFLAGS"]) == ("-O1 -g0", "-g0")
    assert "CONDA_PREFIX" not in given


def test_build__offline_and_its_build_is_not_cached__is_unreachable(
    project: Path, wheels: WheelCache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace("requires = []", 'requires = ["hatchling"]'))
    with pytest.raises(UnreachableError, match="hatchling"):
        build([here(project)], PYTHON, offline=True, wheels=wheels)


# what builds


def test_ask__linker_looks_in_the_prefix__looks_from_where_the_module_is_instead(tmp_path: Path) -> None:
    facts = {
        "prefix": "/a/prefix",
        "LDSHARED": "gcc -shared -L/a/prefix/lib -Wl,-rpath,/a/prefix/lib -Wl,-rpath=/a/prefix/lib/x",
        "LDCXXSHARED": "g++ -shared",
    }
    (tmp_path / "facts").write_text(json.dumps(facts))
    builder = projects._ask(Path(fake_python(tmp_path, f"cat {tmp_path}/facts")))
    up = "$ORIGIN/../..:$ORIGIN/../../..:$ORIGIN/../../../..:$ORIGIN/../../../../.."
    assert builder.environ == {
        "LDSHARED": f"gcc -shared -L/a/prefix/lib -Wl,-rpath,{up} -Wl,-rpath=/a/prefix/lib/x",
    }
    assert "/a/prefix" not in builder.identity


def test_ask__prefix_has_a_space__is_quoted_for_the_linker(tmp_path: Path) -> None:
    facts = {"prefix": "/a prefix", "LDSHARED": "gcc -L/a prefix/lib -Wl,-rpath,/a prefix/lib", "LDCXXSHARED": None}
    (tmp_path / "facts").write_text(json.dumps(facts))
    builder = projects._ask(Path(fake_python(tmp_path, f"cat {tmp_path}/facts")))
    assert builder.environ["LDSHARED"].startswith("gcc -L/a\\ prefix/lib -Wl,-rpath,$ORIGIN/")


def test_ask__no_interpreter__is_refused(tmp_path: Path) -> None:
    for broken in (tmp_path / "absent", Path(fake_python(tmp_path, "exit 3"))):
        with pytest.raises(SolveError, match="does not run"):
            projects._ask(broken)


# what the interpreter has


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function that records a distribution's direct_url.json, and returns the import path."""

    def write(name: str, data: object, installer: str = "pip") -> list[str]:
        info = tmp_path / "site" / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
        (info / "INSTALLER").write_text(f"{installer}\n")
        (info / "direct_url.json").write_text(data if isinstance(data, str) else json.dumps(data))
        return [str(tmp_path / "site")]

    return write


URL = "https://host/repo"


@pytest.mark.parametrize(
    ("data", "reference"),
    [
        ({"url": URL, "vcs_info": {"vcs": "git", "commit_id": "abc"}}, f"my-lib @ git+{URL}@abc"),
        (
            {"url": URL, "vcs_info": {"vcs": "git", "commit_id": "abc"}, "subdirectory": "py"},
            f"my-lib @ git+{URL}@abc#subdirectory=py",
        ),
        ({"url": f"{URL}/a.whl", "archive_info": {}}, f"my-lib @ {URL}/a.whl"),
        ({"url": f"{URL}/a.zip", "archive_info": {"hashes": {"sha256": "1"}}}, f"my-lib @ {URL}/a.zip#sha256=1"),
    ],
)
def test_installed__from_elsewhere__has_a_direct_reference(
    record: Callable[..., list[str]], data: Mapping[str, object], reference: str
) -> None:
    project = direct_url.installed(record("My_Lib", data))["my-lib"]
    assert (project.is_here, project.requirement(), project.version) == (False, reference, "1.0")


def test_installed__with_extras__the_reference_has_them(record: Callable[..., list[str]]) -> None:
    project = direct_url.installed(record("my", {"url": f"{URL}/a.whl"}))["my"]
    assert project.requirement("[a,b]") == f"my[a,b] @ {URL}/a.whl"


def test_installed__from_a_folder__is_here(record: Callable[..., list[str]]) -> None:
    found = direct_url.installed(record("my", {"url": "file:///a%20b", "dir_info": {"editable": True}}))
    assert (found["my"].is_here, found["my"].path) == (True, Path("/a b"))


@pytest.mark.parametrize("data", ["not json", "[]", {"url": 3}, {}])
def test_installed__url_is_garbage__is_as_if_from_an_index(record: Callable[..., list[str]], data: object) -> None:
    assert direct_url.installed(record("my", data)) == {}


def test_installed__built_by_conda__is_not_what_its_builder_had(record: Callable[..., list[str]]) -> None:
    assert direct_url.installed(record("my", {"url": "file:///home/builder"}, installer="conda")) == {}


def test_requirement__address_of_a_pin__is_the_reference() -> None:
    project = Project("my", "1.0", "git+file:///repo@abc")
    assert (project.is_here, project.requirement("[a]")) == (False, "my[a] @ git+file:///repo@abc")


def test_installed__from_a_repository_on_this_machine__is_not_its_folder(record: Callable[..., list[str]]) -> None:
    data = {"url": "file:///repo", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    project = direct_url.installed(record("my", data))["my"]
    assert (project.is_here, project.requirement()) == (False, "my @ git+file:///repo@abc")


def test_requirement__nothing_tells_what_is_behind_the_url__is_refused() -> None:
    with pytest.raises(SolveError, match="my: https://host/repo, where it is to come from, is no file and no rep"):
        Project("my", "1.0", URL).requirement()


# what is copied


def test_sources__of_a_project__leave_out_what_tools_left_there(tmp_path: Path) -> None:
    kept = ["pyproject.toml", "src/a.py", ".gitignore", "build/notes.txt", "dist/__init__.py", "src/build/lib/x.py"]
    gone = [
        ".git/HEAD", ".venv/x", "env/pyvenv.cfg", "env/lib/x.py", "conda/conda-meta/history", "src/a.pyc",
        "src/__pycache__/a.pyc", "src/mine.egg-info/PKG-INFO", "node_modules/x.js", ".tox/x",
    ]  # fmt: skip
    for path in [*kept, *gone]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert [source.path for source in source_copy.sources(tmp_path)] == sorted(kept)


def test_sources__built_by_setuptools_before__leave_that_out(tmp_path: Path) -> None:
    for path in ("build/lib/old.py", "dist/old.whl", "a.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert [source.path for source in source_copy.sources(tmp_path)] == ["a.py"]


def test_sources__links__are_followed_and_loops_end(tmp_path: Path) -> None:
    (tmp_path / "p/pkg").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/data.txt").write_text("data")
    (tmp_path / "p/pkg/data").symlink_to("../../outside")
    (tmp_path / "p/pkg/one.txt").symlink_to("../../outside/data.txt")
    (tmp_path / "p/again").symlink_to("pkg/inner")
    (tmp_path / "p/pkg/inner").mkdir()
    (tmp_path / "p/pkg/inner/a.py").touch()
    (tmp_path / "p/pkg/loop").symlink_to("..")
    (tmp_path / "p/pkg/broken").symlink_to("nowhere")
    found = source_copy.sources(tmp_path / "p")
    assert [source.path for source in found] == ["again/a.py", "pkg/data", "pkg/inner/a.py", "pkg/one.txt"]
    source_copy.copy(tmp_path / "p", found, tmp_path / "copy")
    assert (tmp_path / "copy/pkg/data/data.txt").read_text() == "data"
    assert (tmp_path / "copy/pkg/one.txt").read_text() == "data"
    assert not (tmp_path / "copy/pkg/one.txt").is_symlink()


def test_fingerprint__folder_outside_changes__changes_with_it(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "outside/deep").mkdir(parents=True)
    (tmp_path / "outside/deep/data.txt").write_text("data")
    (tmp_path / "p/data").symlink_to("../outside")

    def fingerprint() -> str:
        return source_copy.fingerprint(tmp_path / "p", source_copy.sources(tmp_path / "p"))

    first = fingerprint()
    assert fingerprint() == first
    (tmp_path / "outside/deep/data.txt").write_text("other data")
    assert fingerprint() != first


def test_copy__of_a_repository__git_works_there_and_sees_no_change(tmp_path: Path) -> None:
    origin = tmp_path / "repo"
    origin.mkdir()
    (origin / "a.py").write_text("a = 1\n")

    def git(folder: Path, *argv: str) -> str:
        config = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.check_output(["git", *config, "-C", str(folder), *argv], text=True)

    git(origin, "init", "-q")
    git(origin, "add", "a.py")
    git(origin, "commit", "-qm", "first")
    git(origin, "tag", "v7")
    source_copy.copy(origin, source_copy.sources(origin), tmp_path / "copy")
    assert git(tmp_path / "copy", "describe", "--tags", "--dirty") == "v7\n"
    first = source_copy.fingerprint(origin, source_copy.sources(origin))
    git(origin, "tag", "v8")
    assert source_copy.fingerprint(origin, source_copy.sources(origin)) != first
