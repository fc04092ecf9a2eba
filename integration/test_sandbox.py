"""--sandbox: bubblewrap where the worker has it, a refusal where it has not."""

from __future__ import annotations

from integration.conftest import Workers
from integration.docker import Done
from integration.machines import CLEAN, SANDBOX, Environment, Job, Kind

_NO_NAMESPACES = Kind("forbidden", image="sandbox")


def _run(job: Job, option: str, command: str) -> Done:
    return job.sh('exec ./python_package_run "$1" small "$2"', option, command)


def test_sandbox__task_writes_where_it_may__and_nowhere_else(workers: Workers, small: Environment) -> None:
    job = workers(SANDBOX).job(small, writable=True)
    job.sh("echo other >/tmp/other; mkdir /tmp/victim").ok()
    command = """echo kept >made; echo private >/tmp/mine; cat /tmp/mine
        ls /tmp; (echo no >/home/worker/x) 2>/dev/null || echo refused
        python3 -c 'import dill, sys; print(sys.prefix != "")'; (rm -r "$CONDA_PREFIX/bin") 2>/dev/null || echo whole"""
    done = _run(job, "--sandbox", command)
    lines = done.out.split()
    assert (done.status, done.err) == (0, "")
    assert lines[0] == "private"
    assert "other" not in lines
    assert lines[-3:] == ["refused", "True", "whole"]
    assert job.read("made") == b"kept\n"
    assert job.sh("cat /tmp/mine").status != 0


def test_sandbox__network__only_when_asked_for(workers: Workers, small: Environment) -> None:
    job = workers(SANDBOX).job(small)
    outside = job.sh("readlink /proc/self/ns/net").out
    assert _run(job, "--sandbox", "readlink /proc/self/ns/net").out not in ("", outside)
    assert _run(job, "--sandbox-network", "readlink /proc/self/ns/net").out == outside


def test_sandbox__exit_status__is_the_tasks(workers: Workers, small: Environment) -> None:
    job = workers(SANDBOX).job(small)
    assert _run(job, "--sandbox", "python3 -c 'raise SystemExit(42)'").status == 42


def test_sandbox__no_bubblewrap__refuses_and_runs_nothing(workers: Workers, small: Environment) -> None:
    job = workers(CLEAN).job(small, writable=True)
    done = _run(job, "--sandbox", "touch ran")
    assert done.status == 4
    assert len(done.err.splitlines()) == 1
    assert "bubblewrap" in done.err
    assert not (job.folder / "ran").exists()


def test_sandbox__machine_forbids_namespaces__refuses_and_runs_nothing(workers: Workers, small: Environment) -> None:
    job = workers(_NO_NAMESPACES).job(small, writable=True)
    done = _run(job, "--sandbox", "touch ran")
    assert done.status == 4
    assert "does not work on this machine" in done.err
    assert not (job.folder / "ran").exists()
