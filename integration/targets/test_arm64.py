"""This machine is an x86-64, its workers are aarch64: made here, import-checked and run under qemu."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integration.conftest import Workers
from integration.machines import CLEAN, Environment
from integration.targets.conftest import Client
from python_package import elf, pack
from python_package.target import Target

pytestmark = pytest.mark.targets

_MODULES = ("numpy", "pandas", "tqdm")
_TASK = """python3 -c '
import platform, numpy, pandas
print(platform.machine(), int(pandas.Series(numpy.arange(4) ** 2).sum()))
'"""


@pytest.fixture(scope="module")
def made(arm64: Client) -> Environment:
    """Return an environment for the worker, that has been import-checked under qemu."""
    return arm64.made("made", _MODULES, "--target", str(arm64.probe), "--require-check", "--lock", "lock.json")


def test_probe__arm64__says_platform_and_glibc(arm64: Client) -> None:
    target = Target.load(str(arm64.probe))
    assert (target.subdir, target.glibc, target.microarchitecture) == ("linux-aarch64", (2, 36), "aarch64")
    assert "flock" in json.loads(arm64.probe.read_text())["tools"]


def test_create__target_of_the_worker__everything_is_of_its_platform(made: Environment) -> None:
    assert pack.read(made.tarball).subdir == "linux-aarch64"
    assert {elf.subdir(path) for path in elf.find(Path(made.prefix))} == {"linux-aarch64"}


def test_run__worker_of_the_target__gives_the_result(arm64: Client, made: Environment) -> None:
    done = arm64.worker.job(made).run(made, _TASK, timeout=600)
    assert (done.status, done.out) == (0, "aarch64 14\n"), done.err


def test_run__console_script_of_a_wheel__starts(arm64: Client, made: Environment) -> None:
    done = arm64.worker.job(made).run(made, "printf '1\\n2\\n' | tqdm | wc -l", timeout=300)
    assert (done.status, done.out.strip()) == (0, "2"), done.err


def test_run__x86_64__is_refused_in_one_line(workers: Workers, made: Environment) -> None:
    done = workers(CLEAN).job(made).run(made, _TASK)
    assert (done.status, done.out) == (4, "")
    (line,) = done.err.splitlines()
    assert "is for linux-aarch64" in line
    assert "this machine is linux-64" in line


# In a user's own namespace, the kernel has no handler for other processors' programs.
_HIDE = 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && exec "$@"'
_WITHOUT_HANDLER = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _HIDE, "sh")


def _unchecked(archive: Path) -> bool:
    """Tell what the first lines of a tarball, which are text, say about its imports."""
    return b"\nimports unchecked\n" in archive.read_bytes()[:8192]


def test_create__no_handler__says_that_imports_are_unchecked_and_runs(arm64: Client) -> None:
    done = arm64.create("unchecked", ["numpy"], "--target", str(arm64.probe), before=_WITHOUT_HANDLER)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "not imported" in line]
    assert "this machine cannot run python of linux-aarch64" in line
    made = Environment("unchecked", arm64.folder / "unchecked.tar.gz", "")
    assert _unchecked(made.tarball)
    ran = arm64.worker.job(made).run(made, "python3 -c 'import numpy; print(numpy.arange(4).sum())'", timeout=300)
    assert (ran.status, ran.out) == (0, "6\n"), ran.err


def test_create__no_handler_and_check_required__is_refused(arm64: Client) -> None:
    asked = ("--target", str(arm64.probe), "--require-check")
    done = arm64.create("required", ["numpy"], *asked, before=_WITHOUT_HANDLER)
    assert done.returncode == 9
    assert not (arm64.folder / "required.tar.gz").exists()
    assert "linux-aarch64" in done.stderr.splitlines()[-1]


def test_create__no_handler_and_qemu_named__is_checked(arm64: Client) -> None:
    qemu = f"qemu-aarch64-static -L {arm64.supplies.root}"
    asked = ("--target", str(arm64.probe), "--require-check", "--check-with", qemu)
    done = arm64.create("named", ["numpy"], *asked, before=_WITHOUT_HANDLER)
    assert done.returncode == 0, done.stderr
    assert not _unchecked(arm64.folder / "named.tar.gz")
    # numpy is there, and one of its modules cannot be.
    broken = arm64.create("broken", ["numpy", "numpy.nonsense"], *asked, before=_WITHOUT_HANDLER)
    assert broken.returncode == 6, broken.stderr
    assert "numpy.nonsense" in broken.stderr.splitlines()[-1]


def test_create__least_machine_of_the_platform__is_refused_with_both_versions(arm64: Client) -> None:
    # Debian 12's interpreter is built for a glibc that not all of the platform's machines have.
    done = arm64.create("least", ["numpy"], "--target", "linux-aarch64")
    assert done.returncode == 4
    for part in ("2.28", "__glibc"):
        assert part in done.stderr.splitlines()[-1]


@pytest.mark.usefixtures("made")
def test_create__lock_of_the_target__is_refused_for_another(arm64: Client) -> None:
    done = arm64.create("other", _MODULES, "--locked", "lock.json", "--target", "linux-64")
    assert done.returncode == 3
    for part in ("linux-aarch64", "linux-64"):
        assert part in done.stderr.splitlines()[-1]
