"""A script that is part of an installed package -> that package: whoever installs it gets the script and its needs."""

from __future__ import annotations

import os
from itertools import takewhile

from python_package.analyze.finder import dotted_name, package_root, site_of
from python_package.analyze.values import REQUIRED, Import


def module_of(name: str) -> Import | None:
    """Return the module that a script or directory is, as an import that runs it, if a distribution owns it."""
    # By the path as given, too: what is installed may be links into a cache.
    for path in dict.fromkeys((os.path.abspath(name), os.path.realpath(name))):
        site = site_of(path) or _target_of(path)
        if site is not None and path != site and os.path.exists(path):
            module = dotted_name(os.path.relpath(path, site))
            package = ".".join(takewhile(str.isidentifier, module.split(".")))
            if package and _is_owned(module, site):
                return Import(package, ("__main__",), 0, 1, REQUIRED, always=True)
    return None


def _target_of(path: str) -> str | None:
    """Return the folder that a package lies in if wheels were installed there, as by `pip install --target`."""
    root = package_root(path if os.path.isdir(path) else os.path.dirname(path))
    try:
        return root if root and any(entry.endswith(".dist-info") for entry in os.listdir(root)) else None
    except OSError:
        return None


def _is_owned(module: str, site: str) -> bool:
    from python_package.import_names.installed import find

    return any(owner.name for owner in find([module], [site]).get(module, ()))
