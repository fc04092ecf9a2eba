"""What is in an environment, by conda-pack's word, grouped into layers that are packed on their own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from conda_pack.core import CondaPackException, File, load_environment

from python_package.errors import PackError
from python_package.files.prefix import Prefix
from python_package.pypi import wheel
from python_package.pypi.wheel import RecordLine

_COMPILED = re.compile(r"(.*/|)__pycache__/([^/]+)\.(?!opt-)[^./]+(?:\.opt-[^./]+)?\.pyc")


@dataclass(frozen=True)
class Layer:
    """Files that are packed together, by target: a Conda package, a PyPI distribution, or the rest.

    `record` is Conda's record of a Conda package.
    `dist_info` is the folder of a distribution that pip or uv installed, `recorded` its RECORD by path, and
    `platforms` are the tags of its wheel.
    `left_out` are the paths of the package that are not among its files because they are left out of the tarball.
    """

    name: str
    files: tuple[File, ...]
    record: Mapping[str, Any] | None = None
    dist_info: str = ""
    recorded: Mapping[str, RecordLine] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Return about how many bytes the files have, as far as somebody wrote it down."""
        paths = (self.record or {}).get("paths_data", {}).get("paths", ())
        sizes = [int(path.get("size_in_bytes", 0)) for path in paths]
        return sum(sizes) + sum(max(line.size, 0) for line in self.recorded.values())

    @property
    def is_prebuilt(self) -> bool:
        """Tell a wheel of an index from one that was built here."""
        return bool(self.platforms) and not any(platform.startswith("linux_") for platform in self.platforms)


@dataclass(frozen=True)
class CompiledBy:
    """An interpreter that compiles an environment's modules in place of its own.

    `python` is its path, "" for none at all, and `identity` tells what it makes from what another one does.
    """

    python: str = ""
    identity: str = "nothing"


@dataclass(frozen=True)
class Contents:
    """An environment and its layers; `followed` are paths in these that are links in the environment, or below one.

    `compiled_by` is None where the environment's own interpreter compiles its modules. `slim` are the kinds of files
    that are left out.
    """

    prefix: Path
    layers: tuple[Layer, ...]
    followed: frozenset[str] = frozenset()
    compiled_by: CompiledBy | None = None
    slim: tuple[str, ...] = ()

    @property
    def records(self) -> list[Mapping[str, Any]]:
        """Return Conda's records, sorted by name."""
        return [layer.record for layer in self.layers if layer.record is not None]

    @property
    def subdir(self) -> str:
        """Return Conda's name of the platform, "noarch" if nothing depends on it."""
        return next((str(r["subdir"]) for r in self.records if r.get("subdir", "noarch") != "noarch"), "noarch")

    @cached_property
    def python(self) -> str:
        """Return what identifies the interpreter's build, "" where there is none."""
        python = self._python
        return f"{python.get('version')}-{python.get('build')}-{python.get('sha256')}" if python else ""

    @property
    def compiled_for(self) -> str:
        """Return what decides the compiled files besides their modules, "" where there are none."""
        if "bytecode" in self.slim:
            return ""
        return f"{self.python} by {self.compiled_by.identity}" if self.compiled_by else self.python

    @property
    def version(self) -> str:
        """Return the interpreter's version, or "none"."""
        return str(self._python.get("version", "none"))

    @cached_property
    def _python(self) -> Mapping[str, Any]:
        return next((record for record in self.records if record["name"] == "python"), {})


def load(prefix: Path, *, links: bool = True, compiled_by: CompiledBy | None = None) -> Contents:
    """Ask conda-pack what the environment holds; without `links` each symbolic link is what it leads to.

    Raises PackError for a folder that is no environment, and for one that cannot be packed: editable installs,
    files of Conda packages deleted or replaced, packages whose cache was cleaned.
    """
    try:
        files = load_environment(str(prefix), on_missing_cache="raise")
        records = {str(record["name"]): record for record in Prefix(prefix).conda_packages()}
        owners = {path: name for name, record in records.items() for path in record["files"]}
    except CondaPackException as error:
        raise PackError(f"cannot pack {prefix}: {_reason(error)}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackError(f"cannot pack {prefix}: its conda-meta cannot be read: {error!r}") from None
    sources = {file.target: file.source for file in files}
    installed = {}
    foreign = (file.target for file in files if not file.is_conda and file.target.endswith(".dist-info/RECORD"))
    for folder in sorted(map(os.path.dirname, foreign)):
        installed[folder] = {line.path: line for line in wheel.read_record(prefix, folder)}
        for path in installed[folder]:
            owners.setdefault(path, folder)
    groups: dict[str, dict[str, File]] = {}
    kept = [f for f in files if not is_skipped(f.target) and not _is_local_bytecode(str(prefix), sources, f)]
    followed = {} if links else _followed(prefix, kept)
    for file in [file for file in kept if links or not os.path.islink(file.source)] + list(followed):
        # A path that two packages have is one file: the one listed last, as when conda-pack's is unpacked.
        owner = owners.get(followed.get(file, file.target), "")
        groups.setdefault(owner, {})[file.target] = file

    def files_of(owner: str) -> tuple[File, ...]:
        return tuple(file for _, file in sorted(groups.get(owner, {}).items()))

    layers = [Layer(f"conda/{name}", files_of(name), records[name]) for name in sorted(records)]
    for folder, recorded in installed.items():
        name = f"pypi/{os.path.basename(folder)}"
        platforms = wheel.platforms(_wheel(prefix / folder))
        layers.append(Layer(name, files_of(folder), dist_info=folder, recorded=recorded, platforms=platforms))
    layers.append(Layer("rest", files_of("")))
    return Contents(prefix, tuple(layers), frozenset(file.target for file in followed), compiled_by)


def _followed(prefix: Path, files: Sequence[File]) -> dict[File, str]:
    """Return what the symbolic links lead to, under their paths, each with the path of its link.

    Links to files are followed before links to folders, which may hold some. Raises PackError for one that leads out of
    the environment, or nowhere.
    """
    regular = {file.target: file for file in files if not os.path.islink(file.source)}
    links = [file.target for file in files if file.target not in regular]
    found = {}
    for link in sorted(links, key=lambda path: (prefix / path).is_dir()):
        real = os.path.relpath(os.path.realpath(prefix / link), os.path.realpath(prefix))
        inside = [real] if real in regular else [path for path in regular if path.startswith(f"{real}/")]
        if not inside:
            raise PackError(f"cannot pack {prefix} without links: {link} leads to no file in it")
        for path in inside:
            file, target = regular[path], link + path[len(real) :]
            regular[target] = File(file.source, target, file.is_conda, file.file_mode, file.prefix_placeholder)
            found[regular[target]] = link
    return found


def _wheel(folder: Path) -> str:
    """Return the WHEEL file of an installed distribution, "" if it has none."""
    try:
        return (folder / "WHEEL").read_text("utf-8", "replace")
    except OSError:
        return ""


def is_skipped(path: str) -> bool:
    """Tell what rattler and uv made for themselves, and what is put in anew by us."""
    is_loose = path in ("CACHEDIR.TAG", ".lock")
    return is_loose or path.startswith("conda-meta/") or path.endswith(".dist-info/uv_cache.json")


def source_of(path: str) -> str | None:
    """Return the module that an interpreter has compiled into this path (PEP 3147, PEP 488), None if none has.

    A module's own name may have dots, so only the end of a name tells; packages ship others, such as
    `test_it.cpython-311-pytest-7.4.3.pyc`, for which there is no such module.
    """
    match = _COMPILED.fullmatch(path)
    return f"{match[1]}{match[2]}.py" if match else None


def _is_local_bytecode(prefix: str, sources: Mapping[str, str], file: File) -> bool:
    """Tell compiled files that did not come in a package: they hold the prefix, and are made anew."""
    is_local = file.target.endswith(".pyc") and file.source == f"{prefix}/{file.target}"
    return is_local and source_of(file.target) in sources


def _reason(error: CondaPackException) -> str:
    """Return conda-pack's message, shortened to what is wrong and the packages that it lists."""
    text = str(error)
    packages = ", ".join(re.findall(r"(?m)^- (.*?):?$", text))
    if "editable packages" in text:
        return f"installed in editable mode: {packages}; install them as ordinary packages"
    if "deleted/overwritten" in text:
        return f"files of Conda packages were deleted or overwritten, by pip or uv perhaps: {packages}; create it again"
    if "package cache" in text:
        return f"gone from the package cache: {packages}; create the environment again"
    return text
