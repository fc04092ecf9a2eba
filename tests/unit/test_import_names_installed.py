"""Which distribution provides a module in an interpreter: as real installers and systems lay them out."""

from __future__ import annotations

import json
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from user_python import BACKEND, UserPython
from wheels import write_wheel

from python_package.import_names.installed import Found, find, header, named, shared
from python_package.import_names.users_python import import_path


@pytest.fixture
def environment(tmp_path: Path) -> UserPython:
    return UserPython(tmp_path)


def _find(environment: UserPython, *modules: str) -> dict[str, tuple[Found, ...]]:
    return find(modules, environment.import_path())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return folder


def lay(folder: Path, *files: str, **texts: str) -> None:
    """Write empty files, and files with a text."""
    for name, text in {**dict.fromkeys(files, ""), **texts}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def metadata(name: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"


def owners(module: str, *paths: Path) -> list[str]:
    """Return the names of a module's distributions."""
    return [owner.name for owner in find([module], [str(path) for path in paths]).get(module, ())]


# As installers do it


def test_find__installed_by_uv__names_project_version_and_installer(environment: UserPython) -> None:
    files = {"mine/__init__.py": "", "mine/deep/__init__.py": "", "lone.py": "", "_fast.abi3.so": ""}
    write_wheel(environment.wheels, "Some-Name", files, version="2.5")
    environment.install("some-name")
    found = _find(environment, "mine", "mine.deep", "lone", "_fast", "absent", "min", "mine.absent")
    site = next(folder for folder in environment.import_path() if folder.endswith("site-packages"))
    expected = (Found("Some-Name", "2.5", "", "uv", site),)
    assert found == dict.fromkeys(["mine", "mine.deep", "lone", "_fast", "mine.absent"], expected)


def test_find__namespace_of_several_projects__tells_them_apart(environment: UserPython) -> None:
    write_wheel(environment.wheels, "acme-one", {"acme/one/__init__.py": ""})
    write_wheel(environment.wheels, "acme-two", {"acme/two.py": ""})
    environment.install("acme-one", "acme-two")
    found = _find(environment, "acme.one", "acme.two", "acme", "acme.three")
    names = {module: sorted(owner.name for owner in owners) for module, owners in found.items()}
    assert names == {"acme.one": ["acme-one"], "acme.two": ["acme-two"], "acme": ["acme-one", "acme-two"]}


def test_find__installed_from_a_file__gives_its_url(environment: UserPython) -> None:
    write_wheel(environment.wheels, "local", {"local/__init__.py": ""})
    (wheel,) = environment.wheels.iterdir()
    environment.install(str(wheel))
    (found,) = _find(environment, "local")["local"]
    assert found.origin == wheel.as_uri()


def test_find__edited_in_place_by_a_path_file__gives_the_project_s_folder(environment: UserPython) -> None:
    project = environment.folder / "a project"
    lay(project, "src/edited/__init__.py", **{"backend.py": BACKEND})
    table = 'build-backend = "backend"\nbackend-path = ["."]\nrequires = []\n'
    lay(project, **{"pyproject.toml": f'[build-system]\n{table}[project]\nname = "edited"\nversion = "1.0"\n'})
    environment.install("--editable", str(project))
    (found,) = _find(environment, "edited")["edited"]
    assert (found.name, found.origin, found.editable) == ("edited", project.as_uri(), True)


def test_find__installed_from_a_repository__gives_what_pip_would_take(site: Path) -> None:
    direct = {"url": "https://127.0.0.1/x.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}
    for name, more in (("plain", {}), ("deep", {"subdirectory": "a/b"})):
        lay(site, f"{name}.py", **{f"{name}-1.0.dist-info/METADATA": metadata(name)})
        lay(site, **{f"{name}-1.0.dist-info/RECORD": f"{name}.py,,\n"})
        lay(site, **{f"{name}-1.0.dist-info/direct_url.json": json.dumps({**direct, **more})})
    found = {name: owner for name, (owner,) in find(["plain", "deep"], [str(site)]).items()}
    assert found["plain"].origin == "git+https://127.0.0.1/x.git@c0ffee"
    assert found["deep"].origin == "git+https://127.0.0.1/x.git@c0ffee#subdirectory=a/b"
    assert not found["plain"].editable


def test_find__edited_in_place_by_an_import_hook__gives_the_project_s_folder(site: Path, tmp_path: Path) -> None:
    lay(tmp_path / "project", "src/hooked/__init__.py")
    info = "hooked-1.0.dist-info"
    direct = {"url": (tmp_path / "project").as_uri(), "dir_info": {"editable": True}}
    texts = {"METADATA": metadata("hooked"), "RECORD": "__editable__.hooked.pth,,\n", "INSTALLER": "pip\n"}
    lay(site, **{f"{info}/{name}": text for name, text in {**texts, "direct_url.json": json.dumps(direct)}.items()})
    lay(tmp_path / "elsewhere", "other.py")
    assert owners("hooked", site) == ["hooked"]
    assert owners("other", site) == []
    assert owners("other", tmp_path / "elsewhere", site) == [""]


def test_find__edited_in_place_by_setuptools__is_told_by_its_top_level(site: Path, tmp_path: Path) -> None:
    lay(tmp_path / "project", "odd place/hooked/__init__.py")
    info = "hooked-1.0.dist-info"
    direct = {"url": (tmp_path / "project").as_uri(), "dir_info": {"editable": True}}
    texts = {"METADATA": metadata("hooked"), "RECORD": "__editable___hooked_finder.py,,\n", "top_level.txt": "hooked\n"}
    lay(site, **{f"{info}/{name}": text for name, text in {**texts, "direct_url.json": json.dumps(direct)}.items()})
    assert owners("hooked", site) == ["hooked"]


def test_find__edited_in_place_the_old_way__gives_the_project_s_folder(tmp_path: Path) -> None:
    lay(tmp_path, "old/__init__.py", "setup.py", **{"Old.egg-info/PKG-INFO": metadata("Old")})
    lay(tmp_path, **{"Old.egg-info/top_level.txt": "old\n"})
    (found,) = find(["old"], [str(tmp_path)])["old"]
    assert (found.name, found.origin, found.editable) == ("Old", tmp_path.as_uri(), True)


def test_find__installed_into_a_project_s_folder__is_of_an_index(tmp_path: Path) -> None:
    info = "mine-1.0.dist-info"
    texts = {"METADATA": metadata("mine"), "RECORD": "mine.py,,\n", "INSTALLER": "pip\n"}
    lay(tmp_path, "mine.py", "pyproject.toml", **{f"{info}/{name}": text for name, text in texts.items()})
    (found,) = find(["mine"], [str(tmp_path)])["mine"]
    assert (found.origin, found.editable) == ("", False)


def test_find__installed_by_an_older_pip__reads_its_list_of_files(site: Path) -> None:
    lay(site, "ns/mine.py", "other.py", **{"Mine-1.0-py3.8.egg-info/PKG-INFO": metadata("Mine")})
    lay(site, **{"Mine-1.0-py3.8.egg-info/installed-files.txt": "../ns/mine.py\nPKG-INFO\n"})
    assert owners("ns.mine", site) == ["Mine"]
    assert owners("other", site) == [""]


# As systems do it


def test_find__debian_s_layout__is_told_by_the_top_level(tmp_path: Path) -> None:
    site = tmp_path / "dist-packages"
    lay(site, "dbus/__init__.py", "_dbus_glib.cpython-311-x86_64-linux-gnu.so", "other/__init__.py")
    lay(site, **{"dbus_python-1.3.egg-info/PKG-INFO": metadata("dbus-python")})
    lay(site, **{"dbus_python-1.3.egg-info/top_level.txt": "_dbus_glib\ndbus\n"})
    assert owners("dbus", site) == owners("_dbus_glib", site) == ["dbus-python"]
    assert owners("other", site) == [""]


def test_find__metadata_without_any_list__owns_what_has_its_name(site: Path) -> None:
    lay(site, "simple_thing.py", "other.py", **{"simple_thing-1.0.egg-info": metadata("simple-thing")})
    assert owners("simple_thing", site) == ["simple-thing"]
    assert owners("other", site) == [""]


def test_find__system_s_namespace_without_lists__goes_by_the_whole_name(site: Path) -> None:
    for name in ("lazr.uri", "lazr.restfulclient"):
        info = f"{name}-1.0.egg-info"
        lay(site, f"{name.replace('.', '/')}/__init__.py", **{f"{info}/PKG-INFO": metadata(name)})
        lay(site, **{f"{info}/top_level.txt": "lazr\n", f"{info}/namespace_packages.txt": "lazr\n"})
    assert owners("lazr.uri", site) == ["lazr.uri"]


def test_find__conda_s_build__does_not_take_its_builder_s_folder_for_an_origin(site: Path) -> None:
    info = "numpy-1.0.dist-info"
    texts = {"METADATA": metadata("numpy"), "RECORD": "numpy/__init__.py,,\n", "INSTALLER": "conda\n"}
    texts["direct_url.json"] = json.dumps({"url": "file:///croot/work", "dir_info": {}})
    lay(site, "numpy/__init__.py", **{f"{info}/{name}": text for name, text in texts.items()})
    assert find(["numpy"], [str(site)])["numpy"] == (Found("numpy", "1.0", "", "conda", str(site)),)


@pytest.mark.parametrize("text", ["rpm\n", "debian", ""])
def test_find__packagers_of_a_system__are_no_installer(site: Path, text: str) -> None:
    info = "mine-1.0.dist-info"
    texts = {"METADATA": metadata("mine"), "RECORD": "mine.py,,\n", "INSTALLER": text}
    lay(site, "mine.py", **{f"{info}/{name}": text for name, text in texts.items()})
    (found,) = find(["mine"], [str(site)])["mine"]
    assert found.installer == ""


def conda_site(prefix: Path, version: str) -> Path:
    """Lay out a module that Conda's record claims, whose own metadata names pip and its builder's folder."""
    site = prefix / "lib" / "python3.11" / "site-packages"
    info = "numpy-1.0.dist-info"
    texts = {"METADATA": metadata("numpy"), "RECORD": "numpy/__init__.py,,\n", "INSTALLER": "pip\n"}
    texts["direct_url.json"] = json.dumps({"url": "file:///home/conda/feedstock_root/work", "dir_info": {}})
    lay(site, "numpy/__init__.py", **{f"{info}/{name}": text for name, text in texts.items()})
    files = ["lib/python3.11/site-packages/numpy/__init__.py"]
    record = {"name": "numpy", "version": version, "files": files}
    lay(prefix, **{f"conda-meta/numpy-{version}-py311_0.json": json.dumps(record)})
    return site


def test_find__older_build_of_conda__is_conda_s_whatever_its_metadata_says(tmp_path: Path) -> None:
    site = conda_site(tmp_path, "1.0")
    assert find(["numpy"], [str(site)])["numpy"] == (Found("numpy", "1.0", "", "conda", str(site)),)


def test_find__conda_s_package_that_pip_has_replaced__is_pip_s(tmp_path: Path) -> None:
    (found,) = find(["numpy"], [str(conda_site(tmp_path, "0.9"))])["numpy"]
    assert (found.installer, found.origin) == ("pip", "file:///home/conda/feedstock_root/work")


def test_find__metadata_without_a_name__owns_nothing(site: Path) -> None:
    lay(site, "mine.py", **{"mine-1.0.egg-info": "Metadata-Version: 2.1\n"})
    assert owners("mine", site) == [""]


# The path decides


def test_find__folder_without_modules__is_no_namespace(tmp_path: Path, site: Path) -> None:
    lay(tmp_path / "own", "docker/builder/Dockerfile", "docker/.x/a.py", "docker/__pycache__/a.cpython-311.py")
    assert find(["docker"], [str(tmp_path / "own"), str(site)]) == {}
    lay(tmp_path / "own", "docker/deep/er/tool.py")
    assert owners("docker", tmp_path / "own", site) == [""]


def test_find__module_behind_a_folder_of_its_name__is_what_is_imported(tmp_path: Path, site: Path) -> None:
    lay(tmp_path / "own", "docker/tool.py")
    info = "docker-1.0.dist-info"
    lay(
        site, "docker/__init__.py", **{f"{info}/METADATA": metadata("docker"), f"{info}/RECORD": "docker/__init__.py,,"}
    )
    assert owners("docker", tmp_path / "own", site) == ["docker"]


def test_shared__only_folders_without_code_of_their_own(tmp_path: Path, site: Path) -> None:
    lay(site, "acme/one/__init__.py", "mine/__init__.py", "both/a.py")
    lay(tmp_path / "more", "acme/two.py", "both.py")
    paths = [str(site), str(tmp_path / "more")]
    assert shared(["acme", "mine", "both", "absent"], paths) == {"acme"}


def test_find__two_folders_have_it__the_first_one_counts(tmp_path: Path) -> None:
    for folder, name in (("user", "mine-new"), ("system", "mine-old")):
        info = f"{name}-1.0.dist-info"
        lay(tmp_path / folder, "mine.py", **{f"{info}/METADATA": metadata(name), f"{info}/RECORD": "mine.py,,\n"})
    assert owners("mine", tmp_path / "user", tmp_path / "system") == ["mine-new"]
    assert owners("mine", tmp_path / "system", tmp_path / "user") == ["mine-old"]


def test_find__a_file_before_the_distribution_hides_it(tmp_path: Path) -> None:
    info = "mine-1.0.dist-info"
    lay(tmp_path / "own", "mine.py")
    lay(tmp_path / "site", "mine.py", **{f"{info}/METADATA": metadata("mine"), f"{info}/RECORD": "mine.py,,\n"})
    own = str(tmp_path / "own")
    assert find(["mine"], [own, str(tmp_path / "site")])["mine"] == (Found("", "", "", "", own),)


def test_find__a_distribution_of_a_longer_name__does_not_own_it(site: Path) -> None:
    info = "acmelong-1.0.dist-info"
    lay(site, "acme/__init__.py", "acmelong/__init__.py", **{f"{info}/METADATA": metadata("acmelong")})
    lay(site, **{f"{info}/RECORD": "acmelong/__init__.py,,\n"})
    assert owners("acmelong", site) == ["acmelong"]
    assert owners("acme", site) == [""]


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"url": "x", "dir_info": []}'])
def test_find__broken_direct_url__is_taken_for_an_index(site: Path, text: str) -> None:
    info = "mine-1.0.dist-info"
    lay(site, "mine.py", **{f"{info}/METADATA": metadata("mine"), f"{info}/RECORD": '"mine.py",,\n'})
    lay(site, **{f"{info}/direct_url.json": text})
    (found,) = find(["mine"], [str(site)])["mine"]
    assert (found.name, found.origin) == ("mine", "")


def test_find__folders_that_are_none__are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "python311.zip").write_bytes(b"")
    assert find(["mine"], [str(tmp_path / "absent"), str(tmp_path / "python311.zip")]) == {}


# Asking the interpreter


def test_import_path__of_an_interpreter__is_its_own() -> None:
    assert set(import_path(sys.executable)) & set(sys.path)


@pytest.mark.parametrize("program", ["exit 3", "echo no json", "exec sleep 0"])
def test_import_path__no_answer__is_empty(tmp_path: Path, program: str) -> None:
    (tmp_path / "python").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / "python").chmod(0o755)
    assert import_path(str(tmp_path / "python")) == ()


def test_import_path__no_interpreter__is_empty() -> None:
    assert import_path("no-such-python") == ()


def test_named__metadata_without_a_name_or_none_at_all__is_left_out_and_the_first_of_a_name_counts(
    tmp_path: Path,
) -> None:
    texts = {
        "a-1": "Name: A.b\nVersion: 1\n",
        "a-2": "Name: a-B\nVersion: 2\n",
        "nameless-1": "Version: 1\n",
        "no-1": "",
    }
    for folder, text in texts.items():
        info = tmp_path / f"{folder}.dist-info"
        info.mkdir()
        if text:
            (info / "METADATA").write_text(text)
    found = named(PathDistribution(path) for path in sorted(tmp_path.iterdir()))
    assert {name: header(each, "Version") for name, each in found.items()} == {"a-b": "1"}
