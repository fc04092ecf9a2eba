"""Run Docker: every call has a time limit, and what is started carries a label by which it is found and removed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

PREFIX = "pypkg-it"
LABEL = f"{PREFIX}.owner"
# The process that removes it in the end; what has outlived its owner is swept by the next run.
OWNER = os.getpid()


class DockerError(Exception):
    """A Docker command failed or took too long."""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """Return stdout as text."""
        return self.stdout.decode()

    @property
    def err(self) -> str:
        """Return stderr as text."""
        return self.stderr.decode(errors="replace")

    def ok(self) -> Done:
        """Return this, or raise DockerError with what it said when its status is not 0."""
        if self.status:
            raise DockerError(f"status {self.status}: {self.err[-3000:]}{self.out[-1000:]}".strip())
        return self


def docker(*arguments: str | Path, timeout: float = 60, stdin: bytes = b"") -> Done:
    """Run one docker command to its end."""
    command = ["docker", *map(str, arguments)]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as expired:
        said = (expired.stderr or b"").decode(errors="replace")[-2000:]
        raise DockerError(f"no end after {timeout} s: {' '.join(command)}: {said}") from None
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Container:
    """A container that sleeps, in which commands are run; remove it when done."""

    name: str

    @classmethod
    def start(cls, name: str, image: str, options: Sequence[str | Path] = ()) -> Container:
        """Start an image with the given options of `docker run`."""
        name = f"{PREFIX}-{OWNER}-{name}"
        label = f"{LABEL}={OWNER}"
        # --init reaps what commands leave behind.
        command = ("--detach", "--init", "--name", name, "--label", label, *options, image, "sleep", "86400")
        docker("run", *command).ok()
        return cls(name)

    def exec(
        self, *command: str, options: Sequence[str] = (), stdin: bytes | None = None, timeout: float = 120
    ) -> Done:
        """Run a command in the container; without `stdin` it reads an empty one."""
        interactive = [] if stdin is None else ["--interactive"]
        return docker("exec", *interactive, *options, self.name, *command, stdin=stdin or b"", timeout=timeout)

    def remove(self) -> None:
        """End the container and forget it, its volumes included."""
        docker("rm", "--force", "--volumes", self.name)


def remove_at_end() -> None:
    """Let SIGTERM and a closed terminal end this process as Ctrl-C does: with all clean-up done."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def sweep(owner: int | None = None) -> None:
    """Remove the containers and networks of one owner, or of all owners that no longer live."""
    every = ("--filter", f"label={LABEL}", "--format", f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}')
    for listing, removal in (
        (("ps", "--all"), ("rm", "--force", "--volumes")),
        (("network", "ls"), ("network", "rm")),  # after the containers that hold them
    ):
        for line in docker(*listing, *every).ok().out.splitlines():
            identifier, its_owner = line.split()
            if int(its_owner) == owner or (owner is None and not _lives(its_owner)):
                docker(*removal, identifier)


def _lives(pid: str) -> bool:
    try:
        return bool(Path("/proc", pid, "cmdline").read_bytes())  # that of a zombie is empty
    except OSError:
        return False
