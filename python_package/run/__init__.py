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


def activate_scripts() -> dict[str, str]:
    """Return the scripts to be sourced in a shell, by path in the environment."""
    return {f"bin/{name}": (_HERE / name).read_text(encoding="utf-8") for name in ("activate", "deactivate")}


def python_activation() -> str:
    """Return the template of the module that activates a started interpreter, whose @NAMES@ packing replaces."""
    return (_HERE / "python_package_activation.py.in").read_text(encoding="utf-8")


def conda_unpack() -> str:
    """Return the template of conda-unpack, whose @NAMES@ packing replaces."""
    return (_HERE / "conda-unpack.in").read_text(encoding="utf-8")
