"""Ship an environment to 1, 2, 4 and 8 workers of a Work Queue cluster.  usage: -m integration.growth TARBALL [N...]

Each worker gets two tasks. For each number of workers it prints what the manager has sent, by its own statistics, how
long it took until the last worker ran a task, and how often the tarball was unpacked. BANDWIDTH=25000000 lets the
manager send no more than 25 MB a second. All workers share this machine's cores, and keep their files below TMPDIR.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from integration import docker
from integration.cluster import Cluster, job_folder

_MANAGER = Path(__file__).parent / "scripts" / "shipping.py"
_WORKERS = ("1", "2", "4", "8")
_PATIENCE = 150  # seconds until every worker runs a task


@dataclass(frozen=True)
class Shipping:
    """What it took to have an environment on every worker."""

    first: dict[str, float]  # a worker's host name -> seconds from the submission until its first task ran
    sent: int  # bytes, by the manager's statistics
    sending: float  # seconds that the manager has spent on that
    unpackings: dict[str, int]  # a worker's host name -> how often it has unpacked


def ship(folder: Path, tarball: Path, workers: int, *, bandwidth: str = "0") -> Shipping:
    """Start that many workers, and end when each has run its tasks; `folder` is empty."""
    job = job_folder(folder / "job")
    shutil.copy(tarball, job)
    shutil.copy(_MANAGER, job)
    command = f"python3 {_MANAGER.name} {workers} {tarball.name} {bandwidth}"
    with Cluster.start(folder, job, command, workers=workers) as cluster:
        hosts = [worker[:12] for worker in cluster.containers("worker")]
        try:
            cluster.wait_until(
                lambda: len(_began(cluster.workspaces)) == len(hosts) or (job / "status").exists(), timeout=_PATIENCE
            )
        except Exception:  # pytest-docker has no narrower one
            ran = len(_began(cluster.workspaces))
            why = "a worker that has got no task after 30 s leaves, so allow more BANDWIDTH or take fewer workers"
            raise docker.DockerError(f"after {_PATIENCE} s only {ran} of {workers} workers run a task; {why}") from None
        (cluster.workspaces / "all").touch()
        done = cluster.wait().ok()
        result = json.loads(done.out)
        if result["failed"]:
            raise docker.DockerError(f"a task has failed: {result['failed']}")
        first = {host: second - result["start"] for host, second in _began(cluster.workspaces).items()}
        unpackings = {host: cluster.unpackings(host) for host in hosts}
    return Shipping(first, result["sent"], result["sending"], unpackings)


def main(argv: list[str]) -> int:
    """Print one line for each number of workers."""
    if not argv or not argv[0].endswith(".tar.gz") or not all(each.isdecimal() and int(each) for each in argv[1:]):
        print("usage: python -m integration.growth TARBALL [N...]", file=sys.stderr)
        return 1
    tarball = Path(argv[0]).resolve()
    if not tarball.is_file():
        print(f"growth: {argv[0]}: no such tarball", file=sys.stderr)
        return 1
    docker.remove_at_end()
    docker.sweep()
    try:
        for number in argv[1:] or _WORKERS:
            with tempfile.TemporaryDirectory(prefix=f"growth-{number}-") as folder:
                shipped = ship(Path(folder), tarball, int(number), bandwidth=os.environ.get("BANDWIDTH", "0"))
            print(_line(shipped, tarball.stat().st_size), flush=True)
    except docker.DockerError as error:
        print(f"growth: {error}", file=sys.stderr)
        return 1
    finally:
        docker.sweep(docker.OWNER)
    return 0


def _began(workspaces: Path) -> dict[str, float]:
    """Return for each worker that runs a task when its first one began: its host name, and a Unix time."""
    began: dict[str, float] = {}
    for said in workspaces.glob("*.first"):
        host = said.name.partition("-")[0]
        began[host] = min(began.get(host, float("inf")), float(said.read_text()))
    return began


def _line(shipped: Shipping, size: int) -> str:
    seconds = sorted(shipped.first.values())
    return (
        f"{len(seconds)} workers: sent {shipped.sent / 1e6:7.1f} MB = {shipped.sent / size:.3f} tarballs "
        f"in {shipped.sending:5.1f} s; a task ran on the first worker after {seconds[0]:5.1f} s, on the last after "
        f"{seconds[-1]:5.1f} s; {sum(shipped.unpackings.values())} unpackings; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
