"""What uv's errors mean: the one place where its words are read.

An error is a headline, its causes and hints, each on lines of its own; each is matched from its first word, so that a
package may be called what it likes, and what a build printed is not read at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from python_package import errors

# Up to 0.9 uv draws its causes as a tree.
_MARK = re.compile(r"\s*(error:|cause:|hint:|Caused by:|\u00d7|├─▶|╰─▶)\s+(.*)")
_OTHERS = re.compile(r"\s*(?:\[std(?:out|err)\]|--- std(?:out|err))\s*$")

_DISK = re.compile(
    r".*(?:No space left on device|Permission denied|Read-only file system|quota exceeded) \(os error \d+\)"
)
_MISMATCH = re.compile(r"Hash mismatch for `(.+?)`(.*)")
_STATUS = re.compile(r"HTTP status (?:client|server) error \((\d{3})\b.*?\) for url \((\S+)\)")
_FETCH = re.compile(r"Failed to fetch: `?([^\s`]+)`?")
_SENDING = re.compile(r"error sending request for url \((\S+)\)")
_INDEX = re.compile(
    r"An index(?: URL)? \((\S+)\) (?:could not be queried due to .*|returned a )"
    r"\(?(40[13]) (?:Unauthorized|Forbidden)\b.*"
)
_OFFLINE = re.compile(
    r"(?:Packages were unavailable because the network was disabled|Network connectivity is disabled)\b.*"
)
_ABSENT = re.compile(r"(\S+) was not found in the cache")
_PAGE = re.compile(r"Unsupported `Content-Type` .* for `?([^\s`]+?)`?\. Expected .*")
_BROKEN = re.compile(r"The structure of `(\S+)` \((\S+)\) was invalid: (.*)")
_DOWNLOAD = re.compile(r"Failed to download `(\S+?)==(\S+)`")
_CUT = re.compile(r".*\b(?:network timeout|operation timed out|error reading a body from connection)\b.*")
_NO_WHEEL = re.compile(r"Failed to (?:extract archive|read from zip file)\b.*|Invalid zip file structure")
_EMPTY = re.compile(r"Because there are no versions of ([\w.-]+) and you require \1\b")
_FOR_HERE = re.compile(r"The built wheel `((\S+?)-\S+)` is not compatible with the target Python \S+ on (.+?)\. .*")
_GIT = re.compile(r"Git operation failed\b.*|failed to (?:clone|fetch) .*")
_FATAL = re.compile(r"(?m)^\s*fatal: (.*)$")


def explain(stderr: str, requirements: Sequence[str]) -> errors.PackageError:
    """Return our error for a failed command of uv that was to install or resolve requirements."""
    wanted = ", ".join(requirement.partition(" @ ")[0] for requirement in requirements)
    if error := of_files_and_networks(stderr, wanted):
        return error
    if here := next((match for link in _chain(stderr) if (match := _FOR_HERE.fullmatch(link))), None):
        return errors.SolveError(
            f"{here[2]} has no wheel for {here[3]}, and what its sources become here is for this machine alone "
            f"({here[1]}); build its wheel on such a machine and put it into a folder that PIP_FIND_LINKS names, or "
            "ask for a version that has one"
        )
    # A page without any file is all that uv sees of a page to log in.
    empty = next((match for link in _chain(stderr) if (match := _EMPTY.match(link))), None)
    hint = f"; the index lists no file of {empty[1]}: does it want a log-in?" if empty else ""
    return errors.SolveError(f"cannot install {wanted} from PyPI: {_joined(stderr)}{hint}")


def unauthorised(stderr: str) -> errors.UnreachableError | None:
    """Return the error for an index that wants another password than it was given, None if none does."""
    for link in _chain(stderr):
        index = _INDEX.fullmatch(link)
        if index and index[2] == "401":
            return errors.refusal("the package index", 401, index[1])
    return None


def of_files_and_networks(stderr: str, wanted: str) -> errors.PackageError | None:
    """Return our error if uv could not have or write a file that was needed for what was wanted, else None."""
    chain = list(_chain(stderr))
    fetched = next((match[1] for link in chain if (match := _FETCH.fullmatch(link) or _SENDING.fullmatch(link))), "")
    for link in chain:
        if _DISK.fullmatch(link):
            return errors.PackError(f"cannot install {wanted} from PyPI: {': '.join(chain)}")
        if wrong := _MISMATCH.fullmatch(link):
            return errors.ChecksumError(f"{wrong[1]} from PyPI is not the file that was promised:{wrong[2]}")
        if status := _STATUS.fullmatch(link):
            return errors.refusal(f"the package index, asked for {wanted},", int(status[1]), status[2])
        if index := _INDEX.fullmatch(link):
            return errors.refusal(f"the package index, asked for {wanted},", int(index[2]), index[1])
        if _OFFLINE.fullmatch(link):
            absent = ", ".join(dict.fromkeys(_ABSENT.findall(" ".join(chain)))) or "what is needed"
            return errors.UnreachableError(
                f"{wanted}: the caches do not hold {absent}, and --offline forbids to fetch it"
            )
        if page := _PAGE.fullmatch(link):
            return errors.ContentError(f"{page[1]} is not a package index: {link}; does its server want a log-in?")
        if broken := _BROKEN.fullmatch(link):
            return _no_package(broken, broken[3])
        if _GIT.fullmatch(link):
            said = _FATAL.search(stderr)
            return errors.RefusedError(
                f"cannot fetch {wanted} from its repository: {said[1] if said else ': '.join(chain)}"
            )
    if broken := _DOWNLOAD.fullmatch(next(iter(chain), "")):
        fetched = fetched or next((broken[0] for link in chain if _CUT.fullmatch(link)), "")
        if not fetched and any(map(_NO_WHEEL.fullmatch, chain)):
            return _no_package(broken, chain[-1])
    if fetched:
        return errors.UnreachableError(f"the package index does not answer for {wanted}: {chain[-1]} ({fetched})")
    return None


def _no_package(file: re.Match[str], why: str) -> errors.ContentError:
    name, version = file[1], file[2].lstrip("v")
    return errors.ContentError(
        f"{name} {version} from PyPI is not a package: {why}; does its server want a log-in, or is the file cut short?"
    )


def _chain(stderr: str) -> Iterator[str]:
    """Yield the headline, the causes and the hints, each on one line."""
    text = ""
    for line in stderr.splitlines():
        if _OTHERS.match(line):
            break  # another program's words
        if mark := _MARK.match(line):
            if text:
                yield text
            text = mark[2].strip()
        elif text:
            text = f"{text} {line.strip()}".strip()
    if text:
        yield text


def _joined(stderr: str) -> str:
    return " ".join(line.strip() for line in stderr.splitlines())
