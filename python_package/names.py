"""Import name -> the Conda package and the PyPI distribution that provide it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from python_package.errors import SolveError

# Import names whose distribution has another name: (PyPI distribution, Conda package).
# Hand-kept from the projects' own documentation; a generated table deepens it.
_TABLE: Mapping[str, tuple[str, str]] = {
    "Bio": ("biopython", "biopython"),
    "Crypto": ("pycryptodome", "pycryptodome"),
    "Cryptodome": ("pycryptodomex", "pycryptodomex"),
    "OpenGL": ("PyOpenGL", "pyopengl"),
    "OpenSSL": ("pyOpenSSL", "pyopenssl"),
    "PIL": ("pillow", "pillow"),
    "attr": ("attrs", "attrs"),
    "bs4": ("beautifulsoup4", "beautifulsoup4"),
    "cv2": ("opencv-python-headless", "py-opencv"),
    "dateutil": ("python-dateutil", "python-dateutil"),
    "docx": ("python-docx", "python-docx"),
    "dotenv": ("python-dotenv", "python-dotenv"),
    "faiss": ("faiss-cpu", "faiss"),
    "fitz": ("PyMuPDF", "pymupdf"),
    "git": ("GitPython", "gitpython"),
    "igraph": ("igraph", "python-igraph"),
    "jwt": ("PyJWT", "pyjwt"),
    "lightgbm": ("lightgbm", "lightgbm"),
    "magic": ("python-magic", "python-magic"),
    "matplotlib": ("matplotlib", "matplotlib-base"),
    "mpl_toolkits": ("matplotlib", "matplotlib-base"),
    "ndcctools": ("ndcctools", "ndcctools"),
    "netCDF4": ("netCDF4", "netcdf4"),
    "osgeo": ("GDAL", "gdal"),
    "pkg_resources": ("setuptools", "setuptools"),
    "psycopg2": ("psycopg2-binary", "psycopg2"),
    "rdkit": ("rdkit", "rdkit"),
    "rtree": ("Rtree", "rtree"),
    "serial": ("pyserial", "pyserial"),
    "skimage": ("scikit-image", "scikit-image"),
    "sklearn": ("scikit-learn", "scikit-learn"),
    "snappy": ("python-snappy", "python-snappy"),
    "tables": ("tables", "pytables"),
    "torch": ("torch", "pytorch"),
    "tzdata": ("tzdata", "python-tzdata"),
    "umap": ("umap-learn", "umap-learn"),
    "usb": ("pyusb", "pyusb"),
    "work_queue": ("", "ndcctools"),
    "ndcctools.taskvine": ("", "ndcctools"),
    "yaml": ("PyYAML", "pyyaml"),
    "zmq": ("pyzmq", "pyzmq"),
}

# What analyze lists as its man page shows, although the interpreter itself ships it: never looked up in an index.
WITH_PYTHON = frozenset({"antigravity", "this"})


@dataclass(frozen=True)
class Package:
    """What provides an import: the distribution's name on PyPI, the package's in a channel ('' where it has none)."""

    module: str
    pypi: str
    conda: str


def import_path(python: str = "python3") -> tuple[str, ...]:
    """Return the folders that the user's interpreter imports from; none when there is no such interpreter."""
    argv = [python, "-c", "import json, sys; print(json.dumps([p for p in sys.path if p]))"]
    try:
        answer = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
        return tuple(json.loads(answer.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()


def resolve(modules: Iterable[str], paths: Sequence[str] = ()) -> tuple[Package, ...]:
    """Return the package of each module that the interpreter does not ship.

    In order: the distribution that provides the module on `paths` (the import path of the user's own
    interpreter; metadata is read, nothing is imported), the table, the import name itself. Raises SolveError for
    a module that comes from a distribution which no index can have: an editable or local one.
    """
    wanted = sorted(set(modules) - WITH_PYTHON)
    installed = _installed(wanted, paths)
    return tuple(_package(module, installed.get(module)) for module in wanted)


def _package(module: str, distribution: str | None) -> Package:
    pypi, conda = _TABLE.get(module, ("", ""))
    if conda and (distribution is None or canonical(distribution) == canonical(pypi)):
        return Package(module, pypi, conda)
    name = distribution or module
    by_distribution = {canonical(entry[0]): entry[1] for entry in _TABLE.values() if entry[0]}
    return Package(module, name, by_distribution.get(canonical(name), canonical(name)))


def canonical(distribution: str) -> str:
    """Return the normalised name of a distribution (PyPA specification 'Names and normalization')."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _installed(modules: Sequence[str], paths: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    missing = set(modules)
    for distribution in metadata.distributions(path=list(paths)):
        provided = missing & _provides(distribution)
        if not provided:
            continue
        name = distribution.metadata["Name"]
        origin = json.loads(distribution.read_text("direct_url.json") or "{}").get("url", "")
        if origin:
            raise SolveError(
                f"{', '.join(sorted(provided))}: your python3 has {name} from {origin}, which no channel or index "
                "has; put its modules beside the script instead"
            )
        found |= dict.fromkeys(provided, name)
        missing -= provided
    return found


def _provides(distribution: metadata.Distribution) -> set[str]:
    """Return the distribution's top-level import names, from top_level.txt or else its list of files."""
    listed = distribution.read_text("top_level.txt")
    if listed:
        return set(listed.split())
    return {path.parts[0].split(".")[0] for path in distribution.files or () if path.suffix in (".py", ".so")}
