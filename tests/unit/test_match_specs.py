"""Which versions of packages a Python can have."""

from __future__ import annotations

import pytest

from python_package.conda.available import Available, Build
from python_package.conda.match_specs import fits


@pytest.mark.parametrize(
    ("constraint", "version", "met"),
    [
        (">=3.11,<3.12.0a0", "3.11.7", True),
        (">=3.11,<3.12.0a0", "3.12.0", False),
        ("3.11.*", "3.11.7", True),
        ("3.1.*", "3.11.7", False),
        (">=3.8|3.7.*", "3.7.2", True),
        ("*", "2.7.18", True),
        ("not a constraint!", "3.11.7", True),
        (">=3", "!", True),
    ],
)
def test_fits__constraint_and_version__is_what_conda_means(constraint: str, version: str, met: bool) -> None:
    assert fits(constraint, version) is met


def test_for_python__builds__are_those_that_demand_nothing_else() -> None:
    available = Available(
        frozenset(
            {
                Build("python", "3.11.7"),
                Build("python", "3.12.0", ("x",)),
                Build("a", "1", ("old",)),
                Build("a", "2", ("old", "new")),
                Build("a", "3", ("new",)),
                Build("b", "1"),
            }
        )
    )
    found = available.for_python("3.12.0", lambda constraint, version: (constraint, version) == ("new", "3.12.0"))
    assert found == {"python": {"3.11.7", "3.12.0"}, "a": {"3"}, "b": {"1"}}
    assert available.pythons == {"3.11.7", "3.12.0"}
