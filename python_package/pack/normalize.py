"""Take out of an environment's files what depends on the machine, the folder and the time."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conda_pack.core import is_binary_file, rewrite_shebang

from python_package.address import scrub

# Stands for the prefix in files that no package manager tracks; conda-unpack puts the real one there.
PLACEHOLDER = "/opt/python-package-prefix-placeholder"

# Where a package of a channel on this machine's disk claims to be from.
_LOCAL_CHANNEL = "file:///local-channel"

# Only conda's `copy` is true of an unpacked environment.
_LINKED_BY_COPY = 3

# What conda, rattler and uv write when the prefix is too long for a #! line, or has a space.
_LONG_SHEBANG = re.compile(rb"\A#!/bin/sh\n'''exec' ['\"][^\n]*?/(python[\w.]*)['\"][^\n]*\n(' '''\n)?")

# A script of Python as conda-pack ships it, for the python that is first on PATH, and a second line with its encoding.
_ENV_SHEBANG = re.compile(
    rb"\A#!/usr/bin/env (python[\w.]*)([^\n]*)\n([ \t\f]*#[^\n]*?coding[:=][ \t]*[-\w.]+[^\n]*\n)?"
)

# To sh a command that runs the python beside the script's real file; to Python, after the encoding, a string.
_OWN_SHEBANG = rb"""#!/bin/sh
\3'''exec' "$(PATH=/usr/bin:/bin:$PATH; dirname -- "$(readlink -f -- "$0")")/\1"\2 "$0" "$@"
' '''
"""

# A line of Conda's history that tells when or how something was made.
_HISTORY = re.compile(r"==>.*|# cmd:(?P<command>.*)")


def record(data: Mapping[str, Any], bytecode: Sequence[str] = ()) -> bytes:
    """Return a file of conda-meta without what the machine added to it, and with the compiled files that were made.

    Conda lists those of noarch packages in the same way: what replaces a package removes them too.
    """
    data = dict(data)
    data.update({key: "" for key in ("extracted_package_dir", "package_tarball_full_path") if key in data})
    data.pop("indexed_timestamp", None)
    if data.get("link"):
        data["link"] = {"source": "", "type": _LINKED_BY_COPY}
    if str(data.get("channel", "")).startswith("file:"):
        data["channel"] = _LOCAL_CHANNEL
        data["url"] = f"{_LOCAL_CHANNEL}/{data.get('subdir')}/{data.get('fn')}"
    for key in ("channel", "url"):
        if isinstance(data.get(key), str):
            data[key] = scrub(data[key])
    known = set(data.get("files", ()))
    made = [path for path in bytecode if path not in known]
    data["files"] = [*data.get("files", ()), *made]
    if data.get("paths_data"):
        paths = [_path(entry) for entry in data["paths_data"].get("paths", ())]
        paths += [{"_path": path, "path_type": "pyc_file"} for path in made]
        data["paths_data"] = {**data["paths_data"], "paths": paths}
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _path(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Drop what changes with the prefix that was written into a file."""
    if entry.get("path_type") == "unix_python_entry_point":
        return {key: value for key, value in entry.items() if key not in ("sha256", "size_in_bytes")}
    if entry.get("prefix_placeholder"):
        return {key: value for key, value in entry.items() if key not in ("sha256_in_prefix", "size_in_bytes")}
    if entry.get("path_type") == "softlink":  # Conda hashes what it leads to, and py-rattler something else
        return {key: value for key, value in entry.items() if key != "sha256_in_prefix"}
    return entry


def history(records: Iterable[Mapping[str, Any]], text: str) -> bytes:
    """Return conda-meta/history at a fixed time, and of each command line the program alone.

    Conda takes a revision for one that its user asked for only if it says what was run.
    """
    text = "".join(f"{_HISTORY.sub(_anonymous, line)}\n" for line in text.splitlines())
    for entry in records:
        channel = str(entry.get("channel", "")).rstrip("/")
        if channel.startswith("file:"):
            text = text.replace(f"{channel}/", f"{_LOCAL_CHANNEL}/")
    return scrub(text).encode()


def _anonymous(match: re.Match[str]) -> str:
    if match["command"] is None:
        return "==> 1980-01-01 00:00:00 <=="
    try:
        program = shlex.split(match["command"])[0]
    except (ValueError, IndexError):
        program = ""
    return f"# cmd: {os.path.basename(program) or 'unknown'}"


def untracked(prefix: str, path: str, data: bytes) -> bytes:
    """Return what is shipped of a file that is not in a Conda package's own form: the same object if unchanged.

    The prefix in a text becomes PLACEHOLDER, but a script of Python runs the interpreter beside it, wherever that lies.
    """
    if path.startswith("bin/"):
        data = _LONG_SHEBANG.sub(rb"#!/usr/bin/env \1\n", data, count=1)
    if path.endswith(".dist-info/direct_url.json"):
        data = direct_url(data)
    if prefix.encode() in data and not is_binary_file(data):
        if path.startswith("bin/"):
            data, _ = rewrite_shebang(data, path, prefix)
        data = data.replace(prefix.encode(), PLACEHOLDER.encode())
    if path.startswith("bin/"):
        data = _ENV_SHEBANG.sub(_OWN_SHEBANG, data, count=1)
    return data


def direct_url(data: bytes) -> bytes:
    """Return direct_url.json without the folder that a local file was installed from."""
    try:
        value = json.loads(data)
        url = value["url"]
    except (ValueError, KeyError, TypeError):
        return data
    if not str(url).startswith("file:"):
        return data
    value["url"] = "file:///" + str(url).rstrip("/").rsplit("/", 1)[-1]
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def destination(prefix: str, source: str, path: str) -> str:
    """Return where the symbolic link `source` leads, shipped as `path`; one that names the prefix is made relative."""
    leads_to = os.readlink(source)
    if os.path.isabs(leads_to) and os.path.commonpath([leads_to, prefix]) == prefix:
        return os.path.relpath(os.path.relpath(leads_to, prefix), os.path.dirname(path))
    return leads_to
