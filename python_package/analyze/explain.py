"""An analysis -> a text that says of each module where it is imported, which package it becomes, and why."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from python_package import import_names
from python_package.address import Address
from python_package.analyze.values import CONDITIONAL, OPTIONAL, REQUIRED
from python_package.import_names import WITH_PYTHON, Wishes, users_python
from python_package.stdlib import standard_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from python_package.analyze.values import Analysis, Listed
    from python_package.import_names import Answer
    from python_package.import_names.package import Package

_WIDTH = 100
_INDENT = "    "
_NEEDS = (REQUIRED, CONDITIONAL, OPTIONAL)  # what is needed most comes first


@dataclass(frozen=True)
class Line:
    """What is said of one module or package: how much it is needed, what it becomes, and the reasons, a line each."""

    name: str
    need: str
    becomes: str
    reasons: tuple[str, ...]


def explain(analysis: Analysis, python: str = "python3") -> str:
    """Return the explanation of an analysis, ending in a newline, with what `python` has; nothing is imported.

    A module that create would refuse is explained like any other, with the way to choose its package.
    """
    spec = analysis.spec
    standard = standard_library(analysis.version)
    wishes = Wishes(dict(spec.mapping), spec.packages, spec.pins, spec.optional, standard=standard)
    found = import_names.answers(spec.modules, users_python.import_path(python), wishes)
    wanted = [
        Line(package.module, "by name", _named(package), _note(package))
        for package in import_names.requested(spec.packages)
    ]
    lines = [*_modules(analysis.listed, found), *wanted, *_local(analysis)]
    return f"python {spec.python}\n{table(lines)}"


def table(lines: Iterable[Line]) -> str:
    """Return lines as an aligned table, the reasons below what they are for."""
    lines = tuple(lines)
    width = max((len(line.name) for line in lines), default=0)
    text = []
    for line in lines:
        text.append(f"{line.name:<{width}}  {line.need:<11}  {line.becomes}")
        for reason in line.reasons:
            # Neither a path nor an option is broken.
            text += textwrap.wrap(reason, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT,
                                  break_long_words=False, break_on_hyphens=False)  # fmt: skip
    return "".join(f"{line}\n" for line in text)


def _modules(listed: Iterable[Listed], answers: Iterable[Answer]) -> Iterator[Line]:
    by_module = {answer.module: answer for answer in answers}
    places: dict[str, list[tuple[str, str]]] = {}
    for each in listed:
        for name in each.names:
            places.setdefault(name, []).append((each.where, each.found.kind))
    for module in sorted(places):
        need = min((kind for _, kind in places[module]), key=_NEEDS.index)
        where = dict.fromkeys(
            place if kind == need else f"{place} ({kind})" for place, kind in sorted(places[module], key=_in_order)
        )
        becomes, reasons = _becomes(module, by_module.get(module))
        yield Line(module, need, becomes, (f"imported at {', '.join(where)}", *reasons))


def _in_order(place: tuple[str, str]) -> tuple[str, int]:
    file, _, line = place[0].rpartition(":")
    return file, int(line)


def _becomes(module: str, answer: Answer | None) -> tuple[str, tuple[str, ...]]:
    if module.partition(".")[0] in WITH_PYTHON or answer is None:
        return "comes with python", ()
    if answer.package is None:
        return "refused", (answer.refusal.removeprefix(f"{module}: "),)
    package = answer.package
    if package.absent:
        return "left out", (package.why,)
    return _named(package), (package.why, *_note(package))


def _note(package: Package) -> tuple[str, ...]:
    return (package.note.removeprefix(f"{package.module}: "),) if package.note else ()


def _named(package: Package) -> str:
    """Return a package as PyPI and channels call it."""
    text = f"{package.pypi or package.conda[0]}{package.extras}{package.version}"
    if package.origin:
        return f"{text} from {Address(package.origin)}"
    if not package.pypi:
        text += " (channels only)"
    elif not package.conda:
        text += " (PyPI only)"
    elif package.conda[0] != package.pypi:
        text += f" (in channels {package.conda[0]})"
    return f"{text}, assumed" if package.assumed else text


def _local(analysis: Analysis) -> Iterator[Line]:
    if analysis.spec.local:
        yield from (Line(name, "local", path, ()) for name, path in analysis.spec.local)
    else:
        yield from (Line(name, "local", ", ".join(paths), ()) for name, paths in analysis.places)
