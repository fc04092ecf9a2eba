"""Which installed distribution provides a module in the user's own interpreter: metadata is read, nothing imported."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from itertools import product
from pathlib import Path
from urllib.parse import unquote, urlsplit

from python_package.spec import canonical

# What packagers of systems write as the installer; Debian's leave it away.
_SYSTEMS = {"rpm", "dpkg", "debian"}


@dataclass(frozen=True)
class Found:
    """A distribution that provides a module; without a name: the module lies in `folder`, and nothing owns it.

    `origin` is the URL it was installed from when that is no index: a project's folder, a file, a repository
    (`git+https://...@commit`); `editable` tells whether it is used in place. `installer` is who says to have installed
    it (pip, uv, conda ...), empty for what a system's packagers put there.
    """

    name: str
    version: str
    origin: str
    installer: str
    folder: str
    editable: bool = False


def find(modules: Iterable[str], paths: Sequence[str]) -> dict[str, tuple[Found, ...]]:
    """Return the distributions that provide each module on an import path; a module that is not there is left out.

    As in an import, the first folder that has the module decides, and only without any the first that has a folder of
    its name (PEP 420). More than one distribution may own it there: the builds of a project, or those that fill a
    namespace.
    """
    folders = [_Folder(Path(path)) for path in dict.fromkeys(paths) if Path(path).is_dir()]
    found = {}
    for module in modules:
        owners = _owners(module, folders)
        if owners:
            found[module] = tuple(owners)
    return found


def header(distribution: metadata.Distribution, name: str) -> str:
    """Return what the metadata of a distribution says under a name, "" if it says nothing."""
    return str(next(iter(distribution.metadata.get_all(name) or ()), ""))


def named(distributions: Iterable[metadata.Distribution]) -> dict[str, metadata.Distribution]:
    """Return distributions by canonical name, the first of each; one whose metadata has no name is left out."""
    pairs = ((canonical(header(each, "Name")), each) for each in distributions)
    found: dict[str, metadata.Distribution] = {}
    for name, distribution in pairs:
        found.setdefault(name, distribution)
    found.pop("", None)
    return found


def shared(modules: Iterable[str], paths: Sequence[str]) -> frozenset[str]:
    """Return those of some top-level modules that are namespaces without code of their own (PEP 420)."""
    folders = [_Folder(Path(path)) for path in dict.fromkeys(paths) if Path(path).is_dir()]
    own = {module for module in modules if any(folder.place(module, bare=False) for folder in folders)}
    return frozenset(module for module in modules if module not in own and any(f.place(module) for f in folders))


def _owners(module: str, folders: Sequence[_Folder]) -> list[Found]:
    for bare, folder in product((False, True), folders):
        place = folder.place(module, bare=bare)
        if place:
            owners = [owner.found(place) for owner in folder.distributions if owner.owns(module, place)]
            return owners or _edited(module, folders, folder.path) or [_unowned(folder, place)]
    return _edited(module, folders, None)


def _edited(module: str, folders: Sequence[_Folder], folder: Path | None) -> list[Found]:
    """Return the editable distribution whose project a folder is part of, or has a module that no folder shows."""
    for owner in (owner for other in folders for owner in other.distributions):
        project = owner.project
        if project and (project in (folder, *folder.parents) if folder else owner.redirects(module, project)):
            return [owner.found()]
    return []


def _unowned(folder: _Folder, place: str) -> Found:
    """Return the Conda package of files that came without a distribution's metadata, or just where they lie."""
    record = _conda_record(folder.path, place)
    if record:
        return Found(f"conda:{record['name']}", record["version"], "", "conda", str(folder.path))
    return Found("", "", "", "", str(folder.path))


def _conda_record(folder: Path, place: str, version: str = "*") -> dict[str, str] | None:
    """Return the record of the Conda package, of a version, that owns a module which lies at `place` below a folder."""
    prefix = next((parent for parent in folder.parents if (parent / "conda-meta").is_dir()), None)
    if prefix:
        path = (folder / place).relative_to(prefix).as_posix()
        for file in sorted((prefix / "conda-meta").glob(f"*-{version}-*.json")):
            text = file.read_text(encoding="utf-8", errors="replace")
            if f'"{path}/' in text or f'"{path}.' in text:
                record: dict[str, str] = json.loads(text)
                return record
    return None


class _Folder:
    """A folder of an import path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listings: dict[Path, list[str]] = {}

    @cached_property
    def distributions(self) -> list[_Distribution]:
        found = metadata.distributions(path=[str(self.path)])
        return [_Distribution(distribution, self.path) for distribution in found]

    def place(self, module: str, *, bare: bool = True) -> str:
        """Return where a module, or as much of its name as is one, lies below the folder; '' if it does not.

        `bare` lets a folder without `__init__` be one, if any module is in it.
        """
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            place = "/".join(parts[:length])
            is_module = any(
                name.startswith(f"{parts[length - 1]}.") and name.endswith((".py", ".so"))
                for name in self._listed((self.path / place).parent)
            )
            is_package = (self.path / place / "__init__.py").exists()
            if is_module or is_package or (bare and length == len(parts) and self._fills(self.path / place)):
                return place
        return ""

    def _fills(self, folder: Path, depth: int = 4) -> bool:
        """Tell whether a folder holds a module, or folders that do."""
        names = [name for name in self._listed(folder) if not name.startswith((".", "__pycache__"))]
        return any(name.endswith((".py", ".so")) for name in names) or (
            depth > 0 and any(self._fills(folder / name, depth - 1) for name in names if "." not in name)
        )

    def _listed(self, folder: Path) -> list[str]:
        if folder not in self._listings:
            try:
                # pathlib would make an object of each of thousands.
                self._listings[folder] = os.listdir(folder)  # noqa: PTH208
            except OSError:
                self._listings[folder] = []
        return self._listings[folder]


class _Distribution:
    """An installed distribution, read as far as is asked for."""

    def __init__(self, distribution: metadata.Distribution, folder: Path) -> None:
        self._distribution = distribution
        self._folder = folder

    def owns(self, module: str, place: str) -> bool:
        """Tell whether a module that lies at `place` below the folder is the distribution's."""
        if self._files:
            return f"\n{place}/" in self._files or any(
                line.endswith((".py", ".so")) for line in _lines(self._files, f"\n{place}.")
            )
        top = module.partition(".")[0]
        if self._text("namespace_packages.txt"):  # no list of files, and its top level is everyone's
            name = canonical(header(self._distribution, "Name"))
            return canonical(place.replace("/", ".")) == name
        listed = self._text("top_level.txt").split()
        return top in listed if listed else canonical(top) == canonical(header(self._distribution, "Name"))

    def redirects(self, module: str, project: Path) -> bool:
        """Tell whether an editable distribution has a module without showing it on the import path."""
        if module.partition(".")[0] in self._text("top_level.txt").split():
            return True
        return any(_Folder(root).place(module) for root in (project, project / "src"))

    @cached_property
    def project(self) -> Path | None:
        """The project's folder, of a distribution that is edited in place."""
        url, editable = self._direct
        if editable and url.startswith("file:"):
            return Path(unquote(urlsplit(url).path))
        return None

    def found(self, place: str = "") -> Found:
        """Return what is known of it; `place` is where a module of it lies below the folder."""
        name, version = header(self._distribution, "Name"), header(self._distribution, "Version")
        installer = self._installer
        # Conda's own builds carry the URL of the machine that built them, and older ones the installer they used.
        if installer == "conda" or (place and version and _conda_record(self._folder, place, version)):
            return Found(name, version, "", "conda", str(self._folder))
        in_place = any((self._folder / file).exists() for file in ("setup.py", "pyproject.toml"))
        url, editable = self._direct
        if not (url or installer) and in_place:  # by `setup.py develop`, which leaves no other trace
            url, editable = self._folder.as_uri(), True
        return Found(name, version, url, installer, str(self._folder), editable)

    @cached_property
    def _direct(self) -> tuple[str, bool]:
        """Return the URL that it was installed from (PEP 610), as pip takes it, and whether it is edited in place."""
        try:
            data = json.loads(self._text("direct_url.json") or "{}")
            url, vcs = str(data["url"]), data.get("vcs_info")
            if vcs:
                folder = data.get("subdirectory")
                url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}{f'#subdirectory={folder}' if folder else ''}"
            return url, bool(data.get("dir_info", {}).get("editable", False))
        except (ValueError, TypeError, KeyError, AttributeError):
            return "", False

    @cached_property
    def _installer(self) -> str:
        name = self._text("INSTALLER").strip()
        return "" if name in _SYSTEMS else name

    @cached_property
    def _files(self) -> str:
        """The paths of the files, each after a newline, from RECORD or an older installer's list; '' without one."""
        paths = [row[0] for row in csv.reader(self._text("RECORD").splitlines()) if row]
        paths = paths or self._text("installed-files.txt").replace("../", "").splitlines()
        return "\n".join(["", *paths, ""]) if paths else ""

    def _text(self, name: str) -> str:
        return self._distribution.read_text(name) or ""


def _lines(text: str, start: str) -> Iterator[str]:
    at = text.find(start)
    while at >= 0:
        end = text.index("\n", at + 1)
        yield text[at + 1 : end]
        at = text.find(start, end)
