"""Hosts of channels whose names led nowhere a few minutes ago: not to be asked for again by every create."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from python_package.files import brief

SECONDS = 300

# What changes when this machine comes into another network: its name servers, names and routes.
_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/proc/net/route")


def remember(address: str, reason: str) -> None:
    """Keep the host of an address for some minutes, with the reason why its name leads nowhere."""
    brief.keep("absent-hosts", _key(address), reason)


def find(addresses: Iterable[str]) -> tuple[str, str] | None:
    """Return the first address whose host had none a few minutes ago in the network we are in, and the reason."""
    for address in addresses:
        if kept := brief.recall("absent-hosts", _key(address), SECONDS):
            reason, age = kept
            return address, f"{reason}, {age:.0f} s ago (--refresh asks again)"
    return None


def _key(address: str) -> str:
    return "\0".join([urlsplit(address).hostname or "", *map(_text, _NETWORK)])


def _text(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text("utf-8", "replace")
    return ""
