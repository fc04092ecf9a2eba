"""From an environment to a running task: what is asked of each tool, and how to find out."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .judge import NOT_SAID, PASS
from .pipeline import Site

RUN = "run:"
TOOLS = ("ours", "by-hand", "debian")


@dataclass(frozen=True)
class Behaviour:
    """A row: what is asked of a tool, how to find out, and the tools that the question makes sense for."""

    name: str
    about: str
    holds: Callable[[Site, str], bool]
    tools: Sequence[str] = TOOLS

    def verdict(self, site: Site, tool: str) -> str:
        """Try it."""
        if tool not in self.tools:
            return NOT_SAID
        site.fresh()
        return PASS if self.holds(site, tool) else "fail"


def _identical(site: Site, tool: str) -> bool:
    first = site.tarball(tool).read_bytes()
    again = site.folder / "row" / "again.tar.gz"
    if tool == "ours":
        # Another cache: nothing of the first packing is at hand.
        site.create("plain", XDG_CACHE_HOME=str(site.folder / "row" / "cache"))
        return site.tarball(tool).read_bytes() == first
    site.conda_pack("plain", again)
    return again.read_bytes() == first


def _broken(site: Site, tool: str) -> bool:
    if tool == "ours":
        refused = site.create("broken", "shaky") == 6  # a module does not import
        return refused and not (site.folder / "broken.tar.gz").exists()
    uv = Path(sys.executable).with_name("uv")
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
    """Tell whether what only the old content had is gone."""
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


_PACKED = ("ours", "by-hand")  # Debian's creates with conda, which is not at hand
_SHARED = ("ours", "debian")  # by hand, each task has a folder of its own

BEHAVIOURS = (
    Behaviour("identical-bytes", "the same environment, packed again later, gives the same bytes", _identical, _PACKED),
    Behaviour("broken-module", "an environment with a module that cannot be imported is refused", _broken, _PACKED),
    Behaviour("own-python", "the task's python3 is the environment's", _python),
    Behaviour("no-python", "the same where PATH has no python", _no_python),
    Behaviour("dash", "the same under dash, with no bash on PATH", _dash),
    Behaviour("spaces", "folders and a tarball with spaces in their names", _space),
    Behaviour("truncated", "a truncated tarball is refused and the task not started", _cut_refused),
    Behaviour("truncated-then-whole", "after that, the whole tarball in the same place works", _cut_then_whole),
    Behaviour("new-content", "new content under the same name is what the next task gets", _new_content),
    Behaviour("old-content", "and nothing that only the old one had", _no_rest),
    Behaviour("exit-status", "the exit status is the task's", _status),
    Behaviour("signal", "a task ended by a signal is seen to be", _killed),
    Behaviour("arguments", "arguments with spaces, quotes and stars, and empty ones, arrive as they are", _arguments),
    Behaviour("output", "standard output is the task's alone", _output),
    Behaviour("eight-at-once", "eight tasks that start at once on a fresh worker all succeed", _at_once, _SHARED),
    Behaviour("unwritable-folder", "a working directory that cannot be written", _no_writing),
)
