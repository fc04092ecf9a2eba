"""uv's tables: what uv takes, we take from the same place, and what uv refuses, we refuse."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from python_package.analyze import analyze_script, analyze_sources
from python_package.create.inputs import Given, read
from python_package.errors import InvalidScriptError, SpecError
from python_package.files.documents import toml_value
from python_package.pypi import uv_settings
from python_package.pypi.uv_settings import of_script
from python_package.spec import Index, Pin, Spec

LINUX = {"sys_platform": "linux", "python_version": "3.11", "python_full_version": "3.11.7"}


def project(folder: Path, name: str, *dependencies: str, more: str = "") -> Path:
    """Write a project that needs no building, because its metadata says all; return its pyproject.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0"\ndependencies = {list(dependencies)}\n{more}\n'
    )
    return folder / "pyproject.toml"


def by_uv(path: Path) -> str | None:
    """Return what uv resolves a project's dependencies to, a line each, None where it refuses."""
    argv = [find_uv_bin(), "pip", "compile", "--no-index", "--offline", "--no-header", "--no-annotate", "-q"]
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(path.parent), "UV_CACHE_DIR": str(path.parent / "cache")}
    argv += ["--python", sys.executable, path.name]
    done = subprocess.run(argv, cwd=path.parent, capture_output=True, text=True, timeout=120, env=environ)
    return done.stdout if done.returncode == 0 else None


def ours(path: Path) -> Given:
    return read(path.read_text(), str(path), python=sys.executable)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Return a folder with a library of the lab's in libs/lib, and a workspace in ws of root, a and b."""
    project(tmp_path / "libs" / "lib", "lib")
    project(tmp_path / "ws", "root", more='[tool.uv.workspace]\nmembers = ["pkgs/*"]\nexclude = ["pkgs/z"]')
    project(tmp_path / "ws" / "pkgs" / "a", "a", "b", more="[tool.uv.sources]\nb = { workspace = true }")
    project(tmp_path / "ws" / "pkgs" / "b", "b")
    project(tmp_path / "ws" / "pkgs" / "z", "z")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ('{ path = "libs/lib" }', "libs/lib"),
        ('{ path = "libs/lib", editable = true }', "libs/lib"),
        ('{ path = "libs", subdirectory = "lib" }', None),  # uv ignores it, and finds no project in libs
        ('[{ path = "libs/gone", marker = "sys_platform == \'win32\'" }, { path = "libs/lib" }]', None),  # they overlap
        (
            '[{ path = "gone", marker = "os_name == \'nt\'" }, { path = "libs/lib", marker = "os_name != \'nt\'" }]',
            "libs/lib",
        ),
    ],
)
def test_pyproject__source_with_a_path__is_where_uv_takes_it_from(lab: Path, source: str, place: str | None) -> None:
    path = project(lab, "job", "lib", more=f"[tool.uv.sources]\nlib = {source}")
    theirs = by_uv(path)
    if place is None:
        assert theirs is None
        return
    assert theirs is not None
    assert place in theirs
    assert ours(path).spec == Spec(
        "", (), packages=("lib",), pins=(Pin("lib", "lib", "", "local", (lab / place).as_uri()),)
    )


def test_pyproject__member_of_a_workspace__has_the_member_it_needs_and_the_roots_sources(lab: Path) -> None:
    project(
        lab / "ws", "root",
        more='[tool.uv.workspace]\nmembers = ["pkgs/*"]\n[tool.uv.sources]\nlib = { path = "../libs/lib" }',
    )  # fmt: skip
    path = project(lab / "ws/pkgs/a", "a", "b", "lib", more="[tool.uv.sources]\nb = { workspace = true }")
    theirs = by_uv(path)
    assert theirs is not None
    assert {"pkgs/b" in theirs, "libs/lib" in theirs} == {True}
    assert [(pin.package, pin.url) for pin in ours(path).spec.pins] == [
        ("b", (lab / "ws/pkgs/b").as_uri()),
        ("lib", (lab / "libs/lib").as_uri()),
    ]


@pytest.mark.parametrize(
    ("folder", "needs", "table", "says"),
    [
        ("ws/pkgs/a", "b", "", "b is a member of the uv workspace, but has no entry"),
        ("ws/pkgs/a", "z", "z = { workspace = true }", "the uv workspace has no member of that name"),
        ("libs/lib", "b", "b = { workspace = true }", "there is no uv workspace here"),
        ("ws/pkgs/a", "b", "b = { workspace = false }", "workspace must be true"),
        (".", "lib", 'lib = { path = "libs/gone" }', "libs/gone, where lib is to come from, does not exist"),
        (".", "lib", 'lib = { path = "libs/lib", index = "x" }', "must have one of path, workspace, git, url, index"),
        (".", "lib", 'lib = { path = "libs/lib", rev = "x" }', "rev does not belong in a source with path"),
        (".", "lib", 'lib = { index = "nowhere" }', "there is no [[tool.uv.index]] named nowhere"),
        (".", "lib", "lib = []", "must have at least one source"),
        (".", "lib", 'lib = "libs/lib"', "must be a table"),
        (".", "lib", 'lib = { git = "file:///x", tag = "a", rev = "b" }', "at most one of rev, tag and branch"),
        (".", "lib", 'lib = { git = "x" }', "is not the URL of a repository"),
        (".", "lib", 'lib = { path = "libs/lib", marker = "x" }', "'x' is not a marker"),
    ],
)
def test_pyproject__source_that_uv_refuses__is_refused_by_name(
    lab: Path, folder: str, needs: str, table: str, says: str
) -> None:
    path = project(lab / folder, "a" if "pkgs" in folder else "job", needs, more=f"[tool.uv.sources]\n{table}")
    assert by_uv(path) is None
    with pytest.raises(SpecError) as caught:
        ours(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ('{ git = "https://host/x" }', "git+https://host/x"),
        ('{ git = "https://host/x", tag = "v1" }', "git+https://host/x@v1"),
        ('{ git = "https://host/x", branch = "a/b", subdirectory = "c" }', "git+https://host/x@a/b#subdirectory=c"),
        ('{ git = "ssh://git@host/x", rev = "abc" }', "git+ssh://git@host/x@abc"),
        ('{ git = "git@host:me/x.git" }', "git+ssh://git@host/me/x.git"),
        ('{ url = "https://host/x-1.0.tar.gz", subdirectory = "c" }', "https://host/x-1.0.tar.gz#subdirectory=c"),
    ],
)
def test_of_script__source_at_an_address__is_the_one_of_a_requirement(source: str, url: str) -> None:
    found = of_script(toml_value(f"sources = {{ X_y = {source} }}"), Path("/job")).source("x-y", LINUX)
    assert found is not None
    assert found.url == url


INDEXES = """
[[tool.uv.index]]
name = "lab"
url = "https://lab/simple"
explicit = true
[[tool.uv.index]]
url = "https://first/simple"
[[tool.uv.index]]
name = "mirror"
url = "https://mirror/simple"
default = true
[tool.uv]
find-links = ["wheels"]
constraint-dependencies = ["x<3", "other<2"]
override-dependencies = ["y==1"]
"""


def test_pyproject__indexes__are_for_all_or_for_one_package_alone(tmp_path: Path) -> None:
    text = (
        f'[project]\nname = "j"\ndependencies = ["x>1", "y>2"]\n{INDEXES}[tool.uv.sources]\nx = {{ index = "lab" }}\n'
    )
    found = read(text, str(tmp_path / "pyproject.toml"), python=sys.executable)
    assert found.spec.packages == ("pypi:x<3,>1", "y==1")
    assert set(found.spec.indexes) == {
        Index("https://first/simple", "first"),
        Index("https://mirror/simple", "default", "mirror"),
        Index((tmp_path / "wheels").as_uri(), "links"),
        Index("https://lab/simple", "explicit", "lab", ("x",)),
    }
    assert found.notes == (f"{tmp_path}/pyproject.toml: the constraint other<2 does not count: it is of no dependency named here",)  # fmt: skip  # noqa: E501


def test_pyproject__no_index__leaves_the_links_alone(tmp_path: Path) -> None:
    text = '[project]\nname = "j"\n[tool.uv]\nno-index = true\nfind-links = ["w"]\nindex-url = "https://x"\n'
    found = read(text, str(tmp_path / "pyproject.toml"), python=sys.executable)
    assert found.spec.indexes == (Index((tmp_path / "w").as_uri(), "only-links"),)


def test_pyproject__override_of_another_package__is_refused() -> None:
    text = '[project]\nname = "j"\ndependencies = ["x"]\n[tool.uv]\noverride-dependencies = ["y==1"]\n'
    with pytest.raises(SpecError, match="override-dependencies: 'y==1' is not supported here; name y in"):
        read(text, "pyproject.toml", python=sys.executable)


# scripts


def script(folder: Path, *lines: str) -> Path:
    path = folder / "task.py"
    path.write_text("".join(f"# {line}\n" for line in ("/// script", *lines, "///")) + "import lib\n")
    return path


def test_analyze__script_with_sources__has_them_in_the_dependency_file_without_passwords(lab: Path) -> None:
    path = script(
        lab,
        'dependencies = ["lib", "x>1", "y @ git+https://me:pw@host/y", "z; os_name == \'nt\'"]',
        '[[tool.uv.index]]',
        'name = "lab"',
        'url = "https://me:pw@lab/simple"',
        'explicit = true',
        '[tool.uv.sources]',
        'lib = { path = "libs/lib" }',
        'x = { index = "lab" }',
        'z = { path = "gone" }',
    )  # fmt: skip
    found = analyze_sources([(str(path), path.read_bytes())])
    text = found.spec.to_json()
    assert "pw" not in text
    assert Spec.from_json(text, "deps.json") == found.spec
    assert found.spec.packages == ("lib", "pypi:x>1", "y")
    assert found.spec.pins == (
        Pin("lib", "lib", "", "local", (lab / "libs/lib").as_uri()),
        Pin("y", "y", "", "local", "git+https://host/y"),
    )
    assert found.spec.indexes == (Index("https://lab/simple", "explicit", "lab", ("x",)),)
    assert [remark.partition("; ")[0] for remark in found.remarks] == [
        f"{path}:2: the password in the address of y is not written into the file",
        f"{path}:2: the password in the address of the index https://lab/simple is not written into the file",
    ]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("[tool.uv.sources]\nlib = { workspace = true }", "task.py:4: .*there is no uv workspace here"),
        ('[tool.uv.sources]\nlib = { index = "x" }', r"task.py:4: .*there is no \[\[tool.uv.index\]\] named x"),
        ("[tool.uv]\nsources = 3", "must be a table"),
        ("[tool]\nuv = 3", r"\[tool.uv\] must be a table"),
        ('[tool.uv]\nindex-url = "a\\nb"', "must be one line of text"),
        ('[tool.pixi.dependencies]\nx = "*"', r"task.py:3: \[tool.pixi\] dependencies is not read in a script"),
        ('[[tool.pdm.source]]\nurl = "x"', r"\[tool.pdm\] source is not read in a script"),
    ],
)
def test_analyze__script_whose_sources_cannot_be_honoured__is_refused_with_its_line(
    tmp_path: Path, table: str, says: str
) -> None:
    path = script(tmp_path, 'dependencies = ["lib"]', *table.split("\n"))
    with pytest.raises(InvalidScriptError, match=says):
        analyze_script(path)


def test_analyze_sources__two_scripts_that_place_a_project_differently__are_refused(tmp_path: Path) -> None:
    sources = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path = script(tmp_path / name, 'dependencies = ["lib"]', "[tool.uv.sources]", 'lib = { path = "lib" }')
        sources.append((str(path), path.read_bytes()))
    with pytest.raises(InvalidScriptError, match=r"lib: one script takes it from file:.*, another from file:"):
        analyze_sources(sources)


def test_in_folder__no_project__is_nothing(tmp_path: Path) -> None:
    assert uv_settings.in_folder(tmp_path) == uv_settings.Settings({})
