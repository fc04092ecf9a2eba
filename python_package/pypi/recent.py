"""What uv has resolved a few minutes ago, for as long as PyPI says that its answers hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from python_package.files import brief

# PyPI's own Cache-Control is `max-age=600`: uv's cache would not ask it again either. Many mirrors leave that out.
SECONDS = 600

# uv's variables and settings that name other indexes, whose own answers tell uv how long they hold, or other files.
_OTHERS = ("INDEX", "CONFIG_FILE", "CONSTRAINT", "OVERRIDE", "EXCLUDE")
_SETTINGS = (b"index", b"find-links")


def recall(question: str, environ: Mapping[str, str], ask: Callable[[], str], *, refresh: bool = False) -> str:
    """Return the answer to a question that is asked with uv's variables: the last one while it holds, or else anew.

    To refresh is to ask anew all the same.

    One is kept only where nothing is asked but PyPI and folders of wheels on this machine (UV_FIND_LINKS); it holds
    until these change.
    """
    folders = [Path(folder).expanduser() for folder in environ.get("UV_FIND_LINKS", "").split(",") if folder]
    variables = sorted(f"{name}={value}" for name, value in environ.items() if name.startswith("UV_") and value)
    files = list(_files(environ))
    if (
        any(other in variable.partition("=")[0] for variable in variables for other in _OTHERS)
        or any(setting in file for file in files for setting in _SETTINGS)
        or not all(folder.is_dir() for folder in folders)
    ):
        return ask()
    times = [folder.stat().st_mtime_ns for folder in folders]
    key = repr((question, variables, files, times))
    if not refresh and (kept := brief.recall("resolved", key, SECONDS)):
        return kept[0]
    answer = ask()
    brief.keep("resolved", key, answer)
    return answer


def _files(environ: Mapping[str, str]) -> Iterator[bytes]:
    """Yield what uv's configuration files hold: the system's, the user's, and those of the project around us."""
    system = environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")
    folders = [*system, "/etc", environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"]
    here = Path.cwd()
    above = [folder / name for folder in (here, *here.parents) for name in ("uv.toml", "pyproject.toml")]
    for path in (*(Path(folder, "uv/uv.toml") for folder in folders), *above):
        with suppress(OSError):
            yield path.read_bytes()
