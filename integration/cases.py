"""Cases are folders: a task, and what it must give.

`command` is the command string. Beside it may stand `stdin`; `stdout`, or its sum as `stdout.sha256` (without them it
must print nothing); `status` (0 without it); and `made`: names of files that the task makes, and the bytes, in hex, at
the beginning of each. All else is the task's own. Only a case with `made` has a working directory that it can write to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from integration.docker import Done
from integration.machines import Environment, Job, Worker

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """A folder of cases/."""

    folder: Path

    def run(self, worker: Worker, environment: Environment) -> None:
        """Run the case on a worker; raise AssertionError when it gives anything but what it must."""
        job = worker.job(environment, files=self.folder, writable=self._has("made"))
        stdin = (self.folder / "stdin").read_bytes() if self._has("stdin") else None
        done = job.run(environment, self._text("command"), stdin=stdin)
        assert done.status == int(self._text("status") or 0), done.err
        assert "python_package_run:" not in done.err  # whose status could be mistaken for the task's
        self._compare(done)
        self._check_made(job)

    def _compare(self, done: Done) -> None:
        if digest := self._text("stdout.sha256"):
            assert hashlib.sha256(done.stdout).hexdigest() == digest
        else:
            expected = (self.folder / "stdout").read_bytes() if self._has("stdout") else b""
            assert done.stdout == expected, done.err

    def _check_made(self, job: Job) -> None:
        for line in self._text("made").splitlines():
            name, beginning = line.split()
            made = job.read(name)
            assert made.startswith(bytes.fromhex(beginning)), made[:100]

    def _has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text().strip() if self._has(name) else ""


def every() -> list[Case]:
    """Return all cases, in order of their names."""
    return [Case(path.parent) for path in sorted(FOLDER.glob("*/command"))]
