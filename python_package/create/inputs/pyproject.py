"""A project's pyproject.toml: what it needs, not the project itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from python_package.create.inputs import poetry, requirements_txt
from python_package.create.inputs.encoding import decode
from python_package.create.inputs.given import Given, Wish, placed_by_uv, spec, wish
from python_package.errors import SpecError
from python_package.files import bounds
from python_package.files.documents import toml_value
from python_package.import_names.table import canonical
from python_package.pypi import uv_settings
from python_package.pypi.uv_settings import Settings
from python_package.spec import Index, Spec, is_range


def pyproject(text: str, source: str, python: str) -> Given:
    """Read the dependencies of a project, where they come from, and the Python that it requires."""
    try:
        data = toml_value(text)
    except ValueError as error:
        raise SpecError(f"{source}: not TOML: {error}") from None
    folder = (Path() if source == "-" else Path(source).parent).resolve()
    return _Project(data, source, folder, python).given()


class _Project:
    """Joins what the standard's table and those of other tools say."""

    def __init__(self, data: Mapping[str, Any], source: str, folder: Path, python: str) -> None:
        self.source = source
        self.folder = folder
        self.python = python
        self.tool = self._table(data.get("tool", {}), "[tool]")
        self.project = self._table(data.get("project", {}), "[project]")
        self.is_standard = "project" in data
        self.data = data
        # pixi.toml is what [tool.pixi] is in pyproject.toml.
        self.is_pixi = Path(source).name == "pixi.toml"
        if self.is_pixi:
            self.tool, self.project = {"pixi": data}, {}
        self.indexes: list[Index] = []
        self.notes: list[str] = []

    def given(self) -> Given:
        table = self._tool("poetry")
        of_poetry = poetry.read(table, self.source, self.folder, self.python) if table else None
        pixis = self._tool("pixi")
        if not self.is_standard and not pixis and not (of_poetry and "dependencies" in table):
            raise SpecError(
                f"{self.source}: there is no [project] in it (PEP 621), no [tool.poetry.dependencies] and no "
                "[tool.pixi], whose dependencies could be read"
            )
        try:
            uv = uv_settings.of_project({} if self.is_pixi else self.data, self.folder)
        except ValueError as error:
            raise SpecError(f"{self.source}: {error}") from None
        wishes = self._standard(dynamic_is_read=of_poetry is not None and bool(of_poetry.wishes))
        requires = self.project.get("requires-python", "")
        if requires != "" and not is_range(requires):
            raise SpecError(
                f'{self.source}: "requires-python" must be a range of versions such as ">=3.10", not {requires!r}'
            )
        if of_poetry:
            # As Poetry does: its own table adds to the standard's dependencies, or stands for them if there are none.
            wishes = of_poetry.enrich(wishes) if wishes else list(of_poetry.wishes)
            requires = ",".join(filter(None, [requires, of_poetry.python]))
            self.indexes += of_poetry.indexes
            self.notes += of_poetry.notes
        wishes = self._by_uv(wishes, uv)
        self.indexes += [*uv.indexes, *self._pdm()]
        found = spec(requires, wishes, indexes=self.indexes)
        if pixis:
            found = self._with_pixi(pixis, found, wishes)
        if not found.packages:
            self.notes.append(f"{self.source}: it names no dependencies")
        return Given(found, tuple(self.notes))

    def _with_pixi(self, table: Mapping[str, Any], found: Spec, wishes: list[Wish]) -> Spec:
        """Return what is asked for, with what pixi's tables add; the standard's dependencies are of PyPI for pixi."""
        from python_package.create.inputs import pixi  # it takes the solver to read a match spec

        top = "" if self.is_pixi else "tool.pixi."
        of_pixi = pixi.read(table, self.source, self.folder, self.python, top)
        self.notes += of_pixi.notes
        of_pypi = [
            each if each.package.startswith("pypi:") else replace(each, package=f"pypi:{each.package}")
            for each in wishes
        ]
        whole = spec("", [*of_pypi, *of_pixi.wishes], indexes=[*self.indexes, *of_pixi.indexes])
        return whole.replace(
            python=of_pixi.conda.python or found.python,
            packages=tuple(sorted({*whole.packages, *of_pixi.conda.packages})),
            channels=of_pixi.channels,
        )

    def _standard(self, *, dynamic_is_read: bool) -> list[Wish]:
        """Return the dependencies of [project], also those that setuptools takes from files."""
        if extras := self.project.get("optional-dependencies"):
            names = ", ".join(sorted(self._table(extras, "[project.optional-dependencies]")))
            self.notes.append(f"{self.source}: of its dependencies the optional ones are left out: {names}")
        if groups := self.data.get("dependency-groups"):
            names = ", ".join(sorted(self._table(groups, "[dependency-groups]")))
            self.notes.append(f"{self.source}: the groups of its dependencies are left out: {names}")
        if "dependencies" in self._strings(self.project, "dynamic"):
            files = self._dynamic_files()
            if not files and not dynamic_is_read:
                raise SpecError(
                    f"{self.source}: its dependencies are dynamic, known only when it is built; install it in your "
                    "python3, and analyze the script that imports it"
                )
            return [wish for file in files for wish in self._file(file)]
        where = f"{self.source}: dependencies"
        found = [
            wish(line, where, self.python, folder=self.folder) for line in self._strings(self.project, "dependencies")
        ]
        return [each for each in found if each]

    def _dynamic_files(self) -> list[str]:
        """Return the files of requirements that setuptools, or a plug-in of Hatch, would take the dependencies from."""
        dynamic = self._table(self._tool("setuptools").get("dynamic", {}), "[tool.setuptools.dynamic]")
        entry = self._table(dynamic.get("dependencies", {}), "[tool.setuptools.dynamic] dependencies")
        files = entry.get("file", [])
        if files:
            return [files] if isinstance(files, str) else self._strings(entry, "file")
        hatch = self._tool("hatch")
        for key in ("metadata", "hooks", "requirements_txt"):
            hatch = self._table(hatch.get(key, {}), f"[tool.hatch] {key}")
        return self._strings(hatch, "files")

    def _file(self, name: str) -> list[Wish]:
        path = self.folder / name
        try:
            raw = bounds.read(path, str(path), bounds.DOCUMENT)
        except (OSError, ValueError) as error:
            raise SpecError(f"{self.source}: {path}: {getattr(error, 'strerror', None) or error}") from None
        wishes, indexes, notes = requirements_txt.wanted(decode(raw, str(path)), str(path), self.python)
        self.indexes += indexes
        self.notes += notes
        return wishes

    def _by_uv(self, wishes: list[Wish], uv: Settings) -> list[Wish]:
        try:
            loose = uv.check({canonical(wish.requirement.name) for wish in wishes})
        except ValueError as error:
            raise SpecError(f"{self.source}: {error}") from None
        self.notes += [
            f"{self.source}: the constraint {text} does not count: it is of no dependency named here" for text in loose
        ]
        return [placed_by_uv(wish, uv, self.python) for wish in wishes]

    def _pdm(self) -> list[Index]:
        """Return PDM's own list of indexes; that of the name pypi takes PyPI's place."""
        found = []
        sources = self._tool("pdm").get("source", [])
        for entry in sources if isinstance(sources, list) else [sources]:
            where = f"{self.source}: [[tool.pdm.source]]"
            table = self._table(entry, where)
            if more := {"include_packages", "exclude_packages"} & set(table):
                raise SpecError(f"{where}: {min(more)} is not read here; say it with [tool.uv.sources]")
            name, url = self._text(table, "name"), self._text(table, "url")
            if not url:
                raise SpecError(f"{where}: it has no url")
            use = "links" if table.get("type") == "find_links" else "default" if name == "pypi" else "extra"
            found.append(Index(url, use, name))
        return found

    def _tool(self, name: str) -> Mapping[str, Any]:
        return self._table(self.tool.get(name, {}), f"[tool.{name}]")

    def _table(self, value: object, where: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise SpecError(f"{self.source}: {where.removeprefix(f'{self.source}: ')} must be a table")
        return value

    def _text(self, table: Mapping[str, Any], key: str) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            raise SpecError(f'{self.source}: "{key}" must be a text')
        return value

    def _strings(self, table: Mapping[str, Any], key: str) -> list[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise SpecError(f'{self.source}: "{key}" must be a list of requirements')
        return value
