"""The dependency file: what analyze writes and create reads."""

from __future__ import annotations

from python_package.errors import SpecError
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# A final release, or the pre-release spelling that `platform.python_version()` uses: 3.13.0rc1, 3.8.13+.
_VERSION = r"\d+\.\d+\.\d+((a|b|rc)\d+)?\+?\Z"

# A distribution's name, perhaps extras and versions of it (PEP 508); `conda:` before what only a channel may provide,
# with `CHANNEL::` what only that one may, `pypi:` before what only PyPI may.
_PACKAGE = (
    r"(conda:([A-Za-z0-9][A-Za-z0-9._/-]*::)?|pypi:)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9._, -]*\])?"
    r"( ?[<>=!~]=?[0-9A-Za-z.*+!<>=~, -]*)?\Z"
)

# A distribution's version, as its metadata spells it.
_EXACT = r"[0-9A-Za-z][0-9A-Za-z.!+_-]*\Z"

# Where an interpreter can have a distribution from.
SOURCES = ("conda", "pypi", "editable", "local", "system")


class Pin(Value):
    """The distribution that provides a module in the user's interpreter: its name, version, and one of SOURCES.

    `url` is where an editable or local one lies (PEP 610), empty for the others. The version of what has one may be
    empty: whatever lies there.
    """

    module: str
    package: str
    version: str
    source: str
    url: str = ""


# How an index counts: in place of the user's own, beside it with the best version of both (pip's --extra-index-url) or
# before it (uv's --index), as a page or folder of files beside it (--find-links) or instead of any index, and for
# just the packages that are to come from it (uv's explicit).
USES = ("default", "extra", "first", "links", "only-links", "explicit")


class Index(Value):
    """An index of Python packages that a user's file names: its URL, and one of USES.

    `name` is what uv knows it by, perhaps empty; `packages` are the canonical names of those that come from it.
    """

    url: str
    use: str
    name: str = ""
    packages: tuple[str, ...] = ()


def placed(project: str, url: str) -> Pin:
    """Return the pin of a project, by its canonical name, to whatever lies at a URL."""
    module = project.replace("-", "_")
    return Pin(module if module.isidentifier() else f"_{module}", project, "", "local", url)


class Spec(Value):
    """What a script needs: the interpreter's version and the import names, sorted and unique.

    A name is a top-level module's, or longer where only that tells which distribution has it (google.cloud.storage).
    Of the rest each has a key in the file only when there is any: `mapping` pairs import names with the packages that
    the user says provide them; `packages` are those wanted besides; `optional` are the modules that the script can do
    without; `pins` are the versions to have; `local` pairs the import names of the user's own modules with their
    paths; `channels` are where to look if nobody says otherwise; `submodules` are what is imported below the modules,
    `deferred` those of them that need not import for the script to start, and `names` pairs a module with each name
    that it must have, a submodule's or any other; `indexes` are where PyPI's packages come from, if not the usual one.
    `python` is a range of versions (`>=3.14`) where the script asks for one that this machine does not have; it may be
    empty if it does not come from a dependency file of ours.
    """

    python: str
    modules: tuple[str, ...]
    mapping: tuple[tuple[str, str], ...] = ()
    packages: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    local: tuple[tuple[str, str], ...] = ()
    channels: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    indexes: tuple[Index, ...] = ()

    def to_json(self) -> str:
        """Return the dependency file's one line, newline included; by default with just the two documented keys."""
        import json  # here, because analyze imports this while it waits for the default python3

        data: dict[str, object] = {"python": self.python, "modules": list(self.modules)}
        names: dict[str, list[str]] = {}
        for module, name in self.names:
            names.setdefault(module, []).append(name)
        more = {
            "submodules": list(self.submodules),
            "deferred": list(self.deferred),
            "names": names,
            "mapping": dict(self.mapping),
            "packages": list(self.packages),
            "optional": list(self.optional),
            "pins": {pin.module: _to_json(pin, "module") for pin in self.pins},
            "local": dict(self.local),
            "channels": list(self.channels),
            "indexes": [_to_json(index) for index in self.indexes],
        }
        return json.dumps({**data, **{key: value for key, value in more.items() if value}}) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> Spec:
        """Parse a dependency file; `source` is the name that messages give it.

        Raises SpecError for anything but `{"python": "X.Y.Z", "modules": ["name", ...]}`, which may also have
        `"mapping": {"import": "package"}`, `"packages": ["package"]`, `"optional": ["import"]`,
        `"pins": {"import": {"package": "name", "version": "1.2", "source": "pypi"}}`,
        `"local": {"import": "path"}`, `"channels": ["name"]`, `"submodules": ["import.name"]`,
        `"deferred": ["import.name"]`, `"names": {"import": ["name"]}` and
        `"indexes": [{"url": "address", "use": "extra"}]`.
        """
        from python_package.files.documents import json_value

        try:
            data = json_value(text)
        except ValueError as error:
            raise SpecError(f"{source}: not JSON: {error}; make it with python_package_analyze") from None
        try:
            return cls(**_fields(data))
        except ValueError as error:
            raise SpecError(f"{source}: {error}") from None


def canonical(project: str) -> str:
    """Return the normalised name of a project (PyPA specification 'Names and normalization')."""
    return "-".join(part for part in project.lower().replace("_", "-").replace(".", "-").split("-") if part)


def is_package(name: object) -> bool:
    """Tell whether something can be the name of a package, with a constraint on its version or without."""
    import re

    return isinstance(name, str) and re.match(_PACKAGE, name) is not None


def is_module(name: object) -> bool:
    """Tell whether something can be an import name."""
    return isinstance(name, str) and all(part.isidentifier() for part in name.split("."))


def is_range(text: object) -> bool:
    """Tell whether something is a range of versions (PEP 440), such as >=3.12,<3.14."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # a full version is told without

    try:
        return isinstance(text, str) and bool(str(SpecifierSet(text)))
    except InvalidSpecifier:
        return False


def is_version(text: object) -> bool:
    """Tell whether something can be the version of a distribution."""
    import re

    return isinstance(text, str) and re.match(_EXACT, text) is not None


def _to_json(value: Value, without: str = "") -> dict[str, object]:
    """Return the fields of a value that say something."""
    data = {key: getattr(value, key) for key in value._fields if key != without}
    return {key: each for key, each in data.items() if each}


# ---- What a dependency file holds is checked; what is wrong with it is a ValueError


def _fields(data: object) -> dict[str, Any]:
    """Return the fields of a Spec."""
    import re

    if not isinstance(data, dict):
        raise ValueError('expected an object with "python" and "modules"')
    if unknown := sorted(set(data) - set(Spec._fields)):
        keys = ", ".join(f'"{key}"' for key in Spec._fields)
        raise ValueError(f'unknown key "{unknown[0]}"; the keys are {keys}')
    for key in ("python", "modules"):
        if key not in data:
            raise ValueError(f'the key "{key}" is missing')
    python = data["python"]
    if not isinstance(python, str) or not (re.match(_VERSION, python) or is_range(python)):
        raise ValueError(
            f'"python" must be a full version such as "3.11.7", or a range such as ">=3.12,<3.14", not {python!r}'
        )
    modules = _list(data, "modules", "an import name", is_module)
    submodules = _list(data, "submodules", "an import name", is_module)
    return {
        "python": python,
        "modules": modules,
        "mapping": _object(data, "mapping", "a package name", is_package),
        "packages": _list(data, "packages", "a package name", is_package),
        "optional": _part(data, "optional", "modules", modules),
        "pins": tuple(_pin(*item) for item in _object(data, "pins", "a pin", bool)),
        "local": _object(data, "local", "a path", _is_text),
        "channels": _list(data, "channels", "a channel", _is_text, ordered=True),
        "submodules": submodules,
        "deferred": _part(data, "deferred", "submodules", submodules),
        "names": names_of(dict(_object(data, "names", "a list of names", _is_names))),
        "indexes": _indexes(data.get("indexes", [])),
    }


def _list(
    data: dict[str, Any], key: str, what: str, valid: Callable[[object], bool], *, ordered: bool = False
) -> tuple[str, ...]:
    items = data.get(key, [])
    if not isinstance(items, list):
        raise ValueError(f'"{key}" must be a list, each item {what}')
    for item in items:
        if not valid(item):
            raise ValueError(f'"{key}" holds {item!r}, which is not {what}')
    return tuple(dict.fromkeys(items)) if ordered else tuple(sorted(set(items)))


def _part(data: dict[str, Any], key: str, of: str, whole: tuple[str, ...]) -> tuple[str, ...]:
    items = _list(data, key, "an import name", is_module)
    if stray := sorted(set(items) - set(whole)):
        raise ValueError(f'"{key}" holds {stray[0]!r}, which "{of}" does not')
    return items


def _object(data: dict[str, Any], key: str, what: str, valid: Callable[[object], bool]) -> tuple[tuple[str, Any], ...]:
    items = data.get(key, {})
    if not isinstance(items, dict):
        raise ValueError(f'"{key}" must be an object, each key an import name and each value {what}')
    for name, value in items.items():
        for each, is_right, kind in ((name, is_module, "an import name"), (value, valid, what)):
            if not is_right(each):
                raise ValueError(f'"{key}" holds {each!r}, which is not {kind}')
    return tuple(sorted(items.items()))


def _pin(module: str, pin: object) -> Pin:
    fields = set(Pin._fields) - {"module"}
    needed = {"package", "source", "version"} - ({"version"} if isinstance(pin, dict) and "url" in pin else set())
    if not isinstance(pin, dict) or not needed <= set(pin) <= fields or not all(map(_is_text, pin.values())):
        raise ValueError(f'the pin of {module} must have "package", "version" and "source"')
    found = Pin(module, **{"version": "", **pin})
    is_exact = is_version(found.version) or found.url
    if not (found.source in SOURCES and is_package(found.package) and is_exact):
        raise ValueError(f"the pin of {module} is not a package's name, version and one of {', '.join(SOURCES)}")
    return found


def _indexes(items: object) -> tuple[Index, ...]:
    if not isinstance(items, list):
        raise ValueError('"indexes" must be a list of objects, each with "url" and "use"')
    found = []
    for item in items:
        if (
            not isinstance(item, dict)
            or not {"url", "use"} <= set(item) <= set(Index._fields)
            or item["use"] not in USES
            or not all(_is_text(item.get(key, "x")) for key in ("url", "name"))
        ):
            uses = ", ".join(USES)
            raise ValueError(f'"indexes" holds what is not an index with a "url" and a "use", one of {uses}')
        found.append(Index(**{**item, "packages": _list(item, "packages", "a package name", is_package)}))
    return tuple(found)


def names_of(data: dict[str, list[str]]) -> tuple[tuple[str, str], ...]:
    """Return pairs of a module and a name in it, as a dependency file lists the names of each module."""
    return tuple(sorted({(module, name) for module, names in data.items() for name in names}))


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name.isidentifier() for name in value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""
