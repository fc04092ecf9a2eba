"""This machine is newer than its workers: Debian 12 with glibc 2.36 makes environments for Debian 11 with 2.31."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import pytest

from integration.targets.conftest import Client
from python_package import pack
from python_package.target import Target

pytestmark = pytest.mark.targets

# cryptography has wheels for glibc 2.28 and for 2.34: the newest that fits is another one on each of the two machines.
_MODULES = ("cryptography", "numpy")
_TASK = """python3 -c '
import platform, numpy, cryptography.fernet as fernet
key = fernet.Fernet(fernet.Fernet.generate_key())
print(platform.libc_ver()[1], int(numpy.arange(4).sum()), key.decrypt(key.encrypt(b"text")).decode())
'"""


def _tag(prefix: str, distribution: str) -> str:
    (found,) = Path(prefix).glob(f"lib/python3.*/site-packages/{distribution}-*.dist-info/WHEEL")
    return found.read_text()


def test_probe__debian_11__says_its_glibc(old: Client) -> None:
    target = Target.load(str(old.probe))
    assert (target.subdir, target.glibc, target.cuda) == ("linux-64", (2, 31), "")


def test_create__target_of_the_worker__takes_older_wheels_and_runs_there(old: Client) -> None:
    made = old.made("fits", _MODULES, "--target", str(old.probe))
    assert "manylinux_2_28" in _tag(made.prefix, "cryptography")
    floor = pack.read(made.tarball).glibc
    assert tuple(map(int, floor.split("."))) <= (2, 31)
    done = old.worker.job(made).run(made, _TASK)
    assert (done.status, done.out) == (0, "2.31 6 text\n"), done.err


def test_create__no_target__is_refused_by_the_worker_that_names_the_file(old: Client) -> None:
    made = old.made("newer", _MODULES)
    assert "manylinux_2_34" in _tag(made.prefix, "cryptography")
    done = old.worker.job(made).run(made, _TASK)
    assert (done.status, done.out) == (4, "")
    (line,) = done.err.splitlines()
    for part in ("needs glibc 2.34", "has glibc 2.31", "cryptography/hazmat/bindings/_rust.abi3.so"):
        assert part in line


def test_create__target_and_this_machines_interpreter__is_refused_here(old: Client) -> None:
    own = replace(old, python=platform.python_version())
    done = own.create("own", _MODULES, "--target", str(old.probe), "--interpreter", "host")
    assert done.returncode == 9
    assert not (old.folder / "own.tar.gz").exists()
    (line,) = done.stderr.splitlines()[-1:]
    assert "glibc" in line
    assert "2.31" in line
