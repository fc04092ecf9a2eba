"""The frozen values."""

from __future__ import annotations

from typing import Any

import pytest

from python_package.value import Value


class Point(Value):
    """A value with a default."""

    x: int
    y: int = 7


class Other(Value):
    """A value of the same fields."""

    x: int
    y: int


def test_value__fields_by_place_and_by_name__are_the_same() -> None:
    assert Point(1, 2) == Point(x=1, y=2) == Point(1, y=2)
    assert (Point(1).x, Point(1).y) == (1, 7)
    assert repr(Point(1)) == "Point(x=1, y=7)"


def test_value__equal_values__hash_alike_and_other_classes_differ() -> None:
    assert len({Point(1, 2), Point(1, 2), Point(2, 1)}) == 2
    values: list[Value] = [Point(1, 2), Other(1, 2)]
    assert values[0] != values[1]


@pytest.mark.parametrize(
    ("places", "names"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1}), ((), {"y": 1})]
)
def test_value__fields_that_do_not_fit__are_a_type_error(places: tuple[Any, ...], names: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Point takes x, y"):
        Point(*places, **names)


def test_value__assignment__is_refused() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2  # type: ignore[misc]
    assert point == Point(1)


def test_replace__some_fields__keeps_class_and_others() -> None:
    assert Point(1, 2).replace(y=3) == Point(1, 3)
    with pytest.raises(TypeError):
        Point(1, 2).replace(z=3)
