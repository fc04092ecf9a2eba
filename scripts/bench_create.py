"""Compare the time of python_package_create with that of the steps of the 2019 tools.  usage: bench_create.py FOLDER

The steps of 2019 are: make a Conda environment of python and pip, `pip install` every module, `conda-pack`. A kinder
form of them takes from the channel what it has. No conda is at hand here, so the first step is py-rattler's bare solve
and link, which is faster than conda: the ratios are a lower bound. All caches are warm, pip's too. At last an
environment of this host's python and of PyPI's packages is made again where no channel answers, against `--refresh`.
FOLDER keeps the channel and each size's tarball for the other benchmarks.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

MEDIUM = ("numpy", "pandas", "scipy", "matplotlib", "scikit-learn")
SHORT = bool(os.environ.get("BENCH_SHORT"))  # only tries that everything works
SIZES: Mapping[str, Sequence[str]] = (
    {"small": ("six",)} if SHORT else {"small": ("numpy",), "medium": MEDIUM, "large": (*MEDIUM, "jaxlib")}
)
IMPORTS = {"scikit-learn": "sklearn"}
FROM_PYPI = ("six",) if SHORT else ("matplotlib", "numpy", "pandas", "tqdm")
ONLY_PYPI = "tqdm"  # left out of the channel, so that every size has something from PyPI
ROUNDS = 1 if SHORT else 3

LINK = """
import asyncio, os, sys, rattler
async def main(channel, prefix, *specs):
    found = await rattler.solve([channel], specs, virtual_packages=rattler.VirtualPackage.detect())
    await rattler.install(found, prefix, show_progress=False)
asyncio.run(main(*sys.argv[1:]))
os._exit(0)
"""


def main() -> None:
    """Measure and print the table."""
    folder = Path(sys.argv[1]).resolve()
    os.chdir(folder)  # where an environment's tarball goes
    python = sys.executable
    made = folder / "channel"
    # In a separate process, because the memory of a parent counts as the peak of the processes that it starts.
    subprocess.run([python, "-m", "python_package.channel", str(made), *list(SIZES.values())[-1], "pip"], check=True)
    version = ".".join(map(str, sys.version_info[:3]))
    environ = {**os.environ, "CONDA_ENVS_PATH": str(folder / "envs"), "XDG_CACHE_HOME": str(folder / "cache")}
    create = Path(python).with_name("python_package_create")
    for size, packages in SIZES.items():
        spec = folder / f"{size}.json"
        modules = sorted([*(IMPORTS.get(name, name) for name in packages), ONLY_PYPI])
        spec.write_text(json.dumps({"python": version, "modules": modules}))
        ours = [str(create), "-c", str(made), str(spec), size]
        first, first_peak, _ = _measured(ours, environ)
        peers: dict[str, list[float]] = {"2019": [], "kinder": []}
        new, splits = [], []
        for _ in range(ROUNDS):
            for peer, times in peers.items():
                shutil.rmtree(folder / "2019", ignore_errors=True)
                steps = _steps(folder, made, version, packages, from_channel=peer == "kinder")
                times.append(_seconds(steps, environ))
            seconds, peak, said = _measured(ours, environ)
            new.append(seconds)
            splits.append(re.sub(r".* s: ", "", said.splitlines()[-1]))
        again = statistics.median(_measured(ours, environ)[0] for _ in range(ROUNDS))
        old, kinder, after = (statistics.median(seconds) for seconds in (*peers.values(), new))
        print(
            f"create, {size:7} 2019's steps {old:6.2f} s   kinder {kinder:6.2f} s   ours {after:6.2f} s   "
            f"ratio {old / after:5.1f}, kinder {kinder / after:5.1f}\n"
            f"  (first time {first:.2f} s, peak {first_peak / 1e6:.0f} MB; "
            f"among the others: peak {peak / 1e6:.0f} MB, split {splits[-1]}; at once again {again:.2f} s)",
            flush=True,
        )
    _from_pypi(folder, create, version, environ)


def _from_pypi(folder: Path, create: Path, version: str, environ: Mapping[str, str]) -> None:
    spec = folder / "pypi.json"
    spec.write_text(json.dumps({"python": version, "modules": FROM_PYPI}))
    ours = [str(create), "-c", "http://nowhere.invalid/main", str(spec), "pypi"]
    first, _, said = _measured(ours, environ)
    peer, again = [], []
    for _ in range(ROUNDS):
        peer.append(_measured([*ours, "--refresh"], environ)[0])
        again.append(_measured(ours, environ)[0])
    asked, ran = statistics.median(peer), statistics.median(again)
    print(
        f"create again, from PyPI   refreshed {asked:6.2f} s   ours {ran:6.2f} s   ratio {asked / ran:5.1f}\n"
        f"  (first time {first:.2f} s, split {re.sub(r'.* s: ', '', said.splitlines()[-1])})",
        flush=True,
    )


def _steps(folder: Path, made: Path, version: str, packages: Sequence[str], *, from_channel: bool) -> list[list[str]]:
    prefix = folder / "2019"
    return [
        [sys.executable, "-c", LINK, str(made), str(prefix), f"python =={version}", "pip"]
        + (list(packages) if from_channel else []),
        [str(prefix / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages, ONLY_PYPI],
        [
            str(Path(sys.executable).with_name("conda-pack")),
            *("--quiet", "--force", "--prefix", str(prefix), "--output", str(folder / "2019.tar.gz")),
        ],
    ]


def _measured(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, int, str]:
    """Return the seconds of a command, the peak memory of its process in bytes, and its stderr."""
    with tempfile.TemporaryFile("w+") as said:
        os.sync()  # nobody waits for what another has left to be written
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            raise SystemExit(said.read())
        return seconds, usage.ru_maxrss * 1024, said.read()


def _seconds(commands: Sequence[Sequence[str]], environ: Mapping[str, str]) -> float:
    os.sync()
    start = time.perf_counter()
    for command in commands:
        subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
