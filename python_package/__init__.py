"""Analyze a Python script, build its Conda environment, run it on any worker.

`analyze_script` and `create_environment` are the public Python API: typed, with no printing and no exits; every
expected failure is a `python_package.errors.PackageError`.
"""

from __future__ import annotations

__all__ = [
    "CreateOptions",
    "Created",
    "PackageError",
    "Spec",
    "Target",
    "__version__",
    "analyze_script",
    "create_environment",
]

__version__ = "2.0.0"

TYPE_CHECKING = False  # typing's own would cost every command its start-up
if TYPE_CHECKING:
    from python_package.analyze import analyze_script
    from python_package.create import Created, create_environment
    from python_package.create.options import CreateOptions
    from python_package.errors import PackageError
    from python_package.spec import Spec
    from python_package.target import Target
else:
    _HOMES = {
        "CreateOptions": "create.options",
        "Created": "create",
        "PackageError": "errors",
        "Spec": "spec",
        "Target": "target",
        "analyze_script": "analyze",
        "create_environment": "create",
    }

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for: analyze needs none of what create does."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        home = import_module(f"python_package.{_HOMES[name]}")
        return getattr(home, name)
