"""A folder of the user's or an installed package of the same name: which of them Python finds when it runs a script."""

from __future__ import annotations

import os

from python_package.analyze.finder import Finder, Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


_BELOW = "Python does not look above the script's folder, unless the script is run with -m"


class Precedence:
    """What the default python3 has installed, asked for only where a folder of the user's has a package's name."""

    def __init__(self, python: str = "python3") -> None:
        """Prepare for the interpreter that is started with `python`."""
        self._python = python
        self._paths: Sequence[str] | None = None
        self._finder = Finder()
        self._known: dict[str, bool] = {}

    def hidden(self, name: str, place: Place, *, searched: bool) -> str:
        """Return why Python finds the package of a name instead of a local folder; '' where it finds the folder.

        `searched` tells whether the folder's parent is on sys.path when the script runs.
        """
        found = self._installed(name)
        if found is not None:
            if _real(found) == _real(place):
                return ""  # what is edited in place
            return f"your python3 has it, and {'it comes before a folder without __init__.py' if searched else _BELOW}"
        return _BELOW if not searched and place.file is None and self._is_known(name) else ""

    def _installed(self, name: str) -> Place | None:
        """Return the package or module, no namespace package, that the interpreter imports by a name."""
        if self._paths is None:
            from python_package.import_names.installed import import_path  # it takes longer than most scripts

            self._paths = import_path(self._python)
        for path in self._paths:
            place = self._finder.find(path, name)
            if place is not None and place.file is not None:
                return place
        return None

    def _is_known(self, name: str) -> bool:
        """Tell whether create would take a package for a name that nothing is installed for."""
        if name not in self._known:
            from python_package import import_names

            self._known[name] = any(answer.package is not None for answer in import_names.answers([name]))
        return self._known[name]


def _real(place: Place) -> str:
    return os.path.realpath(place.folder or place.file or "")
