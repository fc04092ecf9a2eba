"""scripts/emulator leaves others' handlers alone, and none of its own behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.images import CHECKOUT

pytestmark = pytest.mark.targets

_EMULATOR = str(CHECKOUT / "scripts" / "emulator")
_PROCESSOR = "riscv64"  # that no other test needs
_OURS = f"pypkg-it-{_PROCESSOR}"
_FOREIGN = f"foreign-{_PROCESSOR}"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Path]:
    """Return what the kernel says about its handlers; what a test has left there is removed."""
    folder = tmp_path / "registry"
    folder.mkdir()
    subprocess.run(["mount", "-t", "binfmt_misc", "none", folder], check=True, timeout=60)
    try:
        yield folder
    finally:
        for name in (_OURS, _FOREIGN):
            if (folder / name).exists():
                (folder / name).write_text("-1")
        subprocess.run(["umount", folder], check=True, timeout=60)


def _run(command: str) -> subprocess.CompletedProcess[str]:
    line = [_EMULATOR, _PROCESSOR, "sh", "-c", command]
    return subprocess.run(line, capture_output=True, text=True, timeout=900, check=False)


def _register(registry: Path, name: str, flags: str) -> None:
    line = Path(f"/usr/lib/binfmt.d/qemu-{_PROCESSOR}.conf").read_text().strip()
    *fields, _ = line.split(":")
    (registry / "register").write_text(":".join([*fields, flags]).replace(f"qemu-{_PROCESSOR}", name, 1))


def test_emulator__command__has_a_handler_and_its_status_is_kept(registry: Path) -> None:
    done = _run(f"cat {registry}/{_OURS}; exit 3")
    assert done.returncode == 3
    assert done.stdout.splitlines()[0] == "enabled"
    assert not (registry / _OURS).exists()


def test_emulator__handler_is_there__is_used_and_left(registry: Path) -> None:
    _run("true")  # so that qemu is installed
    _register(registry, _FOREIGN, "F")
    before = (registry / _FOREIGN).read_text()
    done = _run(f"ls {registry}")
    assert (done.returncode, done.stderr) == (0, "")
    assert _FOREIGN in done.stdout.split()
    assert _OURS not in done.stdout.split()
    assert (registry / _FOREIGN).read_text() == before


def test_emulator__handler_is_of_no_use_in_containers__says_so(registry: Path) -> None:
    _run("true")
    _register(registry, _FOREIGN, "")
    done = _run("echo started")
    assert (done.returncode, done.stdout) == (69, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"emulator: the handler {_FOREIGN} is there")


def test_emulator__two_at_once__the_first_to_end_leaves_the_handler(registry: Path) -> None:
    with subprocess.Popen([_EMULATOR, _PROCESSOR, "sh", "-c", "echo up; read line"], stdin=-1, stdout=-1) as first:
        assert first.stdout
        assert first.stdout.readline() == b"up\n"
        assert _run("true").returncode == 0
        assert (registry / _OURS).exists()
        first.communicate(b"\n", timeout=60)
    assert not (registry / _OURS).exists()


def test_emulator__killed__the_next_start_sweeps_what_it_left(registry: Path) -> None:
    command = [_EMULATOR, _PROCESSOR, "sh", "-c", "echo up; exec sleep 600"]
    with subprocess.Popen(command, stdout=-1, start_new_session=True) as killed:
        assert killed.stdout
        assert killed.stdout.readline() == b"up\n"
        os.killpg(killed.pid, signal.SIGKILL)
    assert (registry / _OURS).exists()
    (registry / _OURS).write_text("0")  # as only the one that was left behind would be
    done = _run(f"head -n 1 {registry}/{_OURS}")
    assert done.stdout == "enabled\n"
    assert not (registry / _OURS).exists()


def test_emulator__terminated__leaves_nothing(registry: Path) -> None:
    command = [_EMULATOR, _PROCESSOR, "sh", "-c", "echo up; exec sleep 600"]
    with subprocess.Popen(command, stdout=-1, start_new_session=True) as ended:
        assert ended.stdout
        assert ended.stdout.readline() == b"up\n"
        os.killpg(ended.pid, signal.SIGTERM)
        assert ended.wait(60) == 143
    assert not (registry / _OURS).exists()


def test_emulator__unknown_processor__says_so() -> None:
    line = [_EMULATOR, "z80", "true"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=900, check=False)
    assert (done.returncode, done.stderr) == (69, "emulator: qemu-user-static has nothing for z80\n")


def test_emulator__another_processors_ends__leaves_this_ones() -> None:
    done = _run(f"{_EMULATOR} s390x true && ls /run/pypkg-it/binfmt_misc")
    assert _OURS in done.stdout.split()
