"""A project's pyproject.toml: what it needs, not the project itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from python_package.create.inputs import poetry, requirements_txt
from python_package.create.inputs.dependencies import Dependencies, Wish, read_requirement, text_of
from python_package.files.sections import Section
from python_package.pypi import uv_settings
from python_package.pypi.uv_settings import Settings
from python_package.spec import Index, is_range


def read(data: Mapping[str, Any], found: Dependencies) -> None:
    """Read the dependencies of a project, where they come from, and the Python that it requires.

    pixi.toml is what [tool.pixi] is in pyproject.toml.
    """
    is_pixi = Path(found.source).name == "pixi.toml"
    document = Section({} if is_pixi else data)
    tool = document.table("tool")
    of_pixi = Section(data) if is_pixi else tool.table("pixi")
    of_poetry = tool.table("poetry")
    if "project" not in document and not of_pixi.data and "dependencies" not in of_poetry:
        raise ValueError(
            "there is no [project] in it (PEP 621), no [tool.poetry.dependencies] and no [tool.pixi], whose "
            "dependencies could be read"
        )
    uv = uv_settings.of_project(document.data, found.folder.resolve())
    project = document.table("project")
    requires = project.data.get("requires-python", "")
    if requires != "" and not is_range(requires):
        raise ValueError(f'"requires-python" must be a range of versions such as ">=3.10", not {requires!r}')
    found.requires = requires
    poetrys = poetry.read(of_poetry, found)
    wishes = _standard(document, project, tool, found, dynamic_is_read=bool(poetrys))
    wishes = _placed_by_uv(poetry.enriched(wishes, poetrys), uv, found)
    found.indexes += [*uv.indexes, *map(_of_pdm, tool.table("pdm").each("source"))]
    if of_pixi.data:
        from python_package.create.inputs import pixi  # it takes the solver to read a match spec

        pixi.read(of_pixi, found)
        # pixi takes the standard's dependencies from PyPI.
        wishes = [replace(each, package=f"pypi:{each.package.removeprefix('pypi:')}") for each in wishes]
    found.wishes += wishes
    if not found.wishes and not found.conda:
        found.note("it names no dependencies")


def _standard(
    document: Section, project: Section, tool: Section, found: Dependencies, *, dynamic_is_read: bool
) -> list[Wish]:
    """Return the dependencies of [project], also those that setuptools takes from files."""
    optional, groups = project.table("optional-dependencies"), document.table("dependency-groups")
    found.left_out("of its dependencies the optional ones are left out", optional.data)
    found.left_out("the groups of its dependencies are left out", groups.data)
    if "dependencies" in project.texts("dynamic"):
        files = _dynamic_files(tool)
        if not files and not dynamic_is_read:
            raise ValueError(
                "its dependencies are dynamic, known only when it is built; install it in your python3, and analyze "
                "the script that imports it"
            )
        lines = "".join(f"-r {file}\n" for file in files)
        return requirements_txt.read(lines, found.source, found, kind="dynamic dependencies")
    where, folder = f"{found.source}: dependencies", found.folder.resolve()
    wishes = (read_requirement(line, where, found, folder=folder) for line in project.texts("dependencies"))
    return [each for each in wishes if each]


def _dynamic_files(tool: Section) -> list[str]:
    """Return the files of requirements that setuptools, or a plug-in of Hatch, would take the dependencies from."""
    entry = tool.table("setuptools").table("dynamic").table("dependencies")
    if entry.data.get("file"):
        return [entry.text("file")] if isinstance(entry.data["file"], str) else entry.texts("file")
    return tool.table("hatch").table("metadata").table("hooks").table("requirements_txt").texts("files")


def _placed_by_uv(wishes: list[Wish], uv: Settings, found: Dependencies) -> list[Wish]:
    """Return wishes with their places, and the bounds of their versions, that uv's tables name."""
    for text in uv.check({wish.name for wish in wishes}):
        found.note(f"the constraint {text} does not count: it is of no dependency named here")
    environment, placed = found.markers, []
    for wish in wishes:
        source = uv.source(wish.name, environment)
        bounded, only = uv.bounded(wish.requirement, environment), wish.only
        if source:
            only = "pypi:" if source.index else ""
            wish = replace(wish, url=source.url, index=source.index)
        placed.append(replace(wish, package=text_of(bounded, only)))
    return placed


def _of_pdm(source: Section) -> Index:
    """Return one of PDM's own list of indexes; that of the name pypi takes PyPI's place."""
    for key in ("exclude_packages", "include_packages"):
        if key in source:
            raise ValueError(f"{source} {key} is not read here; say it with [tool.uv.sources]")
    name = source.text("name")
    use = "links" if source.text("type") == "find_links" else "default" if name == "pypi" else "extra"
    return Index(source.text("url", needed=True), use, name)
