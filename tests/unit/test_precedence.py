"""A folder of the user's with the name of a library: what Python finds is what counts, as a real Python confirms."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from fake_python import fake_python
from user_python import UserPython
from wheels import write_wheel

from python_package.analyze import analyze_sources

UTILS = "WHERE = 'installed'\n"
LOCAL = "WHERE = 'local'\n"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> UserPython:
    """A python3 that has tqdm, a library, a part of a namespace, and a package that is a program."""
    user = UserPython(tmp_path_factory.mktemp("user"))
    wheels = {
        "tqdm": {"tqdm/__init__.py": UTILS, "tqdm/utils.py": UTILS},
        "acme-one": {"acme/one.py": UTILS},
        "privatelib": {"privatelib/__init__.py": UTILS, "privatelib/utils.py": UTILS},
        "prog": {
            "prog/__init__.py": UTILS,
            "prog/__main__.py": "from .main import WHERE\nimport yaml\n",
            "prog/main.py": "from prog import WHERE\n",
            "prog/deep/__init__.py": "",
            "prog/deep/worker.py": "from prog.main import WHERE\nimport prog.deep.beside\nprint(WHERE)\n",
            "prog/deep/beside.py": "import never\n",
            "prog/deep/plain.py": "import beside\n",
            "prog/deep/upper.py": "from ..main import WHERE as w, X\nfrom .. import main\nfrom . import beside\n",
        },
    }
    for name, files in wheels.items():
        write_wheel(user.wheels, name, files)
    user.install(*wheels)
    return user


def lay_out(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def said(script: str, python: str) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return the modules that analyze lists, the local files that it follows, and its remarks."""
    found = analyze_sources([(script, Path(script).read_bytes())], python=python)
    return found.spec.modules, tuple(Path(path).name for path in found.local), "\n".join(found.remarks)


# What is beside the script, the script, the folder it is run from, how it is run.
@pytest.mark.parametrize(
    ("files", "script", "where", "argv"),
    [
        ({"tqdm/utils.py": LOCAL}, "tqdm/task.py", "tqdm", ["task.py"]),
        ({"tqdm/utils.py": LOCAL}, "tqdm/task.py", "", ["tqdm/task.py"]),
        ({"tqdm/utils.py": LOCAL}, "task.py", "", ["task.py"]),
        ({"tqdm/utils.py": LOCAL}, "sub/tqdm/task.py", "", ["sub/tqdm/task.py"]),
        ({"tqdm/__init__.py": "", "tqdm/utils.py": LOCAL}, "task.py", "", ["task.py"]),
        ({"tqdm/__init__.py": "", "tqdm/utils.py": LOCAL}, "tqdm/task.py", "", ["tqdm/task.py"]),
        ({"tqdm/__init__.py": "", "tqdm/utils.py": LOCAL, "tqdm/x.py": ""}, "tqdm/task.py", "", ["-m", "tqdm.task"]),
        ({"tqdm.py": "", "x.py": "import sys"}, "sub/task.py", "", ["sub/task.py"]),
        ({"sub/tqdm/utils.py": LOCAL}, "sub/task.py", "", ["sub/task.py"]),
        ({"tqdm.py": "", "mine/__init__.py": ""}, "mine/task.py", "", ["mine/task.py"]),
        (
            {"tqdm/__init__.py": "", "tqdm/utils.py": LOCAL, "mine/__init__.py": ""},
            "mine/task.py",
            "",
            ["mine/task.py"],
        ),
        ({"sub/tqdm/__init__.py": "", "sub/tqdm/utils.py": LOCAL}, "sub/task.py", "", ["sub/task.py"]),
    ],
)
@pytest.mark.parametrize("library", ["tqdm", "privatelib"])
def test_analyze__folder_with_the_name_of_an_installed_library__is_what_python_finds(
    user: UserPython,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    script: str,
    where: str,
    argv: list[str],
    library: str,
) -> None:
    def named(text: str) -> str:
        return text.replace("tqdm", library)

    # A script that imports relatively is one that is run with -m.
    relative = "from . import x\n" if "-m" in argv else ""
    script = named(script)
    lay_out(tmp_path, {named(name): text for name, text in files.items()})
    lay_out(tmp_path, {script: named(f"{relative}import tqdm.utils\nprint(tqdm.utils.WHERE)\n")})
    ran = subprocess.run(
        [user.python, *map(named, argv)], cwd=tmp_path / named(where), capture_output=True, text=True, check=True
    )
    monkeypatch.chdir(tmp_path)
    modules, local, _ = said(script, user.python)
    assert (modules, "utils.py" in local) == (((library,), False) if ran.stdout == "installed\n" else ((), True))


# How a script in a package is run shows in how it imports; a file beside it has the library's name.
@pytest.mark.parametrize(
    ("source", "argv"),
    [
        ("from . import x\nimport tqdm\n", ["-m", "mine.task"]),
        ("import tqdm\nfrom .x import y\n", ["-m", "mine.task"]),
        ("import x\nimport tqdm\n", ["mine/task.py"]),
        ("try:\n  from . import x\nexcept ImportError:\n  import x\nimport tqdm\n", ["mine/task.py"]),
    ],
)
def test_analyze__file_with_the_name_of_a_library__is_what_python_finds(
    user: UserPython, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, argv: list[str]
) -> None:
    files = {"mine/__init__.py": "", "mine/x.py": "y = 1", "mine/tqdm.py": LOCAL}
    lay_out(tmp_path, {**files, "mine/task.py": f"{source}print(tqdm.WHERE)\n"})
    ran = subprocess.run([user.python, *argv], cwd=tmp_path, capture_output=True, text=True, check=True)
    monkeypatch.chdir(tmp_path)
    modules, local, _ = said("mine/task.py", user.python)
    assert (modules, "tqdm.py" in local) == ((("tqdm",), False) if ran.stdout == "installed\n" else ((), True))
    assert "x.py" in local


@pytest.mark.parametrize(
    "name",
    ["tqdm.backup.so", "tqdm.cpython-311.pyc", "tqdm.so.1", "tqdm.py~", "tqdm.ipynb", "tqdm-old.py", "tqdm.old.py"],
)
def test_analyze__file_that_python_does_not_import__hides_nothing(user: UserPython, tmp_path: Path, name: str) -> None:
    lay_out(tmp_path, {name: LOCAL, "task.py": "import tqdm\nprint(tqdm.WHERE)\n"})
    ran = subprocess.run([user.python, "task.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == "installed\n"
    assert said(str(tmp_path / "task.py"), user.python) == (("tqdm",), (), "")


def test_analyze__script_with_the_name_of_a_library__imports_itself_and_is_told(
    user: UserPython, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path, {"tqdm.py": "print(__name__)\nimport tqdm\n"})
    ran = subprocess.run([user.python, "tqdm.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == "__main__\ntqdm\n"
    monkeypatch.chdir(tmp_path)
    assert said("tqdm.py", user.python) == (
        (), (), "tqdm.py:2: tqdm is this script itself; rename it to import a package"
    )  # fmt: skip


def test_analyze__library_that_is_not_installed_here__is_listed_where_python_would_not_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = fake_python(tmp_path, "echo Python 3.11.7")
    source = "from tqdm.utils import disp_len\nimport tqdm.utils\n"
    lay_out(tmp_path, {"tqdm/utils.py": LOCAL, "tqdm/task.py": source, "task.py": source})
    monkeypatch.chdir(tmp_path)
    modules, local, remarks = said("tqdm/task.py", python)
    assert (modules, local) == (("tqdm",), ())
    assert remarks == (
        "tqdm/task.py:1: tqdm is the package of that name, not ./tqdm: "
        "Python does not look above the script's folder, unless the script is run with -m"
    )
    # Beside the folder Python finds it as long as nobody installs the library.
    assert said("task.py", python)[:2] == ((), ("utils.py",))


def test_analyze__folder_that_no_package_is_known_for__is_the_users(tmp_path: Path, user: UserPython) -> None:
    lay_out(tmp_path, {"proj/core.py": "import numpy", "proj/task.py": "import proj.core"})
    modules, local, remarks = said(str(tmp_path / "proj" / "task.py"), user.python)
    assert (modules, local, remarks) == (("numpy",), ("core.py",), "")


def test_analyze__namespace_shared_with_what_is_installed__is_both(tmp_path: Path, user: UserPython) -> None:
    lay_out(tmp_path, {"acme/two.py": "import numpy", "task.py": "import acme.one, acme.two"})
    modules, local, _ = said(str(tmp_path / "task.py"), user.python)
    assert (modules, local) == (("acme", "numpy"), ("two.py",))


def test_analyze__from_takes_what_the_folder_lacks__is_of_the_library(tmp_path: Path) -> None:
    lay_out(tmp_path, {"tqdm/mine.py": "", "task.py": "import tqdm.mine\nfrom tqdm import tqdm"})
    python = fake_python(tmp_path, "echo Python 3.11.7")
    assert said(str(tmp_path / "task.py"), python)[:2] == (("tqdm",), ("mine.py",))


def test_analyze__script_without_such_a_folder__asks_the_interpreter_for_its_version_only(tmp_path: Path) -> None:
    python = fake_python(tmp_path, f"echo asked >> {tmp_path}/asked; echo Python 3.11.7")
    lay_out(tmp_path, {"mine.py": "import numpy", "pkg/__init__.py": "", "task.py": "import tqdm, mine, pkg"})
    said(str(tmp_path / "task.py"), python)
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_analyze__directory_with_a_folder_of_an_installed_library__is_as_python_finds_it(
    user: UserPython, tmp_path: Path
) -> None:
    from python_package.analyze import read_script

    source = "import tqdm.utils\nprint(tqdm.utils.WHERE)\n"
    lay_out(tmp_path, {"job/tqdm/utils.py": "import a", "job/task.py": source, "job/tqdm/task.py": source})
    for script in ("job/task.py", "job/tqdm/task.py"):
        ran = subprocess.run([user.python, tmp_path / script], capture_output=True, text=True, check=True)
        assert ran.stdout == "installed\n"
    for folder, modules in {"job": ("a", "tqdm"), "job/tqdm": ("a", "tqdm")}.items():
        name = str(tmp_path / folder)
        assert analyze_sources([(name, read_script(name))], python=user.python).spec.modules == modules
    python = fake_python(tmp_path, "echo Python 3.11.7")
    found = [analyze_sources([(str(tmp_path / name), read_script(str(tmp_path / name)))], python=python).spec.modules
             for name in ("job", "job/tqdm")]  # fmt: skip
    assert found == [("a",), ("a", "tqdm")]


# A script of an installed package


@pytest.mark.parametrize(
    ("script", "package"),
    [
        ("prog/__main__.py", "prog"),
        ("prog/deep/worker.py", "prog"),
        ("prog/deep/plain.py", "prog"),
        ("prog/deep/upper.py", "prog"),
        ("tqdm/utils.py", "tqdm"),
    ],
)
def test_analyze__script_of_an_installed_package__names_the_package_and_does_not_follow_it(
    user: UserPython, script: str, package: str
) -> None:
    site = next(Path(user.python).parents[1].glob("lib/python3*/site-packages"))
    path = site / script
    found = analyze_sources([(str(path), path.read_bytes())], python=user.python)
    assert (found.spec.modules, found.spec.submodules) == ((package,), ())
    assert (found.local, found.places, found.scripts) == ((), (), ())


def test_analyze__script_of_an_installed_package_as_it_is_run__imports_that_package(user: UserPython) -> None:
    site = next(Path(user.python).parents[1].glob("lib/python3*/site-packages"))
    asked = (
        "import runpy, sys; runpy.run_module('prog', run_name='x'); print([m for m in sys.modules if m == 'prog.main'])"
    )
    (site / "yaml.py").touch()
    ran = subprocess.run([user.python, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout == "['prog.main']\n"


def test_analyze__directory_of_an_installed_package__names_the_package(user: UserPython) -> None:
    from python_package.analyze import read_script

    site = next(Path(user.python).parents[1].glob("lib/python3*/site-packages"))
    found = analyze_sources([(str(site / "prog"), read_script(str(site / "prog")))], python=user.python)
    assert found.spec.modules == ("prog",)
    assert found.local == ()


def test_analyze__script_that_reaches_into_site_packages__names_what_it_takes(tmp_path: Path, user: UserPython) -> None:
    site = next(Path(user.python).parents[1].glob("lib/python3*/site-packages"))
    (tmp_path / "task.py").write_text(
        f"import sys, runpy\nsys.path.insert(0, '{site}/prog/deep')\nimport beside\n"
        f"runpy.run_path('{site}/tqdm/utils.py')\n"
    )
    found = analyze_sources([(str(tmp_path / "task.py"), (tmp_path / "task.py").read_bytes())], python=user.python)
    assert (found.spec.modules, found.spec.submodules) == (("prog", "tqdm"), ("prog.deep.beside", "tqdm.utils"))
