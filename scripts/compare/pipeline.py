"""Environments, tarballs and tasks: ours, and conda-pack's of the same environments as others run them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .corpus import ROOT
from .tools import Workshop

WRAPPER = ROOT / "python_package" / "run" / "python_package_run"
# What people type, with conda-pack's own documentation beside them.
BY_HAND = """
mkdir -p "$2" && tar xzf "$1" -C "$2" && . "$2/bin/activate" && conda-unpack || exit 1
shift 2
"$@"
"""
_PATIENCE = 120


class Site:
    """The tarballs of one run, and a folder that every row has to itself."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.folder = workshop.home / "pipeline"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.wheels = self.folder / "wheels"
        _wheel(self.wheels, "steady", "")
        _wheel(self.wheels, "shaky", "import a_module_that_is_missing\n")
        self.envs = self.folder / "envs"
        self.create("plain")
        self.create("more", "steady")
        self._bare_path()

    def create(self, name: str, *modules: str, **environ: str) -> int:
        """Make an environment and our tarball of it; return the exit status."""
        spec = self.folder / f"{name}.json"
        version = ".".join(map(str, sys.version_info[:3]))
        listed = ", ".join(f'"{module}"' for module in modules)
        spec.write_text(f'{{"python": "{version}", "modules": [{listed}]}}\n')
        create = Path(sys.executable).with_name("python_package_create")
        options = [f"--map={module}={module}" for module in modules]
        done = subprocess.run(
            [create, "--interpreter", "host", *options, spec, self.folder / f"{name}.tar.gz"],
            env=self.workshop.environ(
                **{"CONDA_ENVS_PATH": str(self.envs), "PIP_FIND_LINKS": str(self.wheels), **environ}
            ),
            cwd=self.folder,
            capture_output=True,
            timeout=600,
        )
        return done.returncode

    def tarball(self, tool: str, name: str = "plain") -> Path:
        """Return a tool's tarball of an environment: ours, or conda-pack's of the same prefix."""
        if tool == "ours":
            return self.folder / f"{name}.tar.gz"
        made = self.folder / f"{name}-conda-pack.tar.gz"
        if not made.exists():
            self.conda_pack(name, made)
        return made

    def conda_pack(self, name: str, target: Path) -> int:
        """Pack an environment with conda-pack; return the exit status."""
        command = Path(sys.executable).with_name("conda-pack")
        options = ["--quiet", "--prefix", str(self.envs / name), "--output", str(target)]
        return subprocess.run([command, *options], capture_output=True, timeout=600).returncode

    def start(self, tool: str, tarball: Path, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a task with a tool, in a folder of the row's own; `sh` names another shell than the usual."""
        process = subprocess.Popen(self._argv(tool, tarball, command, options), **self._usual(options))
        try:
            stdout, stderr = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def start_many(self, count: int, tool: str, tarball: Path, *command: str) -> list[int]:
        """Run a task as often at once; return the exit statuses."""
        argv = self._argv(tool, tarball, command, {})
        started = [subprocess.Popen(argv, **self._usual({})) for _ in range(count)]
        for process in started:
            process.communicate(timeout=_PATIENCE)
        return [process.returncode for process in started]

    def fresh(self) -> Path:
        """Return an empty folder for a row."""
        folder = self.folder / "row"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _argv(self, tool: str, tarball: Path, command: Sequence[str], options: Mapping[str, Any]) -> list[str]:
        env = str(options.get("env", self.folder / "row" / "env"))
        shell = str(options.get("sh", "/bin/bash"))
        if tool == "ours":
            start = [str(options["sh"])] if "sh" in options else []
            return [*start, str(WRAPPER), "-e", str(tarball), "-u", env, "--", *command]
        if tool == "debian":
            run = str(self.workshop.debian() / "python_package_run")
            return [shell, run, "-e", str(tarball), "-u", env, "--", *command]
        return [shell, "-c", BY_HAND, shell, str(tarball), env, *command]

    def _usual(self, options: Mapping[str, Any]) -> dict[str, Any]:
        home = self.folder / "row" / "home"
        home.mkdir(exist_ok=True)
        # With a python on PATH, as conda-pack's conda-unpack needs it.
        path = str(options.get("path", f"{self.workshop.user}/bin:/usr/bin:/bin"))
        return {
            "cwd": options.get("cwd", self.folder / "row"),
            "env": {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8"},
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }

    def _bare_path(self) -> None:
        """Make a folder of the machine's commands without python, and one without bash."""
        self.without = {name: self.folder / f"no-{name}" for name in ("python", "bash")}
        for name, folder in self.without.items():
            folder.mkdir()
            for path in (path for source in ("/bin", "/usr/bin") for path in Path(source).iterdir()):
                if not path.name.startswith((name, "conda")) and not (folder / path.name).exists():
                    (folder / path.name).symlink_to(path)


def _wheel(folder: Path, name: str, code: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: compare\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
