"""python_package_run and everything else that travels to a worker, as text."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def executable() -> Path:
    """Return python_package_run itself, as a file."""
    return _HERE / "python_package_run"


def activation() -> str:
    """Return the shell functions that activate an environment: a section of python_package_run."""
    wrapper = executable().read_text(encoding="utf-8")
    return wrapper.partition("# ---- Activate\n")[2].partition("# ---- ")[0]


def self_contained() -> bytes:
    """Return python_package_run as it is at the beginning of a file in which a tarball follows."""
    text = executable().read_text(encoding="utf-8")
    before, _, after = text.partition("\n_base=0\n")
    # Ten columns, so that the length does not depend on what it says.
    length = len(f"{before}\n_base={'':10}\n{after}".encode())
    return f"{before}\n_base={length:<10}\n{after}".encode()


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


def completion(spelled: str) -> str:
    """Return the program that completes a tree from its base, and needs the function of that name as text."""
    return (_HERE / "difference.py.in").read_text(encoding="utf-8").replace("@SPELLED@", spelled)
