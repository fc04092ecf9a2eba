"""This machine's own interpreter becomes a package that works where there is nothing but glibc."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from python_package import elf
from python_package.errors import HostPythonError
from python_package.host_python import conda_package, cpython
from python_package.host_python.interpreter import ask, compile_all

Order = Literal["little", "big"]
XY = f"{sys.version_info[0]}.{sys.version_info[1]}"
IMPORT_ALL = """
import importlib, os, sysconfig
names = [n.split(".")[0] for n in os.listdir(os.path.join(sysconfig.get_path("stdlib"), "lib-dynload"))]
for name in names:
    importlib.import_module(name)
print(*names)
with open("/proc/self/maps") as maps:
    print(*{line.split(None, 5)[5].strip() for line in maps if ".so" in line}, sep=":")
"""
GLIBC = re.compile(r"(ld-linux.*|ld64|lib(c|m|dl|pthread|rt|util|resolv|nsl)([-.][\d.]+)?)\.so[\d.]*")


@pytest.fixture(scope="module")
def prefix(
    tmp_path_factory: pytest.TempPathFactory, channel: Path, install: Callable[[Path, Path, list[str]], Path]
) -> Path:
    """An environment of the channel's python alone, with a space in its path."""
    return install(tmp_path_factory.mktemp("an environment") / "env", channel, ["python"])


def run(prefix: Path, *argv: str, **environ: str) -> str:
    """Run the environment's python with no environment but `environ`, and return its output."""
    command = [str(prefix / "bin/python"), *argv]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def activated(prefix: Path, script: str, **environ: str) -> str:
    """Run a shell script in the activated environment, as strict as a shell can be."""
    scripts = prefix / "etc/conda"
    text = f'set -eu; . "{scripts}/activate.d/ca-certificates.sh"; {script}'
    environ |= {"CONDA_PREFIX": str(prefix), "SSL_CERT_DIR": "/nonexistent", "PATH": f"{prefix}/bin:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", text], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def record(prefix: Path, name: str) -> dict[str, object]:
    """Return what Conda recorded of a package in an environment."""
    found: dict[str, object] = json.loads(next((prefix / "conda-meta").glob(f"{name}-[0-9]*.json")).read_text())
    return found


def test_write__this_interpreter__depends_on_its_abi_and_glibc(prefix: Path) -> None:
    python, abi = record(prefix, "python"), record(prefix, "python_abi")
    tag = f"cp{XY.replace('.', '')}"
    assert python["version"] == ".".join(map(str, sys.version_info[:3]))
    assert python["python_site_packages_path"] == f"lib/python{XY}/site-packages"
    depends = python["depends"]
    assert isinstance(depends, list)
    assert depends[1:] == ["ca-certificates", f"python_abi {XY}.* *_{tag}"]
    assert re.fullmatch(r"__glibc >=2\.\d+,<3\.0\.a0", depends[0])
    assert abi["constrains"] == [f"python {XY}.* *_cpython"]
    assert (abi["build"], abi["noarch"]) == (f"0_{tag}", "generic")


def test_write__no_environment_variables__runs_from_its_prefix(prefix: Path) -> None:
    assert run(prefix, "-c", "import sys; print(sys.prefix, sys.exec_prefix, sys.executable)") == (
        f"{prefix} {prefix} {prefix}/bin/python"
    )
    assert run(prefix, "-m", "pydoc", "stat").startswith("Help on module stat")


def test_write__every_extension_module__imports_with_libraries_of_its_own(prefix: Path) -> None:
    imported, mapped = run(prefix, "-c", IMPORT_ALL).splitlines()
    host = {path.name.split(".")[0] for path in Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("*.so")}
    left_out = host - set(imported.split())
    assert [name for name in left_out if not re.match(r"_?test|_ctypes_test|_?xx|_tkinter|nis|_g?dbm", name)] == []
    libraries = [Path(path) for path in mapped.split(":")]
    assert len(libraries) > len(imported.split())
    assert [path for path in libraries if not path.is_relative_to(prefix) and not GLIBC.fullmatch(path.name)] == []


def test_write__every_binary__finds_its_libraries_in_the_prefix_alone(prefix: Path) -> None:
    files = elf.find(prefix)
    loader = elf.read(prefix / f"bin/python{XY}").loader
    assert loader
    found = {(name, where) for path in files for name, where in elf.libraries(path, loader).items()}
    assert len(found) > 5
    assert [(name, where) for name, where in found if not where or not where.is_relative_to(prefix)] == []
    assert {path.name for path in files} >= {"libstdc++.so.6", "libgcc_s.so.1"}


def test_write__text_files__do_not_name_the_host(prefix: Path) -> None:
    host = sys.base_prefix.encode()
    if Path(sys.base_prefix) in (Path("/usr"), Path("/usr/local")):
        host = b"prefix=" + host
    binaries = set(elf.find(prefix))
    texts = [path for path in prefix.rglob("*") if path.is_file() and path not in binaries and not path.is_symlink()]
    assert len(texts) > 1000
    assert [path for path in texts if host in path.read_bytes()] == []
    variables = "import sysconfig; print(sysconfig.get_config_var('INCLUDEPY'), sysconfig.get_path('purelib'))"
    assert run(prefix, "-c", variables) == f"{prefix}/include/python{XY} {prefix}/lib/python{XY}/site-packages"


def test_write__compiled_files__are_never_taken_for_stale(prefix: Path) -> None:
    library = prefix / f"lib/python{XY}"
    compiled = list(record(prefix, "python")["files"])  # type: ignore[call-overload]
    flags = {int.from_bytes((prefix / path).read_bytes()[4:8], "little") for path in compiled if path.endswith(".pyc")}
    assert flags == {0b01}  # PEP 552: hash-based, source not checked
    sources = {path.stem for path in library.glob("*.py") if not path.stem.startswith("_sysconfigdata")}
    here = {Path(path) for path in compiled if path.startswith(f"lib/python{XY}/__pycache__/")}
    assert {path.name.split(".")[0] for path in here} == sources


def test_write__what_nobody_imports__is_left_out(prefix: Path) -> None:
    library = prefix / f"lib/python{XY}"
    assert [name for name in ("test", "idlelib", "tkinter", "unittest/test") if (library / name).exists()] == []
    assert [path.name for path in library.iterdir() if path.suffix == ".a" or path.name.startswith("_tkinter")] == []
    assert (library / "unittest/mock.py").exists()


def test_write__a_virtual_environment_of_it__works(prefix: Path, tmp_path: Path) -> None:
    run(prefix, "-m", "venv", "--without-pip", str(tmp_path / "v"))
    assert run(tmp_path / "v", "-c", "import sys, ssl; print(sys.base_prefix)") == str(prefix)


def test_write__again_in_another_place_and_umask__gives_the_same_bytes(
    channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    umask = os.umask(0o077)
    try:
        cpython.write(ask(sys.executable), tmp_path / "again")
    finally:
        os.umask(umask)
    made = sorted(tmp_path.glob("again/*/*.conda"))
    assert [path.name.split("-")[0] for path in made] == ["python", "python_abi"]
    for path in made:
        assert path.read_bytes() == (channel / path.relative_to(tmp_path / "again")).read_bytes()


# certificates


COUNT = 'python -c "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"'


def test_certificates__activated_on_a_bare_machine__are_found(prefix: Path) -> None:
    assert int(activated(prefix, COUNT)) > 100


def test_certificates__user_has_chosen_a_file__keeps_it(prefix: Path) -> None:
    script = f'echo "$SSL_CERT_FILE"; . "{prefix}/etc/conda/deactivate.d/ca-certificates.sh"; echo "$SSL_CERT_FILE"'
    assert activated(prefix, script, SSL_CERT_FILE="/my/own.pem") == "/my/own.pem\n/my/own.pem"


def test_certificates__deactivated__are_forgotten(prefix: Path) -> None:
    script = f'. "{prefix}/etc/conda/deactivate.d/ca-certificates.sh"; echo "${{SSL_CERT_FILE-unset}}"'
    assert activated(prefix, script) == "unset"


# text of prefixes that a system shares


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prefix=/usr\n", "prefix=@\n"),
        ("'INCLUDEPY': '/usr/include/python3.11',", "'INCLUDEPY': '@/include/python3.11',"),
        ("-I/usr/include/python3.11 -L/usr/lib", "-I@/include/python3.11 -L@/lib"),
        ("-L/usr/lib/x86_64-linux-gnu /usr/bin/install -c", "-L/usr/lib/x86_64-linux-gnu /usr/bin/install -c"),
        ("/home/usr /opt/usr/lib /usrlocal", "/home/usr /opt/usr/lib /usrlocal"),
    ],
)
def test_hide_prefix__shared_prefix__moves_only_what_is_packed(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "include/python3.11").mkdir(parents=True)
    (tmp_path / "lib").mkdir()
    assert cpython.hide_prefix(text, Path("/usr"), tmp_path).replace(conda_package.PLACEHOLDER, "@") == expected


def test_hide_prefix__prefix_of_its_own__moves_everything(tmp_path: Path) -> None:
    text = "-Wl,-rpath,/opt/py/3.9/lib:/opt/py/3.9/gone /opt/py/3.9.1/lib"
    hidden = cpython.hide_prefix(text, Path("/opt/py/3.9"), tmp_path).replace(conda_package.PLACEHOLDER, "@")
    assert hidden == "-Wl,-rpath,@/lib:@/gone /opt/py/3.9.1/lib"


def test_undo_debian__its_sysconfig__installs_where_everybody_looks(tmp_path: Path) -> None:
    source = "        if 'real_prefix' in sys:\n            prefix_scheme = 'posix_prefix'\n        else:\n"
    (tmp_path / "sysconfig.py").write_text(source + "            prefix_scheme = 'posix_local'\n")
    cpython.undo_debian(tmp_path)
    assert (tmp_path / "sysconfig.py").read_text() == source + "            prefix_scheme = 'posix_prefix'\n"
    assert (tmp_path / "dist-packages").readlink() == Path("site-packages")


@pytest.mark.parametrize(
    ("name", "debians", "elsewhere"),
    [
        (
            "command/install.py",  # of 3.9, as it still is in 3.11
            '                    self.select_scheme("deb_system")\n                self.select_scheme("unix_local")\n',
            '                    self.select_scheme("deb_system")\n                self.select_scheme("unix_prefix")\n',
        ),
        (
            "sysconfig.py",
            '            return os.path.join(prefix, "lib", "python3", "dist-packages")\n',
            '            return os.path.join(libpython, "site-packages")\n',
        ),
    ],
)
def test_undo_debian__its_distutils__installs_where_everybody_looks(
    tmp_path: Path, name: str, debians: str, elsewhere: str
) -> None:
    source = tmp_path / "distutils" / name
    source.parent.mkdir(parents=True)
    source.write_text(debians)
    cpython.undo_debian(tmp_path)
    assert source.read_text() == elsewhere
    assert (tmp_path / "dist-packages").readlink() == Path("site-packages")


def test_undo_debian__anybody_elses__changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "sysconfig.py").write_text("def get_default_scheme(): ...\n")
    cpython.undo_debian(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sysconfig.py"]


# interpreters


def fake(
    tmp_path: Path,
    *,
    kind: str = "CPython",
    system: str = "linux",
    short: str = "3.11",
    executable: str = sys.executable,
) -> Path:
    """Return an interpreter that answers as another one would."""
    answer = {
        "flags": "",
        "version": f"{short}.7",
        "prefix": "/nonexistent",
        "stdlib": "lib/python3.11",
        "include": "include/python3.11",
        "executable": executable,
        "libraries": {},
        "markers": {"platform_python_implementation": kind, "sys_platform": system, "python_version": short},
    }
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    script.chmod(0o755)
    return script


def test_ask__virtual_environment__describes_its_base(tmp_path: Path) -> None:
    venv.create(tmp_path / "v", symlinks=True)
    interpreter = ask(tmp_path / "v/bin/python")
    assert interpreter == ask(sys.executable)
    assert interpreter.prefix == Path(sys.base_prefix).resolve()
    assert not interpreter.executable.is_relative_to(tmp_path)


def test_ask__a_module_of_the_callers_folder__is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "platform.py").write_text("raise SystemExit(1)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert ask(sys.executable).short == XY


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"kind": "PyPy"}, "not CPython but PyPy"),
        ({"system": "darwin"}, "runs on darwin"),
        ({"short": "2.7"}, "Python 2.7.7 is too old to be packed; 3.7 is the oldest"),
    ],
)
def test_ask__interpreter_that_cannot_be_packed__says_why(tmp_path: Path, facts: dict[str, str], message: str) -> None:
    with pytest.raises(HostPythonError, match=message):
        ask(fake(tmp_path, **facts))


@pytest.mark.parametrize("name", ["no-such-python", "/nonexistent/python"])
def test_ask__no_such_interpreter__says_so(name: str) -> None:
    with pytest.raises(HostPythonError, match=f"{name}: no such interpreter"):
        ask(name)


def test_ask__not_an_interpreter__says_so(tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to("/bin/true")
    with pytest.raises(HostPythonError, match="does not answer as a Python interpreter would"):
        ask(tmp_path / "python")


def test_write__interpreter_without_library__leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(HostPythonError, match=r"no standard library in /nonexistent/lib/python3.11"):
        cpython.write(ask(fake(tmp_path)), tmp_path / "channel")
    assert not (tmp_path / "channel").exists()


def test_write__old_interpreter_without_distutils__says_which_package_has_it(tmp_path: Path) -> None:
    (tmp_path / "lib/python3.9/distutils").mkdir(parents=True)  # Debian's has no more than its version
    old = replace(ask(sys.executable), short="3.9", prefix=tmp_path, stdlib="lib/python3.9")
    with pytest.raises(HostPythonError, match=r"distutils is not installed, .*python3\.9-distutils"):
        cpython.write(old, tmp_path / "channel")
    assert not (tmp_path / "channel").exists()


def test_write__executable_is_a_script__says_so(tmp_path: Path) -> None:
    with pytest.raises(HostPythonError, match="not an executable of this machine's kind"):
        cpython.write(ask(fake(tmp_path, executable=str(tmp_path / "python"))), tmp_path / "channel")


# ELF facts


def program(tmp_path: Path, order: Order, bits: int, machine: int) -> Path:
    """Return a file with the ELF header of a program for some machine."""
    header = b"\x7fELF" + bytes([bits // 32, 1 if order == "little" else 2, 1]) + bytes(9)
    header += (2).to_bytes(2, order) + machine.to_bytes(2, order)
    (tmp_path / "program").write_bytes(header.ljust(64 if bits == 64 else 52, b"\0"))
    return tmp_path / "program"


@pytest.mark.parametrize(
    ("order", "bits", "machine", "expected"),
    [
        ("little", 64, 62, "linux-64"),
        ("little", 64, 183, "linux-aarch64"),
        ("little", 64, 21, "linux-ppc64le"),
        ("big", 64, 22, "linux-s390x"),
        ("little", 32, 3, "linux-32"),
    ],
)
def test_subdir__machine_of_a_file__is_condas_name(
    tmp_path: Path, order: Order, bits: int, machine: int, expected: str
) -> None:
    assert elf.subdir(program(tmp_path, order, bits, machine)) == expected


def test_subdir__machine_without_a_name__says_so(tmp_path: Path) -> None:
    with pytest.raises(HostPythonError, match="Conda has no name for its machine, EM_PPC64"):
        elf.subdir(program(tmp_path, "big", 64, 21))


# compile_all


def test_compile_all__some_modules_are_broken__compiles_the_others_as_compileall_does(tmp_path: Path) -> None:
    texts = {"a.py": "def f(): return __name__", "inside/b.py": "x = {1, 2}", "inside/broken.py": "def", "c.txt": "-"}
    for name, text in texts.items():
        (tmp_path / "ours" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ours" / name).write_text(text)
    shutil.copytree(tmp_path / "ours", tmp_path / "theirs")
    counts: list[tuple[int, int]] = []
    said = compile_all(Path(sys.executable), tmp_path / "ours", "/lib", lambda *each: counts.append(each))
    argv = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-d", "/lib", str(tmp_path / "theirs")]
    subprocess.run([sys.executable, *argv], check=False, capture_output=True, timeout=60)
    assert (len(counts), max(counts)) == (3, (3, 3))
    assert "broken.py" in said
    ours, theirs = ({p.relative_to(t): p.read_bytes() for p in t.rglob("*.pyc")} for t in sorted(tmp_path.iterdir()))
    assert len(ours) == 2
    assert ours == theirs


def test_compile_all__interpreter_that_fails__says_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho cannot allocate memory >&2\nexit 1\n")
    python.chmod(0o755)
    assert "cannot allocate memory" in compile_all(python, tmp_path, "/lib")
