"""Addresses of channels, indexes, repositories and files, which never show the passwords and tokens in them."""

from __future__ import annotations

import re

TYPE_CHECKING = False  # importing typing would cost analyze 4 ms
if TYPE_CHECKING:
    from collections.abc import Iterable

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"

# A URL in a text; quotes and brackets may be part of a password, but not at its end.
_IN_TEXT = re.compile(rf"{_SCHEME}(?:(?!{_SCHEME})\S)+")
_CLOSING = "\"'`<>()[]{},.;:!"

# What stands before the host. A password with an unquoted slash in it ends the host too early: then it is the port
# that is no number.
_USER = re.compile(r"[^/?#]*@|[^/?#@:]*:(?!\d*(?:[/?#]|$))[^?#]*@")

# Conda's form of a token, at any place of a path.
_TOKEN = re.compile(r"(?:^|(?<=/))t/[^/?#]+(?:/|(?=[?#])|$)")

# Names that people give to what is secret in a query, and to sums and versions, which only look like it.
_SECRET = re.compile(
    r"tok|key|secret|pass|pwd|pw$|auth|sig|cred|jwt|session|^sas|^se$|^sp$|^code$|^user|^login|^policy|^x-amz-|^x-goog-",
    re.IGNORECASE,
)
_SUM = re.compile(r"sha\d|md5|blake|digest|hash|commit|^rev|^ref|^tag|^branch|^version|^egg|^subdir", re.IGNORECASE)
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w~+/=%.-]{20,}")


class Address:
    """A URL, a folder or a channel's name, as somebody wrote it.

    It shows itself without user and password, without Conda's `/t/TOKEN` and without the secret parts of a query.
    Only `reveal` gives the whole, for those who connect.
    """

    __slots__ = ("_whole",)

    def __init__(self, whole: str) -> None:
        self._whole = whole

    def reveal(self) -> str:
        """Return the address with all that is secret in it: to connect, never to show or to store."""
        return self._whole

    @property
    def is_secret(self) -> bool:
        """Tell whether it has a part that it does not show."""
        return str(self) != self._whole

    def __str__(self) -> str:
        return _shown(self._whole)

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and other._whole == self._whole

    def __hash__(self) -> int:
        return hash(self._whole)


def listed(addresses: Iterable[Address]) -> str:
    """Return several addresses as a message names them."""
    return ", ".join(map(str, addresses))


def scrub(text: str) -> str:
    """Return a text that another program wrote with every URL in it as an Address shows itself."""

    def shown(match: re.Match[str]) -> str:
        url = match[0].rstrip(_CLOSING)
        return _shown(url) + match[0][len(url) :]

    return _IN_TEXT.sub(shown, text) if "://" in text else text


def _shown(whole: str) -> str:
    scheme, separator, rest = whole.partition("://")
    if not separator:
        return _TOKEN.sub("", whole) if whole.startswith("t/") else whole
    if scheme.lower() == "file":
        return whole
    if user := _USER.match(rest):
        # A repository's user at a host is part of its address (git@host); the key is elsewhere.
        kept = user[0].partition(":")[0].rstrip("@") + "@" if "ssh" in scheme.lower() else ""
        rest = kept + rest[user.end() :]
    path, mark, fragment = rest.partition("#")
    path, _, query = path.partition("?")
    if not scheme.lower().startswith("git"):
        host, slash, path = path.partition("/")
        path = host + slash + _TOKEN.sub("", path)
    query, fragment = _parameters(query), _parameters(fragment)
    return f"{scheme}://{path}{query and '?'}{query}{fragment and mark}{fragment}"


def _parameters(text: str) -> str:
    """Return a query, or the part of a URL behind a hash sign, without the parameters that look like a secret."""
    return "&".join(part for part in text.split("&") if not _is_secret(*part.partition("=")))


def _is_secret(name: str, _separator: str, value: str) -> bool:
    if _SUM.search(name):
        return False
    return bool(_SECRET.search(name) or _RANDOM.fullmatch(value or name))
