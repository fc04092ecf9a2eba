"""python_package_run --probe: what the wrapper says of the machine, in JSON that python_package_create reads."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import archspec.cpu
import pytest
from run_worker import PATIENCE, SHELLS, WRAPPER, Worker, lines, tool

from python_package.run import self_contained
from python_package.target import Target, parse

LEVELS = ("x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4")
# As nvidia-smi prints it, of driver 550.
NVIDIA_SMI = """
| NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: {}     |
|-----------------------------------------+------------------------+----------------------+
"""

on_x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="levels are those of x86-64")


@pytest.fixture(params=[*SHELLS, "ksh", "zsh"])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path, request.param)
    if request.param == "zsh":
        made.shell += ["--emulate", "sh"]
    yield made
    made.stop()


@pytest.fixture
def dash(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path, "dash")
    yield made
    made.stop()


def probe(worker: Worker, **env: str) -> dict[str, Any]:
    """Return what the wrapper prints, as Python's own tool reads it."""
    worker.env |= env
    result = worker.run("--probe")
    assert (result.returncode, result.stderr) == (0, "")
    tidied = subprocess.run(
        [sys.executable, "-m", "json.tool"], input=result.stdout, capture_output=True, text=True, check=True, timeout=60
    )
    said = json.loads(tidied.stdout)
    assert isinstance(said, dict)
    return said


def machine_with(worker: Worker, flags: str | None) -> None:
    """Let the wrapper find these flags where the kernel lists the processor's; None is a list without any."""
    source = worker.wrapper.read_text()
    assert source.count("/proc/cpuinfo") == 1
    info = worker.root / "cpuinfo"
    info.write_text("processor\t: 0\n" + ("" if flags is None else f"flags\t\t: {flags}\nbugs\t\t: avx512f\n"))
    worker.wrapper.write_text(source.replace("/proc/cpuinfo", str(info)))


def test_probe__this_machine__is_what_others_say_of_it(worker: Worker) -> None:
    said = probe(worker)

    assert said["subdir"] == f"linux-{ {'x86_64': '64'}.get(platform.machine(), platform.machine()) }"
    assert re.match(rf"{re.escape(said['kernel'])}(?![0-9])", platform.release())
    assert (said["libc"], said["libc_version"]) == platform.libc_ver()
    assert said["cores"] == len(os.sched_getaffinity(0))
    assert abs(said["memory"] - os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) < 1 << 20
    here = worker.env["PATH"]
    assert said["tools"] == [name for name in ("flock", "bwrap", "squashfuse", "bash") if shutil.which(name, path=here)]


def test_probe__what_it_prints__is_a_target(worker: Worker) -> None:
    worker.add_tool("nvidia-smi", f"cat <<'END'{NVIDIA_SMI.format('12.4 ')}END")
    said = worker.run("--probe").stdout

    libc, version = platform.libc_ver()
    subdir = f"linux-{ {'x86_64': '64'}.get(platform.machine(), platform.machine()) }"
    assert libc == "glibc"
    assert parse(said, "node.json") == Target(
        subdir,
        glibc=(int(version.split(".")[0]), int(version.split(".")[1])),
        microarchitecture=json.loads(said)["microarchitecture"],
        kernel=json.loads(said)["kernel"],
        cuda="12.4",
        name="node.json",
    )


# ---- Processors


@on_x86_64
def test_probe__level__is_that_of_glibcs_loader(worker: Worker) -> None:
    loader = next(path for path in (Path("/lib64/ld-linux-x86-64.so.2"),) if path.exists())
    says = subprocess.run([loader, "--help"], capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    supported = re.findall(r"^  x86-64-(v\d) \(supported", says, re.MULTILINE)

    assert probe(worker)["microarchitecture"] == "_".join(["x86_64", *supported[:1]])


@on_x86_64
def test_probe__level__is_that_of_archspec(worker: Worker) -> None:
    host = archspec.cpu.host()

    fitting = [name for name in LEVELS if name in (host.name, *(parent.name for parent in host.ancestors))]

    assert probe(worker)["microarchitecture"] == fitting[-1]


@on_x86_64
@pytest.mark.parametrize("level", LEVELS)
def test_probe__features_of_archspec__each_is_needed(dash: Worker, level: str) -> None:
    """Linux calls SSE3 pni, and names it of every processor that has more."""
    features = set(archspec.cpu.TARGETS[level].features) | {"fpu", "pni"}
    machine_with(dash, " ".join(sorted(features)))
    assert probe(dash)["microarchitecture"] == level

    if level == "x86_64":
        return
    below = LEVELS[LEVELS.index(level) - 1]
    info = dash.root / "cpuinfo"
    # The first four every processor of the kind has.
    given = {"fpu", "mmx", "sse", "sse2", "sse3"} | set(archspec.cpu.TARGETS[below].features)
    if level != "x86_64_v2":
        given.add("pni")
    for feature in sorted(features - given):
        info.write_text(f"flags\t\t: {' '.join(sorted(features - {feature}))} {feature}x x{feature}\n")
        assert probe(dash)["microarchitecture"] == below, feature


@on_x86_64
def test_probe__kernel_that_names_no_features__has_the_platforms_least(worker: Worker) -> None:
    machine_with(worker, None)
    assert probe(worker)["microarchitecture"] == "x86_64"

    (worker.root / "cpuinfo").unlink()
    assert probe(worker)["microarchitecture"] == "x86_64"


@pytest.mark.parametrize(("machine", "subdir"), [("aarch64", "linux-aarch64"), ("ppc64le", "linux-ppc64le")])
def test_probe__another_kind_of_processor__is_told_without_a_level(worker: Worker, machine: str, subdir: str) -> None:
    """archspec names no level of Arm's either: the kernel does not tell all of what a level asks for."""
    worker.add_tool("uname", f'case $1 in -r) echo 6.1.0-13-arm64+ ;; *) echo "Linux {machine}" ;; esac')

    said = probe(worker)

    assert (said["subdir"], said["microarchitecture"], said["kernel"]) == (subdir, machine, "6.1.0")


@pytest.mark.parametrize(
    ("release", "kernel"),
    [("6.8.", "6.8"), ("5.15.49+", "5.15.49"), ("4.18.0-553.el8.x86_64", "4.18.0"), ("6.1-rc", "6.1")],
)
def test_probe__kernel__is_its_numbers(dash: Worker, release: str, kernel: str) -> None:
    dash.add_tool("uname", f'case $1 in -r) echo "{release}" ;; *) echo Linux x86_64 ;; esac')

    assert probe(dash)["kernel"] == kernel


# ---- Drivers


@pytest.mark.parametrize(
    ("version", "cuda"), [("12.4 ", "12.4"), ("13.0 ", "13.0"), ("11.8 ", "11.8"), ("N/A  ", None), ("     ", None)]
)
def test_probe__nvidia_smi__tells_the_cuda_of_its_driver(worker: Worker, version: str, cuda: str | None) -> None:
    worker.add_tool("nvidia-smi", f"cat <<'END'{NVIDIA_SMI.format(version)}END")

    assert probe(worker).get("cuda") == cuda


@pytest.mark.parametrize(
    "script",
    [
        "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9",
        "echo 'Failed to initialize NVML: Driver/library version mismatch' >&2; exit 18",
        "kill -9 $$",
    ],
)
def test_probe__nvidia_smi_that_fails__is_no_driver(dash: Worker, script: str) -> None:
    dash.add_tool("nvidia-smi", script)

    assert "cuda" not in probe(dash)


# ---- Places


def test_probe__places__are_where_the_wrapper_would_unpack_in_its_order(worker: Worker) -> None:
    names = ("WORK_QUEUE_SANDBOX", "WORKER_TMPDIR", "_CONDOR_SCRATCH_DIR", "SLURM_TMPDIR")
    for name in names:
        (worker.root / name).mkdir()
        worker.env[name] = str(worker.root / name)
    worker.env["XDG_CACHE_HOME"] = str(worker.root / "xdg")
    before = sorted(worker.root.rglob("*"))

    said = [place["path"] for place in probe(worker)["places"]]

    assert sorted(worker.root.rglob("*")) == before
    assert said[-1] == f"/tmp/python_package_run-{os.geteuid()}"  # noqa: S108
    worker.pack()
    worker.shell = [tool("dash")]  # ksh and zsh only probe
    # One after the other is made useless, as choose_root finds it; the next is where the environment goes.
    found = []
    for name in (*names, "XDG_CACHE_HOME", ""):
        prefix = worker.run("venv", 'echo "$CONDA_PREFIX"').stdout.strip()
        found.append(str(Path(prefix).parent))
        if name:
            worker.env[name] = "/proc/version/none" if name == "XDG_CACHE_HOME" else ""
    assert said[:-1] == found


def test_probe__cache_that_the_user_named__is_the_last_place(worker: Worker) -> None:
    place = worker.root / "not/yet/there"

    (said,) = probe(worker, PYTHON_PACKAGE_CACHE=str(place))["places"]

    assert said["path"] == str(place)
    assert not (worker.root / "not").exists()
    assert probe(worker, PYTHON_PACKAGE_CACHE="/proc/version/none")["places"] == []
    assert probe(worker, PYTHON_PACKAGE_CACHE=f"{worker.root}/a:b")["places"] == []


def test_probe__free_space_and_file_system__are_what_the_kernel_says(worker: Worker) -> None:
    for folder in (worker.root, Path("/dev/shm"), Path("/")):  # noqa: S108
        (said,) = probe(worker, PYTHON_PACKAGE_CACHE=str(folder / "cache"))["places"]

        kinds = [line.split()[2] for line in Path("/proc/self/mounts").read_text().splitlines()]
        stat = os.statvfs(folder)
        assert abs(said["free"] - stat.f_bavail * stat.f_frsize) < 1 << 30
        assert said["filesystem"] in kinds
        assert said["noexec"] is bool(stat.f_flag & os.ST_NOEXEC)
        if folder.name == "shm":
            assert said["filesystem"] == "tmpfs"


@pytest.mark.parametrize("name", ["plain", "with a blank", "tab\tand back\\slash"])
@pytest.mark.parametrize("options", ["noexec", "exec"])
def test_probe__mounted_noexec__is_told(worker: Worker, options: str, name: str) -> None:
    """In a file system of its own, of which /proc writes the blanks as numbers; a later mount hides an earlier one."""
    folder = worker.root / name
    folder.mkdir()
    script = 'mount -t tmpfs -o "$1" tmpfs "$2" && mkdir "$2/below" && shift 2 && exec "$@"'
    before = 'mount -t ramfs -o noexec,exec ramfs "$2" && '
    command = [*worker.shell, str(worker.wrapper), "--probe"]
    result = subprocess.run(
        [tool("unshare"), "-rm", "/bin/sh", "-c", before + script, "sh", options, str(folder), *command],
        env={**worker.env, "PYTHON_PACKAGE_CACHE": str(folder / "below" / "cache")},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )

    (said,) = json.loads(result.stdout)["places"]
    assert (said["filesystem"], said["noexec"]) == ("tmpfs", options == "noexec")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"plain", "plain"),
        (b'quote"s', 'quote"s'),
        (b"back\\slash\\", "back\\slash\\"),
        (b"new\nline\n", "new?line?"),
        (b"\x01\x1b[31m\x7f\t", "??[31m??"),
        ("ünï—💾".encode(), "ünï—💾"),
        (b"latin-1 \xe9\xe9", "latin-1"),
        (b"\xc0\xaf\xed\xa0\x80\xff\xfe", ""),
        (b"%s%d$(id)`id`*", "%s%d$(id)`id`*"),
    ],
)
def test_probe__hostile_path__is_valid_json(worker: Worker, name: bytes, shown: str) -> None:
    folder = os.fsencode(worker.root) + b"/" + name
    os.mkdir(folder)  # noqa: PTH102
    worker.env["PYTHON_PACKAGE_CACHE"] = os.fsdecode(folder)

    (said,) = probe(worker)["places"]

    if not worker.busybox or name.isascii():
        assert Path(said["path"]).name.strip() == (shown.strip() or worker.root.name)
    else:  # without iconv, all that is not ASCII
        assert set(Path(said["path"]).name) - set(" latin-1") <= {"?"}


# ---- The command line


@pytest.mark.parametrize("args", [["venv"], ["venv", "true"], ["-e", "venv.tar.gz", "--", "true"]])
def test_probe__with_arguments__exits_1(worker: Worker, args: list[str]) -> None:
    result = worker.run("--probe", *args)

    assert (result.returncode, result.stdout, lines(result.stderr)) == (1, "", 1)
    assert "--probe takes no arguments" in result.stderr


def test_probe__of_a_file_that_holds_its_tarball__is_the_same(worker: Worker) -> None:
    """NAME.sh of `python_package_create --self-contained`."""
    said = probe(worker)
    worker.wrapper.write_bytes(self_contained() + b"\x1f\x8bwhat follows is not read")

    again = probe(worker)

    for each in (said, again):
        for place in each["places"]:
            place["free"] = 0  # others write there
    assert again == said
    assert "--probe" in worker.run("--help").stdout


def test_probe__output_that_cannot_be_written__is_an_error(worker: Worker) -> None:
    with Path("/dev/full").open("w") as full:
        status = subprocess.run(
            [*worker.shell, worker.wrapper, "--probe"], env=worker.env, stdout=full, timeout=PATIENCE, check=False
        ).returncode

    assert status != 0


def test_probe__busybox_alone_in_a_root_without_proc__is_valid_json(tmp_path: Path) -> None:
    """A container that has a shell and nothing else; what cannot be known is null or left out."""
    (tmp_path / "bin").mkdir()
    for name in ("sh", "sed", "tr", "uname", "id", "df", "cat", "head"):
        shutil.copy(tool("busybox"), tmp_path / "bin" / name)
    shutil.copy(WRAPPER, tmp_path / "run")
    libraries = subprocess.run(["ldd", tool("busybox")], capture_output=True, text=True, timeout=PATIENCE, check=False)
    bind = [word for line in libraries.stdout.split() if line.startswith("/lib") for word in ("--ro-bind", line, line)]

    result = subprocess.run(
        [
            tool("bwrap"),
            "--bind",
            tmp_path,
            "/",
            *bind,
            "--dev",
            "/dev",
            "--setenv",
            "PATH",
            "/bin",
            "--",
            "/bin/sh",
            "/run",
            "--probe",
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={},
    )

    assert (result.returncode, result.stderr) == (0, "")
    said = json.loads(result.stdout)
    assert (said["cores"], said["memory"], said["tools"]) == (None, 0, [])
    assert "cuda" not in said
