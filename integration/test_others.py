"""Who unpacks the tarball without our wrapper: TaskVine's contract step by step, and people at a bash prompt."""

from __future__ import annotations

import pytest

from integration.conftest import Workers
from integration.machines import CLEAN, Environment, Job

# What TaskVine does with a `declare_poncho` file (work done by its worker, shown as a shell script).
_MINI_TASK = "mkdir output && tar xf small.tar.gz -C output && output/bin/run_in_env"
_STATE = "find {} -type f -exec stat -c '%n %i %s %y' {{}} + | sort | cksum"
# Which files hold a prefix, and that it is the right one. _sysconfigdata is one that every environment has.
_PLACE = 'python3 -c "import sys, sysconfig; print(sys.prefix, sysconfig.get_config_var(\\"BINDIR\\"))"'


@pytest.fixture
def job(workers: Workers, small: Environment) -> Job:
    return workers(CLEAN).job(small, writable=True)


def test_taskvine__unpack_and_run_in_env_without_arguments__changes_nothing(job: Job) -> None:
    job.sh(_MINI_TASK).ok()
    before = job.sh(_STATE.format("output")).out
    assert job.sh("output/bin/run_in_env").status == 0
    assert job.sh(_STATE.format("output")).out == before
    assert job.sh("ls output/conda-meta | grep -c python-package-prefix").out.strip() == "0"


def test_taskvine__ten_tasks_start_together_after_the_rename__relocated_once_at_the_final_path(job: Job) -> None:
    job.sh(f"{_MINI_TASK} && mkdir cache && mv output cache/env-md5-1f2e").ok()
    config = '"$PONCHO_PREFIX"/lib/python3*/_sysconfigdata_*.py'
    task = f"""link/bin/run_in_env sh -c '{_PLACE}; pytest --version; stat -c "%i %y" {config}'"""
    done = job.sh(
        f"""for task in 0 1 2 3 4 5 6 7 8 9; do
            mkdir t.$task && (cd t.$task && ln -s ../cache/env-md5-1f2e link && {task} >out 2>err) &
        done; wait; cat t.*/err >&2; sort t.*/out | uniq -c"""
    )
    place = f"{job.path}/cache/env-md5-1f2e"
    counted = {line.split(maxsplit=1)[1]: int(line.split()[0]) for line in done.out.splitlines()}
    assert done.err == ""
    assert f"{place} {place}/bin" in counted
    assert set(counted.values()) == {10}, done.out  # the same file with the same time stamp for all: written once
    assert len(counted) == 3


def test_taskvine__environment_moved_again__is_relocated_to_the_new_place(job: Job) -> None:
    job.sh(f"{_MINI_TASK} && mv output first && first/bin/run_in_env true && mv first second").ok()
    done = job.sh(f"ln -s second link && link/bin/run_in_env {_PLACE}").ok()
    assert done.out == f"{job.path}/second {job.path}/second/bin\n"
    assert job.sh('link/bin/run_in_env "$@"', "pytest", "--version").status == 0
    assert job.sh("grep -rlF first/ second/bin second/lib/pkgconfig").out == ""


def test_taskvine__python_task__finds_python_below_poncho_prefix(job: Job) -> None:
    job.sh(f"{_MINI_TASK} && mv output final && ln -s final link").ok()
    done = job.sh("""link/bin/run_in_env sh -c '"$PONCHO_PREFIX/bin/python3" -c "import dill; print(7)"; exit 5'""")
    assert (done.status, done.out) == (5, "7\n"), done.err


def test_bash_user__tar_activate_conda_unpack__works_as_with_conda_pack(job: Job) -> None:
    script = f"""
        mkdir my_env && tar xzf small.tar.gz -C my_env && source my_env/bin/activate && conda-unpack || exit
        echo "$CONDA_PREFIX" "$(type -p python)"
        {_PLACE}
        python -c 'import dill; print(6)'
        pytest --version
        source my_env/bin/deactivate
        type -p python || echo no python
    """
    done = job.sh('exec bash -c "$1"', script)
    env = f"{job.path}/my_env"
    assert done.status == 0, done.err
    assert done.out.splitlines()[:3] == [f"{env} {env}/bin/python", f"{env} {env}/bin", "6"]
    assert done.out.splitlines()[-1] == "no python"


def test_bash_user__activate_twice_with_a_tarball_moved_between__works(job: Job) -> None:
    job.sh("mkdir one && tar xzf small.tar.gz -C one && one/bin/conda-unpack && mv one two").ok()
    done = job.sh('exec bash -c "$1"', f"source two/bin/activate && conda-unpack && {_PLACE}").ok()
    assert done.out == f"{job.path}/two {job.path}/two/bin\n"
