"""An environment travels to two workers of a Work Queue cluster, as `make growth` has it travel to more."""

from __future__ import annotations

import pytest

from integration.growth import ship
from integration.machines import WRAPPER, Environment


def test_ship__two_workers__each_gets_the_tarball_once_and_unpacks_it_once(
    tmp_path_factory: pytest.TempPathFactory, small: Environment
) -> None:
    (shipped,) = ship(tmp_path_factory.mktemp("growth"), [small.tarball], 2)
    assert len(shipped.first) == 2
    assert shipped.unpackings == dict.fromkeys(shipped.first, 1)
    files = small.tarball.stat().st_size + WRAPPER.stat().st_size
    assert 2 * files < shipped.sent < 2 * files + 10_000  # the rest is the task and the protocol
    assert shipped.sending > 0
    assert min(shipped.first.values()) > 0
