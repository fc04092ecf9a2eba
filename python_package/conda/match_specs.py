"""Conda's match specs: what people write of a package and its versions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import rattler
from rattler.exceptions import InvalidMatchSpecError, InvalidVersionError, InvalidVersionSpecError

from python_package.errors import SolveError


def parse_spec(text: str) -> tuple[str, str, str, str]:
    """Return the channel, name, version and build in a match spec as people write it, each empty where it says none.

    Versions come as Conda's clauses: `1.26.*` for the fuzzy `=1.26`. Raises ValueError for what is none.
    """
    try:
        spec = rattler.MatchSpec(text)
    except InvalidMatchSpecError as error:
        raise ValueError(str(error)) from None
    if spec.name is None or not re.fullmatch(r"\w[\w.-]*", spec.name.normalized):
        raise ValueError("it does not name one package")
    channel = spec.channel.name if spec.channel else ""
    return channel or "", spec.name.normalized, str(spec.version or ""), str(spec.build or "")


def fits(constraint: str, version: str) -> bool:
    """Tell whether a version is one that Conda's constraint allows; True for a constraint that cannot be read."""
    try:
        return bool(rattler.VersionSpec(constraint).matches(rattler.Version(version)))
    except (InvalidVersionError, InvalidVersionSpecError):
        return True


def of_setting(texts: Iterable[str], key: str) -> list[rattler.MatchSpec]:
    """Read the match specs of a key of the Conda configuration; raise SolveError for what is none."""
    specs = []
    for text in texts:
        try:
            specs.append(rattler.MatchSpec(text))
        except InvalidMatchSpecError as error:
            raise SolveError(f"{key} in the Conda configuration: {text!r}: {error}") from None
    return specs


def requested(texts: Iterable[str]) -> list[Any]:
    """Return match specs as py-rattler's `install` takes them: it does not unwrap them, as its other functions do.

    Nothing else here uses what is private to py-rattler; a test links a package to see that it still holds.
    """
    return [rattler.MatchSpec(text)._match_spec for text in texts]
