"""Ask a CPython what a package of it needs to know."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from python_package import subprocesses
from python_package.errors import HostPythonError, ProgramError

OLDEST = (3, 7)  # the first whose compileall makes hash-based pycs

# Runs inside the interpreter, whatever its version, so that the answer about it can name that version.
_QUESTION = r"""
import json, os, platform, sys, sysconfig

def loaded(name):
    # Where the loader finds a library: a fact of the machine, not a folder to guess.
    try:
        import ctypes
        ctypes.CDLL(name)
        with open("/proc/self/maps") as maps:
            fields = [line.split(None, 5) for line in maps]
        return next((f[5].strip() for f in fields if len(f) == 6 and os.path.basename(f[5]).startswith(name)), None)
    except (ImportError, OSError):
        return None

info = sys.implementation.version if hasattr(sys, "implementation") else sys.version_info
implementation = "%d.%d.%d" % info[:3]
if info[3] != "final":
    implementation += info[3][0] + str(info[4])
full = platform.python_version()
prefix = getattr(sys, "base_prefix", sys.prefix)
json.dump({
    "version": full,
    "flags": getattr(sys, "abiflags", ""),
    "prefix": prefix,
    "stdlib": os.path.relpath(sysconfig.get_path("stdlib", "posix_prefix"), prefix),
    "include": os.path.relpath(sysconfig.get_path("include", "posix_prefix"), prefix),
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
    "libraries": {name: loaded(name) for name in ("libstdc++.so.6", "libgcc_s.so.1")},
    "markers": {
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": "",
        "platform_system": platform.system(),
        "platform_version": "",
        "python_version": "%d.%d" % sys.version_info[:2],
        "python_full_version": full.rstrip("+"),
        "implementation_name": sys.implementation.name if hasattr(sys, "implementation") else "",
        "implementation_version": implementation,
    },
}, sys.stdout)
"""


@dataclass(frozen=True)
class Interpreter:
    """A CPython installation; paths are absolute and real, `version` is final ("3.11.7")."""

    executable: Path
    version: str
    short: str  # "3.11"
    flags: str  # "t" for the free-threaded build, "m" before 3.8, else ""
    prefix: Path
    stdlib: str  # relative to the prefix: "lib/python3.11", with some distributions "lib64/python3.11"
    include: str  # relative to the prefix
    libraries: Mapping[str, Path]  # libstdc++ and libgcc_s by soname: manylinux wheels expect them of the system
    markers: Mapping[str, str]  # the environment of PEP 508

    @property
    def site_packages(self) -> str:
        """Return the folder of third-party packages in an environment, relative to its prefix."""
        return f"{self.stdlib}/site-packages"

    @property
    def tag(self) -> str:
        """Return the ABI tag of its wheels: cp311, cp313t."""
        return f"cp{self.short.replace('.', '')}{self.flags}"

    @property
    def name(self) -> str:
        """Return the name of its executable: python3.11."""
        return f"python{self.short}"

    @property
    def this_minor(self) -> str:
        """Return the bounds of this minor version as Conda writes them: >=3.11,<3.12.0a0."""
        major, minor = self.short.split(".")
        return f">={self.short},<{major}.{int(minor) + 1}.0a0"


def ask(python: str | os.PathLike[str] = "python3") -> Interpreter:
    """Describe the CPython behind `python`, a name on PATH or a path; of a virtual environment, its base.

    Raises HostPythonError when there is none, it does not answer, or it is not a CPython for Linux that we can pack.
    """
    found = shutil.which(python)
    if not found:
        raise HostPythonError(f"{python}: no such interpreter")
    # Without `site`, nothing of the user's is run. The folder stays theirs: a shim may choose a Python by it.
    command = [found, "-I", "-S", "-c", _QUESTION]
    try:
        answer = subprocesses.run(command, seconds=subprocesses.QUESTION_SECONDS, env=os.environ, here=True)
        facts = json.loads(answer.stdout)
    except (ProgramError, ValueError) as error:
        raise HostPythonError(f"{found}: does not answer as a Python interpreter would: {error}") from None
    version, markers = facts["version"], facts["markers"]
    kind, system, short = (markers[key] for key in ("platform_python_implementation", "sys_platform", "python_version"))
    if kind != "CPython":
        raise HostPythonError(f"{found}: not CPython but {kind}")
    if not system.startswith("linux"):
        raise HostPythonError(f"{found}: runs on {system}; only Linux interpreters can be packed")
    if tuple(int(part) for part in short.split(".")) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise HostPythonError(f"{found}: Python {version} is too old to be packed; {oldest} is the oldest")
    prefix = Path(facts["prefix"]).resolve()
    usual = prefix / "bin" / f"python{short}{facts['flags']}"
    return Interpreter(
        executable=(usual if usual.exists() else Path(facts["executable"])).resolve(),
        version=version.rstrip("+"),
        short=short,
        flags=facts["flags"],
        prefix=prefix,
        stdlib=facts["stdlib"],
        include=facts["include"],
        libraries={name: Path(path) for name, path in facts["libraries"].items() if path},
        markers=markers,
    )


# Its arguments: a folder, what tracebacks call it, and which of how many shares is its own. It says a line for each
# module. Files that are broken on purpose (lib2to3's fixtures) are passed over: the outcome is judged by what is there.
_COMPILE = """
import os, py_compile, sys
folder, shown, share, shares = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
found = [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names if name.endswith(".py")]
for path in sorted(found)[share::shares]:
    try:
        py_compile.compile(path, dfile=os.path.join(shown, os.path.relpath(path, folder)), doraise=True,
                           invalidation_mode=mode)
    except (py_compile.PyCompileError, ValueError, RecursionError) as error:
        print(error, file=sys.stderr)
    print(len(found), flush=True)
"""
_SHARES = 2


def compile_all(
    python: Path, folder: Path, shown: str, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> str:
    """Compile every module below a folder, which tracebacks call `shown`; return what the interpreter complained of.

    `progress` is told how many modules of all are compiled.

    Unchecked hash-based pycs: linking, packing and unpacking an environment may each change a file's time, which
    would make timestamped ones stale; and nobody edits the library of a packed environment, so that rereading every
    source to check its hash would buy nothing.
    """
    # -B, else what it imports itself would have timestamped ones.
    command = [str(python), "-B", "-s", "-S", "-c", _COMPILE, str(folder.absolute()), shown]
    # Always as many processes, each in one order and without random hashes: marshal's output depends on all of that.
    env = {"PATH": os.defpath, "PYTHONHASHSEED": "0"}
    done: list[str] = []
    said: list[str] = []

    def heard(line: str) -> None:
        if line.isdecimal():
            done.append(line)
            progress(len(done), int(line))
        else:
            said.append(line)

    def work(share: int) -> None:
        argv = [*command, str(share), str(_SHARES)]
        subprocesses.follow(argv, heard, env=env, seconds=subprocesses.TOOL_SECONDS)

    with ThreadPoolExecutor(_SHARES) as pool:
        list(pool.map(work, range(_SHARES)))
    return "\n".join(said).strip()
