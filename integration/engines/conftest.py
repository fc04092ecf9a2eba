"""What the engines share: the environment that travels, and the table of what they took."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.engines import table
from integration.engines.supplies import Supplies, prepare
from integration.engines.ways import OURS, PLAIN, UNCHANGED, Results, Way

collect_ignore_glob = ["lines/*"]  # the users' own scripts


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which `make test-engines` writes the table."""
    parser.addoption("--engines-table", type=Path, metavar="FILE", help="write the table into this document")


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> Iterator[Results]:
    """Return where each engine says how long its first result took."""
    found = Results()
    yield found
    if document := request.config.getoption("--engines-table", None):
        table.write(document, found)


@pytest.fixture(
    scope="module",
    params=[OURS, *(pytest.param(each, marks=pytest.mark.engines) for each in (UNCHANGED, PLAIN))],
    ids=lambda way: way.name,
)
def way(request: pytest.FixtureRequest) -> Way:
    """Return each way to bring an environment to an engine."""
    found: Way = request.param
    return found


@pytest.fixture(scope="session")
def light(tmp_path_factory: pytest.TempPathFactory) -> Supplies:
    """Return what engines use that need nothing of their own in the environment."""
    return prepare(tmp_path_factory.mktemp("light"), "light")
