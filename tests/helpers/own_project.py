"""A project that builds itself, so that no index is asked for what builds it."""

from __future__ import annotations

from pathlib import Path

# The wheel has src/; `more` is more of its metadata, and hook.py may do what a test wants to see.
_BACKEND = """
import os, pathlib, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    exec(pathlib.Path("hook.py").read_text())
    found = sorted(path for path in pathlib.Path("src").rglob("*") if path.is_file())
    return write(directory, {str(path.relative_to("src")): path.read_bytes() for path in found})
def build_editable(directory, config_settings=None, metadata_directory=None):
    return write(directory, {"mine.pth": str(pathlib.Path("src").absolute()).encode()})
def write(directory, files):
    name = "mine-1.2-py3-none-any.whl"
    info = "mine-1.2.dist-info/"
    files[info + "METADATA"] = b"Metadata-Version: 2.1\\nName: mine\\nVersion: 1.2\\n"
    files[info + "METADATA"] += pathlib.Path("more").read_bytes()
    files[info + "WHEEL"] = b"Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[info + "RECORD"] = b"".join(f"{path},,\\n".encode() for path in files)
    with zipfile.ZipFile(pathlib.Path(directory, name), "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return name
"""


def write_project(folder: Path, more: str = "") -> Path:
    """Write a project called mine, whose module of that name has an ANSWER; return its folder."""
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "mine"\nversion = "1.2"\n',
        "backend.py": _BACKEND,
        "hook.py": "",
        "more": more,
        "src/mine.py": "ANSWER = 42\n",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder
