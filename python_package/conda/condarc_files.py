"""Where Conda's configuration stands, and how its files and variables are put together: by Conda's own rules."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr  # noqa: A004  # of what others wrote, which may be endless
from typing import Any

import yaml

from python_package.errors import BoundError, SolveError
from python_package.files import bounds
from python_package.files.documents import yaml_document

# A flag behind a value: of all that is said of a key it is the last word, or a list's first or last entry.
_FLAG = re.compile(r":?\s*#[!#]*(final|top|bottom)[!#]*\s*$")

# The keys' other names.
_ALIASES = {
    "channel": "channels",
    "whitelist_channels": "allowlist_channels",
    "envs_path": "envs_dirs",
    "verify_ssl": "ssl_verify",
    "disallow": "disallowed_packages",
    "client_cert": "client_ssl_cert",
    "conda-build": "conda_build",
}

# What stands between the entries of a list in a variable.
_DELIMITERS = {
    **dict.fromkeys(("channels", "default_channels", "allowlist_channels", "denylist_channels"), ","),
    **dict.fromkeys(("migrated_channel_aliases", "repodata_fns", "subdirs"), ","),
    **dict.fromkeys(("pinned_packages", "disallowed_packages"), "&"),
    "envs_dirs": os.pathsep,
}

_TRUE = ("true", "yes", "on", "y", "1")
_FALSE = ("false", "no", "off", "n", "none", "non", "0", "")


@dataclass(frozen=True)
class Setting:
    """What one file or variable says of a key: the value, where it stands, and the flags behind it and its parts."""

    value: Any
    where: str
    flag: str = ""
    flags: Mapping[object, str] = field(default_factory=dict)


class CondaSettings:
    """All that some files, lowest priority first, and the variables say of all keys."""

    def __init__(self, environ: Mapping[str, str], paths: Iterable[Path]) -> None:
        self._environ = environ
        self._said: dict[str, list[Setting]] = {}
        for path in paths:
            self._add(_read(path))
        variables = {}
        for name, value in environ.items():
            key = name.removeprefix("CONDA_").lower()
            if name == f"CONDA_{key.upper()}":
                delimiter = _DELIMITERS.get(_ALIASES.get(key, key))
                entries = [entry.strip() for entry in value.split(delimiter)] if delimiter else value.strip()
                entries = [entry for entry in entries if entry] if isinstance(entries, list) else entries
                if entries:
                    variables[key] = Setting(entries, name)
        self._add(variables)

    def _add(self, source: Mapping[str, Setting]) -> None:
        """Add what one place says, in which a key may have only one of its names."""
        names: dict[str, str] = {}
        for name, setting in source.items():
            key = _ALIASES.get(name, name)
            if key in names:
                raise SolveError(f"{setting.where}: {name} and {names[key]} are the same key; keep one of them")
            names[key] = name
            if setting.value is not None:
                self._said.setdefault(key, []).append(setting)

    def _heard(self, key: str) -> list[Setting]:
        return _counting(self._said.get(key, []))

    def where(self, key: str) -> str:
        """Return the place that decides a key."""
        return f"{self._heard(key)[-1].where}: {key}"

    def given(self, key: str) -> bool:
        """Tell whether anything is said of a key."""
        return key in self._said

    def text(self, key: str) -> str | None:
        """Return a key's text, or None."""
        heard = self._heard(key)
        return self._text(heard[-1].value, heard[-1], key) if heard else None

    def switch(self, key: str, *, default: bool = False) -> bool:
        """Return whether a key is true."""
        text = self.text(key)
        if text is None:
            return default
        if text.lower() not in (*_TRUE, *_FALSE):
            raise SolveError(f"{self.where(key)}: {text!r} is neither true nor false")
        return text.lower() in _TRUE

    def number(self, key: str, default: float) -> float:
        """Return a key's number, which is not below zero."""
        text = self.text(key)
        try:
            number = default if text is None else float(text)
        except ValueError:
            number = -1
        if not 0 <= number < float("inf"):
            raise SolveError(f"{self.where(key)}: {text!r} is not a number of zero or more")
        return number

    def entries(self, key: str) -> tuple[str, ...]:
        """Return a key's list: the entries of what counts more come before those of what counts less."""
        heard = self._heard(key)
        lists = [[self._text(each, setting, key) for each in _of_type(list, setting, key)] for setting in heard]

        def flagged(flag: str, order: Sequence[int]) -> list[str]:
            return [text for i in order for n, text in enumerate(lists[i]) if heard[i].flags.get(n) == flag]

        up, down = range(len(heard)), range(len(heard))[::-1]
        merged = dict.fromkeys([*flagged("top", up), *(text for i in down for text in lists[i])])
        bottom = dict.fromkeys([*reversed(flagged("bottom", down)), *reversed(merged)])
        return tuple(reversed(bottom))

    def mapping(self, key: str, *, lists: bool | None = None) -> dict[str, Any]:
        """Return a key's mapping, whose values are texts or lists of them: each name as what counts most says it.

        Raises SolveError for a value that is a list, or is none, other than `lists` says.
        """
        said: dict[str, list[Setting]] = {}
        for setting in self._heard(key):
            for name, value in _of_type(dict, setting, key).items():
                if value is not None:
                    said.setdefault(str(name), []).append(Setting(value, setting.where, setting.flags.get(name, "")))
        merged: dict[str, Any] = {}
        for name, settings in said.items():
            *_, last = heard = _counting(settings)
            is_list = isinstance(last.value, list)
            if lists not in (None, is_list):
                expected = "a list of channels" if lists else "one URL, not a list"
                raise SolveError(f"{self.where(key)}: {name}: expected {expected}")
            if is_list:
                entries = ((each, one) for one in heard[::-1] if isinstance(one.value, list) for each in one.value)
                merged[name] = list(dict.fromkeys(self._text(*each, f"{key}: {name}") for each in entries))
            else:
                merged[name] = self._text(last.value, last, f"{key}: {name}")
        return merged

    def _text(self, value: object, setting: Setting, key: str) -> str:
        if isinstance(value, (list, dict)) or value is None:
            raise SolveError(f"{setting.where}: {key} must be text, not {repr(value)}")
        return re.sub(r"\$(\w+|\{[^}]*\})", self._variable, str(value))

    def _variable(self, match: re.Match[str]) -> str:
        return self._environ.get(match[1].strip("{}"), match[0])


def _counting(said: list[Setting]) -> list[Setting]:
    """Return what counts of what is said: nothing after the last word."""
    last = next((index for index, setting in enumerate(said) if setting.flag == "final"), len(said))
    return said[: last + 1]


def _of_type(kind: type, setting: Setting, key: str) -> Any:
    if not isinstance(setting.value, kind):
        what = "a list" if kind is list else "a mapping of names"
        raise SolveError(f"{setting.where}: {key} must be {what}, not {repr(setting.value)}")
    return setting.value


def root(environ: Mapping[str, str]) -> Path | None:
    """Return where Conda itself is installed, whether or not its base is active."""
    if environ.get("CONDA_EXE"):
        return Path(environ["CONDA_EXE"]).resolve().parent.parent
    if environ.get("CONDA_ROOT"):
        return Path(environ["CONDA_ROOT"])
    conda = shutil.which("conda", path=environ.get("PATH", ""))
    return Path(conda).resolve().parent.parent if conda else None


def find(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return the configuration files that exist, lowest priority first (Conda's documented search path).

    A file that is named twice counts where it is named first.
    """
    folders = [Path("/etc/conda"), Path("/var/lib/conda")]
    if installed := root(environ):
        folders.append(installed)
    if os.path.isabs(environ.get("XDG_CONFIG_HOME", "")):  # noqa: PTH117  # '' is no path
        folders.append(Path(environ["XDG_CONFIG_HOME"], "conda"))
    folders += [home / ".config" / "conda", home / ".conda"]
    active = Path(environ["CONDA_PREFIX"]) if environ.get("CONDA_PREFIX") else None
    places = [folder / name for folder in folders for name in _NAMES]
    places.append(home / ".condarc")
    places += [active / name for name in _NAMES] if active else []
    if environ.get("CONDARC"):
        places.append(absolute(os.path.expandvars(environ["CONDARC"]), home))
    return list(dict.fromkeys(path for place in places for path in _expanded(place)))


def absolute(text: str, home: Path) -> Path:
    """Return a path that somebody wrote, absolute, and as it is named: links and all."""
    in_home = re.sub(r"^~(?=/|$)", lambda _: str(home), text)
    return Path(os.path.abspath(Path(in_home).expanduser()))  # noqa: PTH100


_NAMES = (".condarc", "condarc", "condarc.d")


def _expanded(place: Path) -> Iterator[Path]:
    """Yield the file at a place, or the YAML files of the folder there."""
    try:
        mode = place.stat().st_mode
        if stat.S_ISREG(mode):
            yield place
        elif stat.S_ISDIR(mode):
            yield from sorted(path for path in place.iterdir() if path.suffix in (".yml", ".yaml") and path.is_file())
    except OSError:
        return  # what cannot be looked at is not there, as Conda has it


def _read(path: Path) -> dict[str, Setting]:
    """Return what a file says, by key; raise SolveError, which names the file, for what is no mapping in YAML."""
    try:
        text = bounds.read(path, str(path), bounds.DOCUMENT).decode("utf-8-sig")
        document, values = yaml_document(text)
    except (ValueError, OSError, BoundError) as error:
        raise SolveError(f"{path}: not a readable Conda configuration: {error}") from None
    if document is None or values is None:
        return {}
    if not isinstance(values, dict):
        raise SolveError(f"{path}: not a Conda configuration: expected lines like 'channels:', not {repr(values)}")
    lines = text.splitlines()
    read = {}
    for key, value in document.value:
        flag, flags = _flag(lines, key.end_mark), {}
        if not isinstance(value, yaml.CollectionNode) or value.flow_style:
            flag = flag or _flag(lines, value.end_mark)
        else:
            named = isinstance(value, yaml.MappingNode)
            parts = ((name.value, part) for name, part in value.value) if named else enumerate(value.value)
            flags = {name: _flag(lines, part.end_mark) for name, part in parts}
        if key.value in values:
            read[key.value] = Setting(values[key.value], f"{path}:{key.start_mark.line + 1}", flag, flags)
    return read


def _flag(lines: Sequence[str], mark: yaml.Mark) -> str:
    match = _FLAG.match(lines[mark.line][mark.column :]) if mark.line < len(lines) else None
    return match[1] if match else ""
