"""A file's wishes, in the form that all of create understands."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from python_package.errors import InterpreterError, SpecError
from python_package.spec import Spec


@dataclass(frozen=True)
class Given:
    """What a file asks for, and what the user must be told of the rest that it says."""

    spec: Spec
    notes: tuple[str, ...] = ()


def package(text: str, where: str, python: str, *, only: str = "") -> str | None:
    """Return a requirement (PEP 508) as a dependency file writes it; None when its marker says that it is not for us.

    `only` is `pypi:` where no channel may be asked. Raises SpecError for a file or an address.
    """
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        wanted = None
        if not text.startswith((".", "/", "~", "file:", "git+", "http:", "https:")):
            raise SpecError(f"{where}: {text!r} is not a requirement, such as numpy>=1.26") from None
    if wanted is None or wanted.url:
        raise SpecError(
            f"{where}: {text!r} is a file or an address; install it in your python3 and give its name alone here: "
            "what that has from a folder or a repository travels"
        )
    if wanted.marker and not wanted.marker.evaluate(_markers(python)):
        return None
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    return f"{only}{wanted.name}{extras}{wanted.specifier}"


def _markers(python: str) -> dict[str, str]:
    from python_package.channel.interpreter import ask  # its room takes long to import

    try:
        return {**ask(python).markers, "extra": ""}
    except InterpreterError:
        return {"extra": ""}
