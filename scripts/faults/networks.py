"""Channels and indexes that refuse, misbehave or say nothing, and what Conda makes of the result."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.faults.injection import Try, fault, is_one_line
from scripts.faults.misbehaving import Behaviour, cut, portal, serving, silent, stalled, status

_SHARDS, _INDEX = "*/repodata_shards.msgpack.zst", "*/repodata.json*"
# Behaviours of a mirror that knows nothing of shards.
_REFUSALS: Sequence[Behaviour] = (status(400), status(401), status(403), status(500), portal, cut)
_ANSWERS: Sequence[tuple[Behaviour, int]] = ((status(401), 5), (status(403), 5), (status(404), 5), (portal, 8))
# Projects that no index has, whose names are words of errors.
_NAMES = ("connect", "connectorx", "disconnected")


@fault("16", "a mirror refuses the index in shards alone", tries=len(_REFUSALS))
def refused_shards(attempt: Try) -> bool:
    """Solve with a mirror that has repodata.json only."""
    with serving(attempt.supplies.channel, {_SHARDS: _REFUSALS[attempt.index]}) as server:
        done = attempt.run(*_dry_run(attempt, server.url, "--interpreter", "channel"))
    return done.returncode == 0


@fault("16", "a channel answers with 401, 403, 404 or a page to log in", tries=len(_ANSWERS))
def refusing_channel(attempt: Try) -> bool:
    """Nothing may be solved without the channel, and nobody told that it does not answer."""
    behaviour, code = _ANSWERS[attempt.index]
    with serving(attempt.supplies.channel, {"*": behaviour}) as server:
        done = attempt.run(*_dry_run(attempt, server.url))
    told = done.stderr.splitlines()[-1:]
    return done.returncode == code and is_one_line(done.stderr) and "no answer" not in told[0]


@fault("15", "a channel takes the question and says nothing, or stops in the middle of its answer", tries=2)
def silent_channel(attempt: Try) -> bool:
    """It is given up within the limits that are set, and said."""
    table = ({"*": silent}, {_SHARDS: status(404), _INDEX: stalled})[attempt.index]
    with serving(attempt.supplies.channel, table) as server:
        command = _dry_run(attempt, server.url, "--interpreter", "channel")
        done = attempt.run(*command, timeout=40, CONDA_REMOTE_READ_TIMEOUT_SECS="2")
    return done.returncode == 5 and is_one_line(done.stderr)


@fault("15", "a package's download stops in the middle", tries=1)
def stalled_download(attempt: Try) -> bool:
    """It is given up within the limits that are set, and the package named."""
    limits = {"CONDA_REMOTE_READ_TIMEOUT_SECS": "2", "CONDA_REMOTE_MAX_RETRIES": "1"}
    with serving(attempt.supplies.channel, {"*/python-*.conda": stalled}) as server:
        command = _create(attempt, server.url, "--interpreter", "channel")
        done = attempt.run(*command, timeout=40, RATTLER_CACHE_DIR=str(attempt.folder / "rattler"), environ=limits)
    return done.returncode == 5 and is_one_line(done.stderr) and "python" in done.stderr.splitlines()[-1]


@fault("17", "a project that no index has is called like an error of the network", tries=len(_NAMES))
def hostile_name(attempt: Try) -> bool:
    """It cannot be solved, and no index is said to be silent."""
    (attempt.folder / "requirements.txt").write_text(f"{_NAMES[attempt.index]}\n")
    command = (attempt.commands.create, "-q", "-c", attempt.supplies.channel, "--dry-run", "requirements.txt", "env")
    done = attempt.run(*command)
    return done.returncode == 4 and is_one_line(done.stderr)


@fault("18", "there is no python3 to package", tries=1)
def no_python(attempt: Try) -> bool:
    """It has a code of its own."""
    done = attempt.run(*_dry_run(attempt, str(attempt.supplies.channel), "--interpreter", "host"), PATH="/nonexistent")
    return done.returncode == 9 and is_one_line(done.stderr)


@fault("8", "a package's post-link script fails", tries=1)
def failing_script(attempt: Try) -> bool:
    """Create fails, and names the script."""
    channel = attempt.folder / "scripts"
    _write_package(channel, "licensed", {"bin/.licensed-post-link.sh": "#!/bin/sh\nexit 3\n"})
    (attempt.folder / "environment.yml").write_text("dependencies: [python, licensed]\n")
    named = ("-c", str(channel), "-c", str(attempt.supplies.channel))
    command = (attempt.commands.create, "-q", *named, "--interpreter", "channel", "environment.yml", "env")
    done = attempt.run(*command, CONDA_ENVS_PATH=str(attempt.folder / "envs"))
    return done.returncode == 7 and ".licensed-post-link.sh" in done.stderr


@fault("14", "Conda reads the history and the records of an unpacked tarball", tries=1)
def conda_afterwards(attempt: Try) -> bool:
    """A revision counts for Conda only if it says what was run; a link must have no hash."""
    attempt.run("tar", "xzf", attempt.supplies.tarball)
    history = (attempt.folder / "conda-meta" / "history").read_text()
    paths = [
        entry
        for record in (attempt.folder / "conda-meta").glob("*.json")
        for entry in json.loads(record.read_bytes())["paths_data"]["paths"]
    ]
    hashed = [entry for entry in paths if entry["path_type"] == "softlink" and "sha256_in_prefix" in entry]
    return "\n# cmd: python_package_create\n" in history and "# update specs: " in history and not hashed


def _create(attempt: Try, channel: str, *options: str) -> tuple[str | Path, ...]:
    (attempt.folder / "deps.json").write_text(json.dumps({"python": platform.python_version(), "modules": []}))
    return (attempt.commands.create, "-q", "-c", channel, *options, "deps.json", str(attempt.folder / "env.tar.gz"))


def _dry_run(attempt: Try, channel: str, *options: str) -> tuple[str | Path, ...]:
    return _create(attempt, channel, "--dry-run", *options)


def _write_package(channel: Path, name: str, files: Mapping[str, str]) -> None:
    """Write a package in Conda's older format, and the index of a channel that has it alone."""
    index = {"name": name, "version": "1.0", "build": "0", "build_number": 0, "depends": [], "subdir": "noarch"}
    paths = [{"_path": path, "path_type": "hardlink", "sha256": _sha256(text.encode())} for path, text in files.items()]
    whole = {
        **files,
        "info/index.json": json.dumps(index),
        "info/files": "".join(f"{path}\n" for path in files),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}),
    }
    (channel / "noarch").mkdir(parents=True)
    archive = channel / "noarch" / f"{name}-1.0-0.tar.bz2"
    with tarfile.open(archive, "w:bz2") as tar:
        for path, text in whole.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(text.encode()), 0o755 if path.startswith("bin/") else 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    record = {**index, "sha256": _sha256(archive.read_bytes()), "size": archive.stat().st_size}
    data = {
        "info": {"subdir": "noarch"},
        "packages": {archive.name: record},
        "packages.conda": {},
        "repodata_version": 1,
    }
    (channel / "noarch" / "repodata.json").write_text(json.dumps(data))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
