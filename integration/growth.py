"""Ship an environment to 1, 2, 4 and 8 workers of a Work Queue cluster.  usage: -m integration.growth TARBALL [N...]

Each worker gets two tasks. For each number of workers it prints what the manager has sent, by its own statistics, how
long it took until the last worker ran a task, and how often the tarball was unpacked. DIFFERENCE=NAME.delta is sent
afterwards, to the same workers. BANDWIDTH=25000000 lets the manager send no more than 25 MB a second. All workers share
this machine's cores, and keep their files below TMPDIR.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from integration import docker
from integration.cluster import Cluster, job_folder

_MANAGER = Path(__file__).parent / "scripts" / "shipping.py"
_WORKERS = ("1", "2", "4", "8")
_PATIENCE = 150  # seconds until every worker runs a task


@dataclass(frozen=True)
class Shipping:
    """What it took to have a tarball or difference on every worker."""

    size: int  # bytes of the file
    sent: int  # bytes, by the manager's statistics
    sending: float  # seconds that the manager has spent on that
    first: dict[str, float]  # a worker's host name -> seconds from the submission until its first task ran
    unpackings: dict[str, int]  # a worker's host name -> how often it has unpacked


def ship(folder: Path, files: Sequence[Path], workers: int, *, bandwidth: str = "0") -> list[Shipping]:
    """Start that many workers and ship one file after the other, each with its tasks; `folder` is empty."""
    job = job_folder(folder / "job")
    for file in (_MANAGER, *files):
        shutil.copy(file, job)
    names = " ".join(file.name for file in files)
    with Cluster.start(
        folder, job, f"python3 {_MANAGER.name} {workers} {bandwidth} {names}", workers=workers
    ) as cluster:
        began, unpacked = [], []
        for number, _ in enumerate(files):
            began.append(_everywhere(cluster, number, workers))
            unpacked.append({host[:12]: cluster.unpackings(host) for host in cluster.containers("worker")})
            (cluster.workspaces / f"all-{number}").touch()
        result = json.loads(cluster.wait().ok().out)
    if result["failed"]:
        raise docker.DockerError(f"a task has failed: {result['failed']}")
    before: dict[str, int] = {}
    shipped = []
    for file, batch, seconds, total in zip(files, result["batches"], began, unpacked, strict=True):
        first = {host: second - batch["start"] for host, second in seconds.items()}
        new = {host: count - before.get(host, 0) for host, count in total.items()}
        shipped.append(Shipping(file.stat().st_size, batch["sent"], batch["sending"], first, new))
        before = total
    return shipped


def main(argv: list[str]) -> int:
    """Print a line for each number of workers, and one for the difference."""
    if not argv or not argv[0].endswith(".tar.gz") or not all(each.isdecimal() and int(each) for each in argv[1:]):
        print("usage: python -m integration.growth TARBALL [N...]", file=sys.stderr)
        return 1
    files = [Path(name).resolve() for name in (argv[0], os.environ.get("DIFFERENCE")) if name]
    for file in files:
        if not file.is_file():
            print(f"growth: {file}: no such file", file=sys.stderr)
            return 1
    docker.remove_at_end()
    try:
        docker.sweep()
        for number in argv[1:] or _WORKERS:
            with tempfile.TemporaryDirectory(prefix=f"growth-{number}-") as folder:
                shipped = ship(Path(folder), files, int(number), bandwidth=os.environ.get("BANDWIDTH", "0"))
            for each in shipped:
                print(_line(each), flush=True)
    except docker.DockerError as error:
        print(f"growth: {error}", file=sys.stderr)
        return 1
    finally:
        docker.sweep(docker.OWNER)
    return 0


def _everywhere(cluster: Cluster, batch: int, workers: int) -> dict[str, float]:
    """Wait until every worker runs a task of the batch, or the manager has ended; return when each one began."""
    try:
        cluster.wait_until(
            lambda: len(_began(cluster, batch)) == workers or (cluster.job / "status").exists(), timeout=_PATIENCE
        )
    except Exception:  # pytest-docker has no narrower one
        ran = len(_began(cluster, batch))
        why = "a worker that has got no task after 30 s leaves, so allow more BANDWIDTH or take fewer workers"
        raise docker.DockerError(f"after {_PATIENCE} s only {ran} of {workers} workers run a task; {why}") from None
    return _began(cluster, batch)


def _began(cluster: Cluster, batch: int) -> dict[str, float]:
    """Return for each worker when its first task of the batch began: its host name, and a Unix time."""
    began: dict[str, float] = {}
    for said in cluster.workspaces.glob(f"*.first-{batch}"):
        host = said.name.partition("-")[0]
        began[host] = min(began.get(host, float("inf")), float(said.read_text()))
    return began


def _line(shipped: Shipping) -> str:
    seconds = sorted(shipped.first.values())
    return (
        f"{len(seconds)} workers: sent {shipped.sent / 1e6:8.3f} MB = {shipped.sent / shipped.size:.3f} times the file "
        f"in {shipped.sending:5.1f} s; a task ran on the first worker after {seconds[0]:5.1f} s, on the last after "
        f"{seconds[-1]:5.1f} s; {sum(shipped.unpackings.values())} unpackings; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
