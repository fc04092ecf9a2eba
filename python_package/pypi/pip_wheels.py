"""Requirements -> wheels, by pip: its resolver, its caches and the user's own settings of it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from uv import find_uv_bin

from python_package import errors, subprocesses
from python_package.pypi.pip_settings import VARIABLES, for_uv

_SERVES_OTHERS = Version("22.3")  # the first pip with --python
# Who has set only uv's variables means them here, too.
_OF_UV = {**VARIABLES, "no-index": ("UV_NO_INDEX", "UV_OFFLINE"), "cert": ()}
# What pip says of a server that answers with a code; of a page it tells only with -vv, and 404 is what it has not.
_STATUS = (
    re.compile(r"Could not fetch URL (?P<url>\S+): (?!404)(?P<code>\d{3}) (?:Client|Server) Error: .* - skipping"),
    re.compile(
        r"ERROR: Could not install requirement .* because of HTTP error (?P<code>\d{3}) .* for url: (?P<url>\S+)"
    ),
)
# What pip, and uv which may have to bring it, say of one that does not answer; a traceback of pip ends in the last.
_UNREACHABLE = (
    re.compile(r"Could not fetch URL (\S+: (?!404).*) - skipping"),
    re.compile(r"after connection broken by (.*)"),
    re.compile(r"Failed to fetch: (.*)"),
    re.compile(r"(Download failed .* attempts .*)"),
    re.compile(r"(?m)^pip\._vendor\.(?:requests|urllib3)\.exceptions\.\w+: (.*)"),
)
_INVALID = re.compile(r"ERROR: Wheel '(.+)' located at (\S+) is invalid\.")
_GIT = re.compile(r"(?m)^\s*fatal: (.*)\n(?:.*\n)*?.*\bgit .* did not run successfully\.")
# The line that tells most, most telling first.
_UNSATISFIED = (
    re.compile(r"ERROR: (Cannot install .*)"),
    re.compile(r"ERROR: (Invalid requirement.*)"),
    re.compile(r"ERROR: (No matching distribution.*)"),
)


def pip_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for pip: the caller's own, and what uv's variables say where pip's are silent."""
    translated: dict[str, str] = {}
    for setting, variables in _OF_UV.items():
        for said in filter(None, (environ.get(theirs, "").strip() for theirs in variables)):
            values = re.split(r"[,\s]+" if setting == "find-links" else r"\s+", said)
            # uv lets an index carry a name: name=url.
            bare = " ".join(re.sub(r"^[\w.-]+=(?=\w+:)", "", value) for value in values if value)
            translated["PIP_" + setting.upper().replace("-", "_")] = bare
    # A setting that guards installations; nothing is installed here.
    return translated | dict(environ) | {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def find_pip(python: Path, version: str) -> list[str]:
    """Return the command of a pip that serves an interpreter: the one beside us, else one that uv brings."""
    with suppress(PackageNotFoundError):
        ours = distribution("pip")
        pythons = SpecifierSet(ours.metadata["Requires-Python"])
        if Version(ours.version) >= _SERVES_OTHERS and pythons.contains(version, prereleases=True):
            # By its folder: with -m, Python would look for it, and for all that it imports, in the working directory.
            return [sys.executable, "-I", str(ours.locate_file("pip")), "--python", str(python)]
    return pip_of_uv(python, version)


def pip_of_uv(python: Path, _version: str) -> list[str]:
    """Return the command of the pip that uv fetches for an interpreter."""
    return [find_uv_bin(), "tool", "run", "--quiet", "--python", str(python), "pip"]


def fetch(
    requirements: Sequence[str],
    python: Path,
    version: str,
    folder: Path,
    *,
    progress: Callable[[str], None],
    find_pip: Callable[[Path, str], list[str]] = find_pip,
) -> list[Path]:
    """Collect the wheels of requirements, and of all they need, in a folder; what has only a source is built.

    Raises SolveError for what no index has and for conflicts, UnreachableError when an index does not answer,
    PackError when a source does not build.
    """
    command = [*find_pip(python, version), "wheel", "--prefer-binary", "--no-input", "--no-color", "--progress-bar=off"]
    command += ["--wheel-dir", str(folder), "--", *requirements]
    code, output = _run(command, progress)
    if code and "No matching distribution" in output and "connection broken" not in output:
        # Only its debugging lines, which double its time, tell a server's refusal from a project that is not there.
        code, output = _run([*command[: command.index("--")], "-vv", "--", *requirements], progress)
    if code:
        raise _explained(" ".join(requirements), output)
    return sorted(folder.glob("*.whl"))


def _run(command: Sequence[str], progress: Callable[[str], None]) -> tuple[int, str]:
    """Run pip and return its exit code and all that it said; what takes long is told meanwhile."""

    def said(line: str) -> None:
        if re.match(r"\s*(Downloading|Building wheel for \S+ .*started)", line):
            progress(line.strip())

    env = subprocesses.environment(for_uv(pip_environ(os.environ)).environ)
    return subprocesses.follow(command, said, seconds=subprocesses.INSTALL_SECONDS, env=env, here=True)


def _explained(wanted: str, output: str) -> errors.PackageError:
    for pattern in _STATUS:
        if refused := pattern.search(output):
            return errors.refusal(f"{wanted}: the package index", int(refused["code"]), refused["url"])
    for pattern in _UNREACHABLE:
        if unreachable := pattern.search(output):
            detail = re.sub(r"<[^>]*>: ", "", unreachable[1])  # the address of an object in pip's memory
            return errors.UnreachableError(f"{wanted}: the package index does not answer: {detail}")
    if invalid := _INVALID.search(output):
        file = invalid[2].rpartition("/")[2]
        return errors.ContentError(
            f"{wanted}: {file} is not a wheel; does its server want a log-in, or is the file cut short?"
        )
    if git := _GIT.search(output):
        return errors.RefusedError(f"{wanted}: cannot be fetched from its repository: {git[1]}")
    for pattern in _UNSATISFIED:
        if unsatisfied := pattern.search(output):
            return errors.SolveError(f"{wanted}: {unsatisfied[1]}")
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    complaints = [line for line in lines if line.lower().startswith("error: ")]
    return errors.PackError(f"{wanted}: pip cannot make its wheels: {(complaints or lines)[-1]}")
