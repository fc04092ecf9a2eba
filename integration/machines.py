"""The two kinds of machine in the story: the user's, where an environment is made, and a worker, where it is used."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from integration import images
from integration.docker import Container, Done
from integration.images import CHECKOUT
from integration.supplies import Supplies

WRAPPER = CHECKOUT / "python_package" / "run" / "python_package_run"
# Where Miniconda is on the builder, and its user's home.
CONDA = "/opt/conda"
HOME = "/home/builder"
SHIMS = Path(__file__).parent / "shims"


@dataclass(frozen=True)
class Environment:
    """What `python_package_create` has made: a name, its tarball, and where the builder keeps the environment."""

    name: str
    tarball: Path
    prefix: str


@dataclass(frozen=True)
class Builder:
    """A user's machine without a network: our package is installed, the channel is a folder."""

    container: Container
    folder: Path  # on this machine; /job in the container

    @classmethod
    @contextmanager
    def start(cls, supplies: Supplies, folder: Path) -> Iterator[Builder]:
        """Start one whose working directory is `folder`."""
        folder.chmod(0o777)
        mounts = [
            *_bind(folder, "/job"),
            *_bind(supplies.channel, "/channel", "readonly"),
            *_bind(CHECKOUT, "/checkout", "readonly"),
        ]
        settings = ["--env", "PIP_NO_INDEX=1", "--env", "PIP_FIND_LINKS=/opt/wheels"]
        options = ["--network", "none", *settings, "--workdir", "/job", *mounts]
        container = Container.start("builder", supplies.builder_image(), options)
        try:
            pip = [
                "python3",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--root-user-action",
                "ignore",
                "--no-cache-dir",
            ]
            container.exec(*pip, "--no-deps", "--no-build-isolation", "/checkout").ok()
            yield cls(container, folder)
        finally:
            container.remove()

    def run(self, *command: str, user: str = "1000:1000", stdin: bytes | None = None) -> Done:
        """Run a command as an ordinary user, by default the one who owns Conda's environments."""
        home = HOME if user == "1000:1000" else f"/tmp/{user.partition(':')[0]}"
        as_user = ["--user", user, "--env", f"HOME={home}"]
        return self.container.exec(*command, options=as_user, stdin=stdin, timeout=300)

    def create(self, name: str, script: Path) -> Environment:
        """Analyze a script and create its environment with the commands of the man pages."""
        shutil.copy(script, self.folder)
        self.run("python_package_analyze", script.name, f"{name}.json").ok()
        self.run("python_package_create", f"{name}.json", name).ok()
        return Environment(name, self.folder / f"{name}.tar.gz", f"{CONDA}/envs/{name}")

    def spec(self, name: str) -> dict[str, object]:
        """Return what analyze wrote for an environment."""
        read: dict[str, object] = json.loads((self.folder / f"{name}.json").read_text())
        return read


@dataclass(frozen=True)
class Kind:
    """One kind of worker: its image, a target in a folder of docker/, and how its tasks are run there."""

    name: str
    image: str = "clean"
    folder: str = "worker"
    user: str = "1000:1000"
    home: str = "/home/worker"
    umask: str = "022"
    mounted: str = "/shared"  # where the shared folder is seen
    options: tuple[str, ...] = ("--read-only", "--volume", "/tmp")


CLEAN = Kind("clean")
BUSYBOX = Kind("busybox", image="busybox")
# A user that /etc/passwd does not know, files that nobody else may read, and paths that shells trip over.
ODD = Kind("odd", user="4321:8765", home="/shäred space/a home", umask="077", mounted="/shäred space")
KINDS = (CLEAN, BUSYBOX, ODD)
# A tar before the worker's own counts how often it is called; given one core, an unpacking is one call.
COUNTING = Kind(
    "counting",
    options=(
        *CLEAN.options,
        *("--volume", f"{SHIMS / 'tar'}:/usr/local/bin/tar:ro"),
        *("--env", "PYPKG_IT_UNPACKED=/tmp/unpacked", "--env", "CORES=1"),
    ),
)
MUSL = Kind("musl", image="musl")
OLD = Kind("old", image="old")  # glibc 2.31
SMALL = Kind("small", options=("--read-only", "--tmpfs", "/tmp:size=40m,mode=1777,exec"))
# What Docker forbids by default and bubblewrap needs: namespaces of a user's own, and a /proc in them.
SANDBOX = Kind(
    "sandbox",
    image="sandbox",
    options=(
        *CLEAN.options,
        *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
        *("--security-opt", "systempaths=unconfined"),
    ),
)


@dataclass(frozen=True)
class Worker:
    """A machine with no Python and no network that shares one folder with us: tarball, wrapper and tasks."""

    kind: Kind
    container: Container
    folder: Path
    _made: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def start(cls, kind: Kind, folder: Path) -> Iterator[Worker]:
        """Start one; `folder` is new, on the file system that also holds the tarballs."""
        folder.chmod(0o755)
        home = folder / Path(kind.home).name
        home.mkdir()
        home.chmod(0o777)
        options = ["--network", "none", "--user", kind.user, "--env", f"HOME={kind.home}"]
        container = Container.start(
            folder.name, images.image(kind.folder, kind.image), [*options, *kind.options, *_bind(folder, kind.mounted)]
        )
        try:
            yield cls(kind, container, folder)
        finally:
            container.remove()

    def job(self, *environments: Environment, files: Path | None = None, writable: bool = False) -> Job:
        """Return a new folder on this worker that holds the wrapper, the tarballs and copies of files."""
        name = f"job {len(self._made)}"
        self._made.append(name)
        folder = self.folder / name
        if files:
            shutil.copytree(files, folder)
        else:
            folder.mkdir()
        shutil.copy(WRAPPER, folder)
        for environment in environments:
            # As Work Queue gives its tasks their inputs.
            os.link(environment.tarball, folder / environment.tarball.name)
        folder.chmod(0o777 if writable else 0o755)
        return Job(self, folder, f"{self.kind.mounted}/{name}")


@dataclass(frozen=True)
class Job:
    """A task's working directory on a worker."""

    worker: Worker
    folder: Path
    path: str  # the same, as the worker sees it

    def run(self, environment: Environment, command: str, *, stdin: bytes | None = None, timeout: float = 120) -> Done:
        """Run a command string with python_package_run."""
        return self.sh('exec ./python_package_run "$@"', environment.name, command, stdin=stdin, timeout=timeout)

    def sh(self, script: str, *arguments: str, stdin: bytes | None = None, timeout: float = 120) -> Done:
        """Run a shell script with arguments."""
        command = ["sh", "-c", f"umask {self.worker.kind.umask}; {script}", "sh", *arguments]
        return self.worker.container.exec(*command, options=["--workdir", self.path], stdin=stdin, timeout=timeout)

    def read(self, name: str) -> bytes:
        """Return the content of a file that a task has made, with the worker's own rights."""
        return self.worker.container.exec("cat", name, options=["--workdir", self.path]).ok().stdout


def _bind(source: Path, target: str, *options: str) -> list[str]:
    return ["--mount", ",".join(["type=bind", f"source={source}", f"target={target}", *options])]
