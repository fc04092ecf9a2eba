"""The machine that an environment is for, where that is not the one that makes it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from python_package.errors import SolveError, SpecError, SpecNotFoundError, UsageError
from python_package.files import bounds
from python_package.files.documents import json_value

# What the packages of a platform may rely on where nobody has probed a machine: uv's and pixi's defaults.
_GLIBC = (2, 28)
_KERNEL = "4.18"

# Conda's platform -> the least processor of its kind, as archspec names it, which the __archspec package holds.
PLATFORMS = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}
KNOWN = " or ".join(PLATFORMS)

# Names that archspec has for processors of another kind than the platform's.
_FOREIGN = {"linux-64": r"aarch64|arm|neoverse|ppc|power", "linux-aarch64": r"x86|i[3-6]86|ppc|power"}
# What looks like one of Conda's platforms, and is not a file's name.
_PLATFORM = re.compile(r"(linux|osx|win|freebsd|emscripten|wasi|zos)-[a-z0-9]+")
_NUMBERS = re.compile(r"\d+(\.\d+)*")

# Conda's variable -> what of a target it comes before, and what it may be; an empty one means that there is none.
_VARIABLES = {
    "CONDA_OVERRIDE_LINUX": ("kernel", r"(\d+(\.\d+)*)?"),
    "CONDA_OVERRIDE_GLIBC": ("glibc", r"\d+(\.\d+)+"),
    "CONDA_OVERRIDE_CUDA": ("cuda", r"(\d+(\.\d+)*)?"),
    "CONDA_OVERRIDE_ARCHSPEC": ("microarchitecture", r"\w*"),
}
_LIKE = {"kernel": "5.10", "glibc": "2.28", "cuda": "12.4", "microarchitecture": "x86_64_v3"}


@dataclass(frozen=True)
class Target:
    """A machine, as a solve and an installation see it.

    `subdir`: Conda's name for its platform, such as linux-64.
    `glibc`: the version of its glibc.
    `microarchitecture`: its processor's kind and level, as archspec names it: x86_64_v3; "" where nobody says it.
    `kernel`: the version of its Linux kernel; "" where nobody says it.
    `cuda`: the newest version of CUDA that its driver supports, "" without one.
    `name`: what messages call it.
    """

    subdir: str
    glibc: tuple[int, int] = _GLIBC
    microarchitecture: str = ""
    kernel: str = _KERNEL
    cuda: str = ""
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Refuse a platform that no environment can be made for."""
        if self.subdir not in PLATFORMS:
            raise UsageError(
                f"--target {self.subdir}: no platform that an environment can be made for; only {KNOWN} are"
            )

    @classmethod
    def load(cls, argument: str) -> Target:
        """Return the target that a platform's name or a file stands for.

        Raises UsageError for a platform that none can be made for, SpecNotFoundError for a file that cannot be
        read, SpecError for one that is not what `python_package_run --probe` prints.
        """
        if argument in PLATFORMS or (_PLATFORM.fullmatch(argument) and not os.path.lexists(argument)):
            return of_platform(argument)
        try:
            text = bounds.read(argument, argument, bounds.DOCUMENT).decode()
        except OSError as error:
            raise SpecNotFoundError(
                f"{argument}: {os.strerror(error.errno or 0)}; --target takes {KNOWN}, or a file that "
                "python_package_run --probe wrote on the machine"
            ) from None
        except UnicodeDecodeError as error:
            raise SpecError(f"{argument}: not UTF-8 at byte {error.start}") from None
        return parse(text, argument)

    def __str__(self) -> str:
        """Return the name, or the platform."""
        return self.name or self.subdir

    def to_json(self) -> dict[str, str]:
        """Return it in the form that `python_package_run --probe` prints, without its name."""
        said = {"subdir": self.subdir, "libc": "glibc", "libc_version": "{}.{}".format(*self.glibc)}
        return said | {key: getattr(self, key) for key in ("microarchitecture", "kernel", "cuda")}

    def differences(self, other: Target) -> str:
        """Return in which facts it differs from another target, which is named second; "" if in none."""
        pairs = ((each.name, getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return ", ".join(
            f"{name} {_shown(here)}, not {_shown(there)}"
            for name, here, there in pairs
            if here != there and name != "name"
        )


def of_platform(subdir: str) -> Target:
    """Return the least machine of a platform that packages are still built for; raise UsageError for an unknown one."""
    return Target(subdir, microarchitecture=PLATFORMS.get(subdir, ""), name=subdir)


def parse(text: str, source: str) -> Target:
    """Parse what `python_package_run --probe` prints; `source` is what messages call it. Raises SpecError."""
    try:
        said = json_value(text)
        if not isinstance(said, dict):
            raise ValueError("not a JSON object")
        return replace(of_probe(said), name=source)
    except ValueError as error:
        raise SpecError(f"{source}: not a target as python_package_run --probe prints it: {error}") from None


def of_probe(said: Mapping[str, Any]) -> Target:
    """Return the target of a probe's object, of which only `subdir` must be there; raise ValueError for no target."""
    subdir = _text(said, "subdir")
    if subdir not in PLATFORMS:
        what = f"{subdir} is no platform that an environment can be made for" if subdir else "it names no subdir"
        raise ValueError(f"{what}; only {KNOWN} are")
    libc = _text(said, "libc") or "glibc"
    if libc != "glibc":
        raise ValueError(f"that machine has {libc}, and Conda's packages need glibc")
    microarchitecture = _text(said, "microarchitecture") or PLATFORMS[subdir]
    if re.match(_FOREIGN[subdir], microarchitecture):
        raise ValueError(f"its microarchitecture, {microarchitecture}, is none of {subdir}")
    glibc = _numbers(said, "libc_version")
    return Target(
        subdir,
        glibc=version(glibc) if glibc else _GLIBC,
        microarchitecture=microarchitecture,
        kernel=_numbers(said, "kernel") or _KERNEL,
        cuda=_numbers(said, "cuda"),
        name=subdir,
    )


def overridden(target: Target, environ: Mapping[str, str]) -> Target:
    """Return a target as Conda's variables for it say; an empty one means that the machine has none of it.

    Raises SolveError for one that Conda's packages cannot be solved with.
    """
    said = {}
    for variable, (name, form) in _VARIABLES.items():
        if variable in environ:
            said[name] = environ[variable]
            if not re.fullmatch(form, said[name]):
                raise SolveError(f"{variable}: {said[name][:80]!r} is not valid; make it like {_LIKE[name]}")
    changes: dict[str, Any] = {**said, **({"glibc": version(said["glibc"])} if "glibc" in said else {})}
    return replace(target, **changes)


def markers(subdir: str) -> dict[str, str]:
    """Return what a CPython has for environment markers (PEP 508) on a platform, those of its version aside."""
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": PLATFORMS[subdir],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "sys_platform": "linux",
    }


def version(text: str) -> tuple[int, int]:
    """Return the first two numbers of a version; raise ValueError for anything else."""
    match = re.match(r"(\d+)\.(\d+)", text)
    if not match:
        raise ValueError(f"{text!r} is no version")
    return int(match[1]), int(match[2])


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    # As a number, 2.30 would be 2.3.
    if value is None or (isinstance(value, str) and re.fullmatch(r"[\w.+~-]{0,64}", value)):
        return value or ""
    raise ValueError(f"its {key} is {str(value)[:80]!r}, not a short text in quotes")


def _numbers(said: Mapping[str, Any], key: str) -> str:
    """Return the numbers that a version begins with: 6.1.0 of 6.1.0-18-amd64."""
    text = _text(said, key)
    match = _NUMBERS.match(text)
    if text and not match:
        raise ValueError(f"its {key} is {text!r}, not a version")
    return match[0] if match else ""


def _shown(value: object) -> str:
    return "{}.{}".format(*value) if isinstance(value, tuple) else str(value or "none")
