"""Local channels as the users of other machines make them: there, by our own command, of that python3."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

from integration.cache import kept
from integration.docker import LABEL, OWNER, PREFIX, docker
from integration.images import CHECKOUT, image
from integration.machines import Kind
from python_package.host_python import channel


@dataclass(frozen=True)
class Machine:
    """One that is not like this one: `name` is its folder in docker/targets, which has a worker and an interpreter.

    `wheels`: what uv calls its platform.
    `python`: the program that can run our commands there.
    """

    name: str
    wheels: str
    python: str

    @property
    def worker(self) -> Kind:
        """Return the kind of worker that it is."""
        return Kind(self.name, "worker", f"targets/{self.name}")


ARM64 = Machine("arm64", wheels="aarch64-manylinux_2_36", python="python3")  # Debian 12
OLD = Machine("old", wheels="x86_64-manylinux_2_36", python="newer-python3")  # Debian 11, glibc 2.31, Python 3.9


@dataclass(frozen=True)
class Supplies:
    """What is kept of a machine: the channel of its python3, and its libraries, which an emulator's programs need."""

    folder: Path

    @property
    def channel(self) -> Path:
        """The channel."""
        return self.folder / "channel"

    @property
    def root(self) -> Path:
        """A root file system, of which only the libraries are there."""
        return self.folder / "root"


def prepare(machine: Machine) -> Supplies:
    """Return what a machine gives us, made there if it is not in our cache."""
    tag = image(f"targets/{machine.name}", "interpreter")
    code = [path.read_bytes() for path in sorted(Path(channel.__file__).parent.glob("*.py"))]

    def make(folder: Path) -> None:
        commands = folder / "commands"
        _install(commands, machine)
        _run_there(machine, tag, commands, folder / "channel")
        _copy_libraries(tag, folder / "root")

    return Supplies(kept(machine.name, [tag, Path(__file__).read_bytes(), *code], make))


def _install(folder: Path, machine: Machine) -> None:
    """Put what our commands need into a folder: wheels for that machine, and its container needs no network."""
    wanted = [each for each in requires("python-packaging-utilities") or () if "extra ==" not in each]
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--only-binary", ":all:"]
    platform = ["--target", str(folder), "--python-platform", machine.wheels, "--python-version", "3.11"]
    subprocess.run([*uv, *platform, *wanted], check=True, timeout=600)


def _run_there(machine: Machine, tag: str, commands: Path, target: Path) -> None:
    target.mkdir()
    options = [
        *("--rm", "--network", "none", "--name", f"{PREFIX}-{OWNER}-channel-{machine.name}"),
        *(
            "--label",
            f"{LABEL}={OWNER}",
            "--env",
            "PYTHONDONTWRITEBYTECODE=1",
            "--env",
            "PYTHONPATH=/commands:/checkout",
        ),
        *("--env", "PATH=/commands/bin:/usr/local/bin:/usr/bin:/bin"),
        *(f"--volume={source}:{place}" for source, place in ((target, "/channel"), (commands, "/commands:ro"))),
        f"--volume={CHECKOUT}:/checkout:ro",
    ]
    command = [machine.python, "-m", "python_package.channel", "--python", "/usr/bin/python3", "/channel"]
    docker("run", *options, tag, *command, timeout=1200).ok()


def _copy_libraries(tag: str, target: Path) -> None:
    target.mkdir()
    container = docker("create", "--label", f"{LABEL}={OWNER}", tag).ok().out.strip()
    try:
        docker("cp", "--follow-link", f"{container}:/lib", target, timeout=300).ok()
    finally:
        docker("rm", container).ok()
