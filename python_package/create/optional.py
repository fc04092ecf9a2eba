"""Optional requirements: as many of them as agree with the others, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from python_package.errors import PackageError, SolveError, UnreachableError

_T = TypeVar("_T")


def with_optional(
    work: Callable[[Sequence[str], Sequence[str]], _T],
    required: Sequence[str],
    optional: Sequence[str],
    refusals: tuple[type[PackageError], ...] = (SolveError, UnreachableError),
) -> tuple[_T, dict[str, str]]:
    """Do a work with all that is required and as much as can be had of what is optional.

    `work` takes what is settled already and what to add to that. Return its last result, and why each optional
    requirement was refused. Raises as `work` does with what is required.
    """
    try:
        return work([], [*required, *optional]), {}
    except refusals:
        if not optional:
            raise
    found, settled = work([], required), list(required)
    refused = {}
    for requirement in optional:
        try:
            found = work(settled, [requirement])
            settled.append(requirement)
        except refusals as error:
            refused[requirement] = str(error)
    return found, refused


def left_out(module: str, why: str) -> str:
    """Return the note on an optional module that is left out."""
    return f"{module}: optional, and left out: {why}"
