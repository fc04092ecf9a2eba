"""A worker unpacks once, whatever happens meanwhile."""

from __future__ import annotations

from integration.conftest import Workers
from integration.machines import CLEAN, COUNTING, Environment
from python_package import pack

_TEN_AT_ONCE = """
for task in 0 1 2 3 4 5 6 7 8 9; do
    ./python_package_run small "python3 -c 'import dill; print($task)'" >out.$task 2>err.$task &
done
wait
cat out.* err.*
"""

# SIGKILL to all of the wrapper, as a worker does it, once python is there; print how many files are.
_KILLED_MIDWAY = """
setsid ./python_package_run rich 'echo ran' &
until [ -n "$(find /tmp -path '*/bin/python3.*' 2>/dev/null)" ]; do
    kill -0 $! || exit 9
done
kill -KILL -$!
wait $!
find /tmp -type f | wc -l
"""


def test_run__ten_tasks_at_once_on_a_new_worker__unpack_once(workers: Workers, small: Environment) -> None:
    job = workers.new(COUNTING).job(small, writable=True)
    done = job.sh(_TEN_AT_ONCE)
    assert done.out.split() == [str(task) for task in range(10)]
    assert job.read("/tmp/unpacked") == b"unpacked\n"


def test_run__killed_while_unpacking__next_task_unpacks_afresh(workers: Workers, rich: Environment) -> None:
    job = workers.new(CLEAN).job(rich, writable=True)
    assert 0 < int(job.sh(_KILLED_MIDWAY).ok().out) < pack.read(rich.tarball).files
    done = job.run(rich, "python3 -c 'import numpy, pandas, lxml.etree, matplotlib; print(numpy.ones(3).sum())'")
    assert (done.status, done.out) == (0, "3.0\n"), done.err


def test_run__tarball_of_the_same_name_with_another_content__is_unpacked_too(
    workers: Workers, small: Environment, rich: Environment
) -> None:
    job = workers(CLEAN).job(small, writable=True)
    command = "python3 -c 'import numpy; print(1)'"
    assert "No module named 'numpy'" in job.run(small, command).err
    (job.folder / small.tarball.name).unlink()
    (job.folder / small.tarball.name).hardlink_to(rich.tarball)
    assert job.run(small, command).out == "1\n"
