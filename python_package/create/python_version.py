"""Which version of Python an environment gets, when the one that was asked for may not be had."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Collection
from contextlib import suppress

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from python_package.errors import HostPythonError, SolveError, SpecError

_OFFERED = 8  # versions named in a refusal, at most


def choose(
    wanted: str, available: Collection[str], own: Callable[[], str], *, where: str, exact: bool = False
) -> tuple[str, str]:
    """Return the version to take of those that the channels called `where` have, and what the user must be told of it.

    A full version is taken as it is, else the nearest later patch release of its minor version, unless `exact`.
    Of a constraint, `own`, the version of the user's interpreter, is taken if it satisfies, else the newest final one:
    a channel's will do where there is none.
    Raises SolveError when there is none, SpecError when `wanted` is neither.
    """
    known = {Version(version): version for version in available if _is_version(version)}
    if not is_full(wanted):
        fitting = [version for version in known if satisfies(str(version), wanted) and not version.is_prerelease]
        with suppress(HostPythonError):
            if (theirs := Version(own())) in fitting:
                return known[theirs], ""
        if fitting:
            return known[max(fitting)], ""
        raise SolveError(f"no python {wanted} is in any channel of {where}: {_offer(known)}")
    full = wanted.rstrip("+")
    target = Version(full)
    if target in known:
        return known[target], ""
    later = sorted(v for v in known if v > target and v.release[:2] == target.release[:2] and not v.is_prerelease)
    if later and not exact:
        taken = known[later[0]]
        return taken, f"python {full} is in no channel of {where}; taking {taken}, the nearest later one"
    near = {v: known[v] for v in known if v.release[:2] == target.release[:2]} or _nearest(known, target)
    raise SolveError(f"python {full} is in no channel of {where}: {_offer(near)}")


def satisfies(version: str, wanted: str) -> bool:
    """Tell whether a version is the full one that is wanted, or fits the constraint that is."""
    if is_full(wanted):
        return version.rstrip("+") == wanted.rstrip("+")
    try:
        return SpecifierSet(wanted).contains(version.rstrip("+"))
    except InvalidSpecifier:
        raise SpecError(f"{wanted!r} is not a constraint on Python's version; write it like >=3.10,<3.13") from None


def is_full(wanted: str) -> bool:
    """Tell a full version such as 3.11.7 from a constraint."""
    return _is_version(wanted.rstrip("+"))


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _nearest(known: dict[Version, str], target: Version) -> dict[Version, str]:
    """Return the versions just below and just above one that is not there."""
    versions = sorted(known)
    at = bisect(versions, target)
    return {v: known[v] for v in versions[max(at - _OFFERED // 2, 0) : at + _OFFERED // 2]}


def newest(versions: Collection[str]) -> str:
    """Return the newest of some versions as a message lists them; what is no version of PEP 440 comes before."""

    def order(text: str) -> tuple[bool, Version | str]:
        return _is_version(text), Version(text) if _is_version(text) else text

    ordered = sorted(versions, key=order)
    return ", ".join(ordered[-_OFFERED:])


def _offer(known: dict[Version, str]) -> str:
    return f"they have {newest(known.values())}" if known else "they have no python at all"
