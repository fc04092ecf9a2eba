"""The user's own modules -> where they lie, so that they can travel."""

from __future__ import annotations

import os

from python_package.analyze.finder import installed_name
from python_package.stdlib import standard_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from python_package.analyze.values import Analysis

_NAMED = 8  # modules that one line names
# What lies beside a project's modules to build and test it.
_TOOLS = {"conftest", "setup"}


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
