"""A name -> the local module or installed package that Python finds by it."""

from __future__ import annotations

import os

from python_package.files import bounds
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Place(Value):
    """Where a module is: its file, and its folder when it is a package; a namespace package has no file."""

    file: str | None
    folder: str | None


class Finder:
    """Looks modules up in folders; each folder is listed once."""

    def __init__(self) -> None:
        self._listings: dict[str, frozenset[str]] = {}
        self._stems: dict[str, frozenset[str]] = {}
        self._places: dict[tuple[str, str], Place | None] = {}
        # What a notebook will write: the entries of each folder, and each file, as `add` is given it.
        self._coming: dict[str, set[str]] = {}
        self._written: dict[str, tuple[str, str, bool]] = {}

    def add(self, path: str, name: str, text: str, added: bool) -> None:
        """Count with a file that a notebook, by a cell that messages call `name`, writes or adds to."""
        self._written[path] = name, text, added
        while path not in ("", os.path.dirname(path)):
            folder, entry = os.path.split(path)
            self._coming.setdefault(folder, set()).add(entry)
            path = folder
        for cache in (self._listings, self._stems, self._places):
            cache.clear()

    def is_file(self, path: str) -> bool:
        """Tell whether a path is a file, or will be one."""
        return path in self._written or os.path.isfile(path)

    def will_write(self, path: str) -> bool:
        """Tell whether a file is one that a notebook writes."""
        return path in self._written

    def is_there(self, path: str) -> bool:
        """Tell whether a place that was found is on the disk now; what a notebook will write need not travel."""
        return not self._written or os.path.exists(path)

    def source(self, path: str, name: str) -> tuple[str, bytes]:
        """Return what messages call a file, else `name`, and its bytes: as a notebook writes it, if one does."""
        if path not in self._written:
            return name, bounds.read(path, name, bounds.SCRIPT)
        name, text, added = self._written[path]
        before = bounds.read(path, name, bounds.SCRIPT) if added and os.path.exists(path) else b""
        return name, before + text.encode(errors="replace")

    def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder, or will be one."""
        return path in self._coming or os.path.isdir(path)

    def find(self, folder: str, name: str) -> Place | None:
        """Return the module `name` (no dots) of a folder, None when it has none.

        A package comes before a module, a module before a namespace package (PEP 420). Where source and compiled
        code lie side by side the source is returned, since only that can be followed.
        """
        if (folder, name) not in self._places:
            self._places[folder, name] = self._find(folder, name)
        return self._places[folder, name]

    def _find(self, folder: str, name: str) -> Place | None:
        entries = self._list(folder)
        path = os.path.join(folder, name)
        if name in entries:
            file = self._file(path, "__init__")
            if file is not None:
                return Place(file, path)
        file = self._file(folder, name)
        if file is not None:
            return Place(file, None)
        return Place(None, path) if name in entries and self.is_folder(path) else None

    def package_file(self, folder: str) -> str | None:
        """Return the `__init__` file that makes a folder a regular package."""
        return self._file(folder, "__init__")

    def _file(self, folder: str, stem: str) -> str | None:
        entries = self._list(folder)
        if stem + ".py" in entries and self.is_file(os.path.join(folder, stem + ".py")):
            return os.path.join(folder, stem + ".py")
        if folder not in self._stems:
            self._stems[folder] = frozenset(entry.partition(".")[0] for entry in entries)
        if stem.partition(".")[0] not in self._stems[folder]:
            return None
        compiled = (e for e in sorted(entries) if e.startswith(stem + ".") and _is_compiled(e[len(stem) :]))
        return next((os.path.join(folder, entry) for entry in compiled), None)

    def _list(self, folder: str) -> frozenset[str]:
        if folder not in self._listings:
            try:
                listing = os.listdir(folder)
            except (OSError, ValueError):  # no folder, not ours to read, a NUL: Python finds nothing there either
                listing = []
            self._listings[folder] = frozenset(listing).union(self._coming.get(folder, ()))
        return self._listings[folder]


def _is_compiled(suffix: str) -> bool:
    """Tell whether CPython imports a file that ends in this after its module's name."""
    tagged = suffix.startswith(".cpython-") and suffix.endswith(".so") and suffix.count(".") == 2
    return tagged or suffix in (".so", ".abi3.so", ".pyc")


def package_root(folder: str) -> str | None:
    """Return the folder that holds the outermost package which `folder` is or is in, None outside packages."""
    root = None
    while os.path.isfile(os.path.join(folder, "__init__.py")) and folder != os.path.dirname(folder):
        folder = root = os.path.dirname(folder)
    return root


def enclosing(name: str, folder: str) -> list[Place]:
    """Return the folders of a name which a folder is in: namespace packages to whoever imports them."""
    places = []
    while folder != os.path.dirname(folder):
        if os.path.basename(folder) == name and installed_name(folder) is None:
            places.append(Place(None, folder))
        folder = os.path.dirname(folder)
    return places


def is_installed(folder: str) -> bool:
    """Tell whether a folder is one that installers fill, so that what is in it is no module of the user's own."""
    return os.path.basename(folder) in ("site-packages", "dist-packages")


def installed_name(path: str) -> str | None:
    """Return the dotted name by which Python imports a file or folder of an installed package, None for any other."""
    site = site_of(path)
    return None if site is None else dotted_name(os.path.relpath(path, site))


def site_of(path: str) -> str | None:
    """Return the folder that installers fill which a path is, or is in; None if there is none."""
    parts = path.split(os.sep)
    ends = [at + 1 for at, part in enumerate(parts) if is_installed(part)]
    if not ends:
        return None
    end = ends[-1]
    return os.sep.join(parts[: end + 1 if parts[end:] and parts[end].endswith(".egg") else end])


def dotted_name(inner: str) -> str:
    """Return the dotted name of a file or folder by its path below a folder of Python's path; "" of that itself."""
    *above, last = inner.split(os.sep)
    stems = [*above, last.partition(".")[0]]
    return ".".join(stems[:-1] if stems[-1] == "__init__" else stems)


_BELOW = "Python does not look above the script's folder, unless the script is run with -m"


class Precedence:
    """What the default python3 has installed, asked for only where a folder of the user's has a package's name."""

    def __init__(self, python: str = "python3", *, taking: bool = False) -> None:
        """Prepare for the interpreter that is started with `python`.

        `taking` tells whether what it has of no distribution is to be taken along with the user's own modules.
        """
        self._python = python
        self._taking = taking
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

    def unowned(self, names: Sequence[str]) -> dict[str, Place]:
        """Return where those of some top-level modules lie that are of no distribution, if they are to be taken."""
        if not (names and self._taking):
            return {}
        from python_package.import_names.installed import find

        found = {name: owners[0] for name, owners in find(names, self._search_path()).items()}
        places = {
            name: self._finder.find(owner.folder, name)
            for name, owner in found.items()
            if not owner.name and not _is_standard(owner.folder)
        }
        return {name: place for name, place in places.items() if place is not None}

    def _search_path(self) -> Sequence[str]:
        if self._paths is None:
            from python_package.import_names.users_python import import_path  # it takes longer than most scripts

            self._paths = import_path(self._python)
        return self._paths

    def _installed(self, name: str) -> Place | None:
        """Return the package or module, no namespace package, that the interpreter imports by a name."""
        for path in self._search_path():
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


def _is_standard(folder: str) -> bool:
    """Tell whether a folder is one of the standard library's own."""
    return os.path.basename(folder) == "lib-dynload" or os.path.exists(os.path.join(folder, "os.py"))


def _real(place: Place) -> str:
    return os.path.realpath(place.folder or place.file or "")
