"""What is remembered of import checks that passed, so that the same environment is not checked again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from python_package.files import caches, disk

_UNUSED_DAYS = 90  # a verdict is kept


class Verdict:
    """What is remembered of a check that passed: the same content imports the same modules on the same machine.

    `content` is the tarball's content id. A verdict is a file in the user's cache, which may be removed at will. It
    holds the libraries of this machine that were used, and what told each from another then.
    """

    def __init__(self, content: str, modules: Sequence[str], folder: Path | None = None) -> None:
        machine = os.uname()
        facts = (content, machine.nodename, machine.release, machine.machine, *modules)
        self._file = (folder or caches.folder("verdicts")) / hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def known(self) -> bool:
        """Tell whether this content has passed before, with the same libraries."""
        try:
            stood_on = json.loads(self._file.read_bytes())
            self._file.touch()  # it is in use
            return bool(stood_on == {path: _identity(path) for path in stood_on})
        except (OSError, ValueError, TypeError):
            return False

    def record(self, used: Iterable[str]) -> None:
        """Remember that it passed with some libraries; a cache that cannot be written costs only the next check."""
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            disk.write(self._file, json.dumps({path: _identity(path) for path in sorted(used)}).encode())
            disk.remove_unused(self._file.parent.iterdir(), _UNUSED_DAYS)


def _identity(path: str) -> list[int]:
    """Return what changes when a file is another, or is not there any more."""
    try:
        stat = os.stat(path)  # noqa: PTH116  # as it was mapped
    except OSError:
        return []
    return [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
