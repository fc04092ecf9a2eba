"""Compare packing with conda-pack.  usage: bench_pack.py PREFIX...  (each an environment that create made)

Every figure is of one call in a process of its own that has imported what it needs; peak memory is that process's.
conda-pack's time counts as 1. 'same files' ships what conda-pack ships, without the modules that we compile; how
long compiling takes is told apart, since conda and pip do it when they install, not when they pack.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SHORT = bool(os.environ.get("BENCH_SHORT"))  # only tries that everything works
ROUNDS = 1 if SHORT else 3
KINDS = {
    "default": "conda-pack",
    "threads": "conda-pack, n_threads=-1",
    "bare": "ours cold, same files",
    "cold": "ours cold",
    "warm": "ours warm",
    "cp": "cp of ours",
    "sync": "cp of ours, on disk as ours",
}


def main() -> None:
    """Measure each environment and print its table."""
    for prefix in (Path(argument).resolve() for argument in sys.argv[1:]):  # programs are run in other folders
        # Beside the environment, and so on the same disk.
        with tempfile.TemporaryDirectory(prefix=".bench-pack-", dir=prefix.parent) as folder:
            _table(prefix, Path(folder))


def _table(prefix: Path, folder: Path) -> None:
    compiling, _, _ = _run("compile", prefix, folder)
    _run("warm", prefix, folder)  # fills the cache that stays warm
    shutil.copyfile(folder / "warm.tar.gz", folder / "ours.tar.gz")
    figures: dict[str, list[tuple[float, int, int]]] = {kind: [] for kind in KINDS}
    for _ in range(ROUNDS):
        for kind, runs in figures.items():
            runs.append(_run(kind, prefix, folder))
    base = statistics.median(seconds for seconds, _, _ in figures["default"])
    base_size = figures["default"][0][1]
    print(f"pack, {prefix.name}: compiling modules, once for each package: {compiling:.2f} s")
    for kind, title in KINDS.items():
        seconds = statistics.median(run[0] for run in figures[kind])
        size, memory = figures[kind][0][1], max(run[2] for run in figures[kind])
        print(
            f"  {title:26} {seconds:7.3f} s  {base / seconds:6.1f} times as fast  {size / 1e6:7.1f} MB"
            f"  size {size / base_size:5.3f}  peak {memory / 1024:4.0f} MB",
            flush=True,
        )


def _run(kind: str, prefix: Path, folder: Path) -> tuple[float, int, int]:
    """Run one child; return its seconds, the size of its output, and its peak memory in KiB."""
    output = folder / f"{kind}.tar.gz"
    output.unlink(missing_ok=True)
    shutil.rmtree(folder / "cold", ignore_errors=True)
    answer = folder / "answer"
    argv = [sys.executable, __file__, "--child", kind, str(prefix), str(folder)]
    _, status, usage = os.wait4(os.spawnv(os.P_NOWAIT, argv[0], argv), 0)  # noqa: S606  # for the child's usage
    if status:
        raise SystemExit(f"{kind} failed")
    return float(answer.read_text()), output.stat().st_size if output.exists() else 0, usage.ru_maxrss


def _child(kind: str, prefix: Path, folder: Path) -> None:
    """Make one measured call and record its seconds."""
    output = folder / f"{kind}.tar.gz"
    start = _prepare(kind, prefix, folder, output)
    begun = time.perf_counter()
    start()
    (folder / "answer").write_text(str(time.perf_counter() - begun))


def _prepare(kind: str, prefix: Path, folder: Path, output: Path) -> Callable[[], object]:
    if kind in ("cp", "sync"):
        command = ["sh", "-c", 'cp "$1" "$2"' + (' && sync "$2"' if kind == "sync" else ""), "sh"]
        return lambda: subprocess.run([*command, folder / "ours.tar.gz", output], check=True)
    if kind in ("default", "threads"):
        import conda_pack

        threads = -1 if kind == "threads" else 1
        return lambda: conda_pack.pack(prefix=str(prefix), output=str(output), n_threads=threads)
    from python_package import pack
    from python_package.pack import bytecode, contents

    modules = folder / "modules.json"
    if kind == "compile":
        environment = contents.load(prefix)
        (folder / "modules").mkdir()

        def compile_all() -> None:
            with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
                made = bytecode.compile_layers(environment, environment.layers, folder / "modules", pool, lambda: None)
            names = [layer.name for layer in environment.layers]
            modules.write_text(json.dumps(dict(zip(names, made, strict=True))))

        return compile_all
    compiled: Mapping[str, Mapping[str, str]] = {} if kind == "bare" else json.loads(modules.read_text())
    cache = folder / ("layers" if kind == "warm" else "cold")
    return lambda: pack.pack(
        prefix,
        output,
        cache=cache,
        compiler=lambda _contents, layers, *_: [compiled.get(layer.name, {}) for layer in layers],
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
