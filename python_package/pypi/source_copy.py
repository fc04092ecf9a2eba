"""A project's folder, copied for a build: the user's own stays untouched, and what is no source stays behind."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from python_package.files import disk
from python_package.pypi.wheel import Member

# What tools leave in a project: environments, caches, metadata of an earlier build.
_LEFT_OUT = {
    ".bzr", ".eggs", ".git", ".hg", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv",
    "__pycache__", "node_modules",
}  # fmt: skip
# Where setuptools builds: what an earlier build left there would be packed again.
_BUILT = ("lib", "lib.", "bdist.", "temp.")


def sources(project: Path) -> tuple[Member, ...]:
    """Return the files that a build of a project may need by their paths below its folder, in a fixed order.

    Links are followed, but folders outside of the project are one member each: they may hold data of any size.
    """
    return tuple(sorted(_walk(project, "", (project.resolve(),)), key=lambda source: source.path))


def fingerprint(project: Path, files: tuple[Member, ...]) -> str:
    """Return a hash of all that a build of a project sees: its files, and what git says of its version."""
    digest = hashlib.sha256()
    for source in files:
        if source.file.is_dir():
            digest.update(f"{source.path}\0{_glance(source.file)}\0".encode())
            continue
        digest.update(f"{source.path}\0{source.mode:o}\0{disk.sha256(source.file)}\0".encode())
    repository = git_folder(project)
    if repository:
        for path in sorted([repository / "HEAD", repository / "packed-refs", *(repository / "refs").rglob("*")]):
            if path.is_file():
                digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def copy(project: Path, files: tuple[Member, ...], destination: Path) -> None:
    """Copy the files with modes that do not depend on the user's umask.

    A git repository is referred to, not copied: tools that read versions and lists of files from it need it.
    """
    folders = {parent for source in files for parent in (destination / source.path).parents}
    for folder in sorted({destination, *(folder for folder in folders if folder.is_relative_to(destination))}):
        folder.mkdir()
        folder.chmod(0o755)
    for source in files:
        target = destination / source.path
        if source.file.is_dir():
            target.symlink_to(source.file.resolve())
            continue
        shutil.copyfile(source.file, target)
        target.chmod(source.mode)
    repository = git_folder(project)
    if repository:
        (destination / ".git").write_text(f"gitdir: {repository}\n")


def git_folder(project: Path) -> Path | None:
    """Return the git folder of a project that is the top of a working tree, or None."""
    place = project / ".git"
    if place.is_file():  # a worktree or a submodule
        line = place.read_text(encoding="utf-8", errors="surrogateescape").strip()
        place = project / line.removeprefix("gitdir: ")
    return place.resolve() if (place / "HEAD").is_file() else None


def _walk(folder: Path, below: str, inside: tuple[Path, ...]) -> Iterator[Member]:
    for entry in os.scandir(folder):
        path = below + entry.name
        place = Path(entry.path)
        if entry.is_dir():
            real = place.resolve()
            if entry.is_symlink() and not real.is_relative_to(inside[0]):
                yield Member(path, place)
            elif real not in inside and not _left_out(place, top=not below):
                yield from _walk(place, path + "/", (*inside, real))
        elif entry.is_file() and not entry.name.endswith(".pyc") and (below or entry.name != ".git"):
            yield Member(path, place)


def _glance(folder: Path) -> str:
    """Return what changes with the files of a folder, as far as it is to be had without reading them."""
    facts = []
    for place, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(os.path.join(place, name))  # noqa: PTH118  # there may be many thousands
            facts.append(f"{place}/{name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(facts)).encode("utf-8", "surrogateescape")).hexdigest()


def _left_out(folder: Path, *, top: bool) -> bool:
    name = folder.name
    if name in _LEFT_OUT or name.endswith(".egg-info"):
        return True
    if (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").is_dir():
        return True
    if not top or (folder / "__init__.py").exists():
        return False
    return name == "dist" or (name == "build" and any(part.name.startswith(_BUILT) for part in folder.iterdir()))
