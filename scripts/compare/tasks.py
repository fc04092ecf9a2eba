"""From an environment to a running task: what is asked of each tool, and how that is found out."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.compare import stand_ins
from scripts.compare.judge import NOT_SAID, PASS
from scripts.compare.peers import Workshop

RUN = "run:"
TOOLS = ("ours", "by-hand", "debian")
# What people type, following conda-pack's documentation.
BY_HAND = """
mkdir -p "$2" && tar xzf "$1" -C "$2" && . "$2/bin/activate" && conda-unpack || exit 1
shift 2
"$@"
"""
_SECONDS = 120
_BIN = Path(sys.executable).parent


class Site:
    """The tarballs of one run, and an empty folder for every row."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.folder = workshop.home / "pipeline"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.wheels = self.folder / "wheels"
        stand_ins.wheel(self.wheels, "steady", "")
        stand_ins.wheel(self.wheels, "shaky", "import a_module_that_is_missing\n")
        self.envs = self.folder / "envs"
        self.create("plain")
        self.create("more", "steady")
        self._bare_path()

    def create(self, name: str, *modules: str, **environ: str) -> int:
        """Make an environment and our tarball of it; return the exit status."""
        settings = {"CONDA_ENVS_PATH": str(self.envs), "PIP_FIND_LINKS": str(self.wheels), **environ}
        tarball = self.folder / f"{name}.tar.gz"
        return self.workshop.create(self.folder / f"{name}.json", modules, tarball, self.workshop.environ(**settings))

    def tarball(self, tool: str, name: str = "plain") -> Path:
        """Return our tarball of an environment, or conda-pack's of the same prefix."""
        if tool == "ours":
            return self.folder / f"{name}.tar.gz"
        made = self.folder / f"{name}-conda-pack.tar.gz"
        if not made.exists():
            self.conda_pack(name, made)
        return made

    def conda_pack(self, name: str, target: Path) -> int:
        """Pack an environment with conda-pack; return the exit status."""
        command = _BIN / "conda-pack"
        options = ["--quiet", "--prefix", str(self.envs / name), "--output", str(target)]
        return subprocess.run([command, *options], capture_output=True, timeout=600).returncode

    def start(self, tool: str, tarball: Path, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a task with a tool in the row's folder; `sh` names another shell."""
        process = subprocess.Popen(self._argv(tool, tarball, command, options), **self._usual(options))
        try:
            stdout, stderr = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def start_many(self, count: int, tool: str, tarball: Path, *command: str) -> list[int]:
        """Start a task `count` times at once; return the exit statuses."""
        argv = self._argv(tool, tarball, command, {})
        started = [subprocess.Popen(argv, **self._usual({})) for _ in range(count)]
        for process in started:
            process.communicate(timeout=_SECONDS)
        return [process.returncode for process in started]

    def fresh(self) -> Path:
        """Empty the row's folder and return it."""
        folder = self.folder / "row"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _argv(self, tool: str, tarball: Path, command: Sequence[str], options: Mapping[str, Any]) -> list[str]:
        env = str(options.get("env", self.folder / "row" / "env"))
        shell = str(options.get("sh", "/bin/bash"))
        if tool == "ours":
            start = [str(options["sh"])] if "sh" in options else []
            return [*start, str(_BIN / "python_package_run"), "-e", str(tarball), "-u", env, "--", *command]
        if tool == "debian":
            run = str(self.workshop.debian() / "python_package_run")
            return [shell, run, "-e", str(tarball), "-u", env, "--", *command]
        return [shell, "-c", BY_HAND, shell, str(tarball), env, *command]

    def _usual(self, options: Mapping[str, Any]) -> dict[str, Any]:
        home = self.folder / "row" / "home"
        home.mkdir(exist_ok=True)
        # conda-pack's conda-unpack needs a python on PATH.
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
        """Make a folder of this machine's commands without python, and one without bash."""
        self.without = {name: self.folder / f"no-{name}" for name in ("python", "bash")}
        for name, folder in self.without.items():
            folder.mkdir()
            for path in (path for source in ("/bin", "/usr/bin") for path in Path(source).iterdir()):
                if not path.name.startswith((name, "conda")) and not (folder / path.name).exists():
                    (folder / path.name).symlink_to(path)


@dataclass(frozen=True)
class Behaviour:
    """A question, how to answer it for a tool, and the tools for which it makes sense."""

    name: str
    about: str
    holds: Callable[[Site, str], bool]
    tools: Sequence[str] = TOOLS

    def verdict(self, site: Site, tool: str) -> str:
        """Return the verdict on a tool."""
        if tool not in self.tools:
            return NOT_SAID
        site.fresh()
        return PASS if self.holds(site, tool) else "fail"


def _identical(site: Site, tool: str) -> bool:
    first = site.tarball(tool).read_bytes()
    again = site.folder / "row" / "again.tar.gz"
    if tool == "ours":
        # Another cache, so that nothing of the first packing can be reused.
        site.create("plain", XDG_CACHE_HOME=str(site.folder / "row" / "cache"))
        return site.tarball(tool).read_bytes() == first
    site.conda_pack("plain", again)
    return again.read_bytes() == first


def _broken(site: Site, tool: str) -> bool:
    if tool == "ours":
        refused = site.create("broken", "shaky") == 6  # a module does not import
        return refused and not (site.folder / "broken.tar.gz").exists()
    uv = _BIN / "uv"
    python = site.envs / "broken" / "bin" / "python"
    shutil.copytree(site.envs / "plain", site.envs / "broken", symlinks=True)
    wheel = next(site.wheels.glob("shaky*"))
    subprocess.run([uv, "pip", "install", "-q", "--offline", "--python", python, wheel], check=True, timeout=60)
    return site.conda_pack("broken", site.folder / "row" / "broken.tar.gz") != 0


def _python(site: Site, tool: str, **options: Any) -> bool:
    """Tell whether a task gets the environment's own python."""
    code = "import sys; print(sys.prefix)"
    done = site.start(tool, site.tarball(tool), "python3", "-c", code, **options)
    env = Path(str(options.get("env", site.folder / "row" / "env")))
    return done.returncode == 0 and Path(done.stdout.strip().splitlines()[-1]).resolve() == env.resolve()


def _space(site: Site, tool: str) -> bool:
    folder = site.folder / "row" / "a folder"
    folder.mkdir()
    tarball = Path(shutil.copy(site.tarball(tool), folder / "my env.tar.gz"))
    done = site.start(tool, tarball, "python3", "-c", "print(1)", env=folder / "un packed")
    return (done.returncode, done.stdout) == (0, "1\n")


def _cut(site: Site, tool: str) -> Path:
    whole = site.tarball(tool).read_bytes()
    cut = site.folder / "row" / "env.tar.gz"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    return cut


def _cut_refused(site: Site, tool: str) -> bool:
    done = site.start(tool, _cut(site, tool), "echo", "started")
    return done.returncode != 0 and "started" not in done.stdout


def _cut_then_whole(site: Site, tool: str) -> bool:
    cut = _cut(site, tool)
    site.start(tool, cut, "true")
    shutil.copy(site.tarball(tool), cut)
    done = site.start(tool, cut, "python3", "-c", "import json, zipfile; print(1)")
    return (done.returncode, done.stdout) == (0, "1\n")


def _new_content(site: Site, tool: str) -> bool:
    tarball = site.folder / "row" / "env.tar.gz"
    shutil.copy(site.tarball(tool), tarball)
    site.start(tool, tarball, "true")
    shutil.copy(site.tarball(tool, "more"), tarball)
    return site.start(tool, tarball, "python3", "-c", "import steady").returncode == 0


def _no_rest(site: Site, tool: str) -> bool:
    """Tell whether a module that only the old content had is gone."""
    tarball = site.folder / "row" / "env.tar.gz"
    shutil.copy(site.tarball(tool, "more"), tarball)
    site.start(tool, tarball, "true")
    shutil.copy(site.tarball(tool), tarball)
    return site.start(tool, tarball, "python3", "-c", "import steady").returncode == 1


def _status(site: Site, tool: str) -> bool:
    return site.start(tool, site.tarball(tool), "sh", "-c", "exit 7").returncode == 7


def _killed(site: Site, tool: str) -> bool:
    done = site.start(tool, site.tarball(tool), "sh", "-c", "kill -TERM $$")
    return done.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)


def _arguments(site: Site, tool: str) -> bool:
    done = site.start(tool, site.tarball(tool), "printf", "<%s>", "a b", "", "*", "$HOME", "it's")
    return done.stdout == "<a b><><*><$HOME><it's>"


def _output(site: Site, tool: str) -> bool:
    return site.start(tool, site.tarball(tool), "echo", "mine").stdout == "mine\n"


def _at_once(site: Site, tool: str) -> bool:
    return site.start_many(8, tool, site.tarball(tool), "python3", "-c", "import json") == [0] * 8


def _no_writing(site: Site, tool: str) -> bool:
    # Not even root can make a file there.
    return site.start(tool, site.tarball(tool), "true", cwd="/proc").returncode == 0


def _no_python(site: Site, tool: str) -> bool:
    return _python(site, tool, path=site.without["python"])


def _dash(site: Site, tool: str) -> bool:
    return _python(site, tool, path=f"{site.workshop.user}/bin:{site.without['bash']}", sh="/bin/dash")


_PACKED = ("ours", "by-hand")  # Debian's tool needs conda to create, and there is none
_SHARED = ("ours", "debian")  # by hand, each task unpacks into its own folder

BEHAVIOURS = (
    Behaviour("identical-bytes", "packing the same environment again gives the same bytes", _identical, _PACKED),
    Behaviour("broken-module", "an environment with a module that cannot be imported is refused", _broken, _PACKED),
    Behaviour("own-python", "the task's python3 is the environment's", _python),
    Behaviour("no-python", "the same when PATH has no python", _no_python),
    Behaviour("dash", "the same under dash, with no bash on PATH", _dash),
    Behaviour("spaces", "folders and a tarball with spaces in their names", _space),
    Behaviour("truncated", "a truncated tarball is refused, and the task is not started", _cut_refused),
    Behaviour("truncated-then-whole", "after that, the whole tarball in the same place works", _cut_then_whole),
    Behaviour("new-content", "the next task gets the new content of a tarball of the same name", _new_content),
    Behaviour("old-content", "and nothing is left that only the old one had", _no_rest),
    Behaviour("exit-status", "the exit status is the task's", _status),
    Behaviour("signal", "a task that a signal ends is reported as such", _killed),
    Behaviour("arguments", "arguments with spaces, quotes and stars, and empty ones, arrive as they are", _arguments),
    Behaviour("output", "standard output has nothing but the task's", _output),
    Behaviour("eight-at-once", "eight tasks that start at once on a fresh worker all succeed", _at_once, _SHARED),
    Behaviour("unwritable-folder", "a working directory that is not writable", _no_writing),
)
