"""Which version of Python is taken when the one asked for may not be had."""

from __future__ import annotations

import pytest

from python_package.create.python_version import choose, is_full, satisfies
from python_package.errors import HostPythonError, SolveError, SpecError

HAD = ("3.10.14", "3.11.4", "3.11.9", "3.11.10", "3.12.1", "3.13.0rc1")


def pick(wanted: str, own: str | None = None, *, exact: bool = False, had: tuple[str, ...] = HAD) -> tuple[str, str]:
    def theirs() -> str:
        if own is None:
            raise HostPythonError("no such interpreter")
        return own

    return choose(wanted, had, theirs, where="here, there", exact=exact)


@pytest.mark.parametrize("wanted", ["3.11.9", "3.11.9+", "3.13.0rc1"])
@pytest.mark.parametrize("exact", [True, False])
def test_choose__the_version_is_there__is_taken_without_a_word(wanted: str, exact: bool) -> None:
    assert pick(wanted, exact=exact) == (wanted.rstrip("+"), "")


@pytest.mark.parametrize(("wanted", "taken"), [("3.11.2", "3.11.4"), ("3.11.5", "3.11.9"), ("3.12.0rc2", "3.12.1")])
def test_choose__patch_release_missing__is_the_nearest_later_and_said(wanted: str, taken: str) -> None:
    choice = pick(wanted)
    assert choice[0] == taken
    assert choice[1] == f"python {wanted} is in no channel of here, there; taking {taken}, the nearest later one"


def test_choose__patch_release_missing_exact__is_refused() -> None:
    with pytest.raises(SolveError, match=r"python 3\.11\.2 is in no channel of here, there: they have 3\.11\.4, 3"):
        pick("3.11.2", exact=True)


def test_choose__only_earlier_patch_releases__is_refused_and_offers_them_in_order() -> None:
    with pytest.raises(SolveError, match=r"they have 3\.11\.4, 3\.11\.9, 3\.11\.10$"):
        pick("3.11.11")


def test_choose__only_a_pre_release_is_later__is_refused() -> None:
    with pytest.raises(SolveError, match=r"they have 3\.13\.0rc1$"):
        pick("3.13.0b4")


def test_choose__no_such_minor_version__is_refused_and_offers_the_others() -> None:
    with pytest.raises(
        SolveError, match=r"python 3\.9\.1 is in no channel .* they have 3\.10\.14, 3\.11\.4, .*3\.11\.10$"
    ):
        pick("3.9.1")


@pytest.mark.parametrize("wanted", ["3.11.2", ">=3.10"])
def test_choose__no_python_at_all__is_refused(wanted: str) -> None:
    with pytest.raises(SolveError, match="they have no python at all"):
        pick(wanted, had=("not-a-version",))


@pytest.mark.parametrize(
    ("wanted", "own", "taken"),
    [
        (">=3.10", "3.11.4", "3.11.4"),  # theirs
        (">=3.10", "3.11.5", "3.12.1"),  # theirs is not to be had
        (">=3.12", "3.11.4", "3.12.1"),  # theirs does not fit
        ("==3.11.*", None, "3.11.10"),  # there is none
        ("", "2.7.18", "3.12.1"),
    ],
)
def test_choose__constraint__is_the_users_own_or_the_newest_final(wanted: str, own: str | None, taken: str) -> None:
    assert pick(wanted, own) == (taken, "")


def test_choose__full_version__never_asks_for_the_users_own() -> None:
    def ask() -> str:
        raise AssertionError

    assert choose("3.11.2", HAD, ask, where="")[0] == "3.11.4"


def test_choose__nothing_fits_the_constraint__is_refused() -> None:
    with pytest.raises(SolveError, match=r"no python >=3\.14 is in any channel of here, there: they have"):
        pick(">=3.14", "3.14.0")


def test_choose__neither_version_nor_constraint__is_an_invalid_spec() -> None:
    with pytest.raises(SpecError, match="'three' is not a constraint"):
        pick("three")


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("3.11.7", "3.11.7", True),
        ("3.11.7", "3.11.7+", True),
        ("3.11.7+", "3.11.7", True),
        ("3.11.7", "3.11.8", False),
        ("3.11.7", "", True),
        ("3.11.7", "~=3.11.2", True),
        ("3.11.7", ">=3.12", False),
    ],
)
def test_satisfies__version_or_constraint__tells(version: str, wanted: str, fits: bool) -> None:
    assert satisfies(version, wanted) is fits


def test_is_full__version_or_constraint__tells() -> None:
    assert [is_full(text) for text in ("3.11.7", "3.8.13+", "3.13.0rc1", ">=3.10", "", "==3.11.*")] == [True] * 3 + [
        False
    ] * 3


def test_choose__no_such_minor_version_among_many__offers_the_nearest() -> None:
    had = tuple(f"3.{minor}.0" for minor in range(20) if minor != 7)
    with pytest.raises(SolveError, match=r"they have 3\.3\.0, 3\.4\.0, .*3\.10\.0, 3\.11\.0$"):
        pick("3.7.3", had=had)
