"""What py-rattler's errors mean: the one place where its words are read.

An error is a chain of lines, of which each is matched whole: whatever a package, a channel or a file is called, it
cannot be taken for another kind of error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rattler.exceptions import GatewayError, InstallerError, InvalidMatchSpecError, SolverError

from python_package import errors

ERRORS = (GatewayError, InstallerError, InvalidMatchSpecError, SolverError)

_STATUS = re.compile(r"HTTP status (?:client|server) error \((\d{3})\b.*?\) for url \((\S+)\)")
_SENDING = re.compile(r"error sending request for url \((\S+)\)")
_DOWNLOAD = re.compile(r"failed to download (\S+)")
_SHARD = re.compile(r"failed to decode zstd shard from '(\S+?)'.*", re.DOTALL)
_FETCH = re.compile(r"failed to fetch (\S+)")
_NO_SUBDIR = re.compile(r"could not find subdir '(\S+)' in channel '(\S+)'")
_MISMATCH = re.compile(r"hash mismatch when extracting (\S+) to .*?: expected (\w+), got (\w+).*", re.DOTALL)
_SHARDS = re.compile(r"\.msgpack\.zst\b")
_PARSE = "failed to parse repodata.json"
_BODY = "error decoding response body"
_SYSTEM = re.compile(r".* \(os error \d+\)")
# The roots of a body that the server ended before its time.
_CUT = ("end of file before message length reached", "connection closed before message completed")

# getaddrinfo's EAI_NONAME and EAI_AGAIN.
_NO_ADDRESS = re.compile(r"failed to lookup address information: .*")
_UNTRUSTED = "invalid peer certificate"


def refusing_shards(error: GatewayError, channels: Iterable[str]) -> set[str]:
    """Return the channels whose index in shards cannot be had, perhaps because a mirror knows only repodata.json."""
    told = str(error)
    if _chain(error)[0] == _BODY:
        return set(channels)  # it does not say whose
    return {url for url in channels if url in told} if _SHARDS.search(told) else set()


def without_address(error: Exception) -> tuple[str, str] | None:
    """Return the address whose host's name leads nowhere and the system's reason, None for any other error."""
    chain = _chain(error)
    asked = next((each[1] for each in map(_SENDING.fullmatch, chain) if each), "")
    return (asked, chain[-1]) if asked and _NO_ADDRESS.fullmatch(chain[-1]) else None


def names_no_file(error: Exception) -> bool:
    """Tell whether an index is broken and the error does not say which."""
    return _chain(error)[0] == _PARSE


def explain(
    error: Exception, channels: Mapping[str, str], files: Mapping[str, str], index: str = ""
) -> errors.PackageError:
    """Return our error for one of py-rattler's.

    `channels` are the names by their URLs, `files` the URLs of packages by the names of their files; `index` is the one
    that is broken where the error does not say it.
    """
    chain = _chain(error)
    everywhere = f"the channel {', '.join(channels.values())}"
    if isinstance(error, SolverError | InvalidMatchSpecError):
        reason = " ".join(re.sub(r"[├└│─╰]", " ", str(error)).split()).removesuffix(".")
        reason = reason.removeprefix("Cannot solve the request because of: ")
        return errors.SolveError(f"no environment can be made from {everywhere}: {reason}")
    for link in chain:
        if wrong := _MISMATCH.fullmatch(link):
            return errors.ChecksumError(
                f"{wrong[1]} is not the package that was promised: its sha256 is {wrong[3]}, not {wrong[2]}"
            )
        if status := _STATUS.fullmatch(link):
            return errors.refusal(_channel(status[2], channels) or "a channel", int(status[1]), status[2])
    fetched = _FETCH.fullmatch(chain[0])
    asked = next(
        (each[1] for link in chain for pattern in (_SENDING, _DOWNLOAD, _SHARD) if (each := pattern.fullmatch(link))),
        "",
    )
    asked = asked or (files.get(fetched[1], fetched[1]) if fetched else index)
    begun = any(link.endswith(_BODY) for link in chain)
    if any(_SENDING.fullmatch(link) for link in chain) or (
        begun and (chain[-1] in _CUT or _SYSTEM.fullmatch(chain[-1]))
    ):
        return unanswered(asked, _channel(asked, channels) or everywhere, chain[-1])
    if isinstance(error, InstallerError) and (not fetched or _SYSTEM.fullmatch(chain[-1])):
        return errors.PackError(f"cannot link the environment: {': '.join(chain)}")
    if asked:
        what = "a Conda package" if fetched else "a channel's index"
        return errors.ContentError(
            f"{asked} is not {what}: {chain[-1]}; does its server want a log-in, or is the file cut short?"
        )
    if missing := _NO_SUBDIR.fullmatch(chain[0]):
        return errors.RefusedError(f"{missing[2]} is not a channel: there is no {missing[1]}: {chain[-1]}")
    return errors.UnreachableError(f"no answer from {everywhere}: {chain[0]}")


def silent(channels: Mapping[str, str], how_long: str, times: int, missing: str = "") -> errors.UnreachableError:
    """Return the error for servers that said nothing, each of several times; `missing` is what they were asked for."""
    again = f", {times} times" if times > 1 else ""
    where = f"no answer from the channel {', '.join(channels.values())}"
    return errors.UnreachableError(f"{where}{missing and f' for {missing}'}: nothing was heard for {how_long}{again}")


def _chain(error: Exception) -> list[str]:
    return re.split(r"\s*\nCaused by: ", str(error).strip())


def _channel(address: str, channels: Mapping[str, str]) -> str:
    return next((f"the channel {name}" for url, name in channels.items() if address.startswith(url)), "")


def unanswered(address: str, channel: str, root: str) -> errors.UnreachableError:
    """Return the error for an address of a channel that gave no answer, for a reason."""
    if root in _CUT:
        return errors.UnreachableError(f"{channel} does not finish its answer for {address}: {root}")
    if root.startswith(_UNTRUSTED):
        return errors.RefusedError(f"{channel} cannot be trusted: {root} ({address})")
    return errors.UnreachableError(f"no answer from {channel}: {root} ({address})")
