"""Channels' names -> where they are, by the rules of Conda's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    """What names and URLs of channels stand for; the fields are condarc's keys, `local` are folders of conda-build."""

    platform: str = ""
    channel_alias: str = _ALIAS
    custom_channels: Mapping[str, str] = field(default_factory=lambda: _CUSTOM)
    custom_multichannels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    default_channels: Sequence[str] = _DEFAULTS
    migrated_channel_aliases: Sequence[str] = ()
    migrated_custom_channels: Mapping[str, str] = field(default_factory=dict)
    local: Sequence[Path] = ()

    @classmethod
    def of(cls, settings: CondaSettings, platform: str, local: Sequence[Path]) -> ChannelNames:
        """Read the configuration; raise SolveError for an alias that is no URL and for a value of the wrong type."""
        alias = settings.text("channel_alias") or _ALIAS
        if "://" not in alias:
            raise SolveError(f"{settings.where('channel_alias')}: {alias!r} must begin with a scheme, such as https://")
        defaults = list(settings.entries("default_channels") or _DEFAULTS)
        if settings.switch("restore_free_channel", default=False):
            defaults.insert(1, _FREE)
        custom = settings.mapping("custom_channels") or _CUSTOM
        multi = settings.mapping("custom_multichannels")
        migrated = settings.mapping("migrated_custom_channels")
        for key, value in (("custom_channels", custom), ("migrated_custom_channels", migrated)):
            for name, url in value.items():
                if not isinstance(url, str):
                    raise SolveError(f"{settings.where(key)}: {name}: expected one URL, not a list")
        for name, urls in multi.items():
            if isinstance(urls, str):
                raise SolveError(f"{settings.where('custom_multichannels')}: {name}: expected a list of channels")
        aliases = settings.entries("migrated_channel_aliases")
        return cls(platform, alias.rstrip("/"), custom, multi, defaults, aliases, migrated, local)

    def resolve(self, channel: str) -> tuple[Address, ...]:
        """Return the addresses of the channels that a name, a URL or a folder stands for."""
        if channel.startswith((".", "/", "~")):
            return (Address(str(Path(channel).expanduser().resolve())),)
        if "://" in channel:
            return (self._of_url(channel),)
        name = self._without_subdir(channel.strip("/"))
        if name in self._multichannels:
            return tuple(place.address for place in self._multichannels[name])
        known = self._custom
        stem = name
        while stem not in known and "/" in stem:
            stem = stem.rpartition("/")[0]
        return (replace(known.get(stem) or _Place.of(self.channel_alias), name=name).address,)

    def _of_url(self, url: str) -> Address:
        """Return where a URL has moved to, with the password or token that the configuration has for it."""
        url = self._without_subdir(url.rstrip("/"))
        typed = _Place.of(url)
        for name, old in sorted(self.migrated_custom_channels.items(), key=lambda each: -len(each[0])):
            before = _Place.of(old, name)
            if before.holds(typed):
                (address,) = self.resolve(f"{name}/{before.below(typed)}")
                return address
        if url.startswith("file:"):
            return Address(url)
        alias = _Place.of(self.channel_alias)
        for old in self.migrated_channel_aliases:
            before = _Place.of(old)
            if before.holds(typed):
                return replace(alias, name=before.below(typed)).address
        known = sorted(self._custom.values(), key=lambda place: -len(place.name))
        for place in [*known, alias]:
            if place.holds(typed):
                name = f"{place.name}/{place.below(typed)}".strip("/")
                user, token = typed.user or place.user, typed.token or place.token
                return _Place(typed.scheme, user, place.location, token, name).address
        return Address(url)

    def _without_subdir(self, channel: str) -> str:
        stem, _, last = channel.rpartition("/")
        return stem if stem and last in (self.platform, "noarch") and last else channel

    @property
    def _multichannels(self) -> dict[str, tuple[_Place, ...]]:
        return {
            **{name: tuple(map(self._simple, urls)) for name, urls in self.custom_multichannels.items()},
            "defaults": tuple(map(self._simple, self.default_channels)),
            "local": tuple(_Place.of(folder.as_uri()) for folder in self.local),
        }

    @property
    def _custom(self) -> dict[str, _Place]:
        """Return the channels that have a place of their own, by name."""
        several = {place.name: place for places in self._multichannels.values() for place in places if place.name}
        alias = _Place.of(self.channel_alias)
        custom = {
            name.strip("/"): _Place.of(url, name) if "://" in url else replace(alias, name=name.strip("/"))
            for name, url in self.custom_channels.items()
        }
        return {**several, **custom}

    def _simple(self, channel: str) -> _Place:
        """Return a member of a list of channels: a URL, or a name below the alias."""
        alias = _Place.of(self.channel_alias)
        if "://" not in channel:
            return replace(alias, name=channel.strip("/"))
        place = _Place.of(channel)
        if alias.holds(place):
            return replace(place, location=alias.location, name=alias.below(place))
        if place.scheme == "file":
            return place
        host, _, name = place.location.partition("/")
        return replace(place, location=host, name=name)
