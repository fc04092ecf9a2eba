"""What the engines share: the environment that travels, and the table of what they took."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.engines.machine import LINES
from integration.engines.supplies import Tarballs, tarballs, virtual_environment
from integration.engines.ways import WAYS, Results, Way

collect_ignore_glob = ["lines/*"]  # the users' own scripts


@pytest.fixture(scope="session")
def results() -> Iterator[Results]:
    """Return where each engine says how long its first result took."""
    return Results()


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> Way:
    """Return each way to bring an environment to an engine."""
    found: Way = request.param
    return found


@pytest.fixture(scope="session")
def light(tmp_path_factory: pytest.TempPathFactory) -> Tarballs:
    """Return an environment for the engines that need nothing of their own in it."""
    venv = virtual_environment(())
    return tarballs("light", LINES / "task.py", venv, (), tmp_path_factory.mktemp("light"))
