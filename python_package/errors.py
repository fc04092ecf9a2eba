"""Every failure that a user can meet: one class each, with its exit code and the form of its message."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    _P = ParamSpec("_P")
    _T = TypeVar("_T")


class PackageError(Exception):
    """Base of every expected failure.

    `str(error)` is one line that says what is wrong, where, and how to mend it; `code` is the exit code that
    the man pages document for it. No address in it shows a password or a token.
    """

    code = 1

    def __init__(self, message: str) -> None:
        message = " ".join(message.split())
        if "://" in message:  # often another program's words
            from python_package.address import scrub  # costs analyze its start-up time

            message = scrub(message)
        super().__init__(message)


class failing_as:  # noqa: N801  # reads like a function
    """A context in which every OSError and UnicodeError becomes one class of ours; `doing` is what failed."""

    def __init__(self, kind: type[PackageError], doing: str) -> None:
        self._kind = kind
        self._doing = doing

    def __call__(self, work: Callable[_P, _T]) -> Callable[_P, _T]:
        """Let a whole function be such a context."""
        from functools import wraps

        @wraps(work)
        def within(*args: _P.args, **options: _P.kwargs) -> _T:
            with self:
                return work(*args, **options)

        return within

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: object, traceback: object) -> None:
        """Raise the class of ours; a reader of our output that is gone is nobody's failure."""
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise self._kind(f"{self._doing}: {reason(error)}") from error
        if isinstance(error, UnicodeError):
            raise self._kind(f"{self._doing}: {reason(error)}") from error


def reason(error: OSError | UnicodeError) -> str:
    """Return why something failed, with the file or the text that it is about."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"{where}{error.strerror or error}"
    if isinstance(error, UnicodeEncodeError | UnicodeDecodeError):
        return f"{error.object[:300]!r} is not {error.encoding.upper()}"
    return str(error)


class UsageError(PackageError):
    """The command line is not of the documented form."""

    code = 1


# analyze


class ScriptNotFoundError(PackageError):
    """There is no such script, or it cannot be read."""

    code = 2


class InvalidScriptError(PackageError):
    """What the script says about itself cannot be honoured: its inline metadata is not valid."""

    code = 3


class NotPythonError(InvalidScriptError):
    """The script is not valid Python of any version."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: not valid Python: {reason}")
        self.path = path
        self.line = line


class OutputError(PackageError):
    """The output file of analyze cannot be written."""

    code = 4


class InterpreterError(PackageError):
    """There is no default python3 to ask, or it does not answer."""

    code = 5


# create


class SpecNotFoundError(PackageError):
    """There is no such dependency file, or it cannot be read."""

    code = 2


class SpecError(PackageError):
    """The content of the dependency file is not valid."""

    code = 3


class BoundError(InvalidScriptError, SpecError):
    """An input of analyze or create is larger, deeper or in more files than any that is read (bounds.py)."""


class SolveError(PackageError):
    """No environment satisfies the dependency file: an unknown package, or a conflict."""

    code = 4


class UnreachableError(PackageError):
    """A channel or package index does not answer, or what is needed cannot be had there."""

    code = 5


class RefusedError(UnreachableError):
    """A server answers, and does not give what it was asked for: nothing else may take its place."""


class BrokenModuleError(PackageError):
    """A module of the dependency file does not import inside the finished environment."""

    code = 6


class PackError(PackageError):
    """The environment cannot be packed, or the environment or its tarball cannot be written."""

    code = 7


class ProgramError(PackError):
    """A program that create needs cannot be started, or does not finish in its time."""


class ContentError(PackageError):
    """What a server sent is not what it was asked for: a page to log in, or half a file."""

    code = 8


class ChecksumError(ContentError):
    """A file that the environment is made of is not the one that was promised: its sha256 differs."""


class HostPythonError(InterpreterError):
    """This machine cannot do it: its python3 does not answer, or cannot stand in for one of a channel."""

    code = 9


# What an HTTP status means to the user who asked.
_STATUS_HINTS = {
    400: "is that the right address?",
    401: "the user name and password, or the token, are missing or wrong",
    403: "the user name and password, or the token, are missing or do not allow it",
    404: "there is none at that address",
    407: "the proxy wants a user name and password",
}


def refusal(who: str, code: int, address: str) -> UnreachableError:
    """Return the error for a server, as people call it, that answers with a code which is no success."""
    from http import HTTPStatus

    try:
        phrase = f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        phrase = str(code)
    if code >= 500:
        return UnreachableError(f"{who} has {phrase} for {address}: its server is at fault; try again later")
    hint = _STATUS_HINTS.get(code)
    return RefusedError(f"{who} has {phrase} for {address}{f': {hint}' if hint else ''}")
