"""This host's CPython -> the packages `python` and `python_abi`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from python_package import elf
from python_package.errors import HostPythonError, PackError
from python_package.files import scratch
from python_package.host_python import conda_package
from python_package.host_python.interpreter import Interpreter, compile_all

# What no application imports, and what drags in a desktop (tkinter: X11) or a site's services (nis: Kerberos).
_FOLDERS = {"site-packages", "dist-packages", "test", "idlelib", "tkinter", "turtledemo", "__pycache__"}
_FOLDERS_BELOW = {"test", "tests", "__pycache__"}
_EXTENSIONS = re.compile(r"nis|_tkinter|_dbm|_gdbm|_?xx.*|_test.*|_ctypes_test")
# Static libraries and leftovers; and what speaks of the host only.
_SUFFIXES = (".pyc", ".a", ".o", ".orig", ".rej", ".exe")
_HOST_ONLY = {"EXTERNALLY-MANAGED", "sitecustomize.py", "usercustomize.py"}
# Text that holds the prefix: it tells compilers and people where things are. The executable finds its library itself.
_TEXTS = (
    "bin/*-config",
    "bin/pydoc*",
    "lib/pkgconfig/*.pc",
    "lib*/python*/_sysconfigdata*.py",
    "lib*/python*/_sysconfig_vars*.json",
    "lib*/python*/build-details.json",
    "lib*/python*/config-*/Makefile",
    "lib*/python*/config-*/python-config.py",
)
# Debian packages it apart, and uv installs for later ones without it.
_NEED_DISTUTILS = ("3.7", "3.8", "3.9")
# What Debian patches of the standard library, its words, and what they are elsewhere.
_SCHEME = (r"(?m)^(\s+prefix_scheme = )'(deb_system|posix_local)'", r"\1'posix_prefix'")
_DEBIANS = (
    ("sysconfig.py", *_SCHEME),
    ("sysconfig/__init__.py", *_SCHEME),
    ("distutils/command/install.py", r'(\.select_scheme\()"unix_local"', r'\1"unix_prefix"'),
    (
        "distutils/sysconfig.py",
        r'join\(prefix, "lib", "python3", "dist-packages"\)',
        'join(libpython, "site-packages")',
    ),
)
# Prefixes that a whole system shares: not every path that starts with one of them is Python's.
_SHARED = {Path("/"), Path("/usr"), Path("/usr/local")}


def write(
    interpreter: Interpreter, channel: Path, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> None:
    """Write the packages `python` and `python_abi` of an interpreter into a channel folder.

    `progress` is told how many of its modules are compiled, which takes most of the time.
    Raises HostPythonError when the interpreter cannot be packed, PackError when the packages cannot be written.
    """
    # The kinds of interpreter, told apart by the end of the build string as conda-forge does.
    kind = interpreter.tag if interpreter.flags == "t" else "cpython"
    abi = f"{interpreter.short}.* *_{interpreter.tag}"
    with scratch.folder() as folder:
        stage = folder / "python"
        glibc = _stage(interpreter, stage, progress)
        entries = conda_package.scan(stage)
        index = {
            "name": "python",
            "version": interpreter.version,
            "build": f"h{conda_package.digest(entries)}_0_{kind}",
            "subdir": elf.subdir(interpreter.executable),
            "depends": [glibc, "ca-certificates", f"python_abi {abi}"],
            "license": "Python-2.0",
            "python_site_packages_path": interpreter.site_packages,
        }
        about = {"home": "https://www.python.org/", "license": "Python-2.0", "summary": "A host's own CPython"}
        conda_package.write(stage, entries, channel, index, about=about)
        conda_package.write(
            stage,
            (),
            channel,
            {
                "name": "python_abi",
                "version": interpreter.short,
                "build": f"0_{interpreter.tag}",
                "subdir": "noarch",
                "constrains": [f"python {interpreter.short}.* *_{kind}"],
                "license": "BSD-3-Clause",
            },
        )


def _stage(interpreter: Interpreter, stage: Path, progress: Callable[[int, int], None]) -> str:
    """Lay out the interpreter below `stage`, ready to be packed; return its dependency on glibc."""
    loader = elf.read(interpreter.executable).loader
    if not loader or "musl" in loader:
        raise HostPythonError(f"{interpreter.executable}: not linked against glibc; Conda's packages need it")
    _copy(interpreter, stage)
    files = _vendor(interpreter, stage, loader)
    elf.strip(files)  # before patchelf: strip breaks what it has moved
    elf.set_rpath(files, stage / "lib")
    undo_debian(stage / interpreter.stdlib)
    _compile(interpreter, stage, _hide_prefix(interpreter, stage), progress)
    return elf.glibc(files)


def _copy(interpreter: Interpreter, stage: Path) -> None:
    """Copy the executable, the standard library, the headers and what describes them to compilers."""
    source, short = interpreter.prefix / interpreter.stdlib, interpreter.short

    def unwanted(folder: str, names: list[str]) -> set[str]:
        top, extensions = Path(folder) == source, Path(folder).name == "lib-dynload"
        return {
            name
            for name in names
            if name in (_FOLDERS if top else _FOLDERS_BELOW)
            or name.endswith(_SUFFIXES)
            or (top and name in _HOST_ONLY)
            or (extensions and _EXTENSIONS.fullmatch(name.split(".")[0]))
        }

    if not source.is_dir():
        raise HostPythonError(f"{interpreter.executable}: no standard library in {source}")
    if interpreter.short in _NEED_DISTUTILS and not (source / "distutils/command").is_dir():
        raise HostPythonError(
            f"{interpreter.executable}: its distutils is not installed, without which nothing can be installed for it; "
            f"Debian has it in python{interpreter.short}-distutils or python3-distutils"
        )
    # Debian's has links to /etc and to other packages: copy what they lead to.
    shutil.copytree(source, stage / interpreter.stdlib, ignore=unwanted, ignore_dangling_symlinks=True)
    (stage / interpreter.site_packages).mkdir()
    (stage / interpreter.site_packages / "README.txt").write_text("Third-party packages go here.\n")
    (stage / "bin").mkdir()
    shutil.copy2(interpreter.executable, stage / "bin" / interpreter.name)
    for name in {"python", "python3", interpreter.executable.name} - {interpreter.name}:
        (stage / "bin" / name).symlink_to(interpreter.name)
    headers = interpreter.prefix / interpreter.include
    if headers.is_dir():
        shutil.copytree(headers, stage / interpreter.include, ignore_dangling_symlinks=True)
    (stage / "lib/pkgconfig").mkdir(parents=True)
    for pattern in (f"bin/{interpreter.name}*-config", f"bin/pydoc{short}", f"lib/pkgconfig/python-{short}*.pc"):
        for found in interpreter.prefix.glob(pattern):
            shutil.copy2(found, stage / found.relative_to(interpreter.prefix))


def _vendor(interpreter: Interpreter, stage: Path, loader: str) -> list[Path]:
    """Copy every library that the staged files need, glibc's aside, into `lib`; return all staged ELF files.

    An extension module whose libraries the host lacks does not work there either: it is left out.
    """
    lib = stage / "lib"
    wanted = dict(interpreter.libraries)
    files = elf.find(stage)
    originals = [
        interpreter.executable if path.parent.name == "bin" else interpreter.prefix / path.relative_to(stage)
        for path in files
    ]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        needed = list(pool.map(partial(elf.libraries, loader=loader), originals))
    for path, found in zip(files, needed, strict=True):
        if None in found.values():
            path.unlink()
        else:
            wanted |= {name: where for name, where in found.items() if where}
    for name, where in wanted.items():
        shutil.copy2(where.resolve(), lib / name)
        (lib / name).chmod(0o755)
    for shared in lib.glob("libpython*.so.1.0"):
        (lib / shared.name.removesuffix(".1.0")).symlink_to(shared.name)  # the name that linkers look for
    return elf.find(stage)


def undo_debian(stdlib: Path) -> None:
    """Undo Debian's patches: packages go to site-packages, as everywhere else.

    Its `sysconfig` and `distutils` choose local/lib or python3. Its `site` looks into dist-packages and no further, and
    as it is frozen into some executables no edit reaches it: that folder must exist.
    """
    debians = False
    for name, pattern, replacement in _DEBIANS:
        source = stdlib / name
        text = source.read_text(encoding="utf-8") if source.exists() else ""
        patched = re.sub(pattern, replacement, text)
        if patched != text:
            source.write_text(patched, encoding="utf-8")
            debians = True
    if debians:
        (stdlib / "dist-packages").symlink_to("site-packages")


def _hide_prefix(interpreter: Interpreter, stage: Path) -> list[Path]:
    """Put the placeholder where the host's prefix stands in text; return the files that hold it."""
    rewritten = []
    for path in sorted({path for pattern in _TEXTS for path in stage.glob(pattern)}):
        text = path.read_text(encoding="utf-8")
        if path.parent.name == "bin" and re.match(r"#!.*python", text):
            text = f"#!{conda_package.PLACEHOLDER}/bin/{interpreter.name}\n" + text.split("\n", 1)[1]
        text = hide_prefix(text, interpreter.prefix, stage)
        path.write_text(text, encoding="utf-8")
        if conda_package.PLACEHOLDER in text:
            rewritten.append(path)
    return rewritten


def hide_prefix(text: str, prefix: Path, stage: Path) -> str:
    """Return text with the placeholder in place of a prefix.

    In a prefix that a system shares live the compiler and much else: there only what is staged moves along.
    """

    shared = prefix in _SHARED

    def moved(match: re.Match[str]) -> str:
        rest = match["rest"] or ""
        return conda_package.PLACEHOLDER + rest if not shared or (stage / rest.lstrip("/")).exists() else match[0]

    # A short one may stand amid a longer path or word; it counts at the start of one, or after a compiler's option.
    before = r"(?:(?<![\w./-])|(?<=-[IL]))" if shared else ""
    return re.sub(before + re.escape(str(prefix)) + r"(?P<rest>/[\w.+/-]*)?(?![\w.-])", moved, text)


def _compile(
    interpreter: Interpreter, stage: Path, rewritten: list[Path], progress: Callable[[int, int], None]
) -> None:
    """Compile the standard library with the staged interpreter itself.

    Files that hold the placeholder change when they are linked, so they have none.
    """
    stdlib = stage / interpreter.stdlib
    complaint = compile_all(stage / "bin" / interpreter.name, stdlib, f"/{interpreter.stdlib}", progress)
    if not list((stdlib / "__pycache__").glob("stat.*.pyc")):
        raise PackError(f"{interpreter.executable}: its package does not run: {complaint[-300:]}")
    for path in rewritten:
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
