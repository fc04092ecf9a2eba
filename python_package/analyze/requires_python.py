"""The Python that scripts ask for -> the one to write down: an interpreter's of this machine, or the range itself."""

from __future__ import annotations

from python_package.analyze import Taken
from python_package.host_python.on_path import fits, likeliest, on_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def take(wanted: Sequence[tuple[str, str]], version: str, command: str, timeout: float) -> Taken:
    """Return the Python for scripts that want ranges of versions, each with where it says so.

    In order: the default interpreter, of that version; the newest on PATH that fits; the range. Each interpreter is
    asked for its version, for at most `timeout` seconds, and runs nothing else.
    """
    unmet = [(where, text) for where, text in wanted if not fits(version, text)]
    if not unmet:
        return Taken(version, version, command)
    whole = ",".join(dict.fromkeys(part.strip() for _, text in wanted for part in text.split(",") if part.strip()))
    ruled_out = (
        f"{unmet[0][0]}: the script requires Python {unmet[0][1].strip()}, which the default python3 {version} is not"
    )
    for other, path in on_path(whole, timeout):
        return Taken(other, other, path, f"{ruled_out}; taking {other}, of {path}")
    remark = f"{ruled_out}, nor any other on PATH; create takes the newest that its channels have"
    return Taken(whole, likeliest(whole) or version, command, remark)
