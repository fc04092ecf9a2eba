"""Imports -> the local files that answer them, found from the script's folder as Python finds them."""

from __future__ import annotations

import os

from python_package.analyze.finder import Place, Precedence, enclosing, installed_name, is_installed, package_root
from python_package.analyze.listing import surely_imported
from python_package.analyze.local_modules import Files
from python_package.analyze.reading import read
from python_package.analyze.values import CONDITIONAL, REQUIRED, SCRIPT, Import, Use
from python_package.stdlib import FIXED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from python_package.analyze.metadata import Declared, Metadata
    from python_package.analyze.values import Scope


class Tracer(Files):
    """Follows the imports of a script through the local files that they reach.

    `uses` are the imports that no local file answers, `metadata` what the script says about itself. `in_scope` tells
    whether it has the function that was asked for, `installed` whether it is one of a package's own, which is not read.
    """

    def __init__(
        self, name: str, path: str, standard: Callable[[], frozenset[str]], precedence: Precedence | None = None
    ) -> None:
        """Prepare for the script at `path`, called `name` in messages.

        `standard` gives the names of the standard library; it is called, and `precedence` asked, only if an answer
        depends on them.
        """
        super().__init__(name, path)
        self.uses: list[Use] = []
        self.metadata: list[Metadata] = []
        self.in_scope = True
        self._standard = standard
        self._precedence = precedence or Precedence()
        self._folder = os.path.dirname(path)
        # A script inside a package may name that package, though only `python -m` lets it find it.
        self._package_root = package_root(self._folder)
        self._as_module = os.path.basename(path) == "__main__.py"
        roots = (self._folder, self._package_root)
        self._roots = [folder for folder in roots if folder is not None and not is_installed(folder)]
        self._fresh: list[Use] = []
        self._namespaces: set[str] = set()
        self._hidden: dict[tuple[str, Place, bool], str] = {}
        # What the interpreter has of no distribution, by name, and which names were looked for.
        self._unowned: dict[str, Place] = {}
        self._sought: set[str] = set()
        self.installed = False

    def trace(self, source: bytes, scope: Scope | None = None) -> None:
        """Read the script, within a scope, and every local file that it reaches.

        Raises NotPythonError for one that is not Python, InvalidScriptError for metadata that cannot be honoured.
        """
        self._read(source, self._path, self._name, scope)
        self._follow()

    def name_installed(self, found: Import) -> None:
        """List the installed package that the script is of, by an import of the script, in the place of reading it."""
        self.installed = True
        self.uses.append(Use(self._path, found))
        top = found.name.partition(".")[0]
        self.remarks.append(
            f"{self._name} is part of an installed package: {top} is listed, and the script is not read"
        )

    def required(self) -> list[tuple[str, str]]:
        """Return the versions of Python that the metadata asks for, each with where it says so."""
        return [metadata.python for metadata in self.metadata if metadata.python is not None]

    def declared(self, version: str) -> Iterator[Declared]:
        """Yield what the metadata asks for."""
        for metadata in self.metadata:
            yield metadata.declared(version)

    def _follow(self) -> None:
        """Answer the imports that are fresh, and those of every local file that they reach."""
        searched = 0
        while self._fresh or len(self._roots) > searched or self._take_unowned():
            if len(self._roots) > searched:
                # A file has put a folder on sys.path: it may answer what was not found before.
                self._fresh, self.uses = self.uses + self._fresh, []
            searched = len(self._roots)
            pending, self._fresh = self._fresh, []
            for use in pending:
                if not self._answer(use):
                    self.uses.append(use)
            self._open_reached()
        # A bare `import data` means a folder without __init__.py only where its modules are imported as well.
        bare = ((), ("*",))
        uses = [use for use in self.uses if use.found.name not in self._namespaces or use.found.names not in bare]
        sure = surely_imported(self._scripts(), self._needs)
        self.uses = [use if use.file in sure else use.replace(found=use.found.replace(always=False)) for use in uses]

    def _take_unowned(self) -> bool:
        """Take what the interpreter has of no distribution for local; tell whether that may answer some imports."""
        tops = {use.found.name.partition(".")[0] for use in self.uses} - self._sought
        if not tops:
            return False
        self._sought |= tops
        taken = self._precedence.unowned(sorted(tops - self._standard() - FIXED))
        if taken:
            self._unowned |= taken
            self.remarks.append(f"{', '.join(taken)}: in your python3 without a distribution, and so taken as local")
            self._fresh = [use for use in self.uses if use.found.name.partition(".")[0] in taken]
            self.uses = [use for use in self.uses if use.found.name.partition(".")[0] not in taken]
        return bool(taken)

    def _scripts(self) -> Iterable[str]:
        """Return the files that are run by themselves."""
        return (self._path,)

    def _read(self, source: bytes, path: str, name: str, scope: Scope | None = None) -> None:
        """Take the imports of a source, and the folders that it puts on sys.path."""
        reading = read(source, path, name, script=path == self._path, scope=scope)
        module = reading.module
        self._modules[path] = module
        self._lines[path] = reading.lines
        self.remarks += reading.remarks
        self.in_scope &= reading.in_scope
        self.metadata += [] if reading.metadata is None else [reading.metadata]
        if path == self._path and any(found.level > 0 and found.always for found in module.imports):
            self._as_module = True  # run by its path, it would fail
            if self._package_root is not None:
                self._roots = [root for root in self._roots if root != self._folder]
        self._take_written(reading.written, path)
        self._search(module.folders, self._home(path))
        self._fresh += [Use(path, found) for found in module.imports]

    def _take_written(self, written: Iterable[tuple[str, str, str, bool]], path: str) -> None:
        """Take the modules that a notebook writes: they are local, and what they import counts."""
        for inner, name, text, added in written:
            module = os.path.normpath(os.path.join(self._home(path), inner))
            self._finder.add(module, name, text, added)
            self._fresh.append(Use(path, Import(module, (), SCRIPT, 1, CONDITIONAL)))

    def _search(self, folders: Iterable[tuple[str, bool]], home: str) -> None:
        """Take folders that a file has put on sys.path; relative ones are of the current directory, or of `home`."""
        for folder, front in folders:
            for base in (home, os.getcwd()):
                path_entry = os.path.normpath(os.path.join(base, folder))
                if self._finder.is_folder(path_entry):
                    if path_entry not in self._roots and not is_installed(path_entry):
                        self._roots.insert(0 if front else len(self._roots), path_entry)
                    break

    def _answer(self, use: Use) -> bool:
        """Follow an import into local files; tell whether there are any that answer it."""
        found = use.found
        if found.level == SCRIPT:
            self._run(use)
            return True
        parts = found.name.split(".") if found.name else []
        if found.level:
            self._relative(found.level, parts, use)
            return True
        top, rest = parts[0], parts[1:]
        if top in FIXED:
            return False
        namespaces = []
        for root in self._roots_of(use.file, top):
            place = self._finder.find(root, top)
            searched = root != self._package_root or self._as_module
            if place is not None and place.file is not None and (searched or not self._is_beaten(top, place, use)):
                return self._follow_into(top, place, rest, use)
            if place is not None and place.file is None:
                namespaces.append((place, searched))
        namespaces += [(place, self._as_module) for place in enclosing(top, self._home(use.file))]
        for place, searched in namespaces:
            wanted = rest[:1] or found.names
            if any(self._finder.find(place.folder or "", part) for part in wanted) and top not in self._standard():
                if self._is_beaten(top, place, use, searched=searched):
                    return False
                self._namespaces.add(top)
                return self._follow_into(top, place, rest, use)
        return top in self._unowned and self._follow_into(top, self._unowned[top], rest, use)

    def _follow_into(self, top: str, place: Place, rest: list[str], use: Use) -> bool:
        """Follow an import into the local module that answers it, or name the installed package that this is of."""
        if (place.file, place.folder) == (use.file, None) and use.file == self._path:
            self.remarks.append(f"{self.where(use)}: {top} is this script itself; rename it to import a package")
        if not self._name_installed(place.folder or place.file or "", rest, use):
            self._note(top, place)
            self._walk(place, rest, use)
        return True

    def _name_installed(self, path: str, rest: list[str], use: Use) -> bool:
        """List the module at a path by its full name if it is of an installed package, which is not followed."""
        name = None if self._is_unowned(path) else installed_name(path)
        if name is not None and all(map(str.isidentifier, name.split("."))):
            found = use.found.replace(name=".".join([name, *rest]), level=0)
            self.uses.append(use.replace(found=found))
        return name is not None

    def _is_unowned(self, path: str) -> bool:
        places = (place.folder or place.file or "" for place in self._unowned.values())
        return any(path == place or path.startswith(place + os.sep) for place in places)

    def _is_beaten(self, top: str, place: Place, use: Use, *, searched: bool = False) -> bool:
        """Tell whether Python finds an installed package instead of a local folder; a remark says why, once."""
        key = (top, place, searched)
        if key not in self._hidden:
            why = self._hidden[key] = self._precedence.hidden(top, place, searched=searched)
            if why:
                where = self.where(use)
                path = place.folder or place.file or ""
                seen = path if path == os.getcwd() else os.path.join(os.curdir, self.display(path))
                self.remarks.append(f"{where}: {top} is the package of that name, not {seen}: {why}")
        return self._hidden[key] != ""

    def _run(self, use: Use) -> None:
        """Reach a script that is run by its path, relative to the current directory or to the script's own."""
        for base in (self._home(use.file), os.getcwd()):
            path = os.path.normpath(os.path.join(base, use.found.name))
            if self._finder.is_folder(path):
                # As `python3 FOLDER` does.
                self._search([(path, True)], base)
                path = os.path.join(path, "__main__.py")
            if self._finder.is_file(path):
                if not self._name_installed(path, [], use):
                    self._reach(Place(path, None), use)
                return
        if use.found.kind == REQUIRED:
            self.remarks.append(f"{self.where(use)}: no local file is {use.found.name}")

    def _relative(self, level: int, parts: list[str], use: Use) -> None:
        folder = inner = os.path.dirname(use.file)
        for _ in range(level - 1):
            folder = os.path.dirname(folder)
        if self._name_installed(folder, parts, use):
            return
        outermost = None
        # The packages that the file is in are imported before it.
        while file := self._finder.package_file(inner):
            self._reach(Place(file, inner), use)
            outermost = Place(file, inner)
            inner = os.path.dirname(inner)
        if outermost is not None:
            self._note(os.path.basename(outermost.folder or ""), outermost)
        self._walk(Place(self._finder.package_file(folder), folder), parts, use)

    def _roots_of(self, path: str, name: str) -> list[str]:  # noqa: ARG002
        """Return where a file's import of a name is looked for."""
        return self._roots

    def _home(self, path: str) -> str:  # noqa: ARG002
        """Return the folder of the script that a file is of."""
        return self._folder

    def _walk(self, place: Place, parts: list[str], use: Use) -> None:
        """Reach a module, its submodule by the dotted `parts`, and the submodules that `from` takes out of that."""
        self._reach(place, use)
        for part in parts:
            inner = self._finder.find(place.folder, part) if place.folder else None
            if inner is None:
                if use.found.kind == REQUIRED:
                    self.remarks.append(
                        f"{self.where(use)}: no local module answers {'.' * use.found.level}{use.found.name}"
                    )
                return
            self._reach(inner, use)
            place = inner
        if place.folder is None:
            return
        for name in self._taken(place, use.found.names):
            inner = self._finder.find(place.folder, name)
            if inner is not None:
                self._reach(inner, use)

    def _taken(self, package: Place, names: tuple[str, ...]) -> Iterable[str]:
        """Return the names that `from package import` takes; a star takes those of a literal `__all__`."""
        if "*" not in names or package.file is None:
            return names
        self._open_reached()
        module = self._modules.get(package.file)
        return module.exports if module else ()
