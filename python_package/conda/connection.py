"""Connections to channels: with the configured certificates and proxies, and as long as a server says something.

As Conda does, whose limits are of silence and not of a download.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import rattler

from python_package.conda.condarc import Condarc, Limits

_T = TypeVar("_T")

_TICK = 0.25  # seconds between two looks at the sockets
_WORKING = 0.2  # of a tick's time; a process that only waits uses less than a hundredth of it
# Linux's struct tcp_info: the state is the first byte, the milliseconds since the last data came are at byte 52.
_TCP_INFO = struct.Struct("=B51xI")
_ESTABLISHED, _SYN_SENT, _LISTEN = 1, 2, 10


def client(config: Condarc, retries: int = 3) -> rattler.Client:
    """Return a client with the certificates and proxies of a configuration."""
    lines = [] if config.verify else ["tls-no-verify = true"]
    if config.proxies:
        without = [host for host in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")).split(",") if host]
        lines += ["[proxy-config]", f"non-proxy-hosts = {json.dumps([host.strip() for host in without])}"]
        lines += [f"{scheme} = {json.dumps(address.reveal())}" for scheme, address in config.proxies.items()]
    with _trusted(config.certificates):
        return rattler.Client.from_config(rattler.Config.from_toml("\n".join(lines)), max_retries=retries)


@contextmanager
def _trusted(certificates: Path | None) -> Iterator[None]:
    """Let a client that is made meanwhile trust these certificates alone: it looks at two variables as it is made."""
    if certificates is None:
        yield
        return
    variables = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    before = {name: os.environ.pop(name) for name in variables if name in os.environ}
    os.environ["SSL_CERT_DIR" if certificates.is_dir() else "SSL_CERT_FILE"] = str(certificates)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


class SilentError(Exception):
    """No server has said anything for as long as the limits allow; the message says how long that was."""


class Watch:
    """Listens to the connections that this process opens from now on; those that it has are somebody else's."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._others: set[str] = set()
        with suppress(OSError):
            self._others = {name for name, _ in _sockets()}

    async def unless_silent(self, work: Awaitable[_T], needed: Callable[[], bool]) -> _T:
        """Await py-rattler's work; raise SilentError when no server has said anything for too long.

        Nothing is limited while the process computes or `needed` says that no server is asked. A slow download may take
        as long as it likes.
        """
        task = asyncio.ensure_future(work)
        since, used = time.monotonic(), time.process_time()
        try:
            while not task.done():
                await asyncio.wait([task], timeout=_TICK)
                now, before, used = time.monotonic(), used, time.process_time()
                connecting, heard = self._heard()
                if not needed() or used - before > _WORKING * _TICK:
                    since = now
                since = max(since, now - heard)
                limit = self._limits.connect if connecting else self._limits.read
                if now - since > limit and not task.done():
                    raise SilentError(f"{limit:g} s")
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=30)

    def _heard(self) -> tuple[bool, float]:
        """Tell whether nobody took any connection yet; return the seconds since data came."""
        try:
            found = [told for name, fd in _sockets() if name not in self._others for told in _tcp(fd)]
        except OSError:
            return False, 0.0  # no /proc: what nobody measures is not limited
        connected = [idle for state, idle in found if state != _SYN_SENT]
        return bool(found) and not connected, min(connected, default=float("inf"))


def run(work: Callable[[], Awaitable[_T]], watch: Watch | None = None, needed: Callable[[], bool] = lambda: True) -> _T:
    """Run py-rattler's work and return its result, as `Watch.unless_silent` does if there is one."""
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[_T] | None]] = []

    async def main() -> _T:
        started.append((asyncio.get_running_loop(), asyncio.current_task()))
        return await (watch.unless_silent(work(), needed) if watch else work())

    # In a thread, so that an interrupt finds its caller waiting and not asyncio in the middle of its own work.
    aside = ThreadPoolExecutor(1)
    future = aside.submit(lambda: asyncio.run(main()))
    try:
        return future.result()
    except KeyboardInterrupt:
        for loop, task in started:
            if task:
                loop.call_soon_threadsafe(task.cancel)
        wait([future], timeout=30)
        time.sleep(1)  # the files that py-rattler's own threads are at; nothing tells when they are done
        raise
    finally:
        aside.shutdown(wait=False)


def _sockets() -> Iterator[tuple[str, int]]:
    """Yield the name of each of this process's sockets, which no other has, and its descriptor."""
    with os.scandir("/proc/self/fd") as entries:
        for entry in entries:
            with suppress(OSError):  # closed meanwhile
                name = os.readlink(entry.path)  # noqa: PTH115  # not a path: socket:[12345]
                if name.startswith("socket:"):
                    yield name, int(entry.name)


def _tcp(fd: int) -> Iterator[tuple[int, float]]:
    """Yield the state of a socket and the seconds since data came, if it is one of TCP that does not listen.

    Of one of which the system does not say it, data has just come: what nobody measures is not limited.
    """
    try:
        copy = socket.socket(fileno=os.dup(fd))
    except OSError as error:
        if error.errno != errno.EBADF:  # closed meanwhile
            yield _ESTABLISHED, 0.0
        return
    with copy:
        if copy.type == socket.SOCK_STREAM and copy.family in (socket.AF_INET, socket.AF_INET6):
            try:
                told = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
                state, milliseconds = _TCP_INFO.unpack(told)
            except (OSError, struct.error):
                state, milliseconds = _ESTABLISHED, 0
            if state != _LISTEN:
                yield state, milliseconds / 1000
