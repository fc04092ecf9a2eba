"""The folder of a Conda environment: where its parts are, and what is installed in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Prefix:
    """An environment by its folder."""

    path: Path

    @property
    def python(self) -> Path:
        """Return its interpreter."""
        return self.path / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Return the folder of its third-party packages."""
        return next(self.path.glob("lib/python3*/site-packages"))

    def distributions(self) -> Iterator[metadata.Distribution]:
        """Yield what is installed in site-packages, by whichever tool."""
        paths = [str(path) for path in self.path.glob("lib/python3*/site-packages")]
        return iter(metadata.distributions(path=paths))

    def conda_packages(self) -> Iterator[dict[str, Any]]:
        """Yield Conda's records of what it has linked."""
        return (json.loads(path.read_bytes()) for path in (self.path / "conda-meta").glob("*.json"))
