"""Time python_package_analyze on a tree of 5,000 files against its peers, in turns; print ratios.

The tree is made of this interpreter's standard library and of what is installed with the peers and with us, without
files that a peer would stop at: those that are not UTF-8, or not of this version of Python. Each peer does the least
that finds imports, and asks no index.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
import warnings
from pathlib import Path

from python_package.files import caches

SHORT = bool(os.environ.get("BENCH_SHORT"))  # only tries that everything works
FILES = 100 if SHORT else 5000
ROUNDS = 1 if SHORT else 5

# What to install, what to run in the tree, and how many rounds: one is enough for the slow ones.
PEERS = {
    "deptry": (
        "deptry==0.25.1",
        ["deptry", ".", "--no-ansi", "--ignore", "DEP001,DEP002,DEP003,DEP004,DEP005"],
        ROUNDS,
    ),
    "pipreqs": ("pipreqs==0.5.0", ["pipreqs", "--print", "--use-local", "--mode", "no-pin", "."], 2),
    "fawltydeps": ("fawltydeps==0.20.0", ["fawltydeps", "--list-imports", "--code", "."], 1),
    # It can only be kept from its index by an address where nobody answers.
    "pigar": (
        "pigar==2.2.0",
        [
            "pigar",
            "generate",
            "--dry-run",
            "-c",
            "-",
            "--question-answer",
            "no",
            "--auto-select",
            "-i",
            "http://127.0.0.1:9/simple/",
            ".",
        ],
        1,
    ),
}


if SHORT:
    del PEERS["pipreqs"], PEERS["fawltydeps"], PEERS["pigar"]


def main() -> None:
    """Measure and print the table."""
    environment = _peers()
    if environment is None:
        sys.exit("the peers cannot be installed from the package index: not measured")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        size = _build(tree, environment)
        ours = [str(Path(sys.executable).with_name("python_package_analyze")), ".", f"{folder}/out.json"]
        commands = {"ours": (ours, ROUNDS)}
        commands |= {name: ([str(environment / "bin" / run[0]), *run[1:]], n) for name, (_, run, n) in PEERS.items()}
        _take([*ours[:2], os.devnull], tree)  # everything is in the page cache, and ours compiled
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for turn in range(ROUNDS):
            for name, (command, rounds) in commands.items():
                if turn < rounds:
                    times[name].append(_take(command, tree))
    print(f"analyze, a tree of {FILES} files, {size / 1e6:.1f} MB; medians; {len(os.sched_getaffinity(0))} cores")
    wall, cpu = (statistics.median(column) for column in zip(*times["ours"], strict=True))
    for name, taken in times.items():
        seconds, processor = (statistics.median(column) for column in zip(*taken, strict=True))
        flags = "" if name == "ours" else f"  ({' '.join([PEERS[name][0], *PEERS[name][1][1:]])})"
        print(
            f"  {name:10} {seconds:6.2f} s, processor {processor:6.2f} s, "
            f"{seconds / wall:5.2f} and {processor / cpu:5.2f} of ours{flags}"
        )


def _peers() -> Path | None:
    """Return an environment with the pinned versions of the peers, which is kept in the user's cache."""
    wanted = [requirement for requirement, _, _ in PEERS.values()]
    folder = caches.folder("-".join(["bench", *(requirement.replace("==", "-") for requirement in wanted)]))
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        install = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *wanted]
        if subprocess.run(install, check=False, timeout=600).returncode:
            return None
        (folder / "complete").touch()
    return folder


def _build(tree: Path, environment: Path) -> int:
    """Copy the first files of each source, in order of their names; return their size in bytes."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sources = {
        "library": Path(sysconfig.get_path("stdlib")),
        "peers": environment / "lib" / version / "site-packages",
        "tool": Path(sysconfig.get_path("purelib")),
    }
    size = count = 0
    for label, source in sources.items():
        for file in sorted(source.rglob("*.py")):
            inner = file.relative_to(source)
            if count == FILES or "site-packages" in inner.parts or not _is_fine(file):
                continue
            target = tree / label / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            size += target.stat().st_size
            count += 1
    if count < FILES:
        sys.exit(f"only {count} files are installed here: not measured")
    (tree / "pyproject.toml").write_text('[project]\nname = "tree"\nversion = "1"\n')
    return size


def _is_fine(file: Path) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file.read_text(encoding="utf-8")
            compile(file.read_bytes(), str(file), "exec")
    except (SyntaxError, ValueError, RecursionError, OSError):
        return False
    return True


def _take(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return its wall-clock seconds and its CPU seconds."""
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} exits with status {process.returncode}: not measured")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
