"""Which processors an environment runs on, by what its packages declare: a level, as archspec names it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# conda-forge's package that stands for a level, which is its version: what was built for a level depends on it.
_PACKAGE = "_x86_64-microarch-level"
_LEVEL = re.compile(r"_?x86_64-microarch-level\D*(\d)")

# `__archspec 1=haswell`, `__archspec * x86_64_v3`, or by CEP 29 `__archspec[build='^(x86_64_v3|haswell)$']`.
_BUILD = re.compile(r"__archspec(?:.*build=([^\]]+)\]|[\s=]+[^\s=<>!~]+[\s=]+([^\s=]+)$)")


def rank(name: str) -> tuple[int, int] | None:
    """Return what orders the levels of one kind of processor; None for a name that is no level, such as haswell."""
    match = re.fullmatch(r"x86_64(?:_v(\d))?|aarch64|armv(\d+)\.(\d+)a", name)
    if not match:
        return None
    return int(match[1] or match[2] or 1), int(match[3] or 0)


def declared(records: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """Return the highest level that Conda packages declare and the package, () if all run on every processor.

    The package of a level counts only where none depends on it: a solver takes the highest that the machine has.
    """
    found, level = [], ""
    for record in records:
        name, depends = str(record["name"]), record.get("depends", ())
        if name == _PACKAGE:
            level = f"{name} {record['version']}"
        else:
            found += [(needed, name) for needed in map(_needed, depends) if needed]
    found = found or [(needed, _PACKAGE) for needed in [_needed(level)] if needed]
    return max(found, key=lambda each: rank(each[0]) or (0, 0), default=())


def _needed(depends: str) -> str:
    """Return the microarchitecture that a dependency asks for, the least of several; "" where every one will do."""
    if match := _LEVEL.match(depends):
        names = [f"x86_64_v{match[1]}"]
    else:
        match = _BUILD.match(depends)
        names = re.findall(r"\w+(?:\.\w+)?", (match[1] or match[2]).replace("\\", "")) if match else []
    least = min(names, key=lambda name: rank(name) or (99, 0), default="")
    return "" if rank(least) == (1, 0) else least
