"""python_package_run and everything else that travels to a worker, as text."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def activation() -> str:
    """Return the shell functions that activate an environment: a section of python_package_run."""
    wrapper = (_HERE / "python_package_run").read_text(encoding="utf-8")
    return wrapper.partition("# ---- Activate\n")[2].partition("# ---- ")[0]


def run_in_env() -> str:
    """Return the script run_in_env, which each environment holds."""
    return (_HERE / "run_in_env").read_text(encoding="utf-8").replace("# @ACTIVATE@\n", activation())


def conda_unpack() -> str:
    """Return the template of conda-unpack, whose @NAMES@ packing replaces."""
    return (_HERE / "conda-unpack.in").read_text(encoding="utf-8")
