"""The user's own modules: those that imports reach, each read once, and where they lie, so that they can travel."""

from __future__ import annotations

import os

from python_package.analyze.finder import Finder, Place, installed_name
from python_package.analyze.values import REQUIRED, Lines, Module, Use
from python_package.errors import BoundError, NotPythonError, ScriptNotFoundError
from python_package.stdlib import standard_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from python_package.analyze.values import Analysis

# Compiled modules, and archives that run as scripts do.
_OPAQUE = (".so", ".pyc", ".zip", ".pyz", ".pyzw", ".egg", ".whl")
_NAMED = 8  # modules that one line names
# What lies beside a project's modules to build and test it.
_TOOLS = {"conftest", "setup"}


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


def remark_on(analysis: Analysis) -> str:
    """Return the line that tells of local modules where nobody asked to record them."""
    names = [name for name, _ in analysis.places]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"local modules, which the dependency file does not record (--local does): {', '.join(names[:_NAMED])}{more}"


def recorded(analysis: Analysis) -> Analysis:
    """Return an analysis that records its local modules, and the scripts as far as `python3 -m` can run them.

    A package, with or without `__init__`, is recorded as its folder, any other module as its file. A remark tells of
    what cannot be recorded.
    """
    local: dict[str, str] = {}
    remarks = []
    for name, path in _modules(analysis):
        if local.setdefault(name, path) != path:
            remarks.append(f"{name}: not recorded: {path} has the name of {local[name]}; rename one")
    others = {name.partition(".")[0] for name in analysis.spec.modules} | standard_library(analysis.version)
    for name, path in (program for script in analysis.scripts for program in _programs(script)):
        if installed_name(path) is not None:
            remarks.append(f"{name}: not recorded: {path} is among installed packages")
        elif name in others or local.setdefault(name, path) != path:
            remarks.append(f"{name}: not recorded: {path} has the name of another module; rename it for python3 -m")
    if not remarks and not any(map(os.path.isdir, analysis.scripts)):
        remarks += [
            f"not recorded: {path}, which only its path or a relative import outside of any package reaches"
            for path in analysis.local
            if not any(path == place or path.startswith(place + os.sep) for place in local.values())
        ]
    spec = analysis.spec.replace(local=tuple(sorted(local.items())))
    return analysis.replace(spec=spec, remarks=(*analysis.remarks, *remarks))


def _modules(analysis: Analysis) -> Iterator[tuple[str, str]]:
    for name, paths in analysis.places:
        if len(paths) > 1 and all(map(_is_bare, paths)):
            for path in paths:  # the portions of a namespace
                yield from ((f"{name}.{inner}", place) for inner, place in _inside(path))
        else:
            yield from ((name, path) for path in paths)


def _programs(script: str) -> Sequence[tuple[str, str]]:
    """Return the modules that a script is, or a directory's own files, and packages that can be run."""
    if os.path.isdir(script):
        return [
            (name, path)
            for name, path in _inside(script)
            if name not in _TOOLS and (os.path.isfile(path) or os.path.isfile(os.path.join(path, "__main__.py")))
        ]
    stem, suffix = os.path.splitext(os.path.basename(script))
    return [(stem, script)] if stem.isidentifier() and suffix in (".py", "") and os.path.isfile(script) else []


def _inside(folder: str) -> Sequence[tuple[str, str]]:
    """Return the modules that a folder may have: Python's files and other folders, by name."""
    found = []
    for entry in sorted(os.listdir(folder)):
        stem, suffix = os.path.splitext(entry)
        path = os.path.join(folder, entry)
        if stem.isidentifier() and entry != "__pycache__" and (suffix == ".py" or (not suffix and os.path.isdir(path))):
            found.append((stem, path))
    return found


def _is_bare(path: str) -> bool:
    return os.path.isdir(path) and not os.path.exists(os.path.join(path, "__init__.py"))
