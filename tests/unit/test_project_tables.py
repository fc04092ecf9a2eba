"""pyproject.toml with the tables of Poetry, pixi, PDM and setuptools: what they say counts, or is refused by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from python_package.create.inputs import Given, read
from python_package.create.inputs.poetry import constraint
from python_package.errors import SpecError
from python_package.spec import Index, Pin, Spec
from python_package.target import Target


def given(folder: Path, text: str, name: str = "pyproject.toml") -> Given:
    return read(text, str(folder / name), python=sys.executable)


def refused(folder: Path, text: str, name: str = "pyproject.toml") -> str:
    with pytest.raises(SpecError) as caught:
        given(folder, text, name)
    assert str(caught.value).startswith(str(folder / name))
    return str(caught.value)


# Poetry


@pytest.mark.parametrize(
    ("theirs", "ours"),  # as poetry-core 2.5 understands them
    [
        ("^1.2.3", "<2.0.0,>=1.2.3"),
        ("^1", "<2,>=1"),
        ("^0.2.3", "<0.3.0,>=0.2.3"),
        ("^0.0.3", "<0.0.4,>=0.0.3"),
        ("^0.0", "<0.1,>=0.0"),
        ("^0", "<1,>=0"),
        ("^1.2.3a1", "<2.0.0,>=1.2.3a1"),
        ("~1.2.3", "<1.3.0,>=1.2.3"),
        ("~1", "<2,>=1"),
        ("~=1.2.1", "~=1.2.1"),
        ("*", ""),
        ("1.*", "==1.*"),
        ("1.2", "==1.2"),
        ("=1.2", "==1.2"),
        (">= 1.2, < 2.0", "<2.0,>=1.2"),
        (">=1.2 <2", "<2,>=1.2"),
        ("^1.2,!=1.2.3", "!=1.2.3,<2.0,>=1.2"),
    ],
)
def test_constraint__poetrys_words__are_those_of_pep_440(theirs: str, ours: str) -> None:
    assert constraint(theirs, "here") == ours


@pytest.mark.parametrize("text", ["^1 || ^2", "^x", "1.2.3.nonsense!", "^", "latest"])
def test_constraint__what_no_requirement_can_say__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="here: "):
        constraint(text, "here")


def test_poetry__all_in_its_own_tables__is_read(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    text = """
        [tool.poetry.dependencies]
        python = "^3.10"
        numpy = "^1.26"
        requests = { version = ">=2", extras = ["socks"] }
        win = { version = "*", platform = "win32" }
        old = [{ version = "1.*", python = "<3.0" }, { version = "2.*", python = ">=3.0" }]
        gpu = { version = "*", optional = true }
        Lib = { path = "lib", develop = true }
        far = { git = "https://host/far.git", branch = "main" }
        own = { version = "^2", source = "Lab" }
        [tool.poetry.group.dev.dependencies]
        pytest = "*"
        [[tool.poetry.source]]
        name = "lab"
        url = "https://lab/simple"
        priority = "explicit"
        """
    found = given(tmp_path, text)
    assert found.spec == Spec(
        "<4.0,>=3.10",
        (),
        packages=("Lib", "far", "numpy<2.0,>=1.26", "old==2.*", "pypi:own<3,>=2", "requests[socks]>=2"),
        pins=(
            Pin("lib", "lib", "", "local", (tmp_path / "lib").as_uri()),
            Pin("far", "far", "", "local", "git+https://host/far.git@main"),
        ),
        indexes=(Index("https://lab/simple", "explicit", "lab", ("own",)),),
    )
    assert [note.partition(": ")[2] for note in found.notes] == [
        "of its dependencies the optional ones are left out: gpu",
        "the groups of its dependencies are left out: dev",
    ]


def test_poetry__beside_the_standards_table__adds_places_to_what_that_names(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    text = """
        [project]
        name = "x"
        requires-python = ">=3.10"
        dependencies = ["lib", "numpy>=1"]
        [tool.poetry.dependencies]
        lib = { path = "lib" }
        numpy = "^1.26"
        unnamed = "*"
        """
    found = given(tmp_path, text).spec
    assert found.packages == ("lib", "numpy<2.0,>=1,>=1.26")
    assert [pin.url for pin in found.pins] == [(tmp_path / "lib").as_uri()]


@pytest.mark.parametrize(
    ("sources", "uses"),
    [
        ([("a", "")], {"a": "default"}),
        ([("a", "primary"), ("b", "primary")], {"a": "default", "b": "extra"}),
        ([("PyPI", ""), ("a", "primary")], {"a": "extra"}),
        ([("a", "supplemental")], {"a": "extra"}),
        ([("a", "explicit")], {}),
    ],
)
def test_poetry__sources__count_by_their_priority(
    tmp_path: Path, sources: list[tuple[str, str]], uses: dict[str, str]
) -> None:
    text = '[tool.poetry.dependencies]\nx = "*"\n'
    for name, priority in sources:
        text += f'[[tool.poetry.source]]\nname = "{name}"\n' + (f'priority = "{priority}"\n' if priority else "")
        text += f'url = "https://{name}/"\n' if name != "PyPI" else ""
    found = given(tmp_path, text).spec
    assert {index.name: index.use for index in found.indexes} == uses


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('{ version = "*", source = "gone" }', "there is no [[tool.poetry.source]] of the name gone"),
        ('{ path = "gone" }', "gone, where x is to come from, does not exist"),
        ('{ git = "https://h/x", tag = "a", rev = "b" }', "at most one of rev, tag and branch"),
        ('{ version = "*", colour = "red" }', "colour is no key of a dependency of Poetry's"),
        ('{ version = "*", markers = "red" }', "'red' is not a marker"),
        ('"^1 || ^2"', "has alternatives"),
        ("3", "must be a table"),
    ],
)
def test_poetry__what_cannot_be_done__is_refused_by_name(tmp_path: Path, entry: str, says: str) -> None:
    assert says in refused(tmp_path, f"[tool.poetry.dependencies]\nx = {entry}\n")


# pixi

PIXI = """
[tool.pixi.workspace]
channels = ["conda-forge", { channel = "bioconda", priority = 1 }]
platforms = ["linux-64"]
[tool.pixi.dependencies]
python = "3.11.*"
h5py = "*"
rdkit = ">=2024.03, <2025"
samtools = { version = "1.2.*", channel = "bioconda", build = "h*" }
libonly = "1.0"
[tool.pixi.target.linux-64.dependencies]
libonly = "2.0"
[tool.pixi.target.win-64.dependencies]
winonly = "*"
[tool.pixi.pypi-dependencies]
tqdm = "*"
requests = { version = ">=2", extras = ["socks"] }
lib = { path = ".", editable = true }
far = { git = "https://host/far", rev = "abc" }
own = { version = "==1", index = "https://lab/simple" }
[tool.pixi.pypi-options]
extra-index-urls = ["https://more/simple"]
[tool.pixi.feature.test.dependencies]
pytest = "*"
"""


def test_pixi__tables_of_the_default_environment__are_read(tmp_path: Path) -> None:
    text = f'[project]\nname = "x"\nrequires-python = ">=3.9"\ndependencies = ["dill>=0.3"]\n{PIXI}'
    found = given(tmp_path, text)
    assert found.spec == Spec(
        "==3.11.*",
        (),
        packages=(
            "conda:bioconda::samtools==1.2.*",
            "conda:h5py",
            "conda:libonly==2.0",
            "conda:rdkit>=2024.3,<2025",
            "pypi:dill>=0.3",
            "pypi:far",
            "pypi:lib",
            "pypi:own==1",
            "pypi:requests[socks]>=2",
            "pypi:tqdm",
        ),
        pins=(
            Pin("far", "far", "", "local", "git+https://host/far@abc"),
            Pin("lib", "lib", "", "local", tmp_path.as_uri()),
        ),
        channels=("bioconda", "conda-forge"),
        indexes=(
            Index("https://more/simple", "first"),
            Index("https://lab/simple", "explicit", "", ("own",)),
        ),
    )
    assert [note.partition(": ")[2] for note in found.notes] == [
        "[tool.pixi.feature]: left out; the default environment counts",
        "samtools: its version counts, the build h* does not",
    ]


@pytest.mark.parametrize(("subdir", "version"), [("linux-64", "2.0"), ("linux-aarch64", "3.0")])
def test_pixi__tables_of_the_targets_platform__count_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subdir: str, version: str
) -> None:
    text = '[project]\nname = "x"\n' + PIXI + '[tool.pixi.target.linux-aarch64.dependencies]\nlibonly = "3.0"\n'
    found = read(text, str(tmp_path / "pyproject.toml"), python=sys.executable, target=Target.load(subdir))
    assert f"conda:libonly=={version}" in found.spec.packages
    monkeypatch.setenv("CONDA_SUBDIR", subdir)
    assert f"conda:libonly=={version}" in given(tmp_path, text).spec.packages


def test_pixi__its_own_file__is_read_likewise(tmp_path: Path) -> None:
    found = given(tmp_path, PIXI.replace("tool.pixi.", ""), "pixi.toml").spec
    assert found.python == "==3.11.*"
    assert found.channels == ("bioconda", "conda-forge")
    assert "conda:h5py" in found.packages


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('dependencies]\nx = { path = "x" }', "[tool.pixi.dependencies.x] is a package that pixi builds"),
        ('dependencies]\nx = { version = "*", sha256 = "ab" }', "is bound by its sha256"),
        ('dependencies]\nx = ">=1|<0.5"', "which is not a package with a version"),
        ('dependencies]\nx = { channel = "https://host/c" }', 'write the address into "channels"'),
        ("dependencies]\nx = 3", "must be a table"),
        ('pypi-dependencies]\nx = "newest"', "'xnewest' is not a requirement, such as"),
        ('pypi-dependencies]\nx = { path = "gone" }', "gone, where x is to come from, does not exist"),
        ('pypi-dependencies]\nx = { git = "https://h/x", rev = "a", tag = "b" }', "at most one of rev, tag and branch"),
        ('pypi-dependencies]\nx = { version = "*", colour = "red" }', "colour is no key that is read here"),
        ('pypi-options]\ndependency-overrides = { x = "1" }', "dependency-overrides is not read here"),
        ('workspace]\nchannels = "conda-forge"', "must be a list"),
        ("workspace]\nchannels = [{ priority = 1 }]", '"channel" is missing'),
        ("pypi-options]\nfind-links = [{}]", '"path" is missing'),
    ],
)
def test_pixi__what_cannot_be_done__is_refused_by_name(tmp_path: Path, table: str, says: str) -> None:
    assert says in refused(tmp_path, f'[project]\nname = "x"\n[tool.pixi.{table}\n')


# PDM, setuptools, Hatch, pip's options


def test_pyproject__dynamic_dependencies_in_files__are_read_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("--extra-index-url https://more\nnumpy\n-r b.txt\n")
    (tmp_path / "b.txt").write_text("dill\n")
    project = '[project]\nname = "x"\ndynamic = ["dependencies"]\n'
    for table in (
        '[tool.setuptools.dynamic]\ndependencies = { file = ["a.txt"] }\n',
        '[tool.setuptools.dynamic.dependencies]\nfile = "a.txt"\n',
        '[tool.hatch.metadata.hooks.requirements_txt]\nfiles = ["a.txt"]\n',
    ):
        found = given(tmp_path, project + table).spec
        assert (found.packages, found.indexes) == (("dill", "numpy"), (Index("https://more", "extra"),))
    assert "gone.txt: No such file" in refused(tmp_path, project + table.replace("a.txt", "gone.txt"))


def test_pdm__sources__are_indexes(tmp_path: Path) -> None:
    project = '[project]\nname = "x"\ndependencies = ["y"]\n'
    text = '[[tool.pdm.source]]\nname = "pypi"\nurl = "https://a"\n[[tool.pdm.source]]\nname = "b"\nurl = "https://b"\n'
    assert given(tmp_path, project + text).spec.indexes == (
        Index("https://a", "default", "pypi"),
        Index("https://b", "extra", "b"),
    )
    assert "include_packages is not read here" in refused(tmp_path, project + text + 'include_packages = ["y"]\n')


def test_pyproject__no_dependencies_at_all__is_said(tmp_path: Path) -> None:
    assert given(tmp_path, '[project]\nname = "x"\n').notes == (f"{tmp_path}/pyproject.toml: it names no dependencies",)


@pytest.mark.parametrize(
    ("text", "indexes"),
    [
        ("-i https://a\n--extra-index-url=https://b\n", (Index("https://a", "default"), Index("https://b", "extra"))),
        ("--index-url https://a\n--index-url https://b\n", (Index("https://b", "default"),)),
        ("-f ./wheels\n", (Index("file://{}/wheels", "links"),)),
        ("--no-index\n--find-links './wheels'\n-i https://a\n", (Index("file://{}/wheels", "only-links"),)),
    ],
)
@pytest.mark.parametrize("kind", ["requirements", "environment"])
def test_requirements__options_of_indexes__count(
    tmp_path: Path, text: str, indexes: tuple[Index, ...], kind: str
) -> None:
    expected = tuple(index.replace(url=index.url.format(tmp_path)) for index in indexes)
    if kind == "requirements":
        assert given(tmp_path, f"{text}numpy\n", "requirements.txt").spec.indexes == expected
    else:
        lines = "".join(f'    - "{line}"\n' for line in text.splitlines())
        environment = f"dependencies:\n  - pip\n  - pip:\n{lines}"
        assert given(tmp_path, environment, "environment.yml").spec.indexes == expected


def test_spec__one_package_at_two_places__is_refused(tmp_path: Path) -> None:
    says = refused(tmp_path, "x @ git+https://me:pw@a/x\nx @ git+https://b/x\n", "requirements.txt")
    assert "x is to come from git+https://a/x, and from git+https://b/x; name one place" in says
