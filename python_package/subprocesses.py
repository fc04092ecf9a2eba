"""Other programs are run here: in an empty folder, within a time, and ended with all that they started."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from python_package.errors import ProgramError
from python_package.files import interrupts, scratch

# Generous: what takes longer hangs.
QUESTION_SECONDS = 60  # an interpreter, or the loader, is asked for a few facts; some are started by slow shims
TOOL_SECONDS = 600  # strip, patchelf, compileall: a few hundred files
INSTALL_SECONDS = 3600  # uv and pip download gigabytes, and build what has no wheel
BUILD_SECONDS = 4 * 3600  # a project of the user's may be compiled for hours

_running: set[Program] = set()
_lock = threading.Lock()
_ending = threading.Event()


class Done(NamedTuple):
    """What a program that has ended leaves: its exit code (-9 for one killed by signal 9), and what it said."""

    code: int
    stdout: str
    stderr: str


class Program:
    """A program that runs in a session of its own; leaving the context ends it and all that it started.

    It has an empty folder as its working directory, another as TMPDIR, no standard input unless it is given one, and
    none of the variables that put modules into a Python. Raises ProgramError when it cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        here: bool = False,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        umask: int = -1,
    ) -> None:
        """Say what to start.

        `here` keeps the caller's working directory, for a program that finds settings there and runs nothing of it.
        """
        self._argv = [os.fspath(argument) for argument in argv]
        self._env = environment() if env is None else dict(env)
        self._here = here
        self._streams = (stdin, stdout, stderr)
        self._umask = umask

    @property
    def name(self) -> str:
        """Return what messages call it."""
        return self._argv[0]

    def __enter__(self) -> Program:
        # PATH may have folders that are relative to ours, not to the one where the program starts.
        found = shutil.which(self._argv[0], path=self._env.get("PATH"))
        if not found:
            raise ProgramError(f"{self.name}: no such program, or it may not be run")
        try:
            with ExitStack() as stack:
                folder = stack.enter_context(scratch.folder())
                empty, temporary = folder / "empty", folder / "tmp"
                empty.mkdir()
                temporary.mkdir()
                with interrupts.held(), _lock:  # an interrupt between its start and our note would leave it running
                    if _ending.is_set():
                        raise ProgramError(f"{self.name} was not started: this process is about to end")
                    self.process: subprocess.Popen[bytes] = subprocess.Popen(
                        [str(Path(found).absolute()), *self._argv[1:]],
                        -1,
                        None,
                        *self._streams,
                        env={**self._env, "TMPDIR": str(temporary)},
                        cwd=None if self._here else empty,
                        umask=self._umask,
                        start_new_session=True,
                    )
                    _running.add(self)
                    self._leave = stack.pop_all().close
        except OSError as error:
            raise ProgramError(f"{self.name} cannot be started: {error.strerror or error}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.kill()
            self.process.wait()
        with interrupts.held(), _lock:
            _running.discard(self)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with suppress(OSError):  # what was not read
                    stream.close()
        self._leave()

    def wait(self, seconds: float) -> int | None:
        """Return its exit code, None if it has not ended within some seconds; what it has left running is ended."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self.kill()
        return code

    def kill(self) -> None:
        """End it, and what it has left running, at once."""
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables for a program: all but those that tell a Python what else to import or run (PYTHON...)."""
    return {name: value for name, value in environ.items() if not name.startswith("PYTHON")}


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    seconds: float,
    env: Mapping[str, str] | None = None,
    here: bool = False,
    stdin: str = "",
    umask: int = -1,
) -> Done:
    """Run a program to its end as `Program` does; raise ProgramError when that takes longer than some seconds.

    Text is UTF-8; other bytes come as surrogates (PEP 383), and go back as they came.
    """
    feed = subprocess.PIPE if stdin else subprocess.DEVNULL
    pipe = subprocess.PIPE
    with Program(argv, env=env, here=here, stdin=feed, stdout=pipe, stderr=pipe, umask=umask) as program:
        try:
            given = stdin.encode("utf-8", "surrogateescape") if stdin else None
            stdout, stderr = program.process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise _late(program, seconds) from None
        program.kill()
        return Done(program.process.returncode, _text(stdout), _text(stderr))


def follow(
    argv: Sequence[str | os.PathLike[str]],
    line: Callable[[str], None],
    *,
    seconds: float,
    env: Mapping[str, str] | None = None,
    here: bool = False,
) -> tuple[int, str]:
    """Run a program as `run` does and tell each line that it says meanwhile; return its exit code and all of them."""
    deadline = time.monotonic() + seconds
    said, told = b"", 0
    with (
        Program(argv, env=env, here=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as program,
        selectors.DefaultSelector() as selector,
    ):
        stream = program.process.stdout
        assert stream  # noqa: S101
        selector.register(stream, selectors.EVENT_READ)
        while True:
            if not selector.select(max(deadline - time.monotonic(), 0)):
                raise _late(program, seconds)
            piece = os.read(stream.fileno(), 65536)
            said += piece
            end = said.rfind(b"\n") + 1
            for each in said[told:end].splitlines():
                line(_text(each))
            told = max(told, end)
            if not piece:
                break
        code = program.wait(max(deadline - time.monotonic(), 1))
        if code is None:
            raise _late(program, seconds)
        return code, _text(said)


def detach(argv: Sequence[str | os.PathLike[str]]) -> None:
    """Start a small program that outlives us, such as the removal of a large folder; nobody waits for it."""
    quiet = subprocess.DEVNULL
    # The shell ends at once, and init adopts what it started.
    shell = ["/bin/sh", "-c", '"$@" &', "sh", *argv]
    with suppress(OSError):
        subprocess.run(shell, cwd="/", stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True, check=False)


def end_all() -> None:
    """End every program that runs, and let none start any more: this process is about to end, and will not wait."""
    with _lock:
        _ending.set()
        for program in _running:
            program.kill()


def _late(program: Program, seconds: float) -> ProgramError:
    return ProgramError(f"{Path(program.name).name} did not finish within {seconds:g} s, and was ended")


def _text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")
