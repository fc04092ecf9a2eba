"""Count what one task asks of a shared file system.  usage: -m scripts.bench_shared ENVIRONMENT TARBALL [MODULE...]

A task imports modules (by default numpy, pandas, matplotlib.pyplot and tqdm). Its operations on names and directories
are counted by strace: where the environment itself is shared, and where the tarball and the wrapper are shared, while
the wrapper unpacks into a local folder. Of all operations only those count that lead into the shared folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

WRAPPER = Path(__file__).parents[1] / "python_package" / "run" / "python_package_run"
MODULES = ("numpy", "pandas", "matplotlib.pyplot", "tqdm")
# A process of the trace, then its call: a directory's descriptor with its path, or a name.
_CALL = re.compile(r"^\d+ +(\w+)\((?:(?:AT_FDCWD|\d+)<([^>]*)>)?(?:, )?(?:\"([^\"]*)\")?")


def main(argv: list[str]) -> int:
    """Print one line for each way."""
    if len(argv) < 2:
        print("usage: python -m scripts.bench_shared ENVIRONMENT TARBALL [MODULE...]", file=sys.stderr)
        return 1
    environment, tarball = (Path(path).resolve() for path in argv[:2])
    task = "import " + ", ".join(argv[2:] or MODULES)
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder, "shared")
        shared.mkdir()
        shutil.copy(tarball, shared)
        shutil.copy(WRAPPER, shared)
        # Both have their bytecode, as an environment has that others have used.
        plain = [str(environment / "bin" / "python"), "-c", task]
        subprocess.run(plain, check=True, env=_settings(folder))
        print(f"shared environment, every task     {_counted(plain, environment, folder):6} operations")
        ours = [str(shared / WRAPPER.name), "-e", str(shared / tarball.name), "--", "python3", "-c", task]
        for which in ("the first task", "every next task"):
            print(f"shared tarball, {which:18} {_counted(ours, shared, folder):6} operations")
    return 0


def operations(trace: Iterable[str], folder: str) -> int:
    """Return how many calls of a trace by `strace -f -y` lead to a name in a folder, or to the folder itself."""
    found = 0
    for line in trace:
        call = _CALL.match(line)
        if call:
            path = os.path.normpath(os.path.join(call[2] or "", call[3] or ""))  # noqa: PTH118
            found += path == folder or path.startswith(f"{folder}/")
    return found


def _counted(command: list[str], shared: Path, folder: str) -> int:
    written = Path(folder, "trace")
    strace = ["strace", "-f", "-y", "-s", "4096", "-e", "trace=%file,getdents64", "-o", str(written)]
    subprocess.run([*strace, *command], check=True, cwd=folder, env=_settings(folder), timeout=300)
    with written.open(errors="replace") as trace:
        return operations(trace, str(shared))


def _settings(folder: str) -> dict[str, str]:
    return {**os.environ, "HOME": folder, "PYTHON_PACKAGE_CACHE": f"{folder}/cache"}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
