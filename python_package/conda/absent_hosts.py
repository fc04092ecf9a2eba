"""Hosts of channels whose names led nowhere a few minutes ago: not to be asked for again by every create."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from python_package.files import caches, disk

SECONDS = 300

# What changes when this machine comes into another network: its name servers, names and routes.
_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/proc/net/route")


def remember(address: str, reason: str) -> None:
    """Keep the host of an address for some minutes, with the reason why its name leads nowhere."""
    with suppress(OSError):  # a cache that cannot be written
        place = _place(address)
        place.parent.mkdir(parents=True, exist_ok=True)
        disk.remove_unused(place.parent.iterdir(), 1)
        disk.write(place, reason.encode())


def find(addresses: Iterable[str]) -> tuple[str, str] | None:
    """Return the first address whose host had none a few minutes ago in the network we are in, and the reason."""
    for address in addresses:
        with suppress(OSError):
            place = _place(address)
            age = time.time() - place.stat().st_mtime
            if 0 <= age < SECONDS:
                return address, f"{place.read_text('utf-8')}, {age:.0f} s ago (--refresh asks again)"
    return None


def _place(address: str) -> Path:
    facts = [urlsplit(address).hostname or "", *map(_text, _NETWORK)]
    return caches.folder("absent-hosts") / hashlib.sha256("\0".join(facts).encode()).hexdigest()


def _text(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text("utf-8", "replace")
    return ""
