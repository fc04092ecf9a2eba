"""A python3 of a user, with distributions that uv has installed for real."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import uv

from python_package.import_names.users_python import import_path

# A build backend of one file, for a project `edited` that has its code in src.
BACKEND = """
import pathlib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "edited-1.0-py3-none-any.whl"
    info = "edited-1.0.dist-info"
    files = {
        "_edited.pth": str(pathlib.Path("src").resolve()),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: edited\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return name
"""


class UserPython:
    """A virtual environment that uv installs into, from nothing but the wheels of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        venv.create(folder / "venv", with_pip=False)
        self.bin = folder / "venv" / "bin"
        self.python = str(self.bin / "python")

    def install(self, *what: str) -> None:
        """Install what is named, by requirements or paths."""
        argv = [uv.find_uv_bin(), "pip", "install", "-q", "--python", self.python, "--offline", "--no-index"]
        environ = {**os.environ, "UV_CACHE_DIR": str(self.folder / "cache"), "UV_LINK_MODE": "copy"}
        subprocess.run([*argv, "--find-links", str(self.wheels), *what], check=True, timeout=120, env=environ)

    def import_path(self) -> tuple[str, ...]:
        """Return the folders that it imports from."""
        return import_path(self.python)
