"""What an environment's activation sets, known when it is packed: its python sets it where nobody has activated."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NamedTuple

from conda_pack.core import File

from python_package import subprocesses
from python_package.errors import ProgramError
from python_package.files.prefix import Prefix
from python_package.pack.contents import Layer
from python_package.run import activation, python_activation

# Where the interpreter reads it at each start, in site-packages.
HOOK = "python_package_activation.pth"
MODULE = "_python_package_activation.py"
_IMPORT = "import _python_package_activation\n"

# In place of the environment's folder.
_PREFIX = "@PREFIX@"

# What the shell or the activation of every environment sets, not this one's scripts.
_GENERAL = {"_", "PATH", "PWD", "OLDPWD", "SHLVL", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_SHLVL"}
_GENERAL |= {"PONCHO_PREFIX", "PYTHONNOUSERSITE", "TMPDIR"}

# As on a worker of whose variables nothing is known.
_BARE = {"PATH": os.defpath, "HOME": "/", "LC_ALL": "C.UTF-8"}

_SHOW = (
    activation()
    + """
scripts_are_valid "$1" || exit 4
activate "$1"
start_activated exec env -0
"""
)


class Activation(NamedTuple):
    """What the scripts in etc/conda/activate.d export, and the folders that they put before PATH.

    The environment's folder is @PREFIX@ in both.
    """

    variables: dict[str, str]
    path: list[str]


def read(prefix: Path) -> Activation:
    """Return what the environment's activation scripts set: nothing where one fails, which the import check reports.

    Nor where one starts a program of another platform, which does not run here: then only activation sets it.
    The certificates of Conda's OpenSSL are set besides: its library finds them only once it is relocated.
    """
    certificates = {"SSL_CERT_FILE": f"{_PREFIX}/ssl/cacert.pem"} if (prefix / "ssl/cacert.pem").is_file() else {}
    if not any((prefix / "etc/conda/activate.d").glob("*.sh")):
        return Activation(certificates, [])
    try:
        argv = ["/bin/sh", "-c", _SHOW, "sh", str(prefix)]
        done = subprocesses.run(argv, seconds=subprocesses.QUESTION_SECONDS, env=_BARE)
    except ProgramError:
        return Activation(certificates, [])
    if done.code or os.strerror(errno.ENOEXEC) in done.stderr:
        return Activation(certificates, [])
    said = dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    path = said.get("PATH", "").removesuffix(f":{_BARE['PATH']}").split(":")
    own = str(prefix)
    added = [folder.replace(own, _PREFIX) for folder in path if folder and folder != f"{own}/bin"]
    variables = {
        name: value.replace(own, _PREFIX)
        for name, value in sorted(said.items())
        if name not in _GENERAL and _BARE.get(name) != value
    }
    return Activation({**certificates, **variables}, added)


def layer(prefix: Path, folder: Path) -> Layer:
    """Return the files by which the interpreter sets that at its start, written into `folder`."""
    found = read(prefix)
    text = python_activation().replace("@VARIABLES@", repr(found.variables)).replace("@PATH@", repr(found.path))
    site_packages = Prefix(prefix).site_packages.relative_to(prefix)
    files = []
    for name, data in ((HOOK, _IMPORT), (MODULE, text)):
        (folder / name).write_text(data, "utf-8", "surrogateescape")
        files.append(File(str(folder / name), str(site_packages / name), is_conda=False, file_mode=None))
    return Layer("activation", tuple(files))
