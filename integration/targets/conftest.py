"""What the tests share: a worker of each machine, its own probe, and environments made here for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from integration.machines import Environment, Worker
from integration.targets.channels import ARM64, OLD, Machine, Supplies, prepare

_CREATE = Path(sys.executable).with_name("python_package_create")


@dataclass(frozen=True)
class Client:
    """This machine, where environments are made for another one."""

    folder: Path
    supplies: Supplies
    worker: Worker
    python: str

    @property
    def probe(self) -> Path:
        """What the worker says about itself."""
        return self.folder / "probe.json"

    def create(
        self, name: str, modules: Sequence[str], *options: str, before: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Make an environment of modules with options; `before` is a command that runs this one."""
        spec = self.folder / f"{name}.json"
        spec.write_text(json.dumps({"python": self.python, "modules": list(modules)}))
        command = [*before, str(_CREATE), "-c", str(self.supplies.channel), *options, spec.name, name]
        settings = {
            "CONDA_ENVS_PATH": str(self.folder / "envs"),
            # What earlier runs found out about the same content does not count.
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
            # As /usr/aarch64-linux-gnu is with Debian's libc6-arm64-cross.
            "QEMU_LD_PREFIX": str(self.supplies.root),
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def made(self, name: str, modules: Sequence[str], *options: str) -> Environment:
        """Make one as `create` does, which must succeed, and return it."""
        done = self.create(name, modules, *options)
        assert done.returncode == 0, done.stderr
        return Environment(name, self.folder / f"{name}.tar.gz", str(self.folder / "envs" / name))


def _client(machine: Machine, folder: Path, python: str) -> Iterator[Client]:
    supplies = prepare(machine)
    shared = folder / machine.name
    shared.mkdir()
    with Worker.start(machine.worker, shared) as worker:
        client = Client(folder, supplies, worker, python)
        client.probe.write_bytes(worker.job().sh("exec ./python_package_run --probe").ok().stdout)
        yield client


@pytest.fixture(scope="session")
def arm64(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Return this machine with a worker of another processor, whose Debian is ours."""
    yield from _client(ARM64, tmp_path_factory.mktemp("arm64"), ">=3.11,<3.12")


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Return this machine with a worker whose glibc is older."""
    yield from _client(OLD, tmp_path_factory.mktemp("old"), ">=3.9,<3.10")
