"""Channels' names -> where they are, by the rules of Conda's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from python_package.address import Address
from python_package.conda.condarc_files import CondaSettings
from python_package.errors import SolveError

_ALIAS = "https://conda.anaconda.org"
_DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_FREE = "https://repo.anaconda.com/pkgs/free"
_CUSTOM = {"pkgs/pro": "https://repo.anaconda.com"}


@dataclass(frozen=True, repr=False)  # it holds secrets
class _Place:
    """A URL in its parts: what is before the host, the host with the path, Conda's token, the channel's name in it."""

    scheme: str
    user: str
    location: str
    token: str
    name: str = ""

    @classmethod
    def of(cls, url: str, name: str = "") -> _Place:
        scheme, _, rest = url.partition("://")
        user = re.match(r"[^/?#]*@", rest)
        location = rest[user.end() :] if user else rest
        token = re.search(r"/t/([^/]+)(?=/|$)", location) if scheme != "file" else None
        if token:
            location = location[: token.start()] + location[token.end() :]
        return cls(scheme, user[0] if user else "", location.rstrip("/"), token[1] if token else "", name.strip("/"))

    @property
    def whole(self) -> str:
        """Return location and name, by which places are told apart."""
        return f"{self.location}/{self.name}".rstrip("/") if self.name else self.location

    def holds(self, other: _Place) -> bool:
        return f"{other.whole}/".startswith(f"{self.whole}/")

    def below(self, other: _Place) -> str:
        """Return the rest of the path of another place, below this one."""
        return other.whole.removeprefix(self.whole).strip("/")

    @property
    def address(self) -> Address:
        token = f"/t/{self.token}" if self.token else ""
        name = f"/{self.name}" if self.name else ""
        return Address(f"{self.scheme}://{self.user}{self.location}{token}{name}")


@dataclass(frozen=True, repr=False)  # it holds secrets
class ChannelNames:
    """What names and URLs of channels stand for on a platform.

    `alias` is where channels are by default, `custom` are those that have a place of their own, by name, and `several`
    are the names that stand for more than one. `moved` are channels' former places with their names, `aliases` those
    of the alias.
    """

    platform: str
    alias: _Place
    custom: Mapping[str, _Place]
    several: Mapping[str, tuple[_Place, ...]]
    moved: Sequence[tuple[str, _Place]]
    aliases: Sequence[_Place]

    @classmethod
    def of(cls, settings: CondaSettings, platform: str, local: Sequence[Path]) -> ChannelNames:
        """Read the configuration; `local` are folders of conda-build.

        Raises SolveError for an alias that is no URL and for a value of the wrong type.
        """
        url = settings.text("channel_alias") or _ALIAS
        if "://" not in url:
            raise SolveError(f"{settings.where('channel_alias')}: {url!r} must begin with a scheme, such as https://")
        alias = _Place.of(url)
        defaults = list(settings.entries("default_channels") or _DEFAULTS)
        if settings.switch("restore_free_channel"):
            defaults.insert(1, _FREE)
        lists = settings.mapping("custom_multichannels", lists=True) | {"defaults": defaults}
        custom = settings.mapping("custom_channels", lists=False) or _CUSTOM
        moved = settings.mapping("migrated_custom_channels", lists=False)
        several = {name: tuple(_member(alias, each) for each in urls) for name, urls in lists.items()}
        several["local"] = tuple(_Place.of(folder.as_uri()) for folder in local)
        return cls(
            platform,
            alias,
            {place.name: place for places in several.values() for place in places if place.name}
            | {
                name.strip("/"): _Place.of(url, name) if "://" in url else replace(alias, name=name.strip("/"))
                for name, url in custom.items()
            },
            several,
            [(name, _Place.of(url, name)) for name, url in sorted(moved.items(), key=lambda each: -len(each[0]))],
            [_Place.of(url) for url in settings.entries("migrated_channel_aliases")],
        )

    def resolve(self, channel: str) -> tuple[Address, ...]:
        """Return the addresses of the channels that a name, a URL or a folder stands for."""
        if channel.startswith((".", "/", "~")):
            return (Address(str(Path(channel).expanduser().resolve())),)
        if "://" in channel:
            return (self._of_url(channel),)
        name = self._without_subdir(channel.strip("/"))
        if name in self.several:
            return tuple(place.address for place in self.several[name])
        stem = name
        while stem not in self.custom and "/" in stem:
            stem = stem.rpartition("/")[0]
        return (replace(self.custom.get(stem, self.alias), name=name).address,)

    def _of_url(self, url: str) -> Address:
        """Return where a URL has moved to, with the password or token that the configuration has for it."""
        url = self._without_subdir(url.rstrip("/"))
        typed = _Place.of(url)
        for name, before in self.moved:
            if before.holds(typed):
                (address,) = self.resolve(f"{name}/{before.below(typed)}")
                return address
        if url.startswith("file:"):
            return Address(url)
        for before in self.aliases:
            if before.holds(typed):
                return replace(self.alias, name=before.below(typed)).address
        for place in [*sorted(self.custom.values(), key=lambda place: -len(place.name)), self.alias]:
            if place.holds(typed):
                name = f"{place.name}/{place.below(typed)}".strip("/")
                user, token = typed.user or place.user, typed.token or place.token
                return _Place(typed.scheme, user, place.location, token, name).address
        return Address(url)

    def _without_subdir(self, channel: str) -> str:
        stem, _, last = channel.rpartition("/")
        return stem if stem and last in (self.platform, "noarch") and last else channel


def _member(alias: _Place, channel: str) -> _Place:
    """Return a member of a list of channels: a URL, or a name below the alias."""
    if "://" not in channel:
        return replace(alias, name=channel.strip("/"))
    place = _Place.of(channel)
    if alias.holds(place):
        return replace(place, location=alias.location, name=alias.below(place))
    if place.scheme == "file":
        return place
    host, _, name = place.location.partition("/")
    return replace(place, location=host, name=name)
