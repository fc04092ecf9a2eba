"""The machine that an environment is for, where that is not the one that makes it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from python_package.errors import UsageError

# What the packages of a platform may rely on where nobody has probed a machine: uv's and pixi's defaults.
_GLIBC = (2, 28)
_KERNEL = "4.18"

# Conda's platform -> the least processor of its kind, as archspec names it, which the __archspec package holds.
PLATFORMS = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}


@dataclass(frozen=True)
class Target:
    """A machine, as a solve and an installation see it.

    `subdir`: Conda's name for its platform, such as linux-64.
    `glibc`: the version of its glibc.
    `microarchitecture`: its processor's kind and level, as archspec names it: x86_64_v3.
    `kernel`: the version of its Linux kernel.
    `cuda`: the newest version of CUDA that its driver supports, "" without one.
    `name`: what messages call it.
    """

    subdir: str
    glibc: tuple[int, int] = _GLIBC
    microarchitecture: str = ""
    kernel: str = _KERNEL
    cuda: str = ""
    name: str = ""


def of_platform(subdir: str) -> Target:
    """Return the least machine of a platform that packages are still built for; raise UsageError for an unknown one."""
    if subdir not in PLATFORMS:
        raise UsageError(f"--target {subdir}: no platform that an environment can be made for; give {_KNOWN}")
    return Target(subdir, microarchitecture=PLATFORMS[subdir], name=subdir)


def parse(text: str, source: str) -> Target:
    """Parse what `python_package_run --probe` prints; `source` is what messages call it. Raises UsageError."""
    try:
        said = json.loads(text)
        return _of_probe(said, source)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{source}: not what python_package_run --probe prints: {error!r}; run it on the machine again"
        ) from None


def _of_probe(said: Mapping[str, Any], source: str) -> Target:
    subdir = str(said["subdir"])
    if subdir not in PLATFORMS:
        raise UsageError(f"{source}: {subdir} is no platform that an environment can be made for; only {_KNOWN} are")
    if said["libc"] != "glibc":
        raise UsageError(f"{source}: the machine has {said['libc']}, and Conda's packages need glibc")
    return Target(
        subdir,
        glibc=version(str(said["libc_version"])),
        microarchitecture=str(said.get("microarchitecture") or PLATFORMS[subdir]),
        kernel=str(said.get("kernel") or _KERNEL),
        cuda=str(said.get("cuda") or ""),
        name=source,
    )


def version(text: str) -> tuple[int, int]:
    """Return the first two numbers of a version; raise ValueError for anything else."""
    match = re.match(r"(\d+)\.(\d+)", text)
    if not match:
        raise ValueError(f"{text!r} is no version")
    return int(match[1]), int(match[2])


_KNOWN = " or ".join(PLATFORMS)
