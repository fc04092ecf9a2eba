"""What an HTTP status means to the user who asked, in one form for channels and indexes."""

from __future__ import annotations

from http import HTTPStatus

from python_package.errors import RefusedError, UnreachableError

_HINTS = {
    400: "is that the right address?",
    401: "the user name and password, or the token, are missing or wrong",
    403: "the user name and password, or the token, are missing or do not allow it",
    404: "there is none at that address",
    407: "the proxy wants a user name and password",
}


def refusal(who: str, code: int, address: str) -> UnreachableError:
    """Return the error for a server, as people call it, that answers with a code which is no success."""
    try:
        phrase = f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        phrase = str(code)
    if code >= 500:
        return UnreachableError(f"{who} has {phrase} for {address}: its server is at fault; try again later")
    hint = _HINTS.get(code)
    return RefusedError(f"{who} has {phrase} for {address}{f': {hint}' if hint else ''}")
