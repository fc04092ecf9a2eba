"""What the default python3 is; asked once, in the background, because it may be a shim that takes its time."""

from __future__ import annotations

import errno
import os
import select
import time

from python_package.errors import InterpreterError, PackageError

# A default python3 on a slow network disk may need seconds for its first start.
TIMEOUT = 60.0

_LONGEST_ANSWER = 65536


class Question:
    """The question to an interpreter for its version, asked at once.

    `version` waits for the answer. `close` ends the interpreter if it still runs. Neither uses subprocess, whose
    import would take longer than the interpreter.
    """

    def __init__(self, python: str, timeout: float) -> None:
        """Start `python -V`; raise InterpreterError when there is no such command."""
        self._python = python
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._version: str | None = None
        self._output, theirs = os.pipe()
        try:
            self._process = os.posix_spawnp(
                python,
                [python, "-V"],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, theirs, 1),
                    (os.POSIX_SPAWN_DUP2, theirs, 2),
                ],
                setpgroup=0,
            )
        except OSError as error:
            os.close(self._output)
            reason = "is not on PATH" if isinstance(error, FileNotFoundError) else f"cannot be run: {error.strerror}"
            if error.errno == errno.ENOEXEC:
                reason += _platform(python)
            raise InterpreterError(f"the default interpreter {python} {reason}; install it or correct PATH") from None
        finally:
            os.close(theirs)

    def version(self) -> str:
        """Return the interpreter's full version, such as "3.11.7"; raise InterpreterError when it gives none."""
        if self._version is None:
            self._version = self._ask()
        return self._version

    def _ask(self) -> str:
        answer = b""
        while len(answer) < _LONGEST_ANSWER:
            ready, _, _ = select.select([self._output], [], [], max(0, self._deadline - time.monotonic()))
            if not ready:
                raise self._too_slow()
            piece = os.read(self._output, _LONGEST_ANSWER)
            answer += piece
            # Whatever else it prints or does is not waited for.
            if version := _version_in(answer):
                return version
            if not piece:
                break
        self._close_output()
        status = self._wait()
        said = (answer.decode(errors="replace").split("\n") if answer else ["nothing"])[0]
        raise InterpreterError(
            f"the default interpreter {self._python} does not tell its version: "
            f"it says {said[:200]!r} and exits with status {status}"
        )

    def _wait(self) -> int:
        while time.monotonic() < self._deadline:
            process, status = os.waitpid(self._process, os.WNOHANG)
            if process:
                self._process = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.0005)  # its output has ended, so it is about to
        raise self._too_slow()

    def _too_slow(self) -> InterpreterError:
        return InterpreterError(
            f"the default interpreter {self._python} did not tell its version within {self._timeout:g} s"
        )

    def close(self) -> None:
        """End the interpreter, and what it started, if it still runs."""
        self._close_output()
        if self._process:
            os.killpg(self._process, 9)  # SIGKILL: the signal module takes a while to import
            os.waitpid(self._process, 0)
            self._process = 0

    def _close_output(self) -> None:
        if self._output >= 0:
            os.close(self._output)
            self._output = -1


def _platform(python: str) -> str:
    """Return for which platform a program is that this machine cannot run, as the rest of a message."""
    import shutil
    from contextlib import suppress
    from pathlib import Path

    from python_package import elf

    with suppress(PackageError):
        return f" (it is for {elf.subdir(Path(shutil.which(python) or python))})"
    return ""


def _version_in(answer: bytes) -> str | None:
    """Return the version in the line `Python 3.11.7`, also 3.13.0rc1 and 3.8.13+, once it is there whole."""
    for line in answer.split(b"\n")[:-1]:
        words = line.decode(errors="replace").split()
        parts = words[1].split(".") if words[:1] == ["Python"] and len(words) > 1 else []
        if len(parts) == 3 and parts[0].isdigit() and parts[1].isdigit() and parts[2][:1].isdigit():
            return words[1]
    return None
