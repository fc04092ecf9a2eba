"""What an injector is given, and how it is found."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Seconds that a command may take before it counts as hung, which is never right.
PATIENCE = 120


@dataclass(frozen=True)
class Commands:
    """The three commands of one checkout, by path, and its interpreter, whose packages the commands use."""

    analyze: Path
    create: Path
    run: Path
    python: Path


@dataclass(frozen=True)
class Supplies:
    """What all tries share.

    `channel` is a folder: a local Conda channel that has this machine's Python and pip. `tarball` was made by the
    commands that are tried: an environment of nothing but Python. `caches` are the variables that name the caches.
    """

    channel: Path
    tarball: Path
    caches: Mapping[str, str]


@dataclass(frozen=True)
class Try:
    """One try: `folder` is empty and the try's own, `index` counts from 0 to `of` - 1, to spread moments and places."""

    commands: Commands
    supplies: Supplies
    folder: Path
    index: int
    of: int

    @property
    def environ(self) -> dict[str, str]:
        """Return the variables of a user whose home is in the try's folder, and who asks no network."""
        return {
            "HOME": str(self.folder / "home"),
            "PATH": f"{self.commands.python.parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LC_ALL": "C.UTF-8",
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
            **self.supplies.caches,
        }

    def start(self, *argv: str | Path, environ: Mapping[str, str] | None = None, **extra: str) -> subprocess.Popen[str]:
        """Start a command in the try's folder, in a session of its own, with its streams captured."""
        return subprocess.Popen(
            [str(word) for word in argv],
            cwd=self.folder,
            env={**self.environ, **(environ or {}), **extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def run(
        self,
        *argv: str | Path,
        timeout: float = PATIENCE,
        environ: Mapping[str, str] | None = None,
        **extra: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; one that hangs is killed with its children and has the exit code -9."""
        process = self.start(*argv, environ=environ, **extra)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


@dataclass(frozen=True)
class Fault:
    """An injector: the number of the fault's kind, what is done, how many tries there are, and the function of one.

    `held` says that the earlier commit ended right, too: such a row guards what must stay so.
    """

    number: str
    what: str
    tries: int
    attempt: Callable[[Try], bool]
    held: bool = False

    @property
    def topic(self) -> str:
        """Return the module that it is in."""
        return self.attempt.__module__.rpartition(".")[2]


_FAULTS: list[Fault] = []


def fault(
    number: str, what: str, *, tries: int, held: bool = False
) -> Callable[[Callable[[Try], bool]], Callable[[Try], bool]]:
    """Register an injector."""

    def register(attempt: Callable[[Try], bool]) -> Callable[[Try], bool]:
        _FAULTS.append(Fault(number, what, tries, attempt, held))
        return attempt

    return register


def registered() -> Iterator[Fault]:
    """Yield the injectors by topic, as they stand in its module."""
    return iter(sorted(_FAULTS, key=lambda each: each.topic))


def is_one_line(stderr: str) -> bool:
    """Tell an answer to bad input: words of a command of ours on the last line, and no traceback anywhere."""
    lines = stderr.splitlines()
    return bool(lines) and "Traceback" not in stderr and lines[-1].startswith("python_package_")
