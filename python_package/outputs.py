"""The files that create leaves: each is written beside its place, and all get their names together."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from python_package.errors import PackError


class Outputs:
    """Files to write; leaving the context removes what was not committed.

    Raises PackError at once for a place that cannot be written.
    """

    def __init__(self, *targets: Path) -> None:
        self._targets = targets
        for target in targets:
            if targets.count(target) > 1:
                raise PackError(f"cannot write {target}: two outputs have that name; choose another for one")
            if not os.access(target.parent, os.W_OK | os.X_OK):
                raise PackError(f"cannot write {target}: the folder {target.parent} is not writable")
            if target.is_dir():
                raise PackError(f"cannot write {target}: a folder has that name; move it or choose another name")

    def partial(self, target: Path) -> Path:
        """Return where to write the file meanwhile."""
        return target.with_name(f".{target.name}.new")

    def write(self, target: Path, text: str) -> None:
        """Write a text, for a file that is no tarball."""
        try:
            with self.partial(target).open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise PackError(f"cannot write {target}: {error.strerror}") from None

    def commit(self) -> None:
        """Give all files their names."""
        for target in self._targets:
            self.partial(target).replace(target)

    def __enter__(self) -> Outputs:
        for target in self._targets:
            # A tarball is written beside its own partial file; this is what a killed process left of one.
            for unfinished in target.parent.glob(glob.escape(f".{self.partial(target).name}.") + "*.new"):
                unfinished.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for target in self._targets:
            self.partial(target).unlink(missing_ok=True)
