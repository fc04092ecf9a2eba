"""A person's machine, on which python_package_create is run as they would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from wheels import write_wheel

PYTHON = ".".join(map(str, sys.version_info[:3]))
COMMAND = Path(sys.executable).with_name("python_package_create")
# The index's own projects, which nobody knows outside of these tests.
OURS = [f"--map={name}={name}" for name in ("broken", "clashing", "nowhere", "onlypypi")]


@dataclass(frozen=True)
class Desk:
    """A person's machine: a home, a working directory, a channel, an index that holds a few wheels."""

    home: Path
    cwd: Path
    channel: Path
    environ: Mapping[str, str]

    @property
    def envs(self) -> Path:
        return self.home / ".conda" / "envs"

    def start(self, *argv: str, **extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *argv],
            cwd=self.cwd,
            env={**self.environ, **extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *argv: str, **extra: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*argv, **extra)
        stdout, stderr = process.communicate(timeout=300)
        return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)

    def create(self, *argv: str, modules: tuple[str, ...] = (), **extra: str) -> subprocess.CompletedProcess[str]:
        return self.run("-c", str(self.channel), *OURS, *argv, self.spec(*modules), "env", **extra)

    def spec(self, *modules: str, python: str = PYTHON, **keys: object) -> str:
        (self.cwd / "deps.json").write_text(json.dumps({"python": python, "modules": modules, **keys}))
        return "deps.json"

    def state(self) -> dict[str, bytes]:
        """Return what exists under the name `env`: file names with contents, link targets left out."""
        files = [path for path in (self.envs / "env").rglob("*") if path.is_file() and not path.is_symlink()]
        files += [self.cwd / "env.tar.gz"]
        return {str(path): path.read_bytes() for path in files if path.is_file()}


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Caches that the tests of a session share, so that each package is fetched once."""
    root = tmp_path_factory.mktemp("caches")
    return {
        "XDG_CACHE_HOME": str(root / "xdg"),
        "RATTLER_CACHE_DIR": str(root / "rattler"),
        "UV_CACHE_DIR": str(root / "uv"),
    }


@pytest.fixture
def desk(tmp_path: Path, channel: Path, caches: dict[str, str]) -> Desk:
    return make_desk(tmp_path, channel, caches)


def make_desk(root: Path, channel: Path, caches: Mapping[str, str]) -> Desk:
    """Make a machine in an empty folder."""
    home, cwd, index = root / "home", root / "a job", root / "index"
    for folder in (home, cwd):
        folder.mkdir()
    write_wheel(
        index,
        "onlypypi",
        {"onlypypi.py": "ANSWER = 42\n"},
        entry_points="[console_scripts]\nonlypypi-tool = onlypypi:ANSWER.bit_length\n",
    )
    write_wheel(index, "onlypypi", {"onlypypi.py": "ANSWER = 41\n"}, version="0.9")
    write_wheel(index, "broken", {"broken.py": "import nowhere_to_be_found\n"})
    write_wheel(
        index,
        "withextra",
        {"withextra.py": ""},
        requires=("onlypypi==0.9; extra == 'more'",),
        headers="Provides-Extra: more\n",
    )
    write_wheel(index, "clashing", {"clashing.py": ""}, requires=("idna<0.1",))
    write_wheel(index, "idna", {"idna/__init__.py": ""}, version="0.0.1")
    environ = {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(index),
        "PIP_NO_INDEX": "1",
        "UV_HTTP_RETRIES": "0",
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},  # make coverage
        **caches,
    }
    return Desk(home, cwd, channel, environ)


def one_line(stderr: str) -> str:
    """Return the last line of stderr, which must be the command's own and no traceback."""
    assert "Traceback" not in stderr
    last = stderr.splitlines()[-1]
    assert last.startswith("python_package_create: ")
    return last
