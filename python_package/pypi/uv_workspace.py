"""The workspace that a project of uv's is in: its root and its members."""

from __future__ import annotations

import glob
from contextlib import suppress
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
    with suppress(ValueError):  # whoever builds it says what is wrong
        return tuple(Section(read_pyproject(folder)).table("build-system").texts("requires"))
    return ()


def of_other_indexes(folder: Path) -> tuple[str, ...]:
    """Return the dependencies that Poetry takes from an index of their own, which no wheel of the project tells."""
    with suppress(ValueError):
        entries = Section(read_pyproject(folder)).table("tool").table("poetry").table("dependencies")
        named = [(name, each) for name in entries.data for each in entries.each(name, "version")]
        return tuple(canonical(name) for name, each in named if "source" in each and not each.data.get("optional"))
    return ()
