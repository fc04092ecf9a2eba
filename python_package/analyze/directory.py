"""A directory -> the Python files in it that are the user's own, their imports, and which its own modules answer."""

from __future__ import annotations

import os
from dataclasses import dataclass

from python_package.analyze.finder import installed_name, package_root
from python_package.analyze.reading import read_files
from python_package.analyze.trace import Tracer
from python_package.analyze.values import SCRIPT, Module, Use
from python_package.stdlib import FIXED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from python_package.analyze.finder import Precedence
    from python_package.analyze.metadata import Declared
    from python_package.analyze.values import Import, Scope


class DirectoryTracer(Tracer):
    """A Tracer of every file of a directory, whether another one imports it or not.

    A module is looked for in the folder of the file that imports it, beside the outermost package that this file is
    in, and in the directory's roots. What is wrong with a file, which may be a template or for Python 2, is a remark.
    """

    def __init__(
        self,
        name: str,
        path: str,
        found: Directory,
        standard: Callable[[], frozenset[str]],
        precedence: Precedence | None = None,
    ) -> None:
        """Prepare for the directory at `path`, called `name` in messages."""
        super().__init__(name, path, standard, precedence)
        self._package_root = None  # a directory's roots are searched
        self._strict = False
        self._installed = installed_name(path) is not None
        self.remarks += found.remarks
        self._roots = [os.path.normpath(os.path.join(path, root)) for root in found.roots]
        self._files = [(os.path.join(path, file), os.path.normpath(os.path.join(name, file))) for file in found.files]
        self._own = {file for file, _ in self._files}
        self._relative_users: set[str] = set()
        self._near: dict[str, list[str]] = {}
        self._verdicts: dict[tuple[object, ...], bool] = {}

    def trace_all(self, scope: Scope | None = None) -> None:
        """Read every file, each within a scope, and what they reach outside the directory."""
        readings = read_files(self._files, scope)
        self.in_scope = scope is None or any(reading.in_scope for reading in readings)
        for (path, _), reading in zip(self._files, readings, strict=True):
            self.remarks += reading.remarks
            self.metadata += [] if reading.metadata is None else [reading.metadata]
            self._lines[path] = reading.lines
            self._modules[path] = Module((), (), (), ())
            self._take_written(reading.written, path)
            self._search(reading.module.folders, os.path.dirname(path))
            if any(found.level > 0 for found in reading.module.imports):
                self._relative_users.add(path)
        if not self._installed:
            self.local += [path for path in sorted(self._own) if path.endswith(".py")]
        for (path, _), reading in zip(self._files, readings, strict=True):
            folder = os.path.dirname(path)
            for found in reading.module.imports:
                if not self._is_own(path, folder, found):
                    self._fresh.append(Use(path, found))
        self._follow()

    def required(self) -> list[tuple[str, str]]:
        """Return nothing: one file does not decide for all of a directory."""
        return []

    def declared(self, version: str) -> Iterator[Declared]:
        """Yield what the metadata of the files asks for; that one asks for another Python is a remark."""
        if self.metadata:
            from python_package.host_python.on_path import fits  # few directories need it

        for metadata in self.metadata:
            where, wanted = metadata.python or ("", "")
            if not fits(version, wanted):
                self.remarks.append(f"{where}: the script requires Python {wanted}, which {version} is not")
            yield metadata.declared(version)

    def _is_own(self, path: str, folder: str, found: Import) -> bool:
        """Tell whether a file of the directory surely answers an import, so that nothing is left to follow."""
        name, level = found.name, found.level
        if level == SCRIPT or self._installed:
            return False  # it is for the tracer to say what that is
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return folder == self._path or folder.startswith(self._path + os.sep)
        top = name.partition(".")[0]
        # The verdict is the same for all files of a folder that may look into it, but for a module of the same name.
        key = (folder, top, path in self._relative_users, path.endswith(f"{os.sep}{top}.py"))
        if key not in self._verdicts:
            self._verdicts[key] = top not in FIXED and self._find_own(path, top)
        return self._verdicts[key]

    def _find_own(self, path: str, top: str) -> bool:
        for root in self._roots_of(path, top):
            place = self._finder.find(root, top)
            if place is not None and place.file is not None:
                if place.file in self._own:
                    self._note(top, place)
                    return True
                return False
        return False

    def _roots_of(self, path: str, name: str) -> list[str]:
        folder = os.path.dirname(path)
        if folder not in self._near:
            root = package_root(folder)
            self._near[folder] = [] if root is None else [root]
        near = self._near[folder]
        # A file in a package that imports relatively is none to be run as a script, and one that is called redis.py
        # means another module by `import redis`.
        own = [folder]
        if near and (path in self._relative_users or os.path.basename(path) == f"{name}.py"):
            own = []
        return [*own, *near, *self._roots]

    def _scripts(self) -> Iterable[str]:
        return self._own

    def _home(self, path: str) -> str:
        return os.path.dirname(path)


SUFFIXES = (".py", ".ipynb")

# What is installed or made, never the user's own source, wherever it is.
_MADE = {"__pycache__", "__pypackages__", "node_modules", "site-packages"}
# What is made unless it is a package: pip has one that is called build.
_MADE_UNLESS_PACKAGE = {"build", "dist", "_build", "buck-out"}
_METADATA = (".egg-info", ".dist-info", ".egg")
# What only an environment has in it.
_ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}
# What the folder of a project has in it.
_PROJECT = {"pyproject.toml", "setup.py", "setup.cfg"}


@dataclass(frozen=True)
class Directory:
    """The files of a directory, as paths within it, in order; `roots` are where its modules are imported from."""

    files: tuple[str, ...]
    roots: tuple[str, ...]
    remarks: tuple[str, ...]


def look_into(directory: str, name: str) -> Directory:
    """Return what a directory, which messages call `name`, has; one that is named is looked into whatever it is.

    Of links to folders only those to packages are followed, and each place once. Its own modules are imported from
    it, from each project's folder in it, and from `src` in those.
    """
    files: list[str] = []
    roots = ["", "src"]
    remarks = []
    linked = {directory}
    stack = [""]
    while stack:
        inner = stack.pop()
        try:
            with os.scandir(os.path.join(directory, inner)) as listing:
                entries = {entry.name: entry for entry in listing}
        except OSError as error:
            remarks.append(f"{os.path.join(name, inner)}: {error.strerror}; what is in it is not listed")
            continue
        if inner and (not _ENVIRONMENT.isdisjoint(entries) or _is_made(inner, "__init__.py" in entries)):
            continue
        if inner and not _PROJECT.isdisjoint(entries):
            roots += [inner, os.path.join(inner, "src")]
        for entry in sorted(entries):
            if entry.startswith("."):
                continue
            if entry.endswith(SUFFIXES) and _is_file(entries[entry]):
                files.append(os.path.join(inner, entry))
            elif entry not in _MADE and _is_folder(entries[entry], linked):
                stack.append(os.path.join(inner, entry))
    return Directory(tuple(sorted(files)), tuple(roots), tuple(remarks))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link in a circle
        return False


def _is_folder(entry: os.DirEntry[str], linked: set[str]) -> bool:
    """Tell whether an entry is a folder to look into; `linked` has what no link leads to any more."""
    if entry.is_dir(follow_symlinks=False):
        return True
    if not os.path.isfile(os.path.join(entry.path, "__init__.py")):
        return False
    path = os.path.realpath(entry.path)
    inside = any(path == known or path.startswith(known + os.sep) for known in linked)
    linked.add(path)
    return not inside


def _is_made(inner: str, package: bool) -> bool:
    last = os.path.basename(inner)
    return last.endswith(_METADATA) or (last in _MADE_UNLESS_PACKAGE and not package)
