"""The machines of the tests. Every fixture removes what it made; what a crash leaves behind the next run sweeps up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from integration import docker, supplies
from integration.machines import KINDS, Builder, Environment, Kind, Worker

SCRIPTS = Path(__file__).parent / "scripts"
collect_ignore_glob = ["cases/*"]  # the users' own scripts


@pytest.fixture(scope="session", autouse=True)
def _engine() -> Iterator[None]:
    """Find the engine, and leave nothing of ours in it, however the run ends."""
    if docker.docker("version").status:
        pytest.exit("no Docker engine answers; run this through `scripts/engine run`", returncode=69)
    docker.remove_at_end()
    docker.sweep()
    yield
    docker.sweep(docker.OWNER)


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """Return the user's machine."""
    with Builder.start(supplies.prepare(), tmp_path_factory.mktemp("builder")) as started:
        yield started


@pytest.fixture(scope="session")
def rich(builder: Builder) -> Environment:
    """Return the environment that holds what the cases import."""
    return builder.create("rich", SCRIPTS / "rich.py")


@pytest.fixture(scope="session")
def small(builder: Builder) -> Environment:
    """Return an environment that is quick to move and unpack."""
    return builder.create("small", SCRIPTS / "small.py")


class Workers:
    """Starts a worker of each kind when it is first asked for."""

    def __init__(self, tmp_path_factory: pytest.TempPathFactory, stack: ExitStack) -> None:
        self._folders = tmp_path_factory
        self._stack = stack
        self._started: dict[Kind, Worker] = {}

    def __call__(self, kind: Kind) -> Worker:
        """Return the worker of this kind that all tests share."""
        if kind not in self._started:
            self._started[kind] = self.new(kind)
        return self._started[kind]

    def new(self, kind: Kind) -> Worker:
        """Return a worker that nothing has run on yet."""
        return self._stack.enter_context(Worker.start(kind, self._folders.mktemp(kind.name)))


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Return a function that gives the shared worker of a kind."""
    with ExitStack() as stack:
        yield Workers(tmp_path_factory, stack)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def worker(request: pytest.FixtureRequest, workers: Workers) -> Worker:
    """Return a worker of each kind in turn, on which earlier tests have run."""
    kind: Kind = request.param
    return workers(kind)
