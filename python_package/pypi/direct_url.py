"""Distributions that the user's interpreter has from no index: a folder, a file, a repository (PEP 610)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from python_package.errors import SolveError
from python_package.files.disk import path_of
from python_package.import_names.installed import header, named

_SDISTS = (".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class Project:
    """A distribution that was not installed from an index: its canonical name, its version, and its URL (PEP 610).

    `commit` is what is checked out of a `vcs`, `folder` where in it the project is, `sha256` is that of an archive;
    all may be empty.
    """

    name: str
    version: str
    url: str
    vcs: str = ""
    commit: str = ""
    folder: str = ""
    sha256: str = ""

    @property
    def is_here(self) -> bool:
        """Tell whether it lies on this machine, and not in a repository."""
        return self.url.startswith("file:") and not self.vcs

    @property
    def path(self) -> Path:
        """Return where it lies on this machine."""
        return path_of(self.url)

    @property
    def address(self) -> str:
        """Return its URL in one piece, as a requirement would have it."""
        if not self.vcs:
            return self.url
        inside = f"#subdirectory={self.folder}" if self.folder else ""
        return f"{self.vcs}+{self.url}@{self.commit}{inside}"

    def requirement(self, extras: str = "") -> str:
        """Return the direct reference (PEP 508) to a project that does not lie here.

        Raises SolveError when its URL does not tell what is behind it.
        """
        if self.vcs or "+" in self.url.partition(":")[0]:  # git+https://host/repo@commit, as a dependency file pins it
            return f"{self.name}{extras} @ {self.address}"
        if self.url.startswith(("http://", "https://")) and urlsplit(self.url).path.endswith((".whl", *_SDISTS)):
            return f"{self.name}{extras} @ {self.url}" + (f"#sha256={self.sha256}" if self.sha256 else "")
        raise SolveError(
            f"{self.name}: {self.url}, where it is to come from, is no file and no repository that can be asked; "
            "install it again with pip, or choose a published package with --map"
        )


def installed(paths: Iterable[str]) -> dict[str, Project]:
    """Return the distributions on an import path that were not installed from an index, by canonical name."""
    found: dict[str, Project] = {}
    for name, distribution in named(metadata.distributions(path=list(paths))).items():
        data: Any = None
        with suppress(ValueError):
            data = json.loads(distribution.read_text("direct_url.json") or "null")
        # Conda's own builds carry the URL of the machine that built them.
        by_conda = (distribution.read_text("INSTALLER") or "").strip() == "conda"
        if isinstance(data, dict) and isinstance(data.get("url"), str) and not by_conda:
            vcs, archive = data.get("vcs_info") or {}, data.get("archive_info") or {}
            found[name] = Project(
                name,
                header(distribution, "Version"),
                data["url"],
                vcs=vcs.get("vcs", ""),
                commit=vcs.get("commit_id", ""),
                folder=data.get("subdirectory") or "",
                sha256=(archive.get("hashes") or {}).get("sha256", ""),
            )
    return found
