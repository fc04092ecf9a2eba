"""Analyze a Python script, build its Conda environment, run it on any worker.

`analyze_script` and `create_environment` are the public Python API: typed, with no printing and no exits; every
expected failure is a `python_package.errors.PackageError`.
"""

from __future__ import annotations

__all__ = ["__version__", "analyze_script", "create_environment"]

__version__ = "2.0.0"

TYPE_CHECKING = False  # typing's own would cost every command its start-up
if TYPE_CHECKING:
    from python_package.analyze import analyze as analyze_script
    from python_package.create.pipeline import create as create_environment

else:

    def __getattr__(name: str) -> object:
        """Import a public function when it is first asked for: analyze needs none of what create does."""
        if name == "analyze_script":
            from python_package.analyze import analyze

            return analyze
        if name == "create_environment":
            from python_package.create.pipeline import create

            return create
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
