"""Take out of an environment's files what depends on the machine, the folder and the time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

# Stands for the prefix in files that no package manager tracks; conda-unpack puts the real one there.
PLACEHOLDER = "/opt/python-package-prefix-placeholder"

# Where a package of a channel on this machine's disk claims to be from.
_LOCAL_CHANNEL = "file:///local-channel"

# Only conda's `copy` is true of an unpacked environment.
_LINKED_BY_COPY = 3

# What conda, rattler and uv write when the prefix is too long for a #! line, or has a space.
_LONG_SHEBANG = re.compile(rb"\A#!/bin/sh\n'''exec' ['\"][^\n]*?/(python[\w.]*)['\"][^\n]*\n(' '''\n)?")

_CREDENTIALS = re.compile(r"(?<=://)[^/@]+@|(?<=/)t/[^/]+/")


def record(data: Mapping[str, Any]) -> bytes:
    """Return a file of conda-meta without what the machine added to it."""
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
            data[key] = _CREDENTIALS.sub("", data[key])
    paths = data.get("paths_data", {}).get("paths", ())
    if paths:
        data["paths_data"] = {**data["paths_data"], "paths": [_path(entry) for entry in paths]}
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _path(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Drop the hashes of what the prefix's own name was written into."""
    if entry.get("path_type") == "unix_python_entry_point":
        return {key: value for key, value in entry.items() if key not in ("sha256", "size_in_bytes")}
    if "sha256_in_prefix" in entry:
        return {key: value for key, value in entry.items() if key != "sha256_in_prefix"}
    return entry


def history(records: Iterable[Mapping[str, Any]], text: str) -> bytes:
    """Return conda-meta/history at a fixed time, without the command line that made it."""
    lines = []
    for line in text.splitlines():
        if line.startswith("==>"):
            lines.append("==> 1980-01-01 00:00:00 <==")
        elif not line.startswith("# cmd:"):
            lines.append(line)
    text = "\n".join(lines) + "\n"
    for entry in records:
        channel = str(entry.get("channel", "")).rstrip("/")
        if channel.startswith("file:"):
            text = text.replace(f"{channel}/", f"{_LOCAL_CHANNEL}/")
    return _CREDENTIALS.sub("", text).encode()


def script(data: bytes) -> bytes:
    """Return a script of bin with the short form of its first line, which conda-pack writes too."""
    return _LONG_SHEBANG.sub(rb"#!/usr/bin/env \1\n", data, count=1)
