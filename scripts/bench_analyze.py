"""Compare the time of python_package_analyze on a small script with that of a python that does nothing."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHORT = bool(os.environ.get("BENCH_SHORT"))  # only tries that everything works
ROUNDS = 2 if SHORT else 25

SCRIPT = """\
import os
import sys
import pickle

import antigravity
import matplotlib


if __name__ == "__main__":
    print("example")
"""


def main() -> None:
    """Measure and print the table."""
    shim = shutil.which("python3") or sys.exit("no python3 on PATH")
    real = _output([shim, "-c", "import sys; print(sys.executable)"])
    ours = [str(Path(sys.executable).with_name("python_package_analyze")), "script.py", "dependencies.json"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "script.py").write_text(SCRIPT)
        # The same PATH, but python3 is the interpreter itself and has no site-packages.
        _link(Path(folder, "real"), real)
        subprocess.run([real, "-m", "venv", "--without-pip", f"{folder}/venv"], check=True)
        for label, python in (
            ("python3 on PATH", shim),
            ("the interpreter behind it", f"{folder}/real/python3"),
            ("a bare venv of it", f"{folder}/venv/bin/python3"),
        ):
            environment = None if python == shim else {"PATH": f"{Path(python).parent}:/usr/bin:/bin"}
            bare, analyze = _alternate([[python, "-c", "pass"], ours], environment, folder)
            print(
                f"analyze, 10 lines, {label:27} {analyze * 1000:6.1f} ms, "
                f"python3 -c pass {bare * 1000:6.1f} ms, ratio {analyze / bare:.2f}"
            )


def _alternate(commands: list[list[str]], environment: dict[str, str] | None, folder: str) -> list[float]:
    """Return the median seconds of each command; they take turns, so that a noisy moment hits all of them."""
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(ROUNDS):
        for command, taken in zip(commands, times, strict=True):
            start = time.perf_counter()
            subprocess.run(command, check=True, env=environment, cwd=folder)
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _link(folder: Path, python: str) -> None:
    folder.mkdir()
    (folder / "python3").symlink_to(python)


if __name__ == "__main__":
    main()
