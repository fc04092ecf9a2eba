"""What an edit costs: create, ship, first task, by a difference and whole.  usage: bench_difference.py FOLDER

FOLDER is that of bench_create.py, whose channel and specs are taken. A line of a local module is changed each round.
Each form is measured in turns with its peers: our whole tarball, and conda-pack's, which people unpack by hand. The
worker has unpacked the environment of before the edit.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parents[1]
WRAPPER = HERE / "python_package" / "run" / "python_package_run"
SHORT = bool(os.environ.get("BENCH_SHORT"))  # only tries that everything works
SIZE = "small" if SHORT else "medium"
ROUNDS = 1 if SHORT else 5

# What people type; $0 is the tarball, $1 the directory.
BY_HAND = 'mkdir "$1" && tar xzf "$0" -C "$1" --no-same-owner && "$1/bin/python" "$1/bin/conda-unpack"'


def main() -> None:
    """Measure and print the table."""
    folder = Path(sys.argv[1]).resolve()
    os.chdir(folder)
    os.environ |= {"CONDA_ENVS_PATH": str(folder / "envs"), "XDG_CACHE_HOME": str(folder / "cache")}
    module = folder / "edited.py"
    spec = json.loads((folder / f"{SIZE}.json").read_text()) | {"local": {"edited": str(module)}}
    (folder / "edited.json").write_text(json.dumps(spec))
    module.write_text("NUMBER = 0\n")
    _create("edited-base")
    forms: dict[str, Callable[[], None]] = {
        "whole": lambda: _create("edited"),
        "difference": lambda: _create("edited", "--base", "edited-base.tar.gz"),
        "unchecked": lambda: _create("edited", "--base", "edited-base.tar.gz", "--no-check"),
        "conda-pack": lambda: _run(
            str(Path(sys.executable).with_name("conda-pack")),
            *("--quiet", "--force", "--prefix", f"{folder}/envs/edited", "--output", "edited-conda.tar.gz"),
        ),
    }
    times: dict[str, list[float]] = {form: [] for form in forms}
    for number in range(1, ROUNDS + 1):
        for form, make in forms.items():
            if form != "conda-pack" or number == 1:
                module.write_text(f"NUMBER = {len(form)} + {number}\n")
                times[form].append(_seconds(make))
    medians = {form: statistics.median(each) for form, each in times.items()}
    print(
        f"edit, {SIZE}: create {medians['whole']:.2f} s, with --base {medians['difference']:.2f} s, and --no-check "
        f"{medians['unchecked']:.2f} s; conda-pack, which only packs, {medians['conda-pack']:.2f} s"
    )
    sizes = [Path(name).stat().st_size / 1e6 for name in ("edited.delta", "edited.tar.gz", "edited-conda.tar.gz")]
    print(
        f"edit, {SIZE}: shipped {sizes[0]:.3f} MB in place of {sizes[1]:.1f} MB, ratio {sizes[1] / sizes[0]:.0f}; "
        f"conda-pack {sizes[2]:.1f} MB"
    )
    for place in ("/dev/shm", tempfile.gettempdir()):  # noqa: S108
        _first_task(place)


def _first_task(place: str) -> None:
    """Time the first task after the edit on a worker that has the base, in turns with the peers."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        cache, sent = Path(name, "cache"), Path(name, "sent")
        sent.mkdir()
        for file in ("edited-base.tar.gz", "edited.delta", "edited.tar.gz", "edited-conda.tar.gz"):
            shutil.copyfile(file, sent / file)
        (sent / "edited.tar.gz").rename(sent / "whole.tar.gz")
        os.environ["PYTHON_PACKAGE_CACHE"] = str(cache)
        _run(str(WRAPPER), "-e", f"{sent}/edited-base.tar.gz", "/bin/true")
        (base,) = cache.iterdir()
        commands = {
            "difference": [str(WRAPPER), "-e", f"{sent}/edited.delta", "/bin/true"],
            "whole": [str(WRAPPER), "-e", f"{sent}/whole.tar.gz", "/bin/true"],
            "hand": ["sh", "-c", BY_HAND, f"{sent}/edited-conda.tar.gz", f"{name}/hand"],
            "cp -a": ["cp", "-a", str(base), f"{name}/hand"],
            "cp -al": ["cp", "-al", str(base), f"{name}/hand"],
        }
        times: dict[str, list[float]] = {form: [] for form in commands}
        processor: dict[str, list[float]] = {form: [] for form in commands}
        for _ in range(ROUNDS):
            for form, command in commands.items():
                os.sync()
                before = _processor()
                times[form].append(_seconds(_run, *command))
                processor[form].append(_processor() - before)
                for made in (*(env for env in cache.iterdir() if env != base), Path(name, "hand")):
                    shutil.rmtree(made, ignore_errors=True)
    taken = {form: statistics.median(each) for form, each in times.items()}
    spent = {form: statistics.median(each) for form, each in processor.items()}
    print(
        f"edit, {SIZE}: first task in {place:9} whole {taken['whole']:.2f} s   by hand {taken['hand']:.2f} s   "
        f"difference {taken['difference']:.2f} s   ratio {taken['whole'] / taken['difference']:.1f}, "
        f"by hand {taken['hand'] / taken['difference']:.1f}   "
        f"(processor {spent['whole']:.2f}, {spent['hand']:.2f}, {spent['difference']:.2f} s; "
        f"cp -a of the base {taken['cp -a']:.2f} s, hard links to it {taken['cp -al']:.2f} s)",
        flush=True,
    )


def _processor() -> float:
    """Return the seconds that all processes that have ended took of all cores."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _create(name: str, *options: str) -> None:
    create = str(Path(sys.executable).with_name("python_package_create"))
    _run(create, "-q", "-c", "./channel", *options, "edited.json", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _seconds(work: Callable[..., None], *arguments: str) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
