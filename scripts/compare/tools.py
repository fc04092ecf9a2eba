"""The tools: how each is installed in a place of its own, and every documented way to ask it about a script."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import adapters, standins
from .corpus import ROOT, Case
from .judge import Answer

DEBIAN = "coop-computing-tools"
PEERS = {"pipreqs": "0.5.0", "pigar": "2.2.0", "deptry": "0.25.1", "fawltydeps": "0.20.0"}
TOOLS = ("ours", "debian", *PEERS)
_PATIENCE = 120
# Where caches and the site's mirror of PyPI are; nothing else of the caller's settings reaches a tool.
_KEPT = ("UV_CACHE_DIR", "XDG_CACHE_HOME", "RATTLER_CACHE_DIR", "PIP_CONFIG_FILE")


@dataclass(frozen=True)
class Way:
    """One way to ask a tool: a command, and where its report comes: a file, or standard output."""

    argv: Sequence[str | Path]
    report: str = ""
    needs: str = ""  # a file that must be there, empty


class Workshop:
    """Where the tools are: `home` is thrown away when anything is in doubt."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.user = home / "user"
        self.env = home / "envs" / "plain"  # a real Conda environment, which Debian's tool must run inside
        self.deb = home / "debian"
        self._uv = Path(sys.executable).with_name("uv")
        self.index = ""

    def prepare(self, tools: Sequence[str]) -> None:
        """Install what is missing."""
        if not self.user.exists():
            self._venv(self.user)
        site = next(self.user.glob("lib/python*/site-packages"))
        for name in tools:
            venv = self.home / f"{name}-{PEERS.get(name, '')}"
            if name in PEERS and not (venv / "complete").exists():
                self._venv(venv)
                self._run(self._uv, "pip", "install", "-q", "--python", venv / "bin/python", f"{name}=={PEERS[name]}")
                # The user's packages come after the tool's own, so that stand-ins never replace what it needs.
                (next(venv.glob("lib/python*/site-packages")) / "user.pth").write_text(f"{site}\n")
                (venv / "complete").touch()
        self._sweep(site)
        if "debian" in tools:
            self.debian()
            env = self.conda()
            self._sweep(next(env.glob("lib/python*/site-packages")))
            self._sweep(env / "conda-meta")

    def debian(self) -> Path:
        """Return the folder of Debian's commands, unpacked from its package and never installed."""
        if not (self.deb / "usr").exists():
            self.deb.mkdir(parents=True, exist_ok=True)
            self._run("apt-get", "download", DEBIAN, cwd=self.deb)
            self._run("dpkg-deb", "-x", *self.deb.glob("*.deb"), self.deb)
        return self.deb / "usr/bin"

    def debian_version(self) -> str:
        """Return the version of Debian's package."""
        return next(self.deb.glob("*.deb")).name.split("_")[1].replace("%3a", ":")

    def conda(self) -> Path:
        """Return a real Conda environment of this interpreter and nothing else."""
        if not self.env.exists():
            spec = self.home / "plain.json"
            version = ".".join(map(str, sys.version_info[:3]))
            spec.write_text(f'{{"python": "{version}", "modules": []}}\n')
            create = Path(sys.executable).with_name("python_package_create")
            self._run(
                *(create, "--interpreter", "host", spec, self.home / "plain.tar.gz"),
                env=self.environ(CONDA_ENVS_PATH=str(self.home / "envs")),
            )
        conda = self.home / "conda" / "conda"
        conda.parent.mkdir(exist_ok=True)
        conda.write_text(f"#!{sys.executable}\n{standins.CONDA}")
        conda.chmod(0o755)
        return self.env

    def environ(self, *path: Path, **more: str) -> dict[str, str]:
        """Return the environment of a plain user whose python3 is the user's own."""
        places = [*map(str, path), str(self.user / "bin"), "/usr/bin", "/bin"]
        kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
        (self.home / "home").mkdir(exist_ok=True)
        settings = {"PATH": ":".join(places), "HOME": str(self.home / "home"), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
        return {**kept, **settings, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def ask(self, tool: str, case: Case) -> list[Answer]:
        """Run a tool on a case in every way that it documents; return what it says each time."""
        site = next((self.env if tool == "debian" else self.user).glob("lib/python*/site-packages"))
        records = self.env / "conda-meta" if tool == "debian" else None
        with standins.installed(site, case.installed, records):
            return [self._ask(tool, case, way) for way in self.ways(tool, case)]

    def ways(self, tool: str, case: Case) -> list[Way]:
        """Return the documented ways to ask a tool about a case."""
        venv = self.home / f"{tool}-{PEERS.get(tool, '')}" / "bin"
        if tool == "ours":
            return [Way([sys.executable, ROOT / "scripts/compare/ours.py", case.script])]
        if tool == "debian":
            command = self.debian() / "python_package_analyze"
            # It takes several files, but no folder.
            scripts = sorted(case.files_beside("*.py")) if case.script == "." else [case.script]
            return [Way([self.env / "bin/python3", command, *scripts, "out"], "out")]
        if tool == "pipreqs":
            index = ["--pypi-server", f"{self.index}/pypi/"] if case.bare else ["--use-local"]
            return [Way([venv / "pipreqs", "--mode", "no-pin", "--print", "--scan-notebooks", *index, "."])]
        if tool == "pigar":
            options = ["--dry-run", "-c", "-", "--question-answer", "yes", "--auto-select"]
            return [Way([venv / "pigar", "generate", *options, "-i", f"{self.index}/simple/", "."])]
        if tool == "deptry":
            return [Way([venv / "deptry", ".", "--no-ansi", "-o", "out.json"], "out.json", "requirements.txt")]
        common: list[str | Path] = [venv / "fawltydeps", "--check-undeclared", "--json", "--pyenv", self.user]
        return [Way([*common, "--code", each]) for each in dict.fromkeys((".", case.script))]

    def _ask(self, tool: str, case: Case, way: Way) -> Answer:
        project = self.home / "run" / "project"
        shutil.rmtree(project.parent, ignore_errors=True)
        project.parent.mkdir(parents=True)
        case.lay_out(project)
        if way.needs:
            (project / way.needs).touch()
        path = [self.home / "conda", self.env / "bin"] if tool == "debian" else []
        done = subprocess.run(
            list(way.argv),
            cwd=project,
            env=self.environ(*path, CONDA_PREFIX=str(self.env)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
        )
        stdout, stderr = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
        report = stdout
        if way.report:
            file = project / way.report
            report = file.read_text() if file.exists() else ""
            stderr += stdout
        return ADAPTERS[tool](done.returncode, stderr, report)

    def _sweep(self, folder: Path) -> None:
        """Remove the stand-ins that a run which was killed has left."""
        known = self.home / f"{folder.relative_to(self.home).as_posix().replace('/', '-')}.txt"
        if not known.exists():
            known.write_text("".join(f"{path.name}\n" for path in folder.iterdir()))
        kept = known.read_text().splitlines()
        standins.remove(path for path in folder.iterdir() if path.name not in kept)

    def _venv(self, venv: Path) -> None:
        shutil.rmtree(venv, ignore_errors=True)
        self._run(self._uv, "venv", "-q", "--python", sys.executable, venv)

    def _run(self, *argv: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
        done = subprocess.run(
            list(argv), cwd=cwd, env=env, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            sys.exit(f"compare: {argv[0]} failed, so its rows cannot be made: {done.stderr.strip()}")


ADAPTERS: dict[str, Callable[[int, str, str], Answer]] = {
    "ours": adapters.ours,
    "debian": adapters.debian,
    "pipreqs": adapters.requirements,
    "pigar": adapters.requirements,
    "deptry": adapters.deptry,
    "fawltydeps": adapters.fawltydeps,
}
