"""A script's inline metadata (PEP 723) -> the packages and the Python that it asks for."""

from __future__ import annotations

import os
import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from python_package.analysis.python_version import parsed
from python_package.documents import toml_value
from python_package.errors import InvalidScriptError
from python_package.spec import is_package
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The reference expression of the specification.
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


class Metadata(Value):
    """What a script asks for, each with where it says so: requirements, and perhaps a range of Python versions."""

    requirements: tuple[tuple[str, str], ...]
    python: tuple[str, str] | None

    def packages(self, version: str) -> tuple[str, ...]:
        """Return the requirements that hold on that version of Python, on Linux, without their markers."""
        environment = _environment(parsed(version))
        wanted = []
        for _, text in self.requirements:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate(environment):
                requirement.marker = None
                wanted.append(str(requirement))
        return tuple(wanted)


def read(text: str, where: Callable[[int], str]) -> Metadata | None:
    """Return what the text of a script asks for, None when it has no block of metadata.

    `where` makes a line's number what messages call it. Raises InvalidScriptError, with the line, for a block that
    cannot be honoured.
    """
    blocks = [block for block in _BLOCK.finditer(text) if block["type"] == "script"]
    if not blocks:
        return None
    lines = [1 + text.count("\n", 0, block.start()) for block in blocks]
    if len(blocks) > 1:
        raise InvalidScriptError(f"{where(lines[1])}: a second block `# /// script`; join it with the first one")
    content = "".join(
        line[2:] if line.startswith("# ") else line[1:] for line in blocks[0]["content"].splitlines(keepends=True)
    )
    return _Reader(content, lambda line: where(lines[0] + line)).metadata()


class _Reader:
    """Checks the TOML of a block, and says what is wrong with it; line 1 is the first below `# /// script`."""

    def __init__(self, content: str, where: Callable[[int], str]) -> None:
        self.content = content
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
        return Metadata(tuple(map(self._requirement, requirements)), self._python(data.get("requires-python")))

    def _requirement(self, text: str) -> tuple[str, str]:
        line = self._line(text)
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            reason = str(error).partition("\n")[0]
            raise self._invalid(line, f"{text!r} is not a requirement (PEP 508): {reason}") from None
        if requirement.url:
            raise self._invalid(
                line,
                f"{text!r} takes {requirement.name} from a URL; name a version of it that an index has",
            )
        requirement.marker = None
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
