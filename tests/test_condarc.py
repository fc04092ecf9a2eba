"""The user's Conda configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_package.environment import condarc
from python_package.errors import SolveError


def test_load__no_files__says_nothing(tmp_path: Path) -> None:
    assert condarc.load({}, tmp_path) == condarc.Condarc()


def test_load__two_files__the_later_ones_channels_come_first(tmp_path: Path) -> None:
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda" / "condarc").write_text("channels: [low, both]\noffline: true\n")
    (tmp_path / ".condarc").write_text("channels:\n  - both\n  - high\n")
    loaded = condarc.load({}, tmp_path)
    assert loaded.channels == ("both", "high", "low")
    assert loaded.offline


def test_load__condarc_variable__wins_over_the_home(tmp_path: Path) -> None:
    (tmp_path / ".condarc").write_text("channel_priority: strict\n")
    named = tmp_path / "named.yml"
    named.write_text("channel_priority: disabled\nenvs_dirs: ~/elsewhere\n")
    loaded = condarc.load({"CONDARC": str(named)}, tmp_path)
    assert not loaded.strict_priority
    assert loaded.envs_dirs == (Path("~/elsewhere").expanduser(),)


def test_load__not_yaml__names_the_file(tmp_path: Path) -> None:
    (tmp_path / ".condarc").write_text("channels: [unclosed\n")
    with pytest.raises(SolveError, match=r"\.condarc: not a readable Conda configuration"):
        condarc.load({}, tmp_path)


@pytest.mark.parametrize(
    ("alias", "given", "resolved"),
    [
        (None, "conda-forge", ("conda-forge",)),
        (None, "defaults", ("main", "r")),
        ("http://mirror/conda/", "bioconda", ("http://mirror/conda/bioconda",)),
        ("http://mirror/conda", "file:///srv/channel", ("file:///srv/channel",)),
        ("http://mirror/conda", "./channel", ("./channel",)),
    ],
)
def test_resolve__name_or_url__is_what_py_rattler_takes(alias: str | None, given: str, resolved: tuple[str]) -> None:
    assert condarc.Condarc(channel_alias=alias).resolve(given) == resolved
