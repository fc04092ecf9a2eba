"""Analyze a Python script, build its Conda environment, run it on any worker.

`analyze` and `create` are the public Python API: typed, with no printing and no exits; every expected failure is a
`python_package.errors.PackageError`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own costs start-up time
if TYPE_CHECKING:
    from typing import Any

    from python_package.recipe import Created
    from python_package.spec import Spec

__all__ = ["analyze", "create"]


def create(spec: Spec, name: str, **options: Any) -> Created:
    """Build and pack the Conda environment `name`; see `python_package.recipe.create` for options and errors."""
    from python_package.recipe import create

    return create(spec, name, **options)
