"""What a channel has in the version that is wanted comes from there, the rest from PyPI; what neither has is said."""

from __future__ import annotations

import pytest

from python_package.create.requirements import Assignment, assign
from python_package.errors import SolveError
from python_package.import_names.package import Package
from python_package.spec import Pin

FOUND = {
    "numpy": {"1.26.4", "2.0.1", "2.0.10"},
    "pytz": {"2023.04", "2024.1"},
    "odd": {"9e", "1.0"},
    "early": {"2.0.0rc1"},
    "matplotlib-base": {"3.9"},
}


def package(name: str, version: str = "", *, pypi: bool = True, conda: tuple[str, ...] = ()) -> Package:
    return Package(name, name if pypi else "", conda or (name,), version, "", "", False, "")


def pin(name: str, version: str, source: str = "pypi", of: str = "") -> Pin:
    return Pin(name, of or name, version, source)


def given(packages: list[Package], *pins: Pin, optional: tuple[str, ...] = ()) -> Assignment:
    """Assign packages, of which those with a pin have its version, as names.resolve returns them."""
    versions = {pin.module: f"=={pin.version}" for pin in pins}
    pinned = [
        Package(each.module, each.pypi, each.conda, versions.get(each.module, each.version), "", extras=each.extras)
        if not each.absent
        else each
        for each in packages
    ]
    return assign(pinned, FOUND, pins=pins, optional=optional, where="here")


def asked(assignment: Assignment) -> list[tuple[str, str]]:
    return [(each.spec, each.requirement) for each in assignment.assigned]


@pytest.mark.parametrize(
    ("version", "spec"),
    [
        ("", "numpy"),
        (">=2,<3", "numpy <3,>=2"),
        ("==2.0.1", "numpy ==2.0.1"),
        ("==2.*", "numpy 2.*"),
        ("~=2.0.1", "numpy ~=2.0.1"),
    ],
)
def test_assign__channel_has_a_version_that_fits__is_asked_in_its_own_terms(version: str, spec: str) -> None:
    made = given([package("numpy", version)])
    assert (asked(made), made.notes) == ([(spec, "")], ())


def test_assign__channel_has_no_version_that_fits__pypi_is_asked_and_it_is_said() -> None:
    made = given([package("numpy", "<1.20")])
    assert asked(made) == [("", "numpy<1.20")]
    assert made.notes == (
        "numpy: numpy <1.20 is in no channel of here: they have 1.26.4, 2.0.1, 2.0.10; taking it from PyPI",
    )


def test_assign__no_channel_knows_the_name__pypi_is_asked_without_a_word() -> None:
    made = given([package("onlypypi")])
    assert (asked(made), made.notes) == ([("", "onlypypi")], ())


@pytest.mark.parametrize(
    ("name", "version", "spec"),
    [
        ("numpy", "2.0.1", "numpy ==2.0.1"),
        ("pytz", "2023.4", "pytz ==2023.04"),
        ("numpy", "2.0.1.0", "numpy ==2.0.1"),
        ("odd", "9e", "odd ==9e"),
        ("early", "2.0.0.rc1", "early ==2.0.0rc1"),
    ],
)
@pytest.mark.parametrize("source", ["conda", "pypi", "system"])
def test_assign__pinned_version_is_there__is_asked_in_the_channels_spelling(
    name: str, version: str, spec: str, source: str
) -> None:
    made = given([package(name)], pin(name, version, source))
    assert (asked(made), made.notes) == ([(spec, "")], ())


@pytest.mark.parametrize("source", ["pypi", "system"])
def test_assign__pinned_version_is_not_there__pypi_is_asked_and_it_is_said(source: str) -> None:
    made = given([package("numpy")], pin("numpy", "1.24.2", source))
    assert asked(made) == [("", "numpy==1.24.2")]
    assert made.notes == (
        "numpy: numpy 1.24.2 is in no channel of here: they have 1.26.4, 2.0.1, 2.0.10; taking it from PyPI",
    )


def test_assign__pinned_package_is_in_no_channel__pypi_is_asked_and_it_is_said() -> None:
    made = given([package("onlypypi")], pin("onlypypi", "1.0", "conda"))
    assert asked(made) == [("", "onlypypi==1.0")]
    assert "its package onlypypi==1.0 is in no channel of here; taking it from PyPI" in made.notes[0]


def test_assign__pins_from_conda_are_not_there__all_are_named_at_once() -> None:
    with pytest.raises(SolveError) as caught:
        given(
            [package("numpy"), package("pytz"), package("only", pypi=False)],
            pin("numpy", "1.24.2", "conda"),
            pin("pytz", "2020.1", "conda"),
            pin("only", "7", "conda"),
        )
    assert str(caught.value) == (
        "numpy: numpy 1.24.2 is in no channel of here: they have 1.26.4, 2.0.1, 2.0.10; "
        "pytz: pytz 2020.1 is in no channel of here: they have 2023.04, 2024.1; "
        "only: its package only==7 is in no channel of here, and PyPI is not asked for it; "
        "name a channel that has it with --channel"
    )


def test_assign__constraint_that_only_conda_can_read__is_left_to_the_solver() -> None:
    made = given([Package("odd", "", ("odd",), ">=9d,!=9dd", "")])
    assert asked(made) == [("odd !=9dd,>=9d", "")]


def test_assign__constraints_that_no_version_of_conda_meets__are_named_at_once() -> None:
    with pytest.raises(SolveError) as caught:
        given([Package("numpy", "", ("numpy",), "==1.2.*", ""), Package("pytz", "", ("pytz",), "<2023", "")])
    assert str(caught.value) == (
        "numpy: numpy ==1.2.* is in no channel of here: they have 1.26.4, 2.0.1, 2.0.10; "
        "pytz: pytz <2023 is in no channel of here: they have 2023.04, 2024.1; "
        "name a channel that has it with --channel"
    )


def test_assign__another_version_was_chosen_than_the_pinned__the_pin_does_not_count() -> None:
    made = assign([package("numpy", "==1.0")], FOUND, pins=[pin("numpy", "1.24.2", "conda")], where="here")
    assert asked(made) == [("", "numpy==1.0")]


def test_assign__extras_of_what_a_channel_has__add_what_they_need_from_pypi() -> None:
    made = given([Package("numpy", "numpy", ("numpy",), ">=2", "", extras="[more]")])
    assert (asked(made), made.notes) == ([("numpy >=2", "numpy[more]")], ())


def test_assign__extras_of_what_no_channel_has__are_asked_of_pypi() -> None:
    made = given([Package("only", "only", ("only",), ">=2", "", extras="[a,b]")])
    assert asked(made) == [("", "only[a,b]>=2")]


def test_assign__only_pypi_may_have_it__no_channel_is_asked_and_nothing_is_said() -> None:
    made = given([Package("numpy", "numpy", (), "", "")], pin("numpy", "1.0", "pypi"))
    assert (asked(made), made.notes) == ([("", "numpy==1.0")], ())


def test_assign__absent__is_dropped_without_another_word() -> None:
    made = given([package("numpy"), Package("gone", "", (), "", "why", "gone: optional", absent=True)])
    assert (asked(made), made.dropped, made.notes) == ([("numpy", "")], ("gone",), ())


def test_assign__neither_channel_nor_pypi_but_optional__is_dropped_and_said() -> None:
    made = given([package("numpy"), package("only", pypi=False)], optional=("only",))
    assert (asked(made), made.dropped) == ([("numpy", "")], ("only",))
    assert made.notes == ("only: optional, and left out: its package only is in no channel of here",)


def test_assign__neither_channel_nor_pypi__is_refused() -> None:
    with pytest.raises(
        SolveError, match=r"only: its package only is in no channel of here, and PyPI is not asked for it; name a"
    ):
        given([package("only", pypi=False)])
