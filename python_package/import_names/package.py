"""A package as users and tables write it, and as channels and PyPI are asked for it."""

from __future__ import annotations

from python_package.errors import UsageError
from python_package.spec import canonical, is_package
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from python_package.import_names.table import Table

_KINDS = ("conda:", "pypi:")


class Package(Value):
    """What provides an import.

    `pypi` is the project's canonical name, empty where PyPI has none or must not be asked; `conda` are the names that
    a channel may know its package by, the likeliest first, none where no channel may be asked; `version` is a
    constraint on either (`<82`) or empty, and `extras` is for PyPI alone (`[socks]`) or empty. `why` says who said so,
    `note` what the user must be told, and `assumed` that nobody vouches for it. `origin` is the URL that the user's
    own interpreter has it from, when that is no index: an editable or local project. `absent` is an optional module
    that nothing is known to provide, so that it is to be left out. `channel` is the only one that may
    provide it, or empty.
    """

    module: str
    pypi: str
    conda: tuple[str, ...]
    version: str
    why: str
    note: str = ""
    assumed: bool = False
    origin: str = ""
    extras: str = ""
    absent: bool = False
    channel: str = ""


class Provider(Value):
    """A package as it is written: `name[extras]version`.

    `only` is "conda:" or "pypi:" for what just one may have, "conda:CHANNEL::" for what just that channel may.
    """

    name: str
    extras: str = ""
    version: str = ""
    only: str = ""

    def __str__(self) -> str:
        return f"{self.only}{self.name}{self.extras}{self.version}"

    def package(
        self, module: str, known: Table, why: str, note: str = "", *, assumed: bool = False, origin: str = ""
    ) -> Package:
        """Return the package that provides a module."""
        project = canonical(self.name)
        if self.only.startswith("conda:"):
            project, conda = "", [self.name]
        else:
            conda = [] if self.only else [*known.conda(project)[:-1], self.name.lower(), project]
        names = tuple(dict.fromkeys(conda))
        channel = self.only.removeprefix("conda:").removesuffix("::") if project == "" else ""
        return Package(module, project, names, self.version, why, note, assumed, origin, self.extras, channel=channel)


def parse(text: str) -> Provider:
    """Read a package that is known to be well-formed, such as a table's."""
    only = _kind(text)
    rest = text[len(only) :]
    end = next((at for at, letter in enumerate(rest) if letter in "[<>=!~ "), len(rest))
    extras, bracket, version = rest[end:].rpartition("]")
    return Provider(rest[:end], extras + bracket, version, only)


def _kind(text: str) -> str:
    kind = next((kind for kind in _KINDS if text.startswith(kind)), "")
    channel, separator, _ = text.rpartition("::") if kind == "conda:" else ("", "", "")
    return channel + separator or kind


def checked(text: str, where: str) -> Provider:
    """Read a package that a user wrote, at the place that the message names; raise UsageError when it is none."""
    from packaging.requirements import InvalidRequirement, Requirement

    only = _kind(text)
    try:
        wanted = Requirement(text[len(only) :])
    except InvalidRequirement:
        if only.startswith("conda:") and is_package(text) and "[" not in text:
            return parse(text)  # its version is one that only Conda has, such as 1.1.1w
        wanted = None
    if wanted is None or wanted.url or wanted.marker or (wanted.extras and only.startswith("conda:")):
        raise UsageError(f"{where}: {text!r} is not the name of a package")
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    return Provider(wanted.name, extras, str(wanted.specifier), only)
