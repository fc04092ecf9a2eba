"""Python versions in a range: the interpreters on PATH that have one, and the likeliest release."""

from __future__ import annotations

import os
import re
from contextlib import closing

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from python_package.errors import InterpreterError
from python_package.host_python.default_python import TIMEOUT, Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# The newest minor version of Python 3 that the standard library is known of, and what no release will come to.
_NEWEST, _MINORS, _PATCHES = 15, 60, 60


def fits(version: str, wanted: str) -> bool:
    """Tell whether the version that an interpreter says it has is in a range (PEP 440)."""
    return SpecifierSet(wanted).contains(parsed(version), prereleases=True)


def on_path(wanted: str, timeout: float = TIMEOUT) -> Iterator[tuple[str, str]]:
    """Yield the version and the path of each interpreter on PATH, `python3.12` and the like, that fits, newest first.

    Folders that are relative to the current one are left out.
    """
    found: dict[int, list[str]] = {}
    for folder in os.get_exec_path():
        if not os.path.isabs(folder):
            continue
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        for entry in entries:
            number = entry.removeprefix("python3.")
            if number != entry and number.isdecimal() and os.access(os.path.join(folder, entry), os.X_OK):
                found.setdefault(int(number), []).append(os.path.join(folder, entry))
    fitting = (minor for minor in sorted(found, reverse=True) if _of_minor(minor, wanted))
    for path in (path for minor in fitting for path in found[minor]):
        try:
            with closing(Question(path, timeout)) as question:
                version = question.version()
        except InterpreterError:  # a shim for a version that is switched off
            continue
        if fits(version, wanted):
            yield version, path


def likeliest(wanted: str) -> str:
    """Return a version in a range: of the newest known minor version in it, or else the next; '' if it has none."""
    minors = [*range(_NEWEST, -1, -1), *range(_NEWEST + 1, _MINORS)]
    return next((version for minor in minors if (version := _of_minor(minor, wanted))), "")


def _of_minor(minor: int, wanted: str) -> str:
    specifiers = SpecifierSet(wanted)
    versions = (f"3.{minor}.{patch}" for patch in range(_PATCHES))
    return next((version for version in versions if specifiers.contains(version)), "")


def parsed(text: str) -> Version:
    """Return a version that an interpreter says it has, without what a build has added to it (3.8.13+)."""
    found = re.match(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", text)
    return Version(found[0] if found else text)
