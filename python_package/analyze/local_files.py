"""The local files that imports reach, each read once, and what messages call them."""

from __future__ import annotations

import os

from python_package.analyze.finder import Finder, Place
from python_package.analyze.values import REQUIRED, Lines, Module, Use
from python_package.errors import BoundError, NotPythonError, ScriptNotFoundError

# Compiled modules, and archives that run as scripts do.
_OPAQUE = (".so", ".pyc", ".zip", ".pyz", ".pyzw", ".egg", ".whl")


class Files:
    """The files of a script, and what has been read of each.

    `local` are those that imports reach, `remarks` what the user should know, a line each, and `places` the folders
    and files of the local modules of the top level, by name.
    """

    def __init__(self, name: str, path: str) -> None:
        """Prepare for the script at `path`, called `name` in messages."""
        self.local: list[str] = []
        self.places: dict[str, list[str]] = {}
        self.remarks: list[str] = []
        self._name, self._path = name, path
        self._strict = True  # what is broken ends the analysis if it is required
        self._finder = Finder()
        self._modules: dict[str, Module] = {}
        self._lines: dict[str, Lines] = {}
        self._reached: dict[str, Use] = {}
        self._broken: dict[str, Exception] = {}
        # The files that each file imports whenever it is imported itself.
        self._needs: dict[str, set[str]] = {}

    def _read(self, source: bytes, path: str, name: str) -> None:
        """Take what the source of a local file says; messages call it `name`."""
        raise NotImplementedError

    def _note(self, name: str, place: Place) -> None:
        path = place.folder or place.file
        if path is None or path in (self._path, *self.places.get(name, ())):
            return
        if self._finder.is_there(path):
            self.places.setdefault(name, []).append(path)

    def _open_reached(self) -> None:
        while self._reached:
            self._open(*self._reached.popitem())

    def _open(self, path: str, use: Use) -> None:
        """Read a local file that an import has reached.

        One that cannot be read or is not Python ends the analysis when the import is required; else it is a remark.
        """
        try:
            try:
                name, source = self._finder.source(path, self.display(path))
            except OSError as error:
                raise ScriptNotFoundError(
                    f"{self.display(path)}: {error.strerror}; {self.where(use)} imports it"
                ) from None
            self._read(source, path, name)
        except (ScriptNotFoundError, NotPythonError, BoundError) as error:
            lenient = isinstance(error, BoundError) or not self._strict or self._finder.will_write(path)
            if use.found.kind == REQUIRED and not lenient:
                raise
            if not lenient:
                self._broken[path] = error
            self.remarks.append(f"{error}; what it imports is not listed")

    def _reach(self, place: Place, use: Use) -> None:
        path, required = place.file, use.found.kind == REQUIRED
        if path is not None and use.found.always:
            self._needs.setdefault(use.file, set()).add(path)
        if path is None or path == self._path:
            return
        if path in self._broken and required:
            raise self._broken[path]
        if path in self._modules:
            if path in self._reached and required:
                self._reached[path] = use  # whether it may be broken is for the import that needs it to say
            return
        if self._finder.is_there(path):
            self.local.append(path)
        self._modules[path] = Module((), (), (), ())
        if not path.endswith(_OPAQUE):
            self._reached[path] = use
        else:
            form = "compiled" if path.endswith((".so", ".pyc")) else "an archive"
            self.remarks.append(f"{self.display(path)}: {form}, so what it imports is not listed")

    def where(self, use: Use) -> str:
        """Return what messages call the place of an import."""
        return (self._lines.get(use.file) or Lines(self.display(use.file))).at(use.found.line)

    def display(self, path: str) -> str:
        """Return what messages call a file: the script as it was given, others as seen from here."""
        if path == self._path:
            return self._name
        seen = os.path.relpath(path)
        return path if seen.startswith("..") else seen
