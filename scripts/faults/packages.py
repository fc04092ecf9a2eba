"""Packages that are not as packages usually are."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from scripts.faults.injection import Try, fault

# Names of compiled files that are not MODULE.TAG.pyc, as pytest and others ship them.
_COMPILED = ("test_it.cpython-311-pytest-7.4.3.pyc", "it.pyc", "it.cpython-311.optimized.pyc", "it.cpython-310.pyc")


@fault("1", "a wheel ships a compiled file of an unusual name", tries=len(_COMPILED))
def unusual_bytecode(attempt: Try) -> bool:
    """Create an environment with the wheel, and find its file in the tarball as it is."""
    name = f"odd/__pycache__/{_COMPILED[attempt.index]}"
    wheel = write_wheel(attempt.folder, "odd", {"odd/__init__.py": "", name: "x"})
    (attempt.folder / "requirements.txt").write_text(f"./{wheel.name}\n")
    made = attempt.run(attempt.commands.create, "-q", "-c", attempt.supplies.channel, "requirements.txt", "odd")
    listing = attempt.run("tar", "tzf", "odd.tar.gz")
    return made.returncode == 0 and f"site-packages/{name}\n" in listing.stdout


@fault("33", "a file of the environment is edited in place while its layer is in the cache", tries=2)
def edited_in_place(attempt: Try) -> bool:
    """Edit a module in the package that the environment is linked from: the tarball has the edit, or create says so."""
    wheel = write_wheel(attempt.folder, "edited", {"edited/__init__.py": "A = 1\n"})
    (attempt.folder / "requirements.txt").write_text(f"./{wheel.name}\n")
    create = (attempt.commands.create, "-q", "-c", attempt.supplies.channel, "requirements.txt", "edited")
    envs = str(attempt.folder / "envs")
    if attempt.run(*create, CONDA_ENVS_PATH=envs).returncode:
        return False
    pattern = ("lib/python3.*/site-packages/edited/__init__.py", "lib/python3.*/json/__init__.py")[attempt.index]
    (path,) = (attempt.folder / "envs" / "edited").glob(pattern)
    before = path.read_text()
    with path.open("r+") as file:
        file.write("#" if attempt.index else "A = 2\n")
    try:
        again = attempt.run(*create, CONDA_ENVS_PATH=envs)
        packed = attempt.run(attempt.commands.run, "edited", f"cat $CONDA_PREFIX/{pattern}")
        (now,) = (attempt.folder / "envs" / "edited").glob(pattern)
        return again.returncode == 7 or packed.stdout == now.read_text() != ""
    finally:
        path.write_text(before)


def write_wheel(
    folder: Path, project: str, files: Mapping[str, str | bytes], *, version: str = "1.0", headers: str = ""
) -> Path:
    """Write a pure wheel by hand, with a RECORD; `headers` is more of METADATA."""
    info = f"{project}-{version}.dist-info"
    whole = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{headers}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **files,
    }
    contents = {name: content if isinstance(content, bytes) else content.encode() for name, content in whole.items()}
    lines = [f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in contents.items()]
    contents[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"]).encode()
    path = folder / f"{project}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
