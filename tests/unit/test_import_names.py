"""Import names become packages, in the documented order, or an error that says how to choose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from python_package import import_names
from python_package.errors import SolveError, UsageError
from python_package.import_names import installed
from python_package.import_names.package import Package
from python_package.spec import Pin


def install(site: Path, name: str, *files: str, installer: str = "pip", url: str = "") -> None:
    """Lay out a distribution as an installer does."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    for file in files:
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).touch()
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    if installer:
        (info / "INSTALLER").write_text(f"{installer}\n")
    if url:
        (info / "direct_url.json").write_text(json.dumps({"url": url, "dir_info": {}}))


def one(module: str, *paths: Path, **options: object) -> Package:
    """Resolve one module."""
    wishes = import_names.Wishes(**options)  # type: ignore[arg-type]
    (package,) = import_names.resolve([module], [str(path) for path in paths], wishes)
    return package


@pytest.mark.parametrize("module", ["antigravity", "this"])
def test_resolve__what_python_itself_ships__is_never_looked_up(module: str) -> None:
    assert import_names.resolve([module]) == ()


def test_resolve__the_standard_library_of_the_target__is_never_looked_up() -> None:
    assert import_names.resolve(["tomllib", "xml.etree"], wishes=import_names.Wishes(standard={"tomllib", "xml"})) == ()


@pytest.mark.parametrize("module", ["os", "imp", "asyncio", "ConfigParser", "urllib2", "zoneinfo", "_ctypes"])
def test_resolve__the_standard_library_of_another_version__is_refused(module: str) -> None:
    with pytest.raises(SolveError, match=f"^{module}: in the standard library of another version"):
        import_names.resolve([module])


def test_resolve__gone_from_the_standard_library_but_kept_by_a_project__gives_that() -> None:
    assert one("distutils").pypi == "setuptools"


# The caller's own mapping


def test_resolve__a_mapping__wins_over_interpreter_and_table(tmp_path: Path) -> None:
    install(tmp_path, "PyYAML", "yaml/__init__.py")
    package = one("yaml", tmp_path, mapping={"yaml": "My.Yaml"})
    assert (package.pypi, package.conda, package.assumed) == ("my-yaml", ("my.yaml", "my-yaml"), False)


def test_resolve__a_mapping_of_a_prefix__holds_for_what_is_below_it() -> None:
    assert one("google.cloud.storage", mapping={"google.cloud": "ours"}).pypi == "ours"
    assert one("googlemaps", mapping={"google": "ours"}).pypi == "googlemaps"


def test_resolve__a_mapping_of_a_name_nobody_knows__is_taken(tmp_path: Path) -> None:
    assert one("numpyy", tmp_path, mapping={"numpyy": "numpyy"}).pypi == "numpyy"


def test_resolve__a_mapping_with_a_version__carries_it() -> None:
    package = one("yaml", mapping={"yaml": "pyyaml>=6,<7"})
    assert (package.pypi, package.version) == ("pyyaml", "<7,>=6")


def test_resolve__a_mapping_to_conda_only__never_asks_pypi() -> None:
    package = one("mine", mapping={"mine": "conda:my_package"})
    assert (package.pypi, package.conda) == ("", ("my_package",))


def test_resolve__a_mapping_to_pypi_only__never_asks_a_channel() -> None:
    package = one("mine", mapping={"mine": "pypi:My_Package>=2"})
    assert (package.pypi, package.conda, package.version) == ("my-package", (), ">=2")


def test_resolve__a_mapping_with_extras__keeps_them_apart_from_the_name() -> None:
    package = one("requests", mapping={"requests": "requests[use_chardet, socks]>=2"})
    assert (package.pypi, package.conda) == ("requests", ("requests",))
    assert (package.extras, package.version) == ("[socks,use_chardet]", ">=2")


@pytest.mark.parametrize(
    "package",
    ["", "a b", "-r", "../x", "git+https://x", "x @ https://x", "conda:x[y]", "x; os_name=='x'", "ünï", "pypi:"],
)
def test_resolve__a_mapping_to_no_package__is_a_usage_error(package: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a package"):
        import_names.resolve(["yaml"], wishes=import_names.Wishes(mapping={"yaml": package}))


# The script's own metadata


def test_resolve__a_declared_build__is_chosen_over_the_usual_one() -> None:
    assert one("cv2", declared=["OpenCV_contrib.python"]).pypi == "opencv-contrib-python"


def test_resolve__a_declared_rival__is_chosen_without_doubt() -> None:
    package = one("discord", declared=["py-cord"])
    assert (package.pypi, package.assumed) == ("py-cord", False)


def test_resolve__a_declared_project_of_the_import_s_name__is_chosen() -> None:
    assert one("our_tool", declared=["our-tool"]).pypi == "our-tool"


def test_resolve__declared_but_for_another_import__changes_nothing() -> None:
    assert one("cv2", declared=["pandas"]).pypi == "opencv-python-headless"


@pytest.mark.parametrize("declared", ["PyYAML", "pyyaml>=6,<7", "PyYAML[c] ~=6.0", "pypi:pyyaml", "conda:pyyaml"])
def test_resolve__declared_in_whatever_form__is_chosen(declared: str, tmp_path: Path) -> None:
    install(tmp_path, "lazyaml", "yaml/__init__.py")
    assert one("yaml", tmp_path, declared=[declared]).why == "the script's own metadata depends on it"


# Pins


def pin(module: str, package: str, source: str = "pypi", url: str = "", version: str = "1.2") -> Pin:
    return Pin(module, package, version, source, url)


def test_resolve__pinned__is_that_version_and_needs_no_interpreter(tmp_path: Path) -> None:
    install(tmp_path, "other-cv", "cv2/__init__.py")
    package = one("cv2", tmp_path, pins=[pin("cv2", "opencv-python")])
    assert (package.pypi, package.conda, package.version) == ("opencv-python", ("py-opencv", "opencv-python"), "==1.2")
    assert package.why == "pinned: opencv-python 1.2 provides it in your python3"


def test_resolve__pinned_or_mapped__is_not_looked_for_in_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def find(modules: list[str], _: object) -> dict[str, tuple[installed.Found, ...]]:
        asked.extend(modules)
        return {}

    monkeypatch.setattr(installed, "find", find)
    import_names.resolve(
        ["cv2", "numpy", "yaml"],
        wishes=import_names.Wishes(pins=[pin("cv2", "opencv-python")], mapping={"yaml": "pyyaml"}),
    )
    assert asked == ["numpy"]


def test_resolve__pinned__wins_over_the_version_of_the_table() -> None:
    assert one("pkg_resources").version == "<82"
    assert one("pkg_resources", pins=[pin("pkg_resources", "setuptools", version="80.9")]).version == "==80.9"


def test_resolve__pin_of_a_prefix__holds_for_what_is_below_it() -> None:
    assert one("acme.deep.er", pins=[pin("acme.deep", "acme-deep"), pin("acme", "acme")]).pypi == "acme-deep"


def test_resolve__pinned_from_conda_by_a_project_s_name__is_asked_of_both() -> None:
    package = one("torch", pins=[pin("torch", "torch", "conda")])
    assert (package.pypi, package.conda, package.version) == ("torch", ("pytorch", "torch"), "==1.2")


@pytest.mark.parametrize("module", ["osgeo", "oddone", "work_queue"])
def test_resolve__pinned_by_the_name_of_a_conda_package__is_asked_of_channels_alone(module: str) -> None:
    package = one(module, pins=[pin(module, "conda:lib_odd", "conda")])
    assert (package.pypi, package.conda, package.version) == ("", ("lib_odd",), "==1.2")


def test_resolve__pinned_stub_of_what_is_not_on_pypi__is_not_taken() -> None:
    package = one("work_queue", pins=[pin("work_queue", "work-queue")])
    assert (package.pypi, package.conda, package.version) == ("", ("ndcctools",), "")


@pytest.mark.parametrize("source", ["editable", "local"])
def test_resolve__pinned_project__has_its_place_and_no_version(source: str) -> None:
    package = one("mylab", pins=[pin("mylab", "MyLab", source, "file:///home/me/mylab")])
    assert (package.pypi, package.origin, package.version) == ("mylab", "file:///home/me/mylab", "")


def test_resolve__pinned_look_alike__is_said() -> None:
    note = "reqeusts: one letter away from requests; it is reqeusts 1.2 in your python3"
    assert one("reqeusts", pins=[pin("reqeusts", "reqeusts")]).note == note


def test_resolve__pinned_from_the_system__is_believed_only_for_a_known_project() -> None:
    assert one("yaml", pins=[pin("yaml", "PyYAML", "system")]).version == "==1.2"
    with pytest.raises(SolveError, match=r"ubuntuthing: .*its system's package of ubuntu-thing.*--map"):
        one("ubuntuthing", pins=[pin("ubuntuthing", "ubuntu-thing", "system")])


def test_resolve__mapping_or_metadata_of_the_pinned_project__has_the_pin_s_version() -> None:
    pins = [pin("cv2", "opencv-contrib-python")]
    assert one("cv2", pins=pins, mapping={"cv2": "opencv_contrib_python[x]"}).version == "==1.2"
    assert one("cv2", pins=pins, declared=["opencv-contrib-python"]).version == "==1.2"
    assert one("cv2", pins=pins, mapping={"cv2": "opencv-contrib-python<5"}).version == "<5"
    assert one("cv2", pins=pins, mapping={"cv2": "opencv-python"}).version == ""
    assert one("cv2", pins=pins, declared=["opencv-python"]).version == ""


def test_resolve__pinned_project_of_a_folder__is_not_what_was_mapped_but_what_was_declared() -> None:
    pins = [pin("mylab", "mylab", "editable", "file:///home/me/mylab")]
    mapped = one("mylab", pins=pins, mapping={"mylab": "mylab"})
    assert (mapped.origin, mapped.version) == ("", "")
    assert one("mylab", pins=pins, declared=["mylab"]).origin == "file:///home/me/mylab"


# Optional modules


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("numpyy", "no package is known to provide it; is it a slip for numpy? Else choose with --map numpyy=PACKAGE"),
        ("qzxwv", "no package is known to provide it; choose with --map qzxwv=PACKAGE"),
    ],
)
def test_resolve__optional_and_unknown__is_absent_and_said(module: str, why: str) -> None:
    package = one(module, optional={module})
    assert (package.pypi, package.conda, package.absent, package.why) == ("", (), True, why)
    assert package.note == f"{module}: optional, and left out: {why}"


def test_resolve__optional_and_known__is_as_any_other() -> None:
    assert one("cv2", optional={"cv2"}) == one("cv2")
    assert one("panda", optional={"panda"}).note == "panda: one letter away from pandas, which is better known"


def test_resolve__optional_and_assumed_and_strict__is_absent() -> None:
    assert not one("discord", optional={"discord"}).absent
    assert one("discord", optional={"discord"}, strict=True).absent


def test_resolve__optional_and_unknown_beside_one_that_is_needed__names_the_latter_alone() -> None:
    with pytest.raises(SolveError) as raised:
        import_names.resolve(["numpyy", "qzxwv"], wishes=import_names.Wishes(optional={"numpyy"}))
    assert str(raised.value) == "qzxwv: no package is known to provide it; choose with --map qzxwv=PACKAGE"


def test_resolve__optional_with_a_faulty_mapping__is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        import_names.resolve(["yaml"], wishes=import_names.Wishes(mapping={"yaml": "../x"}, optional={"yaml"}))


def test_answers__some_are_refused__come_with_the_others() -> None:
    found = {
        answer.module: answer
        for answer in import_names.answers(["yaml", "qzxwv", "os"], wishes=import_names.Wishes(standard={"os"}))
    }
    assert list(found) == ["qzxwv", "yaml"]
    assert found["qzxwv"].package is None
    assert found["qzxwv"].refusal.startswith("qzxwv: no package is known")
    assert found["yaml"].package == one("yaml")
    assert found["yaml"].refusal == ""


# The user's own interpreter


def test_resolve__installed_build__is_the_one_the_user_gets(tmp_path: Path) -> None:
    install(tmp_path, "opencv-python", "cv2/__init__.py")
    package = one("cv2", tmp_path)
    assert (package.pypi, package.conda) == ("opencv-python", ("py-opencv", "opencv-python"))


def test_resolve__installed_private_project__is_taken_as_it_is(tmp_path: Path) -> None:
    install(tmp_path, "acme-internal", "acme/__init__.py")
    package = one("acme", tmp_path)
    assert (package.pypi, package.note, package.origin) == ("acme-internal", "", "")


def test_resolve__installed_from_a_folder__says_where_from(tmp_path: Path) -> None:
    install(tmp_path, "mylab", "mylab/__init__.py", url="file:///home/me/mylab")
    assert one("mylab", tmp_path).origin == "file:///home/me/mylab"


def test_resolve__built_by_conda__has_no_origin_although_its_metadata_names_a_builder_s_folder(tmp_path: Path) -> None:
    install(tmp_path, "numpy", "numpy/__init__.py", installer="conda", url="file:///croot/numpy_1/work")
    assert one("numpy", tmp_path).origin == ""


def test_resolve__two_projects_claim_a_module__the_one_the_table_knows_is_chosen(tmp_path: Path) -> None:
    install(tmp_path, "lazyaml", "yaml/__init__.py")
    install(tmp_path, "PyYAML", "yaml/__init__.py")
    assert one("yaml", tmp_path).pypi == "pyyaml"


def test_resolve__two_unknown_projects_claim_a_module__the_user_has_to_choose(tmp_path: Path) -> None:
    install(tmp_path, "acme-one", "acme/__init__.py")
    install(tmp_path, "acme-two", "acme/__init__.py")
    with pytest.raises(SolveError, match=r"acme: several packages.*acme-one, acme-two; .* --pin .*--map acme=PACKAGE"):
        one("acme", tmp_path)


def test_resolve__a_namespace__is_decided_by_what_is_installed(tmp_path: Path) -> None:
    install(tmp_path, "google-cloud-storage", "google/cloud/storage/__init__.py")
    install(tmp_path, "google-auth", "google/auth/__init__.py")
    assert one("google.auth", tmp_path).pypi == "google-auth"
    assert one("google.cloud.storage", tmp_path).pypi == "google-cloud-storage"
    with pytest.raises(SolveError, match="google: several packages"):
        one("google", tmp_path)


def test_resolve__a_namespace_with_one_installed_project__is_that(tmp_path: Path) -> None:
    install(tmp_path, "google-auth", "google/auth/__init__.py")
    assert one("google", tmp_path).pypi == "google-auth"


def test_resolve__installed_look_alike__is_said(tmp_path: Path) -> None:
    install(tmp_path, "reqeusts", "reqeusts/__init__.py")
    package = one("reqeusts", tmp_path)
    assert package.note == "reqeusts: one letter away from requests; it is reqeusts 1.0 in your python3"


def test_resolve__installed_and_known__is_no_look_alike_whatever_it_resembles(tmp_path: Path) -> None:
    install(tmp_path, "pytest", "_pytest/__init__.py")  # one letter away from ipytest
    assert one("_pytest", tmp_path).note == ""


def test_resolve__the_system_s_own_package_of_a_known_project__is_that(tmp_path: Path) -> None:
    install(tmp_path, "PyYAML", "yaml/__init__.py", installer="")
    assert one("yaml", tmp_path).why == "PyYAML 1.0 provides it in your python3"


def test_resolve__the_system_s_own_package_of_an_unknown_project__is_not_asked_of_an_index(tmp_path: Path) -> None:
    install(tmp_path, "ubuntu-thing", "ubuntuthing/__init__.py", installer="")
    with pytest.raises(SolveError, match=r"ubuntuthing: .*its system's package of ubuntu-thing.*--map"):
        one("ubuntuthing", tmp_path)


def test_resolve__the_system_s_own_package_of_another_name__does_not_hide_the_table(tmp_path: Path) -> None:
    install(tmp_path, "stranger", "yaml/__init__.py", installer="")
    assert one("yaml", tmp_path).pypi == "pyyaml"


def test_resolve__a_file_that_nothing_owns__is_not_looked_up_even_if_a_project_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").touch()
    with pytest.raises(SolveError, match=rf"numpy: your python3 has it in {tmp_path}, which no package owns"):
        one("numpy", tmp_path)


def test_resolve__a_file_that_nothing_owns_in_site_packages__is_looked_up(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "work_queue.py").touch()
    assert one("work_queue", site).conda == ("ndcctools",)


def test_resolve__a_stub_of_what_is_not_on_pypi_is_installed__the_real_package_is_chosen(tmp_path: Path) -> None:
    install(tmp_path, "work-queue", "work_queue/__init__.py")
    package = one("work_queue", tmp_path)
    assert (package.pypi, package.conda) == ("", ("ndcctools",))


def conda_site(prefix: Path, module: str, package: str) -> Path:
    """Lay out a module that a Conda package brought without a distribution's metadata."""
    site = prefix / "lib" / "python3.11" / "site-packages"
    (site / module).mkdir(parents=True)
    (site / module / "__init__.py").touch()
    (prefix / "conda-meta").mkdir()
    record = {"name": package, "version": "2", "files": [f"lib/python3.11/site-packages/{module}/__init__.py"]}
    (prefix / "conda-meta" / f"{package}-2-0.json").write_text(json.dumps(record))
    return site


def test_resolve__no_metadata_but_conda_s__names_the_conda_package(tmp_path: Path) -> None:
    package = one("oddone", conda_site(tmp_path, "oddone", "odd_one"))
    assert (package.pypi, package.conda) == ("", ("odd_one",))


def test_resolve__no_metadata_but_conda_s_of_a_known_project__is_to_be_had_from_pypi_too(tmp_path: Path) -> None:
    package = one("osgeo", conda_site(tmp_path, "osgeo", "libgdal-core"))
    assert (package.pypi, package.conda) == ("gdal", ("gdal",))


def test_resolve__installed_but_too_new_for_the_import__keeps_the_table_s_version(tmp_path: Path) -> None:
    install(tmp_path, "setuptools", "pkg_resources/__init__.py")
    assert one("pkg_resources", tmp_path).version == "<82"


# The tables


@pytest.mark.parametrize(
    ("module", "pypi", "conda"),
    [
        ("numpy", "numpy", ("numpy",)),
        ("matplotlib", "matplotlib", ("matplotlib-base", "matplotlib")),
        ("torch", "torch", ("pytorch", "torch")),
        ("typing_extensions", "typing-extensions", ("typing_extensions", "typing-extensions")),
        ("work_queue", "", ("ndcctools",)),
    ],
)
def test_resolve__table__gives_conda_names_in_order(module: str, pypi: str, conda: tuple[str, ...]) -> None:
    package = one(module)
    assert (package.pypi, package.conda) == (pypi, conda)


def test_resolve__several_projects_are_likely__says_which_it_assumed() -> None:
    package = one("discord")
    assert package.assumed
    assert package.note == "discord: assumed to be discord-py; py-cord can provide it too"


def test_resolve__well_known_but_unchecked__says_that_it_is_assumed() -> None:
    package = one("fastmcp_slim")
    assert (package.pypi, package.assumed) == ("fastmcp-slim", True)
    assert "assumed to be the well-known project fastmcp-slim" in package.note


def test_resolve__resembles_a_better_known_name__says_so() -> None:
    assert one("panda").note == "panda: one letter away from pandas, which is better known"


@pytest.mark.parametrize("module", ["discord", "fastmcp_slim"])
def test_resolve__assumed_and_strict__is_refused_with_the_way_to_confirm(module: str) -> None:
    with pytest.raises(SolveError, match=rf"{module}: assumed to be .*; confirm it with --map {module}="):
        one(module, strict=True)


@pytest.mark.parametrize("module", ["numpy", "cv2", "google.cloud.storage", "panda"])
def test_resolve__known_and_strict__is_taken(module: str) -> None:
    assert not one(module, strict=True).assumed


# What is refused


@pytest.mark.parametrize(
    ("module", "meant"), [("numpyy", "numpy"), ("reqeusts", "requests"), ("pandsa", "pandas"), ("sklearm", "sklearn")]
)
def test_resolve__a_slip__is_refused_and_named(module: str, meant: str) -> None:
    with pytest.raises(SolveError, match=rf"{module}: no package .* slip for {meant}\? Else .*--map {module}=PACKAGE"):
        one(module)


def test_resolve__unknown__is_refused_with_the_way_to_choose() -> None:
    with pytest.raises(SolveError, match="qzxwv: no package is known to provide it; choose with --map qzxwv=PACKAGE"):
        one("qzxwv")


@pytest.mark.parametrize(
    ("module", "filler"),
    [("google", "google-auth"), ("google.cloud", "google-cloud-storage"), ("ruamel", "ruamel-yaml"), ("zope", "zope-")],
)
def test_resolve__a_namespace_alone__is_refused_and_names_who_fills_it(module: str, filler: str) -> None:
    with pytest.raises(SolveError, match=rf"^{module}: many packages fill it \(.*{filler}.*name more of the import"):
        one(module)


@pytest.mark.parametrize("module", ["utils", "config", "tests", "apt", "rospy", "gdb", "win32api", "objc"])
def test_resolve__no_index_s_to_give__is_refused_with_the_reason(module: str) -> None:
    with pytest.raises(SolveError, match=rf"^{module}: (likely a module of your own|part of|exists only)"):
        one(module)


def test_resolve__several_are_wrong__names_them_all_on_one_line() -> None:
    with pytest.raises(SolveError) as raised:
        import_names.resolve(["numpyy", "numpy", "qzxwv"])
    assert "numpyy: " in str(raised.value)
    assert "; qzxwv: " in str(raised.value)
    assert "\n" not in str(raised.value)
