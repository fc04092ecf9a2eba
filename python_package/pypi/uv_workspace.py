"""The workspace that a project of uv's is in: its root and its members."""

from __future__ import annotations

import glob
from pathlib import Path

from python_package.errors import BoundError
from python_package.files import bounds
from python_package.files.documents import toml_value
from python_package.files.sections import Section
from python_package.spec import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


def workspace_of(own: Section, folder: Path) -> tuple[Path | None, Section]:
    """Return the folder of the workspace's root and its [tool.uv], None where there is no workspace."""
    if "workspace" in own:
        return folder, own
    below, above = folder, folder.parent
    while above != below:
        table = uv_table(read_pyproject(above))
        if "workspace" in table:
            members = dict(members_of(above, table.table("workspace")))
            return (above, table) if folder in members.values() else (None, own)
        below, above = above, above.parent
    return None, own


def members_of(root: Path, workspace: Section) -> Iterator[tuple[str, Path]]:
    """Yield the names of a workspace's projects with their folders, the root's own among them."""
    folders = [root]
    for pattern in workspace.texts("members"):
        folders += _matching(root, pattern)
    left_out = {path for pattern in workspace.texts("exclude") for path in _matching(root, pattern)}
    for folder in dict.fromkeys(folders):
        project = read_pyproject(folder).get("project")
        if folder not in left_out and isinstance(project, dict) and isinstance(project.get("name"), str):
            yield canonical(project["name"]), folder


def _matching(root: Path, pattern: str) -> list[Path]:
    within = str(Path(glob.escape(str(root)), pattern))  # which may be absolute, or lead upwards
    return sorted(Path(path).resolve() for path in glob.glob(within))  # noqa: PTH207  # a Path's takes neither


def read_pyproject(folder: Path) -> Mapping[str, Any]:
    """Return what a folder's pyproject.toml says, nothing if there is none that can be read."""
    try:
        return toml_value(bounds.read(folder / "pyproject.toml", "pyproject.toml", bounds.DOCUMENT).decode())
    except (OSError, ValueError, BoundError):
        return {}


def uv_table(data: Mapping[str, Any]) -> Section:
    """Return the table [tool.uv] of a pyproject.toml."""
    return Section(data).table("tool").table("uv")


def build_requirements(folder: Path) -> tuple[str, ...]:
    """Return what the project in a folder is built with."""
    system = read_pyproject(folder).get("build-system")
    requires = system.get("requires") if isinstance(system, dict) else None
    return tuple(each for each in requires if isinstance(each, str)) if isinstance(requires, list) else ()


def of_other_indexes(folder: Path) -> tuple[str, ...]:
    """Return the dependencies that Poetry takes from an index of their own, which no wheel of the project tells."""
    poetry = read_pyproject(folder)
    for key in ("tool", "poetry", "dependencies"):
        poetry = poetry.get(key, {}) if isinstance(poetry, dict) else {}
    entries = poetry.items() if isinstance(poetry, dict) else ()
    return tuple(
        canonical(name)
        for name, entry in entries
        for each in (entry if isinstance(entry, list) else [entry])
        if isinstance(each, dict) and "source" in each and not each.get("optional")
    )
