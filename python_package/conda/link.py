"""What goes with linking packages: what is told meanwhile, their own scripts, and Conda's records of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from python_package import subprocesses
from python_package.address import scrub
from python_package.errors import PackError, ProgramError
from python_package.programs import Programs
from python_package.progress import Progress

# Files that a shell would run first.
_SHELLS_OWN = ("BASH_ENV", "ENV")

# As Conda does, in the activated environment, and sourced by the shell rather than executed.
_PROGRAM = """
for activation in "$PREFIX"/etc/conda/activate.d/*.sh; do
    if [ -r "$activation" ]; then . "$activation"; fi
done
. "$1"
"""


def run_scripts(programs: Programs, packages: Iterable[tuple[str, str, int]], progress: Progress) -> None:
    """Run the post-link scripts that these packages (name, version, build number) have, in this order, as Conda does.

    They use the environment's programs, so that none is run, with a note, where these do not run. Raises PackError,
    which names the script and has what it said, when one fails.
    """
    prefix = programs.prefix
    shell = shutil.which("bash") or "/bin/sh"
    for name, version, build_number in packages:
        script = prefix / "bin" / f".{name}-post-link.sh"
        if not script.is_file():
            continue
        if programs.obstacle:
            progress.note(f"the post-link script of {name} {version} is not run: {programs.obstacle}")
            continue
        told = prefix / ".messages.txt"  # where Conda's documentation has scripts write to
        told.unlink(missing_ok=True)
        environ = {key: value for key, value in subprocesses.environment().items() if key not in _SHELLS_OWN} | {
            "PREFIX": str(prefix),
            "ROOT_PREFIX": str(prefix),
            "CONDA_PREFIX": str(prefix),
            "CONDA_SHLVL": "1",
            "PKG_NAME": name,
            "PKG_VERSION": version,
            "PKG_BUILDNUM": str(build_number),
            "PATH": f"{prefix / 'bin'}:{os.environ.get('PATH', os.defpath)}",
        }
        which = f"cannot link the environment: the post-link script of {name} {version} ({script.name})"
        try:
            done = subprocesses.run(
                [shell, "-c", _PROGRAM, shell, str(script)], seconds=subprocesses.TOOL_SECONDS, env=environ
            )
        except ProgramError as error:
            raise PackError(f"{which} does not end: {error}") from None
        message = told.read_text(errors="replace").strip() if told.is_file() else ""
        told.unlink(missing_ok=True)
        if done.code:
            said = message or f"{done.stdout}\n{done.stderr}".strip()[-500:]
            raise PackError(f"{which} exited with {done.code}{said and f': {said}'}")


class Reporter:
    """Turns py-rattler's events (duck-typed by it) into Progress, and knows which downloads are under way."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._operations = 0
        self._linked = 0
        self._bytes: dict[int, tuple[int, int]] = {}
        self._names: dict[int, str] = {}
        self._under_way: set[int] = set()

    @property
    def missing(self) -> str:
        """Return the packages that are being downloaded."""
        return ", ".join(sorted(self._names.get(entry, "") for entry in self._under_way))

    def waits(self) -> bool:
        """Tell whether anything is being downloaded."""
        return bool(self._under_way)

    def on_transaction_start(self, total_operations: int) -> None:
        self._operations, self._linked = total_operations, 0
        self._under_way.clear()

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        self._names[operation] = package_name
        return operation

    def on_download_start(self, cache_entry: int) -> int:
        self._under_way.add(cache_entry)
        return cache_entry

    def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None:
        self._bytes[download_idx] = (progress, total or progress)
        done, needed = (sum(column) for column in zip(*self._bytes.values(), strict=True))
        self._progress.downloaded(done, needed)

    def on_download_completed(self, download_idx: int) -> None:
        self._under_way.discard(download_idx)

    def on_link_complete(self, _index: int) -> None:
        self._linked += 1
        self._progress.linked(self._linked, self._operations)

    def __getattr__(self, name: str) -> Callable[..., int]:
        if name.startswith("on_"):
            return lambda *_: 0
        raise AttributeError(name)


def conform(prefix: Path, *, secrets: bool) -> None:
    """Let whoever can read the environment read its records, and take out what Conda's do not have.

    That is the hash of a link, which Conda would compare with that of the file where it leads; and, where there may be
    `secrets` in the addresses of channels, passwords and tokens.
    """
    umask = os.umask(0o077)
    os.umask(umask)
    for path in (prefix / "conda-meta").glob("*.json"):
        text = path.read_bytes()
        if secrets or b'"softlink"' in text:  # most have neither, and need not be parsed
            record = json.loads(text)
            for entry in record["paths_data"]["paths"]:
                if entry["path_type"] == "softlink":
                    entry.pop("sha256_in_prefix", None)
            for key in ("url", "channel", "requested_spec"):
                if isinstance(record.get(key), str):
                    record[key] = scrub(record[key])
            if isinstance(record.get("requested_specs"), list):
                record["requested_specs"] = [scrub(spec) for spec in record["requested_specs"]]
            path.write_text(json.dumps(record, indent=2), encoding="utf-8")
        path.chmod(0o666 & ~umask)
