"""A script's inline metadata (PEP 723) -> the packages and the Python that it asks for."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from python_package.address import Address
from python_package.errors import InvalidScriptError
from python_package.files.documents import toml_value
from python_package.host_python.on_path import parsed
from python_package.pypi.uv_settings import Settings, Source, of_script
from python_package.spec import Index, Pin, canonical, is_package, placed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_START = re.compile(r"# /// ([a-zA-Z0-9-]+)")


_NETRC = "create finds it in ~/.netrc"

# Tables of other tools that say what a script needs, or where from.
_FOREIGN = {
    "pixi": {"dependencies", "pypi-dependencies", "workspace", "project", "target", "feature", "pypi-options"},
    "pdm": {"source"},
    "poetry": {"dependencies", "source"},
}


@dataclass(frozen=True)
class Declared:
    """What a script's metadata asks for on one Python, for its Spec; no address has a password."""

    packages: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    indexes: tuple[Index, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metadata:
    """What a script asks for, each with where it says so: requirements, and perhaps a range of Python versions.

    `uv` says where they come from, if the script's own table of uv does; `where` is the place of it all.
    """

    requirements: tuple[tuple[str, str], ...]
    python: tuple[str, str] | None
    uv: Settings | None = None
    where: str = ""

    def declared(self, version: str) -> Declared:
        """Return what is asked for on that version of Python, on Linux."""
        environment = _environment(parsed(version))
        uv = self.uv or Settings({})
        packages, pins, remarks = [], [], []
        indexes: dict[Index, list[str]] = {index: [] for index in uv.indexes}
        for where, text in self.requirements:
            requirement = Requirement(text)
            if requirement.marker is not None and not requirement.marker.evaluate(environment):
                continue
            name = canonical(requirement.name)
            source = uv.source(name, environment) or Source(requirement.url or "")
            if source.url:
                pins.append(placed(name, source.url))
            if source.index:
                indexes.setdefault(source.index, []).append(name)
            requirement.marker = requirement.url = None
            requirement = uv.bounded(requirement, environment)
            packages.append(("pypi:" if source.index else "") + str(requirement))
            if Address(source.url).is_secret:
                remarks.append(f"{where}: the password in the address of {name} is not written into the file; {_NETRC}")
        for index in indexes:
            if Address(index.url).is_secret:
                place = f"the index {Address(index.url)}"
                remarks.append(
                    f"{self.where}: the password in the address of {place} is not written into the file; {_NETRC}"
                )
        names = {canonical(Requirement(text).name) for _, text in self.requirements}
        remarks += [
            f"{self.where}: the constraint {text} does not count: it is of no dependency named here"
            for text in uv.check(names)
        ]
        return Declared(
            tuple(packages),
            tuple(pin.replace(url=str(Address(pin.url))) for pin in pins),
            tuple(
                index.replace(url=str(Address(index.url)), packages=tuple(sorted(set(names))))
                for index, names in indexes.items()
            ),
            tuple(remarks),
        )


def read(text: str, folder: str, where: Callable[[int], str]) -> Metadata | None:
    """Return what the text of a script in a folder asks for, None when it has no block of metadata.

    `where` makes a line's number what messages call it. Raises InvalidScriptError, with the line, for a block that
    cannot be honoured.
    """
    rows = text.split("\n")
    blocks = list(_blocks(rows))
    if not blocks:
        return None
    lines = [1 + first for first, _ in blocks]
    if len(blocks) > 1:
        raise InvalidScriptError(f"{where(lines[1])}: a second block `# /// script`; join it with the first one")
    first, last = blocks[0]
    content = "".join(row[2:] + "\n" for row in rows[first + 1 : last])
    return _Reader(content, folder, lambda line: where(lines[0] + line)).metadata()


def _blocks(rows: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line, from 0, of each block of the type script.

    The specification's regular expression says the same, but takes the square of the number of lines.
    """
    at = 0
    while at < len(rows):
        start = at
        at += 1
        if not (kind := _START.fullmatch(rows[start])):
            continue
        while at < len(rows) and (rows[at] == "#" or rows[at].startswith("# ")):
            at += 1
        last = next((end for end in range(at - 1, start + 1, -1) if rows[end] == "# ///"), None)
        if last is not None:
            at = last + 1
            if kind[1] == "script":
                yield start, last


class _Reader:
    """Checks the TOML of a block, and says what is wrong with it; line 1 is the first below `# /// script`."""

    def __init__(self, content: str, folder: str, where: Callable[[int], str]) -> None:
        self.content = content
        self.folder = folder
        self.where = where

    def metadata(self) -> Metadata:
        try:
            data = toml_value(self.content)
        except ValueError as error:
            place = re.search(r" \(at line (\d+), column \d+\)", str(error))
            line = int(place[1]) if place else self.content.count("\n")
            reason = str(error).replace(place[0], "") if place else str(error)
            raise self._invalid(line, f"the block `# /// script` is not TOML: {reason}") from None
        requirements = data.get("dependencies", [])
        if not isinstance(requirements, list) or not all(isinstance(item, str) for item in requirements):
            raise self._invalid(self._line("dependencies"), "`dependencies` must be a list of strings")
        wanted = tuple(map(self._requirement, requirements))
        uv = self._uv(data.get("tool", {}), {canonical(Requirement(text).name) for _, text in wanted})
        return Metadata(wanted, self._python(data.get("requires-python")), uv, self.where(1))

    def _uv(self, tools: object, names: set[str]) -> Settings | None:
        if not isinstance(tools, dict):
            raise self._invalid(self._line("tool"), "`tool` must be a table")
        for tool, keys in _FOREIGN.items():
            table = tools.get(tool)
            if isinstance(table, dict) and (found := sorted(keys & set(table))):
                raise self._invalid(
                    self._line(f"tool.{tool}"),
                    f"[tool.{tool}] {found[0]} is not read in a script; name all that it needs in `dependencies`, "
                    "and places in [tool.uv.sources]",
                )
        if "uv" not in tools:
            return None
        try:
            settings = of_script(tools["uv"], Path(self.folder))
            settings.check(names)
            return settings
        except ValueError as error:
            name = re.match(r"\[tool\.uv\.sources\.(\S+)\]", str(error))
            line = self._line(f"{name[1]} =") if name else self._line("tool.uv")
            raise self._invalid(line, str(error)) from None

    def _requirement(self, text: str) -> tuple[str, str]:
        line = self._line(text)
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            reason = str(error).partition("\n")[0]
            raise self._invalid(line, f"{text!r} is not a requirement (PEP 508): {reason}") from None
        if requirement.url and "://" not in requirement.url:
            raise self._invalid(line, f"{text!r} takes {requirement.name} from what is not a URL")
        requirement.marker = requirement.url = None
        if not is_package(str(requirement)):
            raise self._invalid(line, f"{text!r} cannot be written into a dependency file")
        return self.where(line), text

    def _python(self, wanted: object) -> tuple[str, str] | None:
        if wanted is None:
            return None
        line = self._line("requires-python")
        if not isinstance(wanted, str):
            raise self._invalid(line, '`requires-python` must be a string, such as ">=3.10"')
        try:
            SpecifierSet(wanted)
        except InvalidSpecifier:
            raise self._invalid(
                line, f'`requires-python` is {wanted!r}, not a range of versions such as ">=3.10"'
            ) from None
        return self.where(line), wanted

    def _line(self, text: str) -> int:
        """Return the line that first has a text, the first one where it is spelt in another way."""
        found = (number for number, line in enumerate(self.content.splitlines(), 1) if text in line)
        return next(found, 1)

    def _invalid(self, line: int, reason: str) -> InvalidScriptError:
        return InvalidScriptError(f"{self.where(line)}: {reason}")


def _environment(version: Version) -> dict[str, str]:
    """Return what markers are compared with; the rest is as on this machine, whose architecture the worker has."""
    return {
        "python_version": f"{version.major}.{version.minor}",
        "python_full_version": str(version),
        "implementation_version": str(version),
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": os.uname().machine,
    }
