"""What more than one test file needs."""

from __future__ import annotations

import hashlib
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from desk import caches, desk  # fixtures, for the files that run python_package_create
from tarball_environment import workshop  # a fixture, for the files test_pack*.py

from python_package.conda.solver import Channels
from python_package.host_python import channel as host_channel
from python_package.progress import Silent

__all__ = ["caches", "desk", "workshop"]


# A runner in the background (`make test &`) starts with SIGINT ignored, and all that it starts inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What makes a channel of packages from PyPI, or an environment: nothing for `make test-fast`, which has no network.
_SLOW = frozenset({"channel", "install", "workshop"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need one of those fixtures."""
    for item in items:
        if isinstance(item, pytest.Function) and _SLOW & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def channel(pytestconfig: pytest.Config) -> Path:
    """Return a ready-made local channel: this interpreter as `python`, numpy, pip and the pure package idna.

    It is read only. It is kept between sessions under a name that changes with the code that makes it, and
    made by one process where several start at once.
    """
    source = Path(host_channel.__file__).parent
    code = b"".join(path.read_bytes() for path in sorted(source.glob("*.py")))
    root = Path(pytestconfig.rootpath) / ".pytest_cache" / "channel"
    home = root / hashlib.sha256(sys.version.encode() + code).hexdigest()[:12]
    if not (home / "complete").exists():
        for old in root.glob("*"):
            if old.stat().st_mtime < time.time() - 3600:
                shutil.rmtree(old, ignore_errors=True)  # another process may be at it
        host_channel.build(home / "channel", ("numpy", "pip", "idna"), python=sys.executable, cache_dir=home / "cache")
        (home / "complete").touch()
    return home / "channel"


@pytest.fixture(scope="session")
def host_cache(channel: Path) -> Path:
    """Return a cache that holds the channel of this interpreter, so that no other test has to pack it."""
    return channel.parent / "cache"


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Path, list[str]], Path]:
    """Return a function (prefix, channel, specs) that solves and links for real and returns the prefix."""

    def link(prefix: Path, channel: Path, specs: list[str]) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            # A cache of its own each time: tests make different packages of the same name.
            patch.setenv("RATTLER_CACHE_DIR", str(tmp_path_factory.mktemp("packages")))
            channels = Channels([str(channel)])
            channels.link(channels.solve(specs), prefix, Silent())
        return prefix

    return link
