"""Real Work Queue: 60 tasks, a line is edited, 60 tasks; the manager counts what it sends to the workers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from integration.cluster import Cluster, job_folder
from integration.machines import Builder, Environment

_MANAGER = Path(__file__).parent / "scripts" / "batches.py"
_MODULE = 'import sys\n\nprint("version {}:", int(sys.argv[1]) ** 2)\n'
WORKERS = 2


@pytest.fixture(scope="module")
def edits(builder: Builder) -> list[Environment]:
    """Make an environment with a module of the user's, and twice again after an edit, on the base of the first."""
    made = []
    for number, name in enumerate(("first", "second", "third")):
        (builder.folder / "ours.py").write_text(_MODULE.format(number))
        builder.run("python_package_analyze", "--local", "ours.py", f"{name}.json").ok()
        base = ["--base", "first.tar.gz"] if number else []
        builder.run("python_package_create", *base, f"{name}.json", name).ok()
        made.append(Environment(name, builder.folder / f"{name}.tar.gz", ""))
    return made


def test_batches__after_an_edit__a_difference_is_all_that_is_sent(
    tmp_path_factory: pytest.TempPathFactory, builder: Builder, edits: list[Environment]
) -> None:
    folder = tmp_path_factory.mktemp("differences")
    job = job_folder(folder / "job", edits[0], edits[2])
    for file in (_MANAGER, builder.folder / "second.delta"):
        shutil.copy(file, job)
    command = "python3 batches.py first.tar.gz second.delta third.tar.gz"
    with Cluster.start(folder, job, command, workers=WORKERS) as cluster:
        done = cluster.wait()
        assert done.status == 0, done.out + done.err
        found = json.loads(done.out)
        unpacked = [cluster.unpackings(worker) for worker in cluster.containers("worker")]

    for number, batch in enumerate(found.values()):
        assert batch["printed"] == sorted(f"version {number}: {each**2}" for each in range(60))
    # The wrapper goes along with the first batch only: the workers keep it.
    first, second, third = found.values()
    print({name: (batch["size"], batch["sent"]) for name, batch in found.items()})
    assert second["sent"] == WORKERS * second["size"] < 200_000 * WORKERS
    assert third["sent"] == WORKERS * third["size"] > 20 * second["sent"]
    assert first["sent"] > WORKERS * first["size"]
    assert unpacked == [3] * WORKERS
