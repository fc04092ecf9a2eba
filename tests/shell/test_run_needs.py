"""python_package_run compares what the manifest says that the environment needs with the machine."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_tarball import environment
from run_worker import PATIENCE, SHELLS, Worker, lines, tool

GREETING = "hello from the environment\n"
OLD_WRAPPER = Path(__file__).parent / "old" / "python_package_run.gz"
V1 = "fpu mmx sse sse2"
V2 = f"{V1} pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm"
V3 = f"{V2} fma movbe xsave avx f16c abm bmi1 avx2 bmi2"
V4 = f"{V3} avx512f avx512dq avx512cd avx512bw avx512vl"
LOADED = ("library libcuda.so.1", "lib/python3.12/site-packages/gpu/_core.so")


@pytest.fixture(params=SHELLS)
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path, request.param)
    made.add_tool("uname", '[ "$1" = -n ] && exec hostname; echo Linux x86_64')
    yield made
    made.stop()


def pack(worker: Worker, **facts: str) -> Path:
    """Pack an environment for x86-64 with these lines in its manifest; _ stands for a hyphen, and None for no line."""
    given = {"subdir": "linux-64", **{key.replace("_", "-"): value for key, value in facts.items()}}
    return worker.pack(env=environment().stating(**given))


def processor(worker: Worker, flags: str) -> None:
    """Let the machine's processor have these features, as its kernel lists them."""
    source = worker.wrapper.read_text()
    info = worker.root / "cpuinfo"
    info.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\nflags\t\t: {V4}\n")
    worker.wrapper.write_text(source.replace("/proc/cpuinfo", str(info)))


# ---- Processor


@pytest.mark.parametrize(
    ("flags", "needed", "here"),
    [
        (V1, "x86_64_v2", 1),
        (V1, "x86_64_v4", 1),
        (V2, "x86_64_v3", 2),
        (V3, "x86_64_v4", 3),
        (V3.replace(" abm", ""), "x86_64_v3", 2),
    ],
)
def test_processor__too_low_a_level__exits_4_and_names_both_and_the_package(
    worker: Worker, flags: str, needed: str, here: int
) -> None:
    processor(worker, flags)
    pack(worker, microarchitecture=f"{needed} numpy-2.1.3-py312_0")

    result = worker.run("venv", "echo outside")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert f"venv.tar.gz needs {needed} for numpy-2.1.3-py312_0, but this machine's processor is x86_64_v{here}\n" in (
        result.stderr
    )
    assert not worker.envs()


@pytest.mark.parametrize(
    ("flags", "needed"),
    [(V2, "x86_64_v2"), (V3, "x86_64_v2"), (V3, "x86_64_v3"), (V4, "x86_64_v3"), (V4, "x86_64_v4")],
)
def test_processor__that_level_or_a_higher_one__runs(worker: Worker, flags: str, needed: str) -> None:
    processor(worker, flags)
    pack(worker, microarchitecture=f"{needed} numpy-2.1.3-py312_0")

    for _ in ("cold", "warm"):
        result = worker.run("venv", "greet")
        assert (result.returncode, result.stdout, result.stderr) == (0, GREETING, "")


@pytest.mark.parametrize("needed", ["x86_64", "haswell", "x86_64_v5", "x86_64_v3x", "x86_64_v", "armv8.1a"])
def test_processor__level_that_the_wrapper_does_not_know__is_given_a_try(worker: Worker, needed: str) -> None:
    processor(worker, V1)
    pack(worker, microarchitecture=f"{needed} some-package-1-0")

    assert worker.run("venv", "greet").stdout == GREETING


@pytest.mark.parametrize("flags", ["", None])
def test_processor__kernel_that_tells_nothing__is_given_a_try(worker: Worker, flags: str | None) -> None:
    processor(worker, V1)
    if flags is None:
        (worker.root / "cpuinfo").unlink()
    else:
        (worker.root / "cpuinfo").write_text("processor : 0\nFeatures : fp asimd\n")
    pack(worker, microarchitecture="x86_64_v3 numpy-2.1.3-py312_0")

    assert worker.run("venv", "greet").stdout == GREETING


def test_processor__environment_unpacked_by_a_better_machine__exits_4(worker: Worker) -> None:
    """As in a home that unequal machines share."""
    processor(worker, V3)
    pack(worker, microarchitecture="x86_64_v3 numpy-2.1.3-py312_0")
    assert worker.run("venv", "greet").stdout == GREETING
    (worker.root / "cpuinfo").write_text(f"flags\t\t: {V2}\n")

    result = worker.run("venv", "echo outside")

    assert (result.returncode, result.stdout) == (4, "")


# ---- glibc


def test_glibc__too_old__names_the_file_that_needs_it(worker: Worker) -> None:
    worker.add_tool("getconf", "echo glibc 2.17")
    pack(worker, glibc="2.34", glibc_of="lib/libcrypto.so.3")

    result = worker.run("venv", "echo outside")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (4, "", 1)
    assert "needs glibc 2.34 or newer for lib/libcrypto.so.3, but this machine has glibc 2.17\n" in result.stderr


def test_glibc__new_enough__is_silent(worker: Worker) -> None:
    worker.add_tool("getconf", "echo glibc 2.34")
    pack(worker, glibc="2.34", glibc_of="lib/libcrypto.so.3")

    result = worker.run("venv", "greet")

    assert (result.stdout, result.stderr) == (GREETING, "")


def test_glibc__of_a_machine_with_musl__names_its_version(worker: Worker) -> None:
    """The loader of musl, called without a program, tells its version."""
    (worker.root / "lib").mkdir()
    loader = worker.root / "lib/ld-musl-x86_64.so.1"
    loader.write_text(
        "#!/bin/sh\nprintf 'musl libc (x86_64)\\nVersion 1.2.3\\nDynamic Program Loader\\n' >&2; exit 1\n"
    )
    loader.chmod(0o755)
    source = worker.wrapper.read_text()
    for folder in ("/lib64/", "/lib/"):
        source = source.replace(f" {folder}l", f" {worker.root}/lib/l").replace(f" {folder}*", f" {worker.root}/lib/*")
    worker.wrapper.write_text(source)
    worker.add_tool("getconf", "exit 1")
    pack(worker, glibc="2.17", glibc_of="lib/libz.so.1")

    result = worker.run("venv", "echo outside")

    assert (result.returncode, lines(result.stderr)) == (4, 1)
    assert "needs glibc 2.17 or newer for lib/libz.so.1, but this machine has musl 1.2.3\n" in result.stderr


# ---- Libraries


def test_library__missing__is_said_when_it_is_unpacked_and_not_again(worker: Worker) -> None:
    pack(worker, **{LOADED[0]: LOADED[1], "library libnosuch.so.2": "lib/libfar.so"})

    cold = worker.run("venv", "greet")
    warm = worker.run("venv", "greet")

    assert (cold.returncode, cold.stdout, lines(cold.stderr)) == (0, GREETING, 1)
    assert "note: this machine lacks libcuda.so.1 for lib/python3.12/" in cold.stderr
    assert cold.stderr.endswith("gpu/_core.so, libnosuch.so.2 for lib/libfar.so\n")
    assert (warm.returncode, warm.stdout, warm.stderr) == (0, GREETING, "")


def test_library__that_the_machine_has__is_not_talked_of(worker: Worker) -> None:
    """As ldconfig of this machine lists them; LD_LIBRARY_PATH is where drivers of clusters are."""
    listed = subprocess.run(
        ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout.splitlines()
    here = next(line.split()[0] for line in reversed(listed) if " => " in line)
    pack(worker, **{LOADED[0]: LOADED[1], f"library {here}": "lib/libnear.so"})
    driver = worker.root / "driver *"
    driver.mkdir()
    (driver / "libcuda.so.1").touch()

    result = worker.run("venv", "greet", LD_LIBRARY_PATH=f"/nowhere::{driver}")

    assert (result.stdout, result.stderr) == (GREETING, "")


def test_library__of_which_a_longer_name_is_here__is_missing(worker: Worker) -> None:
    pack(worker, **{"library libc.so": "lib/libfar.so"})

    assert "lacks libc.so for lib/libfar.so\n" in worker.run("venv", "greet").stderr


@pytest.mark.parametrize("script", ["exit 1", "exit 127", ":"])
def test_library__machine_whose_ldconfig_tells_nothing__is_given_a_try(worker: Worker, script: str) -> None:
    worker.add_tool("ldconfig", script)
    pack(worker, **{LOADED[0]: LOADED[1]})

    result = worker.run("venv", "greet")

    assert (result.stdout, result.stderr) == (GREETING, "")


def test_library__twenty_tasks_at_once__one_says_it(worker: Worker) -> None:
    pack(worker, **{LOADED[0]: LOADED[1]})

    started = [worker.start("venv", "greet") for _ in range(20)]
    said = [process.communicate(timeout=PATIENCE) for process in started]

    assert {out for out, _ in said} == {GREETING}
    assert [lines(err) for _, err in said if err] == [1]


# ---- Others


def test_needs__lines_that_nobody_knows__are_passed_over(worker: Worker) -> None:
    pack(worker, **{"imports": "unchecked", "quantum": "of solace", "library": "alone", "glibc-of": "lib/a.so"})

    result = worker.run("venv", "greet")

    assert (result.returncode, result.stdout) == (0, GREETING)
    assert "\nquantum of solace\n" in worker.run("--info", "venv").stdout


def test_needs__by_a_wrapper_of_old__are_passed_over(worker: Worker) -> None:
    worker.wrapper.write_bytes(gzip.decompress(OLD_WRAPPER.read_bytes()))
    needs = {"glibc": "2.17", "glibc-of": "lib/a.so", "microarchitecture": "x86_64_v3 numpy-2", LOADED[0]: LOADED[1]}
    pack(worker, **needs, imports="unchecked")

    result = worker.run("venv", "greet")

    assert (result.returncode, result.stdout, result.stderr) == (0, GREETING, "")


def test_needs__none__ask_the_machine_no_more_than_before(tmp_path: Path) -> None:
    """A next task of an environment that needs nothing of this starts no further program."""
    made = Worker(tmp_path, "dash")
    (made.root / "strace").mkdir()
    counts = []
    for facts in ({"glibc": "2.17"}, {"glibc": "2.17", "glibc-of": "lib/a.so", LOADED[0]: LOADED[1]}):
        made.pack(env=environment().stating(subdir=_here(), **facts))
        made.run("venv", "true")
        for name in ("uname", "getconf", "sed", "cat", "grep", "ldconfig", "head", "ls", "id"):
            made.add_tool(name, f'echo {name} >>"{made.root}/started"\nexec {tool(name)} "$@"')
        (made.root / "started").write_text("")
        assert made.run("venv", "true").returncode == 0
        counts.append((made.root / "started").read_text())
    assert counts[0] == counts[1]
    assert "sed" not in counts[0]


def _here() -> str:
    machine = subprocess.run(
        ["uname", "-m"], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout.strip()
    return {"x86_64": "linux-64"}.get(machine, f"linux-{machine}")
