"""Run a user's own script on a clean worker, and say what would have gone wrong on a cluster."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from integration import docker
from integration.machines import CLEAN, Environment, Job, Worker
from python_package import analyze as analysis
from python_package import pack
from python_package.errors import PackageError

_NAME = "simulated"
_PATIENCE = 3600  # seconds that the script may run

# What a task says on stderr -> what to tell the user; the first group is the thing that is missing.
_SIGNS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (
        r"No module named '([\w.]+)'",
        lambda name: (
            f"the module {name} is not in the environment: it is imported by a name that analyze cannot see; "
            f"add it with python_package_analyze --extra-pkg {name.partition('.')[0]}"
        ),
    ),
    (r"No such file or directory: '([^']+)'", lambda name: _missing(name)),
    (r"\b([\w.+-]+): (?:command )?not found", lambda name: _missing(name)),
    (
        r"(?:\[Errno 30\] Read-only file system|\[Errno 13\] Permission denied): '([^']+)'",
        lambda name: f"it writes to {name}: on a worker only the working directory and $TMPDIR are the task's own",
    ),
    (
        r"(name resolution|Name or service not known|Network is unreachable|No address associated|Could not resolve)",
        lambda _: "it uses the network, which many workers do not have",
    ),
    (
        r"(lib[\w.+-]+): cannot open shared object file",
        lambda name: f"{name} is a library of this machine's that no package of the environment brings",
    ),
    (
        r"(no display name|cannot connect to X server|could not connect to display)",
        lambda _: "it opens a window: on a worker there is no display",
    ),
)


def main(argv: list[str]) -> int:
    """Simulate a script with its arguments; return 0 when a cluster would have run it."""
    if not argv or not argv[0]:
        print("usage: simulate SCRIPT [ARGUMENT...]", file=sys.stderr)
        return 1
    script, arguments = Path(argv[0]), argv[1:]
    docker.remove_at_end()
    with tempfile.TemporaryDirectory(prefix="pypkg-it-") as scratch:
        try:
            return _simulate(script, arguments, Path(scratch))
        except (PackageError, docker.DockerError) as error:
            _say(f"would fail: {error}")
            return getattr(error, "code", 1)


def _simulate(script: Path, arguments: list[str], scratch: Path) -> int:
    found = analysis.analyze_sources([(str(script), analysis.read_script(str(script)))])
    _say(f"needs Python {found.spec.python} and {', '.join(found.spec.modules) or 'nothing but its standard library'}")
    problems = list(found.remarks)
    problems += _stage(script.resolve(), [Path(path) for path in found.local], scratch / "task")
    environment = _create(found.spec.to_json(), scratch)
    facts = pack.read(environment.tarball)
    _say(f"the tarball has {environment.tarball.stat().st_size / 1e6:.0f} MB and unpacks to {facts.size / 1e6:.0f} MB")
    _say(f"a worker must be {facts.subdir} with glibc {facts.glibc} or newer; this simulates one without network")
    (scratch / "worker").mkdir()
    with Worker.start(CLEAN, scratch / "worker") as worker:
        job = worker.job(environment, files=scratch / "task", writable=True)
        status = _run(job, environment, shlex.join(["python3", script.name, *arguments]), problems)
        made = sorted(_files(job.folder) - _files(scratch / "task") - {environment.tarball.name, "python_package_run"})
    if made:
        _say(f"made {', '.join(made)}: name what you want back as the task's outputs")
    for problem in dict.fromkeys(problems):
        _say(f"look at this: {problem}")
    _say("would have run" if status == 0 else f"would have failed with status {status}")
    return status


def _stage(script: Path, local: list[Path], folder: Path) -> Iterator[str]:
    """Copy the script and the local modules that it imports; yield what cannot come along as it is."""
    folder.mkdir()
    shutil.copy(script, folder)
    for path in local:
        if path.is_relative_to(script.parent):
            target = folder / path.relative_to(script.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        else:
            yield f"the local module {path} is outside of the script's folder, so it was left behind"


def _create(spec: str, scratch: Path) -> Environment:
    (scratch / "spec.json").write_text(spec)
    command = [str(Path(sys.executable).parent / "python_package_create"), "spec.json", _NAME]
    # Not among the user's own environments.
    settings = os.environ | {"CONDA_ENVS_PATH": str(scratch / "envs")}
    done = subprocess.run(command, cwd=scratch, env=settings, check=False)
    if done.returncode:
        raise docker.DockerError(f"python_package_create ended with status {done.returncode}")
    return Environment(_NAME, scratch / f"{_NAME}.tar.gz", "")


def _run(job: Job, environment: Environment, command: str, problems: list[str]) -> int:
    start = time.perf_counter()
    ready = job.run(environment, "true")
    if ready.status:
        problems.append(ready.err.strip())
        return ready.status
    _say(f"unpacked in {time.perf_counter() - start:.1f} s; running: {command}")
    start = time.perf_counter()
    done = job.run(environment, command, timeout=_PATIENCE)
    sys.stdout.buffer.write(done.stdout)
    sys.stdout.flush()
    sys.stderr.buffer.write(done.stderr)
    sys.stderr.flush()
    _say(f"ended after {time.perf_counter() - start:.1f} s")
    problems += diagnose(done.err, done.status)
    return done.status


def diagnose(said: str, status: int) -> list[str]:
    """Return what a task's stderr and exit status tell about the difference between the machines."""
    found = [tell(match[1]) for pattern, tell in _SIGNS for match in re.finditer(pattern, said)]
    if status > 128 and not found:
        found.append(f"it was ended by signal {status - 128}" + (", maybe for want of memory" if status == 137 else ""))
    return found


def _missing(name: str) -> str:
    if "/" not in name and shutil.which(name):
        return f"it runs the program {name}, which this machine has and a worker need not have"
    with suppress(OSError):
        if Path(name).exists():
            return f"the file {name} exists here and not on a worker: name it as one of the task's inputs"
    return f"there is no {name} on a worker"


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def _say(line: str) -> None:
    print(f"simulate: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
