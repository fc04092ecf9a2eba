"""The user's Conda configuration: the keys of condarc that decide where packages come from and environments go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from python_package.address import Address, listed
from python_package.conda import condarc_files
from python_package.conda.channel_names import ChannelNames
from python_package.conda.condarc_files import CondaSettings
from python_package.errors import SolveError
from python_package.target import KNOWN, PLATFORMS

Priority = Literal["strict", "flexible", "disabled"]


@dataclass(frozen=True)
class Limits:
    """Conda's settings by the same names: the seconds of silence that are waited through, and how often it is retried.

    `connect` is for a machine that does not even take the connection (remote_connect_timeout_secs), `read` for one that
    says no more (remote_read_timeout_secs), `retries` is remote_max_retries.
    """

    connect: float = 9.15
    read: float = 60.0
    retries: int = 3


@dataclass(frozen=True)
class Condarc:
    """What the configuration says; what it leaves open has Conda's own defaults.

    `platform` is the one that packages are for.
    `channels` are names or URLs as they were written, empty where nothing names any. `allowed` and `denied` are
    channels that alone, or never, may be used; `overriding` is False where no others than the configured ones may.
    `pinned` are match specs that bind every solve, `disallowed` those of packages that none may have.
    `certificates`, a file or a folder, are to be trusted in place of the usual ones, and `verify` is False where none
    is looked at. `proxies` are addresses by the scheme that they are for.
    """

    platform: str = ""
    channels: tuple[Address, ...] = ()
    names: ChannelNames = field(default_factory=lambda: ChannelNames.of(CondaSettings({}, ()), "", ()))
    envs_dirs: tuple[Path, ...] = ()
    offline: bool = False
    priority: Priority = "flexible"
    allowed: tuple[Address, ...] = ()
    denied: tuple[Address, ...] = ()
    overriding: bool = True
    pinned: tuple[str, ...] = ()
    disallowed: tuple[str, ...] = ()
    verify: bool = True
    certificates: Path | None = None
    proxies: Mapping[str, Address] = field(default_factory=dict)
    limits: Limits = Limits()  # a frozen value

    def resolve(self, channel: str) -> tuple[Address, ...]:
        """Return where the channels are that a name, a URL or a folder stands for."""
        return self.names.resolve(channel)

    def require_allowed(self, channels: Iterable[Address]) -> None:
        """Raise SolveError if one of the channels must not be used."""

        def shown(names: Iterable[Address]) -> set[str]:
            return {str(each).rstrip("/") for name in names for each in self.resolve(name.reveal())}

        for channel in channels:
            location = str(channel).rstrip("/")
            if self.allowed and location not in shown(self.allowed):
                raise SolveError(
                    f"the channel {channel} is not one of allowlist_channels in the Conda configuration "
                    f"({listed(self.allowed)}); choose one of these with --channel"
                )
            if location in shown(self.denied):
                raise SolveError(f"the channel {channel} is one of denylist_channels in the Conda configuration")
            if not self.overriding and location not in shown(self.channels):
                raise SolveError(
                    f"the channel {channel} is not one of the configured ones ({listed(self.channels)}), and the Conda "
                    "configuration forbids others (override_channels_enabled: false)"
                )


def load(
    platform: str, environ: Mapping[str, str] = os.environ, home: Path | None = None, *, named: bool = False
) -> Condarc:
    """Merge every file and variable as Conda does; `subdir` comes before a platform that was not `named` by the user.

    Raises SolveError in one line that names the file or variable: for what is not YAML or of another type than the key
    has, and for a key that decides where packages come from and cannot be honoured on this `platform`.
    """
    home = home or Path.home()
    settings = CondaSettings(environ, condarc_files.find(environ, home))
    if not named:
        platform = _platform(settings, platform)
    _refuse(settings, platform)
    verify, bundle = _certificates(settings, environ, home)
    channels = [name for name in settings.entries("channels") if name != "nodefaults"]
    if not channels and settings.given("default_channels"):
        channels = ["defaults"]  # a mirror of them is what the configuration names
    if settings.switch("use_local"):
        channels.insert(0, "local")
    ignored = settings.switch("ignore_pinned")
    return Condarc(
        platform=platform,
        channels=tuple(map(Address, channels)),
        names=ChannelNames.of(settings, platform, _local(settings, environ, home)),
        envs_dirs=tuple(condarc_files.absolute(text, home) for text in settings.entries("envs_dirs")),
        offline=settings.switch("offline"),
        priority=_priority(settings),
        allowed=tuple(map(Address, settings.entries("allowlist_channels"))),
        denied=tuple(map(Address, settings.entries("denylist_channels"))),
        overriding=settings.switch("override_channels_enabled", default=True),
        pinned=() if ignored else settings.entries("pinned_packages"),
        disallowed=settings.entries("disallowed_packages"),
        verify=verify,
        certificates=bundle,
        proxies=_proxies(settings, environ),
        limits=Limits(
            settings.number("remote_connect_timeout_secs", Limits.connect),
            settings.number("remote_read_timeout_secs", Limits.read),
            int(settings.number("remote_max_retries", Limits.retries)),
        ),
    )


def _refuse(settings: CondaSettings, platform: str) -> None:
    """Raise SolveError for what decides where packages come from, and cannot be honoured."""
    for key in ("client_ssl_cert", "client_ssl_cert_key"):
        if settings.text(key):
            raise SolveError(f"{settings.where(key)}: client certificates are not supported; use a token")
    if settings.switch("force_32bit"):
        raise SolveError(f"{settings.where('force_32bit')}: the platform is {platform}; leave it out here")
    for key, known, why in (
        ("subdirs", {platform, "noarch"}, f"cannot be used beside {platform} and noarch"),
        ("repodata_fns", {"repodata.json", "current_repodata.json"}, "is not supported; only repodata.json is read"),
    ):
        if other := set(settings.entries(key)) - known:
            raise SolveError(f"{settings.where(key)}: {', '.join(sorted(other))} {why}")


def _platform(settings: CondaSettings, platform: str) -> str:
    subdir = settings.text("subdir") or platform
    if subdir not in (platform, *PLATFORMS):
        raise SolveError(
            f"{settings.where('subdir')}: {subdir} is no platform that an environment can be made for; only {KNOWN} are"
        )
    return subdir


def _priority(settings: CondaSettings) -> Priority:
    text = settings.text("channel_priority") or "flexible"
    value = {"true": "flexible", "false": "disabled"}.get(text.lower(), text)
    if value not in ("strict", "flexible", "disabled"):
        raise SolveError(f"{settings.where('channel_priority')}: {text!r} is none of strict, flexible, disabled")
    return cast("Priority", value)


def _certificates(settings: CondaSettings, environ: Mapping[str, str], home: Path) -> tuple[bool, Path | None]:
    """Return whether certificates count, and those to trust in place of the usual ones."""
    text = settings.text("ssl_verify") or "true"
    if text.lower() in ("false", "no", "off"):
        return False, None
    if text.lower() not in ("true", "yes", "on", "truststore"):
        bundle = condarc_files.absolute(text, home)
        if not bundle.exists():
            raise SolveError(f"{settings.where('ssl_verify')}: {text}: there is no such certificate file (PEM)")
        return True, bundle
    named = (Path(environ[name]) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if environ.get(name))
    return True, next((path for path in named if path.exists()), None)


def _proxies(settings: CondaSettings, environ: Mapping[str, str]) -> dict[str, Address]:
    """Return the configured proxies for http and https, in whose place the usual variables come, as they do for Conda.

    Where nothing is configured there are none to return: these variables count in any case.
    """
    configured = settings.mapping("proxy_servers", lists=False)
    for scheme in configured:
        if scheme not in ("http", "https", "all"):
            raise SolveError(
                f"{settings.where('proxy_servers')}: a proxy for {Address(scheme)} alone cannot be used; "
                "write it for http or https, and set NO_PROXY to what needs none"
            )
    proxies = {}
    for scheme in ("http", "https") if configured else ():
        named = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
        of_variable = next((environ[name] for name in named if environ.get(name)), "")
        address = of_variable or configured.get(scheme) or configured.get("all") or ""
        if address:
            proxies[scheme] = Address(address if "://" in address else f"http://{address}")
    return proxies


def _local(settings: CondaSettings, environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return the folders of the channel 'local': where conda-build puts what it makes."""
    installed = condarc_files.root(environ)
    named = [settings.text("croot"), settings.text("bld_path"), settings.mapping("conda_build").get("root-dir")]
    folders = [condarc_files.absolute(text, home) for text in named if text]
    folders += [*([installed / "conda-bld"] if installed else []), home / "conda-bld"]
    return tuple(folder for folder in dict.fromkeys(folders) if folder.is_dir())
