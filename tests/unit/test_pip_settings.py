"""pip's settings, as uv reads them."""

from __future__ import annotations

from pathlib import Path

from python_package.pypi.pip_settings import for_uv


def quiet(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_DIRS": str(tmp_path / "etc"), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}


def test_for_uv__pip_conf__becomes_uvs_variables(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://mirror/simple\nfind-links =\n  /a\n  /b\n")
    environ = for_uv(quiet(tmp_path), tmp_path).environ
    assert environ["UV_INDEX_URL"] == "http://mirror/simple"
    assert environ["UV_FIND_LINKS"] == "/a,/b"


def test_for_uv__variable_and_file__the_variable_wins(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[install]\nextra-index-url = http://file\n")
    environ = for_uv({**quiet(tmp_path), "PIP_EXTRA_INDEX_URL": "http://one http://two"}, tmp_path).environ
    assert environ["UV_EXTRA_INDEX_URL"] == "http://one http://two"


def test_for_uv__more_indexes_of_pips__count_the_same_as_with_pip(tmp_path: Path) -> None:
    environ = for_uv({**quiet(tmp_path), "PIP_EXTRA_INDEX_URL": "http://one"}, tmp_path).environ
    assert environ["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    own = {"PIP_EXTRA_INDEX_URL": "http://one", "UV_INDEX_STRATEGY": "first-index"}
    assert for_uv({**quiet(tmp_path), **own}, tmp_path).environ["UV_INDEX_STRATEGY"] == "first-index"
    assert "UV_INDEX_STRATEGY" not in for_uv(quiet(tmp_path), tmp_path).environ


def test_for_uv__uv_is_set_itself__is_left_alone(tmp_path: Path) -> None:
    own = {"UV_DEFAULT_INDEX": "http://uv", "UV_FIND_LINKS": "/uv"}
    environ = for_uv(
        quiet(tmp_path) | own | {"PIP_INDEX_URL": "http://pip", "PIP_FIND_LINKS": "/pip"}, tmp_path
    ).environ
    assert "UV_INDEX_URL" not in environ
    assert environ["UV_FIND_LINKS"] == "/uv"


def test_for_uv__user_file_and_system_file__the_users_wins(tmp_path: Path) -> None:
    for folder, index in ((tmp_path / "etc" / "pip", "http://system"), (tmp_path / ".config" / "pip", "http://user")):
        folder.mkdir(parents=True)
        (folder / "pip.conf").write_text(f"[global]\nindex-url = {index}\n")
    assert for_uv({"XDG_CONFIG_DIRS": str(tmp_path / "etc")}, tmp_path).environ["UV_INDEX_URL"] == "http://user"


def test_for_uv__broken_pip_conf__is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("index-url = no section\n")
    assert "UV_INDEX_URL" not in for_uv(quiet(tmp_path), tmp_path).environ


def test_for_uv__settings_without_a_variable_of_uvs__become_options(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nconstraint = /c.txt\nno-index = true\n")
    assert for_uv(quiet(tmp_path), tmp_path).options == ("--constraint=/c.txt", "--no-index")


def test_for_uv__no_index_switched_off__is_no_option(tmp_path: Path) -> None:
    assert for_uv({**quiet(tmp_path), "PIP_NO_INDEX": "0"}, tmp_path).options == ()
