"""This host's CPython -> the packages `python` and `python_abi`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from python_package.channel import elf, package
from python_package.channel.interpreter import Interpreter
from python_package.errors import PackError

# What an application never imports, or what would drag in a desktop (tkinter: X11) or a site's services (nis: Kerberos).
_FOLDERS = {"site-packages", "dist-packages", "test", "idlelib", "tkinter", "turtledemo", "__pycache__"}
_TESTS = {"test", "tests"}
_EXTENSIONS = re.compile(r"(nis|_tkinter|_dbm|_gdbm|_?xx.*|_test.*|_ctypes_test)")
# Static libraries and leftovers; and what speaks of the host only.
_SUFFIXES = (".pyc", ".a", ".o", ".orig", ".rej", ".exe")
_HOST_ONLY = {"EXTERNALLY-MANAGED", "sitecustomize.py", "usercustomize.py"}
# Folders shared with all of a system: not every path that starts with one of them is Python's.
_SHARED = {Path("/"), Path("/usr"), Path("/usr/local")}
_LEVEL = 9  # zstd: 3, 9, 19 take 1.0, 1.4, 17.7 s


def write(interpreter: Interpreter, channel: Path) -> list[Path]:
    """Write the packages `python` and `python_abi` of an interpreter into a channel folder.

    Raises InterpreterError or PackError.
    """
    with tempfile.TemporaryDirectory(prefix="python_package.") as scratch:
        stage = Path(scratch) / "python"
        depends = _stage(interpreter, stage)
        empty = Path(scratch) / "abi"
        empty.mkdir()
        entries = package.scan(stage)
        major = interpreter.short
        python = package.write(
            stage,
            entries,
            channel,
            {
                "name": "python",
                "version": interpreter.version,
                "build": f"h{package.digest(entries)}_0_{_build(interpreter)}",
                "build_number": 0,
                "subdir": _subdir(interpreter),
                "depends": [*depends, "ca-certificates", f"python_abi {major}.* *_{interpreter.tag}"],
                "constrains": [],
                "license": "Python-2.0",
                "python_site_packages_path": f"{_stdlib(interpreter)}/site-packages",
            },
            about={"home": "https://www.python.org/", "license": "Python-2.0", "summary": "This host's CPython"},
            level=_LEVEL,
        )
        abi = package.write(
            empty,
            (),
            channel,
            {
                "name": "python_abi",
                "version": major,
                "build": f"0_{interpreter.tag}",
                "build_number": 0,
                "subdir": "noarch",
                "noarch": "generic",
                "depends": [],
                "constrains": [f"python {major}.* *_{_build(interpreter)}"],
                "license": "BSD-3-Clause",
            },
        )
    return [python, abi]


def _build(interpreter: Interpreter) -> str:
    """Return the end of the build string, by which conda-forge tells the kinds of interpreter apart."""
    return interpreter.tag if interpreter.flags else "cpython"


def _subdir(interpreter: Interpreter) -> str:
    return elf.subdir(elf.read(interpreter.executable))


def _stdlib(interpreter: Interpreter) -> str:
    """Return the standard library's folder relative to the prefix."""
    return f"{interpreter.libdir}/{interpreter.dirname}"


def _stage(interpreter: Interpreter, stage: Path) -> list[str]:
    """Lay out the interpreter below `stage`, ready to be packed; return what it depends on."""
    loader = elf.read(interpreter.executable).loader
    if not loader or "ld-musl" in loader:
        raise PackError(f"{interpreter.executable}: not linked against glibc; Conda packages are")
    stdlib = stage / _stdlib(interpreter)
    _copy(interpreter, stage, stdlib)
    files = _vendor(interpreter, stage, loader)
    elf.strip(files)  # before patchelf: strip breaks what it has moved
    elf.set_rpath(files, stage / "lib")
    _undo_debian(stdlib)
    rewritten = _hide_prefix(interpreter, stage)
    _compile(interpreter, stage, stdlib, rewritten)
    major, minor = max(elf.read(path).glibc for path in files)[:2]
    return [f"__glibc >={major}.{minor},<3.0.a0"]


def _copy(interpreter: Interpreter, stage: Path, stdlib: Path) -> None:
    """Copy the executable, the standard library, the headers and what describes them to compilers."""
    source = interpreter.prefix / _stdlib(interpreter)

    def unwanted(folder: str, names: list[str]) -> set[str]:
        top = Path(folder) == source
        return {
            name
            for name in names
            if name in (_FOLDERS if top else _TESTS | {"__pycache__"})
            or name.endswith(_SUFFIXES)
            or (top and name in _HOST_ONLY)
            or (Path(folder).name == "lib-dynload" and _EXTENSIONS.fullmatch(name.split(".")[0]))
        }

    # Debian links parts of it elsewhere (/etc): copy what the links lead to.
    shutil.copytree(source, stdlib, ignore=unwanted, ignore_dangling_symlinks=True)
    (stdlib / "site-packages").mkdir()
    (stdlib / "site-packages" / "README.txt").write_text("Third-party packages go here.\n")
    bin_ = stage / "bin"
    bin_.mkdir()
    shutil.copy2(interpreter.executable, bin_ / interpreter.dirname)
    for name in ("python", "python3", f"python{interpreter.short}"):
        if name != interpreter.dirname:
            (bin_ / name).symlink_to(interpreter.dirname)
    for name in (f"{interpreter.dirname}-config", f"pydoc{interpreter.short}"):
        script = interpreter.prefix / "bin" / name
        if script.exists():
            shutil.copy2(script, bin_ / name)
    include = interpreter.prefix / "include" / interpreter.dirname
    if include.is_dir():
        shutil.copytree(include, stage / "include" / interpreter.dirname, ignore_dangling_symlinks=True)
    for described in sorted((interpreter.prefix / "lib/pkgconfig").glob(f"python-{interpreter.short}*.pc")):
        (stage / "lib/pkgconfig").mkdir(parents=True, exist_ok=True)
        shutil.copy2(described, stage / "lib/pkgconfig" / described.name)


def _vendor(interpreter: Interpreter, stage: Path, loader: str) -> list[Path]:
    """Copy every library that the staged files need, glibc's aside, into `lib`; return all staged ELF files.

    An extension module whose libraries the host lacks does not work on the host either: it is left out.
    """
    lib = stage / "lib"
    staged = sorted(path for path in stage.rglob("*") if elf.is_elf(path))
    vendored = {path.name.split(".so")[0] + ".so." + _major(path): path for path in interpreter.libraries}
    for path in staged:
        original = interpreter.prefix / path.relative_to(stage)
        if path.parent.name == "bin":
            original = interpreter.executable
        found = elf.libraries(original, loader)
        if None in found.values():
            path.unlink()
            continue
        for name, where in found.items():
            if where:
                vendored[name] = where
    for name, where in sorted(vendored.items()):
        shutil.copy2(where.resolve(), lib / name)
        (lib / name).chmod(0o755)
    linker_name = lib / f"lib{interpreter.dirname}.so"
    shared = lib / f"{linker_name.name}.1.0"
    if shared.exists():
        linker_name.symlink_to(shared.name)
    return sorted(path for path in stage.rglob("*") if elf.is_elf(path))


def _major(library: Path) -> str:
    """Return the number of an soname: 6 for libstdc++.so.6.0.30."""
    return library.name.split(".so.")[1].split(".")[0]


def _undo_debian(stdlib: Path) -> None:
    """Undo Debian's patches: packages go to site-packages, as everywhere else.

    Its `sysconfig` chooses the scheme posix_local; its `site` looks into dist-packages and is frozen into the
    executable, where no edit reaches it, so that folder must exist.
    """
    for name in ("sysconfig.py", "sysconfig/__init__.py"):
        source = stdlib / name
        if not source.exists():
            continue
        text = source.read_text(encoding="utf-8")
        patched = re.sub(
            r"(?m)^(\s+prefix_scheme = )'(deb_system|posix_local)'", r"\1'posix_prefix'", text
        )
        if patched != text:
            source.write_text(patched, encoding="utf-8")
            (stdlib / "dist-packages").symlink_to("site-packages")


def _hide_prefix(interpreter: Interpreter, stage: Path) -> list[Path]:
    """Put the placeholder where the host's prefix stands in text; return the files that hold it.

    Only files that tell compilers and humans where things are: the executable finds its library by itself.
    """
    patterns = (
        "bin/*-config", "bin/pydoc*", "lib/pkgconfig/*.pc", "lib*/python*/_sysconfigdata*.py", "lib*/python*/_sysconfig_vars*.json",
        "lib*/python*/build-details.json", "lib*/python*/config-*/Makefile", "lib*/python*/config-*/python-config.py",
    )  # fmt: skip
    prefix = re.escape(str(interpreter.prefix))
    token = re.compile(rf"(?<![\w.-/]){prefix}(/[\w.+/-]*)?(?![\w.-])")
    shared = interpreter.prefix in _SHARED

    def moved(match: re.Match[str]) -> str:
        rest = match[1] or ""
        # In /usr live the compiler and much else: only what is in this package moves with it.
        return package.PLACEHOLDER + rest if not shared or (stage / rest.lstrip("/")).exists() else match[0]

    rewritten = []
    for path in sorted({path for pattern in patterns for path in stage.glob(pattern)}):
        text = path.read_text(encoding="utf-8")
        if path.parent.name == "bin" and re.match(r"#!.*python", text):
            text = f"#!{package.PLACEHOLDER}/bin/{interpreter.dirname}\n" + text.split("\n", 1)[1]
        text = token.sub(moved, text)
        path.write_text(text, encoding="utf-8")
        if package.PLACEHOLDER in text:
            rewritten.append(path)
    return rewritten


def _compile(interpreter: Interpreter, stage: Path, stdlib: Path, rewritten: list[Path]) -> None:
    """Compile the standard library with the staged interpreter itself.

    Unchecked hash-based pycs: linking, packing and unpacking an environment may all change a file's time, which
    would make timestamped ones stale; and nobody edits the library of a packed environment, so that
    rereading each source to check its hash buys nothing. Files that hold the placeholder change when
    linked, so they have none.
    """
    command = [
        str(stage / "bin" / interpreter.dirname), "-E", "-s", "-S", "-m", "compileall", "-q", "-f",
        "--invalidation-mode", "unchecked-hash", "-d", f"/{stdlib.relative_to(stage)}", str(stdlib),
    ]  # fmt: skip
    # One process, one order, no random hashes: marshal's output depends on all three. Files that are broken
    # on purpose (lib2to3's fixtures) make it exit 1, so that the outcome is judged by what is there.
    environment = {"PATH": os.defpath, "PYTHONHASHSEED": "0"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    if not list((stdlib / "__pycache__").glob("os.*.pyc")):
        raise PackError(f"{interpreter.executable}: its package does not run: {result.stderr.strip()[-300:]}")
    for path in rewritten:
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
