"""The tools: how each is installed, in a place of its own, and every documented way to ask it about a script."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.compare import stand_ins
from scripts.compare.corpus import Case
from scripts.compare.judge import READERS, Answer

DEBIAN = "coop-computing-tools"
PEERS = {"pipreqs": "0.5.0", "pigar": "2.2.0", "deptry": "0.25.1", "fawltydeps": "0.20.0"}
TOOLS = ("ours", "debian", *PEERS)
_SECONDS = 120
# Where caches are, and the site's mirror of PyPI. No other setting of the caller reaches a tool.
_KEPT = ("UV_CACHE_DIR", "XDG_CACHE_HOME", "RATTLER_CACHE_DIR", "PIP_CONFIG_FILE")
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Way:
    """One way to ask a tool."""

    argv: Sequence[str | Path]
    # The file that holds its report; '' is standard output.
    report: str = ""
    # An empty file that must be there.
    needs: str = ""


class Workshop:
    """A folder in which all tools are installed; it can be deleted at any time."""

    def __init__(self, home: Path, index: str) -> None:
        self.home = home
        # The address of the stand-in for PyPI.
        self.index = index
        self.user = home / "user"
        # A real Conda environment, which Debian's tool must run in.
        self.env = home / "envs" / "plain"
        self._deb = home / "debian"

    def prepare(self, tools: Iterable[str]) -> None:
        """Install what is missing."""
        if not self.user.exists():
            self._venv(self.user)
        site = _site_packages(self.user)
        for name in tools:
            venv = self._place(name)
            if name in PEERS and not (venv / "complete").exists():
                python = self._venv(venv)
                self._run(_BIN / "uv", "pip", "install", "-q", "--python", python, f"{name}=={PEERS[name]}")
                # The user's packages come after the tool's own, so that stand-ins never replace what the tool needs.
                (_site_packages(venv) / "user.pth").write_text(f"{site}\n")
                (venv / "complete").touch()
        self._sweep(site)
        if "debian" in tools:
            self.debian()
            self._conda()
            self._sweep(_site_packages(self.env))
            self._sweep(self.env / "conda-meta")

    def debian(self) -> Path:
        """Return the folder of Debian's commands, unpacked from its package but not installed."""
        if not (self._deb / "usr").exists():
            self._deb.mkdir(parents=True, exist_ok=True)
            self._run("apt-get", "download", DEBIAN, cwd=self._deb)
            self._run("dpkg-deb", "-x", *self._deb.glob("*.deb"), self._deb)
        return self._deb / "usr/bin"

    def debian_version(self) -> str:
        """Return the version of Debian's package."""
        return next(self._deb.glob("*.deb")).name.split("_")[1].replace("%3a", ":")

    def environ(self, *path: Path, **more: str) -> dict[str, str]:
        """Return the environment variables of a plain user whose python3 is the workshop's own."""
        places = [*map(str, path), str(self.user / "bin"), "/usr/bin", "/bin"]
        kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
        (self.home / "home").mkdir(exist_ok=True)
        settings = {"PATH": ":".join(places), "HOME": str(self.home / "home"), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
        return {**kept, **settings, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def create(self, spec: Path, modules: Sequence[str], tarball: Path, environ: Mapping[str, str]) -> int:
        """Make an environment of this interpreter and our tarball of it; return the exit status."""
        version = ".".join(map(str, sys.version_info[:3]))
        listed = ", ".join(f'"{module}"' for module in modules)
        spec.write_text(f'{{"python": "{version}", "modules": [{listed}]}}\n')
        maps = [f"--map={module}={module}" for module in modules]
        argv: list[str | Path] = [_BIN / "python_package_create", "--interpreter", "host", *maps, spec, tarball]
        return subprocess.run(argv, env=environ, cwd=spec.parent, capture_output=True, timeout=600).returncode

    def ask(self, tool: str, case: Case) -> list[Answer]:
        """Run a tool on a case in every documented way; return what it says each time."""
        site = _site_packages(self.env if tool == "debian" else self.user)
        records = self.env / "conda-meta" if tool == "debian" else None
        with stand_ins.installed(site, case.installed, records):
            return [self._ask(tool, case, way) for way in self._ways(tool, case)]

    def _ways(self, tool: str, case: Case) -> list[Way]:
        command = self._place(tool) / "bin" / tool
        if tool == "ours":
            return [Way([_BIN / "python_package_analyze", "--explain", case.script, "out.json"])]
        if tool == "debian":
            # It takes several files, but no folder.
            scripts = sorted(name for name in case.files if name.endswith(".py"))
            asked = scripts if case.script == "." else [case.script]
            return [Way([self.env / "bin/python3", self.debian() / "python_package_analyze", *asked, "out"], "out")]
        if tool == "pipreqs":
            index = ["--pypi-server", f"{self.index}/pypi/"] if case.bare else ["--use-local"]
            return [Way([command, "--mode", "no-pin", "--print", "--scan-notebooks", *index, "."])]
        if tool == "pigar":
            options = ["--dry-run", "-c", "-", "--question-answer", "yes", "--auto-select"]
            return [Way([command, "generate", *options, "-i", f"{self.index}/simple/", "."])]
        if tool == "deptry":
            return [Way([command, ".", "--no-ansi", "-o", "out.json"], "out.json", "requirements.txt")]
        common: list[str | Path] = [command, "--check-undeclared", "--json", "--pyenv", self.user]
        return [Way([*common, "--code", each]) for each in dict.fromkeys((".", case.script))]

    def _ask(self, tool: str, case: Case, way: Way) -> Answer:
        project = self.home / "run" / "project"
        shutil.rmtree(project.parent, ignore_errors=True)
        project.mkdir(parents=True)
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
            timeout=_SECONDS,
        )
        stdout, stderr = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
        report = stdout
        if way.report:
            file = project / way.report
            report = file.read_text() if file.exists() else ""
            stderr += stdout
        return READERS[tool](done.returncode, stderr, report)

    def _conda(self) -> None:
        """Make the Conda environment, and the stand-in for conda itself."""
        if not self.env.exists():
            environ = self.environ(CONDA_ENVS_PATH=str(self.env.parent))
            if self.create(self.home / "plain.json", (), self.home / "plain.tar.gz", environ):
                sys.exit("compare: no Conda environment can be made, so the rows of Debian's tool cannot be made")
        conda = self.home / "conda" / "conda"
        conda.parent.mkdir(exist_ok=True)
        conda.write_text(f"#!{sys.executable}\n{stand_ins.CONDA}")
        conda.chmod(0o755)

    def _place(self, tool: str) -> Path:
        return self.home / f"{tool}-{PEERS.get(tool, '')}"

    def _sweep(self, folder: Path) -> None:
        """Remove the stand-ins that a killed run has left behind."""
        known = self.home / f"{folder.relative_to(self.home).as_posix().replace('/', '-')}.txt"
        if not known.exists():
            known.write_text("".join(f"{path.name}\n" for path in folder.iterdir()))
        kept = known.read_text().splitlines()
        stand_ins.remove(path for path in folder.iterdir() if path.name not in kept)

    def _venv(self, venv: Path) -> Path:
        shutil.rmtree(venv, ignore_errors=True)
        self._run(_BIN / "uv", "venv", "-q", "--python", sys.executable, venv)
        return venv / "bin" / "python"

    def _run(self, *argv: str | Path, cwd: Path | None = None) -> None:
        done = subprocess.run(
            list(argv), cwd=cwd, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            sys.exit(f"compare: {argv[0]} failed, so its rows cannot be made: {done.stderr.strip()}")


def _site_packages(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"))
