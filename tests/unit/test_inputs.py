"""The files that create can be given: each becomes what a dependency file of ours would say."""

from __future__ import annotations

import codecs
import sys
import warnings
from pathlib import Path

import pytest
from fake_python import fake_python

from python_package.create.checked_imports import modules_named
from python_package.create.inputs import Given, decode, read
from python_package.errors import SpecError
from python_package.spec import Pin, Spec
from python_package.target import Target


def given(text: str, source: str) -> Given:
    return read(text, source, python=sys.executable)


def packages(text: str, source: str = "requirements.txt") -> tuple[str, ...]:
    return given(text, source).spec.packages


def refused(text: str, source: str) -> str:
    with pytest.raises(SpecError) as caught:
        given(text, source)
    assert str(caught.value).startswith(source)
    return str(caught.value)


# which kind it is

OURS = '{"python": "3.11.7", "modules": ["numpy"]}'
ENVIRONMENT = "name: x\nchannels: [here]\ndependencies: [numpy=1.26]\n"
PROJECT = '[project]\nname = "x"\ndependencies = ["numpy>=1.26"]\n'
PONCHO = '{"conda": {"channels": ["here"], "packages": ["numpy=1.26"]}, "pip": ["dill"]}'


@pytest.mark.parametrize(
    ("text", "source", "found"),
    [
        (OURS, "deps.json", ()),
        (OURS, "deps", ()),
        (OURS, "-", ()),
        (ENVIRONMENT, "environment.yml", ("conda:numpy==1.26.*",)),
        (ENVIRONMENT, "x.YAML", ("conda:numpy==1.26.*",)),
        (ENVIRONMENT, "-", ("conda:numpy==1.26.*",)),
        (PROJECT, "pyproject.toml", ("numpy>=1.26",)),
        (PROJECT, "-", ("numpy>=1.26",)),
        (PONCHO, "poncho.json", ("conda:numpy==1.26.*", "pypi:dill")),
        (PONCHO, "-", ("conda:numpy==1.26.*", "pypi:dill")),
        ("numpy>=1.26\n", "requirements.txt", ("numpy>=1.26",)),
        ("numpy>=1.26\n", "a.folder/dev.in", ("numpy>=1.26",)),
    ],
)
def test_read__name_or_content__tells_what_it_is(text: str, source: str, found: tuple[str, ...]) -> None:
    assert packages(text, source) == found


@pytest.mark.parametrize("name", ["deps.txt", "deps.in", "deps.yml", "deps", "deps.toml", "-"])
def test_read__ours_under_any_name__is_ours(name: str) -> None:
    assert read('{"python": "3.11.7", "modules": ["numpy"]}\n', name).spec == Spec("3.11.7", ("numpy",))


def test_read__ours__is_the_spec_itself() -> None:
    assert given(OURS, "deps.json") == Given(Spec("3.11.7", ("numpy",)))


@pytest.mark.parametrize(
    ("text", "source", "says"),
    [
        ("{", "deps.json", "not JSON"),
        ("", "deps", "not JSON"),
        ("[packages]", "Pipfile", "not a dependency file of python_package_analyze"),
        ("[]", "-", 'expected an object with "python" and "modules"'),
        ("numpy\n", "Pipfile", "not a dependency file of python_package_analyze, environment.yml, requirements.txt or"),
        ('{"conda": {}, "python": "3.11.7"}', "x.json", 'unknown key "conda"'),
        ("{}", "x.json", 'the key "python" is missing'),
    ],
)
def test_read__none_of_them__is_refused(text: str, source: str, says: str) -> None:
    assert says in refused(text, source)


# environment.yml and poncho's JSON


def environment(*dependencies: str, channels: str = "[]") -> Given:
    lines = "".join(f"  - {dependency}\n" for dependency in dependencies)
    return given(f"channels: {channels}\ndependencies:\n{lines}", "environment.yml")


@pytest.mark.parametrize(
    ("dependency", "package"),
    [
        ("numpy", "conda:numpy"),
        ("NumPy", "conda:numpy"),
        ("numpy=1.26", "conda:numpy==1.26.*"),
        ("numpy=1.26.*", "conda:numpy==1.26.*"),
        ("numpy==1.26", "conda:numpy==1.26"),
        ("numpy 1.26", "conda:numpy==1.26"),
        ("numpy>=1.26,<2", "conda:numpy>=1.26,<2"),
        ("'numpy >= 1.26'", "conda:numpy>=1.26"),
        ("numpy!=1.26", "conda:numpy!=1.26"),
        ("numpy=*", "conda:numpy"),
        ("openssl=1.1.1w", "conda:openssl==1.1.1w.*"),
        ("ruamel.yaml", "conda:ruamel.yaml"),
    ],
)
def test_environment__conda_spec__is_a_constraint_of_ours(dependency: str, package: str) -> None:
    assert environment(dependency) == Given(Spec("", (), packages=(package,)))


@pytest.mark.parametrize(
    ("dependency", "python"),
    [
        ("python", ""),
        ("python=3.11", "==3.11.*"),
        ("python=3.11.7", "3.11.7"),
        ("python==3.11.7", "3.11.7"),
        ("python>=3.9,<3.12", ">=3.9,<3.12"),
        ("python 3.11.*", "==3.11.*"),
    ],
)
def test_environment__python__is_a_full_version_or_a_constraint(dependency: str, python: str) -> None:
    assert environment(dependency).spec == Spec(python, ())


def test_environment__exported_by_conda__builds_and_what_the_solver_adds_are_no_matter() -> None:
    found = environment("numpy=1.26.4=py311h64a7726_0", "_libgcc_mutex=0.1=conda_forge", "python=3.11.7=h1_cpython")
    assert found.spec == Spec("3.11.7", (), packages=("conda:numpy==1.26.4",))
    assert found.notes == (
        "environment.yml: numpy: its version counts, the build py311h64a7726_0 does not",
        "environment.yml: _libgcc_mutex: its version counts, the build conda_forge does not",
        "environment.yml: _libgcc_mutex is left out: the solver knows when it is needed",
        "environment.yml: python: its version counts, the build h1_cpython does not",
    )


def test_environment__channels__are_kept_in_order_and_those_of_packages_come_last() -> None:
    found = environment("bioconda::samtools", "here::numpy", channels="[there, nodefaults, here]")
    assert found.spec == Spec(
        "",
        (),
        packages=("conda:bioconda::samtools", "conda:here::numpy"),
        channels=("there", "here", "bioconda"),
    )


def test_environment__pip_section__is_asked_of_pypi_alone() -> None:
    found = environment("pip", "pip: ['dill>=0.3', 'requests[socks]', \"old; python_version < '3'\"]")
    assert found.spec.packages == ("conda:pip", "pypi:dill>=0.3", "pypi:requests[socks]")


def test_environment__keys_that_do_not_count__are_said_but_the_name() -> None:
    found = given("name: x\nprefix: /x\nvariables: {A: b}\ndependencies: []\n", "e.yml")
    assert found == Given(Spec("", ()), ("e.yml: variables is left out",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not YAML"),
        ("- numpy", '"dependencies" is missing'),
        ("dependencies: numpy", '"dependencies" must be a list'),
        ("dependencies: [3]", '"dependencies" holds 3, which is not a package'),
        ("dependencies: ['numpy>=1|<3']", "which is not a package with a version"),
        ("dependencies: ['numpy>=']", "which is not a package with a version"),
        ("dependencies: ['https://host/numpy-1.2-0.conda']", "which is not a package with a version"),
        ("dependencies: ['num*']", "which is not a package with a version"),
        ("dependencies: [{npm: [x]}]", 'only "pip" may be an object'),
        ("dependencies: [{pip: x}]", '"pip" must be a list'),
        ("dependencies: [{pip: ['-e ./absent']}]", "the name of './absent' is not to be seen"),
        ('dependencies: [{pip: ["a\\nb"]}]', "which is not a package"),
        ("channels: x\ndependencies: []", '"channels" must be a list'),
    ],
)
def test_environment__what_is_no_package__is_refused(text: str, says: str) -> None:
    assert says in refused(text, "environment.yml")


def test_poncho__dependencies_as_conda_exports_them__count_too() -> None:
    text = '{"conda": {"channels": ["x"], "dependencies": ["python=3.9.5", "dill=0.3", {"pip": ["a"]}]}}'
    assert given(text, "p.json").spec == Spec(
        "3.9.5", (), packages=("conda:dill==0.3.*", "pypi:a"), channels=("x",)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"pip": [], "git": {"DATA": {}}}', '"git" is data for tasks'),
        ('{"pip": [], "http": {"DATA": {}}}', '"http" is data for tasks'),
        ('{"pip": [], "npm": []}', 'unknown key "npm"'),
        ('{"pip": "dill"}', '"pip" must be a list'),
        ('{"conda": []}', ""),
        ('{"conda": ["x"]}', '"conda" must be an object'),
    ],
)
def test_poncho__what_we_do_not_serve__is_refused(text: str, says: str) -> None:
    if not says:
        assert given(text, "p.json").spec == Spec("", ())
    else:
        assert says in refused(text, "p.json")


# requirements.txt


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NumPy >= 1.26 , < 2\n", ("NumPy<2,>=1.26",)),
        ("\ufeffnumpy # why\n  # alone\n\n#x\ndill#not-a-comment\n", None),
        ("numpy # why\n  # alone\n\n", ("numpy",)),
        ("requests[socks,use_chardet_on_py3] == 2.*\n", ("requests[socks,use_chardet_on_py3]==2.*",)),
        ("numpy>=1.26; python_version >= '3'\nold; python_version < '3'\n", ("numpy>=1.26",)),
        ("a; extra == 'x'\n", ()),
        ("numpy \\\n  >=1.26\ndill\n", ("dill", "numpy>=1.26")),
        ("numpy\nnumpy\n", ("numpy",)),
        ("numpy", ("numpy",)),
        ("numpy \\", ("numpy",)),
        ("", ()),
    ],
)
def test_requirements__lines__are_packages(text: str, found: tuple[str, ...] | None) -> None:
    if found is None:
        assert "is not a requirement" in refused(text, "requirements.txt")
    else:
        assert packages(text) == found


def test_requirements__hashes__are_said_not_to_count() -> None:
    found = given("numpy==1.26 \\\n  --hash=sha256:aa \\\n  --hash sha256:bb\n", "requirements.txt")
    assert found.spec.packages == ("numpy==1.26",)
    assert found.notes == ("requirements.txt: hashes are not compared; a lock (--lock) has its own",)


@pytest.mark.parametrize("option", ["-r more/base.txt", "-rmore/base.txt", "--requirement=more/base.txt"])
def test_requirements__another_file__is_read_relative_to_the_first(tmp_path: Path, option: str) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.txt").write_text("-r deep.txt\ndill\n")
    (tmp_path / "more" / "deep.txt").write_text("numpy\n")
    assert packages(f"{option}\nidna\n", str(tmp_path / "r.txt")) == ("dill", "idna", "numpy")


@pytest.mark.parametrize("option", ["-c bounds.txt", "--constraint bounds.txt"])
def test_requirements__constraints__bound_what_is_named(tmp_path: Path, option: str) -> None:
    (tmp_path / "bounds.txt").write_text("Num.Py<2\nother==1\n")
    assert packages(f"num-py[x]>=1\n{option}\n", str(tmp_path / "r.txt")) == ("num-py[x]<2,>=1",)


def test_requirements__variable__is_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANTED", "numpy")
    assert packages("${WANTED}\n") == ("numpy",)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-r gone.txt", "requirements.txt:2: gone.txt: No such file"),
        ("numpy >= ", "requirements.txt:2: 'numpy >=' is not a requirement"),
        ("-e ./absent", "requirements.txt:2: the name of './absent' is not to be seen; write NAME @ file:///"),
        ("git+https://host/x", "the name of 'git+https://host/x' is not to be seen; write NAME @ git+https://host/x"),
        ("https://host/x.tar.gz", "the name of 'https://host/x.tar.gz' is not to be seen"),
        ("./x ; python_version > '3'", "is not to be seen"),
        ("--trusted-host host", "--trusted-host is not read here; set it in pip's configuration"),
        ("--index-url", "requirements.txt:2: '' is not the address of an index"),
        ("--extra-index-url=https://a https://b", "is not the address of an index"),
        ("--pre", "--pre is an option that create does not serve"),
    ],
)
def test_requirements__what_we_do_not_serve__is_refused_with_its_line(line: str, says: str) -> None:
    assert says in refused(f"numpy\n{line}\n", "requirements.txt")


def test_requirements__a_file_that_includes_itself__is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r b.txt\n")
    (tmp_path / "b.txt").write_text("-r a.txt\n")
    with pytest.raises(SpecError, match="refers to itself"):
        given("-r a.txt\n", str(tmp_path / "r.txt"))


def test_requirements__no_interpreter_to_ask__markers_are_those_of_our_own(tmp_path: Path) -> None:
    broken = fake_python(tmp_path, "exit 1")
    found = read("numpy; python_version >= '3'\n", "requirements.txt", python=broken)
    assert found.spec.packages == ("numpy",)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a project in a folder of it."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pyproject.toml").write_text('[project]\nname = "My.Lib"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("./mine", "My.Lib"),
        ("-e ./mine", "My.Lib"),
        ("-e mine/", "My.Lib"),
        ("--editable=./mine[more]", "My.Lib[more]"),
        ("{project}/mine[a,b]", "My.Lib[a,b]"),
        ("file://{project}/mine", "My.Lib"),
        ("my-lib[a] @ file://{project}/mine", "my-lib[a]"),
    ],
)
def test_requirements__a_project_in_a_folder__is_a_package_with_its_place(
    project: Path, line: str, package: str
) -> None:
    found = given(line.format(project=project) + "\n", str(project / "requirements.txt"))
    assert found.spec == Spec(
        "", (), packages=(package,), pins=(Pin("my_lib", "my-lib", "", "local", (project / "mine").as_uri()),)
    )


@pytest.mark.parametrize(
    ("line", "package", "url"),
    [
        ("x @ git+https://host/x@abc", "x", "git+https://host/x@abc"),
        ("git+https://host/x@abc#egg=x", "x", "git+https://host/x@abc"),
        ("x[a] @ https://host/x-1.tar.gz", "x[a]", "https://host/x-1.tar.gz"),
        ("{project}/x-1.0-py3-none-any.whl", "x", "file://{project}/x-1.0-py3-none-any.whl"),
    ],
)
def test_requirements__an_address__is_a_package_with_its_place(
    tmp_path: Path, line: str, package: str, url: str
) -> None:
    (tmp_path / "x-1.0-py3-none-any.whl").touch()
    found = given(line.format(project=tmp_path), "requirements.txt")
    assert found.spec.packages == (package,)
    assert [pin.url for pin in found.spec.pins] == [url.format(project=tmp_path)]


def test_requirements__a_place_with_a_constraint__stays_where_it_is(project: Path) -> None:
    (project / "bounds.txt").write_text("my-lib<2\n")
    found = given("./mine\n-c bounds.txt\n", str(project / "requirements.txt"))
    assert (found.spec.packages, len(found.spec.pins)) == (("My.Lib",), 1)


def test_requirements__a_place_with_a_marker__has_to_be_written_with_its_name(project: Path) -> None:
    with pytest.raises(SpecError, match="is not to be seen; write NAME @ file://"):
        given("./mine ; python_version > '3'\n", str(project / "requirements.txt"))
    found = given(f"my-lib @ file://{project}/mine ; python_version < '3'\n", "requirements.txt")
    assert found.spec == Spec("", ())


def test_environment__project_under_pip__is_for_pypi_alone_with_its_place(project: Path) -> None:
    found = given("dependencies: [{pip: [-e ./mine]}]", str(project / "environment.yml"))
    assert (found.spec.packages, len(found.spec.pins)) == (("pypi:My.Lib",), 1)


BUILDS = "work"
CONDA_BUILDS = (
    "six @ file:///tmp/build/80754af9/six_1644875935023/work",
    "attrs @ file:///croot/attrs_1668696182826/work",
    f"numpy @ file:///home/conda/feedstock_root/build_artifacts/numpy_17072253/{BUILDS}/dist/numpy-1.26.4.whl#sha256=ab",
    "idna @ file:///C:/ci_311/idna_1676424932545/work",
    f"yarl @ file:///Users/me/miniconda3/conda-bld/yarl_1/{BUILDS}/python",
)


def test_requirements__pip_freeze_in_a_conda_environment__names_every_line_and_the_command() -> None:
    text = "\n".join(["dill==0.3", *CONDA_BUILDS])
    assert refused(text, "requirements.txt") == (
        "requirements.txt: attrs (line 3), idna (line 5), numpy (line 4), six (line 2), yarl (line 6): pip freeze has "
        "written the folders in which Conda's packages were built, and they are not here; write the file with "
        "`pip list --format=freeze`, which writes versions instead"
    )


@pytest.mark.parametrize("line", CONDA_BUILDS)
def test_environment__pip_freeze_of_conda_under_pip__is_refused_likewise(line: str) -> None:
    says = refused(f"dependencies: [{{pip: ['{line}']}}]", "environment.yml")
    assert says.startswith(f"environment.yml: pip: {line.partition(' ')[0]}: pip freeze has written")


def test_requirements__other_folders_that_are_not_here__are_all_named(tmp_path: Path) -> None:
    says = refused(f"a @ file://{tmp_path}/a\nidna\nb @ file://{tmp_path}/b%20c\n", "requirements.txt")
    assert says == (
        f"requirements.txt:1: {tmp_path}/a, where a is to come from, does not exist; "
        f"requirements.txt:3: {tmp_path}/b c, where b is to come from, does not exist"
    )


# encodings, as pip reads them

LINE = "idna==3.7  # caf\u00e9\r\n"


def by_pip(path: Path) -> list[str]:
    """Return what pip itself reads in a file of requirements."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at what pip itself has vendored
        from pip._internal.network.session import PipSession
        from pip._internal.req import parse_requirements

        return [each.requirement for each in parse_requirements(str(path), PipSession())]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"# -*- coding: latin-1 -*-\n", "latin-1"),
        (b"#!x\n# vim: set fileencoding=cp1252 :\n", "cp1252"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_decode__encoding_that_pip_reads__is_read_as_pip_does(
    tmp_path: Path, mark: bytes, encoding: str, nested: bool
) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(mark + LINE.encode(encoding))
    assert by_pip(path) == ["idna==3.7"]
    if nested:
        assert packages("-r requirements.txt", str(tmp_path / "r.in")) == ("idna==3.7",)
    else:
        assert packages(decode(path.read_bytes(), str(path)), str(path)) == ("idna==3.7",)


def test_decode__utf_32_of_windows__is_no_utf_16() -> None:
    assert decode(codecs.BOM_UTF32_LE + LINE.encode("utf-32-le"), "r.txt") == LINE


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"idna \xe9", "r.txt: not UTF-8 at byte 5; save it as UTF-8"),
        (b"\xff\xfei", "r.txt: not UTF-16-LE at byte 2; save it as UTF-8"),
        (b"# coding: rot13\nvqan\n", "r.txt: its first lines name the encoding rot13, which is none"),
        (b"# coding: hex\n00", "r.txt: its first lines name the encoding hex, which is none"),
        (b"# coding: nonsense\n", "r.txt: its first lines name the encoding nonsense, which is none"),
        (b"# coding: idna\n\xe9", "r.txt: not IDNA"),
        (b"# coding: punycode\nabc-\xff\n", "r.txt: not PUNYCODE"),
        (b"# coding: undefined\n", "r.txt: not UNDEFINED"),
        (b"# coding: unicode_escape\n\\N{x}", "r.txt: not UNICODE_ESCAPE at byte"),
    ],
)
def test_decode__bytes_that_are_no_text__are_refused(raw: bytes, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        decode(raw, "r.txt")
    assert says in str(caught.value)


# pyproject.toml


def test_pyproject__project__gives_dependencies_python_and_a_note() -> None:
    text = (
        '[project]\nname = "x"\nrequires-python = ">=3.10"\n'
        'dependencies = ["numpy>=1", "old; python_version < \'3\'"]\n'
        '[project.optional-dependencies]\ntest = ["pytest"]\ndocs = ["sphinx"]\n'
    )
    assert given(text, "pyproject.toml") == Given(
        Spec(">=3.10", (), packages=("numpy>=1",)),
        ("pyproject.toml: of its dependencies the optional ones are left out: docs, test",),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[project", "not TOML"),
        ("[tool.x]\n", "there is no [project] in it"),
        ('[project]\ndynamic = ["dependencies"]\n', "its dependencies are dynamic"),
        ('[project]\ndependencies = "numpy"\n', '"dependencies" must be a list'),
        ("[project]\nrequires-python = '>=3.x'\n", '"requires-python" must be a range of versions such as'),
        ("[project]\nrequires-python = 3\n", '"requires-python" must be a range of versions'),
        ('[project]\ndependencies = ["numpy >="]\n', "dependencies: 'numpy >=' is not a requirement"),
        ('[project]\ndependencies = ["./x"]\n', "the name of './x' is not to be seen"),
    ],
)
def test_pyproject__what_cannot_be_read__is_refused(text: str, says: str) -> None:
    assert says in refused(text, "pyproject.toml")


# what is checked


def test_modules_named__packages__are_those_with_a_package_s_name(tmp_path: Path) -> None:
    for path in (
        "numpy/__init__.py", "my_lib.py", "fast.cpython-311-x86_64-linux-gnu.so", "data/x.txt", "PIL/__init__.py",
        "numpy-1.0.dist-info/METADATA", "other.py",
    ):  # fmt: skip
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    asked = ("conda:numpy==1", "pypi:My.Lib[x]", "fast", "data", "pil", "absent")
    assert modules_named(tmp_path, asked) == ("PIL", "fast", "my_lib", "numpy")


def test_requirements__files_that_name_each_other_twice__are_read_once_each(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n-r {number + 1}.txt\n")
    (tmp_path / "60.txt").write_text("tqdm\n")
    path = tmp_path / "0.txt"
    assert read(path.read_text(), str(path)).spec.packages == ("tqdm",)


def test_requirements__chain_of_many_files__is_refused(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    path = tmp_path / "0.txt"
    with pytest.raises(SpecError, match="more than the 100 files"):
        read(path.read_text(), str(path))


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_requirements__file_of_a_name_that_none_can_have__is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match=r"requirements\.txt:1: "):
        read(f"-r {name}\n", str(tmp_path / "requirements.txt"))


# what another machine's markers are

MARKED = (
    ("x86", "platform_machine == 'x86_64'"),
    ("arm", "platform_machine == 'aarch64'"),
    ("mac", "sys_platform == 'darwin'"),
)
FORMS = {
    "requirements.txt": "".join(f"{name}; {marker}\n" for name, marker in MARKED),
    "pyproject.toml": '[project]\nname = "x"\ndependencies = '
    + str([f"{name}; {marker}".replace("'", '"') for name, marker in MARKED]),
    "pixi.toml": "[workspace]\nchannels = []\n[pypi-dependencies]\n"
    + "".join(f'{name} = {{ version = "*", env-markers = "{marker}" }}\n' for name, marker in MARKED),
}


@pytest.mark.parametrize(("subdir", "name"), [("linux-64", "x86"), ("linux-aarch64", "arm")])
@pytest.mark.parametrize("source", list(FORMS))
def test_read__markers_of_platforms__are_true_or_not_of_the_target(source: str, subdir: str, name: str) -> None:
    found = read(FORMS[source], source, python=sys.executable, target=Target.load(subdir))
    assert [each.removeprefix("pypi:") for each in found.spec.packages] == [name]


def test_read__condas_subdir__comes_before_a_targets_file(monkeypatch: pytest.MonkeyPatch) -> None:
    text, mine = FORMS["requirements.txt"], Target("linux-64", name="mine.json")
    monkeypatch.setenv("CONDA_SUBDIR", "linux-aarch64")
    assert read(text, "requirements.txt", python=sys.executable, target=mine).spec.packages == ("arm",)
    named = Target.load("linux-64")
    assert read(text, "requirements.txt", python=sys.executable, target=named).spec.packages == ("x86",)
