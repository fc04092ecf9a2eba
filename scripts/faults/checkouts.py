"""The checkouts that are tried: this one, and an earlier commit, each with what it needs."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.faults.injection import Commands, Supplies

HERE = Path(__file__).parents[2]
# Seconds for an installation or for making a channel.
_PATIENCE = 900


def home() -> Path:
    """Return the folder of all that is made for the faults; it may be removed at any time."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "python_package" / "faults"


def commands(checkout: Path) -> Commands:
    """Return the commands of a checkout whose virtual environment is made."""
    tools = checkout / ".venv" / "bin"
    (wrapper,) = (checkout / "python_package").rglob("python_package_run")
    return Commands(tools / "python_package_analyze", tools / "python_package_create", wrapper, tools / "python")


def at(commit: str) -> Path | None:
    """Return a copy of an earlier commit with its virtual environment; None where the repository does not have it."""
    git = ["git", "-C", str(HERE)]
    known = subprocess.run(
        [*git, "rev-parse", "--verify", "-q", f"{commit}^{{commit}}"], capture_output=True, text=True
    )
    if known.returncode:
        return None
    checkout = home() / f"at-{known.stdout.strip()[:12]}"
    if not (checkout / ".venv" / ".installed").exists():
        shutil.rmtree(checkout, ignore_errors=True)
        checkout.mkdir(parents=True)
        archive = subprocess.run([*git, "archive", known.stdout.strip()], capture_output=True, check=True)
        subprocess.run(["tar", "xf", "-", "-C", str(checkout)], input=archive.stdout, check=True)
        bootstrap = [str(checkout / "scripts" / "bootstrap"), sys.executable, ".venv"]
        subprocess.run(bootstrap, cwd=checkout, check=True, timeout=_PATIENCE, stdout=subprocess.DEVNULL)
    return checkout


def supplies(tried: Commands, name: str) -> Supplies:
    """Make what the tries of one checkout share, where it is not there yet; its caches are its own."""
    folder = home() / name
    folder.mkdir(parents=True, exist_ok=True)
    caches = {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "RATTLER_CACHE_DIR": str(folder / "rattler"),
        "UV_CACHE_DIR": str(folder / "uv"),
    }
    channel = home() / f"channel-{platform.python_version()}"
    if not (channel / "noarch" / "repodata.json").exists():
        make = [str(commands(HERE).python), "-m", "python_package.channel", str(channel), "pip"]
        subprocess.run(make, check=True, timeout=_PATIENCE, cwd=home())
    spec = folder / "python.json"
    shutil.rmtree(folder / "made", ignore_errors=True)
    (folder / "made").mkdir(parents=True)
    spec.write_text(json.dumps({"python": platform.python_version(), "modules": []}))
    tarball = folder / "made" / "python.tar.gz"
    environ = {**os.environ, **caches, "CONDA_ENVS_PATH": str(folder / "made" / "envs")}
    # By a name, not a path: the environment stays, too.
    create = [str(word) for word in (tried.create, "-q", "-c", channel, spec, "python")]
    subprocess.run(create, check=True, timeout=_PATIENCE, env=environ, cwd=folder / "made")
    return Supplies(channel, tarball, caches)
