"""A directory -> the Python files in it that are the user's own, and where its own modules are found."""

from __future__ import annotations

import os

from python_package.value import Value

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


class Found(Value):
    """The files of a directory, as paths within it, in order; `roots` are where its modules are imported from."""

    files: tuple[str, ...]
    roots: tuple[str, ...]
    remarks: tuple[str, ...]


def look_into(directory: str, name: str) -> Found:
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
    return Found(tuple(sorted(files)), tuple(roots), tuple(remarks))


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
