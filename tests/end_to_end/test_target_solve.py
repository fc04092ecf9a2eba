"""What is solved for a machine that is not this one, from a channel over HTTP: by its platform and what it has."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from desk import Desk, make_desk, one_line
from rattler import VirtualPackage, VirtualPackageOverrides

from python_package.conda import virtual_packages
from python_package.conda.records import PLATFORM
from python_package.conda.solver import Channels
from python_package.errors import SolveError
from python_package.target import Target, parse
from scripts.faults.misbehaving import serving

OTHER = next(each for each in ("linux-aarch64", "linux-64") if each != PLATFORM)
_LEVELS = ("x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4")
# Name, version, build, number of the build, what it needs; a higher number is preferred. As conda-forge has them.
_X86_64 = [
    ("python", "3.11.7", "h1_cpython", 0, ["__glibc >=2.17,<3.0.a0"]),
    ("python", "3.12.1", "h1_cpython", 0, ["__glibc >=2.39,<3.0.a0"]),
    ("toolz", "1.0", "old", 0, ["python", "__glibc >=2.17,<3.0.a0"]),
    ("toolz", "1.0", "new", 1, ["python", "__glibc >=2.34,<3.0.a0"]),
    ("numpy", "2.0", "plain", 0, ["python"]),
    ("numpy", "2.0", "v3", 1, ["python", "_x86_64-microarch-level >=3"]),
    *(
        ("_x86_64-microarch-level", str(level + 1), f"{level + 1}_{name}", 0, [f"__archspec 1.* {name}"])
        for level in range(4)
        for name in _LEVELS[level:]
    ),
    ("torch", "2.0", "cpu", 0, ["python"]),
    ("torch", "2.0", "cuda", 1, ["python", "__cuda >=12"]),
    ("uring", "1.0", "select", 0, ["python"]),
    ("uring", "1.0", "uring", 1, ["python", "__linux >=5.10"]),
    ("mkl", "1.0", "h0", 0, ["python"]),
]
_AARCH64 = [
    ("python", "3.11.7", "h2_cpython", 0, ["__glibc >=2.17,<3.0.a0"]),
    ("toolz", "1.0", "arm", 0, ["python", "__glibc >=2.28,<3.0.a0"]),
    ("numpy", "2.0", "arm", 0, ["python", "__archspec 1.* aarch64"]),
]
_NOARCH = [
    ("idna", "3.0", "py_0", 0, ["python", "__unix"]),
    ("colorama", "1.0", "win", 1, ["python", "__win"]),
    ("colorama", "1.0", "unix", 0, ["python", "__unix"]),
]
BUILDS = {"linux-64": _X86_64, "linux-aarch64": _AARCH64, "noarch": _NOARCH}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("variants")
    for subdir, builds in BUILDS.items():
        records = {
            f"{name}-{version}-{build}.conda": {
                "name": name, "version": version, "build": build, "build_number": number, "depends": needs,
                "subdir": subdir, "sha256": "0" * 64, "size": 1,
            }
            for name, version, build, number, needs in builds
        }  # fmt: skip
        (root / subdir).mkdir()
        data = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": records, "repodata_version": 1}
        (root / subdir / "repodata.json").write_text(json.dumps(data))
    with serving(root, {}) as server:
        yield server.url


@pytest.fixture
def at(tmp_path: Path, url: str, caches: Mapping[str, str]) -> Desk:
    """Return a desk whose only channel is that one."""
    return make_desk(tmp_path, Path(url), caches)


def solved(url: str, target: Target, *specs: str) -> dict[str, str]:
    return {each.name: each.build for each in Channels([url], target=target).solve(specs).packages}


def probe(desk: Desk, **said: object) -> str:
    (desk.cwd / "worker.json").write_text(json.dumps(said))
    return "worker.json"


def dry(desk: Desk, url: str, *argv: str, python: str = "3.11.7", **extra: str) -> tuple[int, str, str]:
    spec = desk.spec("numpy", python=python)
    done = desk.run("-c", url, "--interpreter", "channel", "--dry-run", *argv, spec, "env", **extra)
    return done.returncode, done.stdout, done.stderr


# The virtual packages


def of_this_machine(**facts: str) -> Target:
    """Return this machine as a target, by the words of the C library and the kernel, not of py-rattler."""
    glibc = re.search(r"(\d+)\.(\d+)", os.confstr("CS_GNU_LIBC_VERSION") or "")
    kernel = re.match(r"\d+(\.\d+)+", os.uname().release)
    assert glibc
    assert kernel
    return Target(PLATFORM, (int(glibc[1]), int(glibc[2])), kernel=kernel[0], **facts)


@pytest.mark.parametrize(("cuda", "level"), [("12.4", _LEVELS[2]), ("", _LEVELS[0]), ("11", "aarch64"), ("", "")])
def test_of__target_like_this_machine__has_what_rattler_detects(
    monkeypatch: pytest.MonkeyPatch, cuda: str, level: str
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", cuda)
    monkeypatch.setenv("CONDA_OVERRIDE_ARCHSPEC", level)
    detected = VirtualPackage.detect(VirtualPackageOverrides.from_env())
    target = of_this_machine(cuda=cuda, microarchitecture=level)
    assert {str(each.into_generic()) for each in detected} == {str(each) for each in virtual_packages.of(target)}


def test_of__this_machine_as_its_probe_tells_it__has_what_rattler_detects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The level aside, for which rattler has the processor's own name."""
    wrapper = Path(virtual_packages.__file__).parents[1] / "run" / "python_package_run"
    told = subprocess.run(["sh", wrapper, "--probe"], capture_output=True, text=True, check=True, timeout=60)
    target = parse(told.stdout, "probe")
    monkeypatch.setenv("CONDA_OVERRIDE_ARCHSPEC", target.microarchitecture)
    detected = VirtualPackage.detect(VirtualPackageOverrides.from_env())
    assert {str(each.into_generic()) for each in detected} == {str(each) for each in virtual_packages.of(target)}


# The solve


@pytest.mark.parametrize(
    ("target", "builds"),
    [
        (Target("linux-64", (2, 31), "x86_64"), ["old", "plain", "cpu", "select"]),
        (Target("linux-64", (2, 34), "x86_64"), ["new", "plain", "cpu", "select"]),
        (Target("linux-64", (2, 31), "x86_64_v2"), ["old", "plain", "cpu", "select"]),
        (Target("linux-64", (2, 31), "x86_64_v3"), ["old", "v3", "cpu", "select"]),
        (Target("linux-64", (2, 31), "x86_64_v4"), ["old", "v3", "cpu", "select"]),
        (Target("linux-64", (2, 31), "x86_64", cuda="12.4"), ["old", "plain", "cuda", "select"]),
        (Target("linux-64", (2, 31), "x86_64", cuda="11.8"), ["old", "plain", "cpu", "select"]),
        (Target("linux-64", (2, 31), "x86_64", kernel="5.10.0"), ["old", "plain", "cpu", "uring"]),
        (Target("linux-64", (2, 31), "x86_64", kernel=""), ["old", "plain", "cpu", "select"]),
    ],
)
def test_solve__what_the_target_has__decides_which_build(url: str, target: Target, builds: list[str]) -> None:
    names = ("toolz", "numpy", "torch", "uring")
    found = solved(url, target, *names)
    assert [found[name] for name in names] == builds


@pytest.mark.parametrize("subdir", ["linux-64", "linux-aarch64"])
def test_solve__for_a_platform__takes_its_packages_and_those_for_all(url: str, subdir: str) -> None:
    solution = Channels([url], target=Target.load(subdir)).solve(["numpy", "toolz", "idna", "colorama"])
    places = {each.name: (each.subdir, each.build) for each in solution.packages}
    numpy, toolz = ("plain", "old") if subdir == "linux-64" else ("arm", "arm")
    assert places == {
        "python": (subdir, "h1_cpython" if subdir == "linux-64" else "h2_cpython"),
        "numpy": (subdir, numpy),
        "toolz": (subdir, toolz),
        "idna": ("noarch", "py_0"),
        "colorama": ("noarch", "unix"),
    }


@pytest.mark.parametrize(
    ("target", "spec", "words"),
    [
        (Target("linux-aarch64", microarchitecture="aarch64"), "mkl", "mkl"),
        (Target("linux-aarch64", (2, 17), "aarch64"), "toolz", "__glibc >=2.28"),
        (Target("linux-aarch64"), "numpy", "__archspec"),
        (Target("linux-64", (2, 12), "x86_64"), "python", "__glibc >=2.17"),
        (Target("linux-64", (2, 31), "x86_64"), "torch ==2.0 cuda", "__cuda >=12"),
        (Target("linux-64", (2, 31), "x86_64_v2"), "numpy ==2.0 v3", "_x86_64-microarch-level"),
    ],
)
def test_solve__what_the_target_lacks__is_refused_by_name(url: str, target: Target, spec: str, words: str) -> None:
    with pytest.raises(SolveError, match=re.escape(words)):
        solved(url, target, spec)


def test_available__of_a_platform__is_what_it_has(url: str) -> None:
    has = {subdir: Channels([url], target=Target.load(subdir)).available(["mkl"]) for subdir in BUILDS if "-" in subdir}
    assert {subdir: found.pythons for subdir, found in has.items()} == {
        "linux-64": {"3.11.7", "3.12.1"},
        "linux-aarch64": {"3.11.7"},
    }
    assert {subdir for subdir, found in has.items() if any(each.name == "mkl" for each in found.builds)} == {"linux-64"}


# The command


def test_create__dry_run_for_a_platform__lists_its_packages_and_names_it_once(at: Desk, url: str) -> None:
    code, table, said = dry(at, url, "--target", OTHER)
    assert code == 0, said
    assert re.search(r"^numpy +2\.0 ", table, re.MULTILINE)
    assert f"2 packages for {OTHER}, 2 B; nothing was made" in one_line(said)
    assert (table + said).count(OTHER) == 1


def test_create__no_target__is_not_named(at: Desk, url: str) -> None:
    code, _, said = dry(at, url)
    assert code == 0, said
    assert ": 2 packages, 2 B; nothing was made" in one_line(said)


@pytest.mark.parametrize(
    ("said", "environ", "needed"),
    [
        ({"subdir": "linux-64", "microarchitecture": "x86_64_v3"}, {}, "microarch-level"),
        ({"subdir": "linux-64"}, {"CONDA_OVERRIDE_ARCHSPEC": "x86_64_v4"}, "microarch-level"),
        ({"subdir": "linux-64", "microarchitecture": "x86_64_v3"}, {"CONDA_OVERRIDE_ARCHSPEC": ""}, ""),
        ({"subdir": "linux-64", "microarchitecture": "x86_64_v3"}, {"CONDA_OVERRIDE_ARCHSPEC": "x86_64_v2"}, ""),
        ({"subdir": "linux-aarch64"}, {"CONDA_SUBDIR": "linux-64", "CONDA_OVERRIDE_ARCHSPEC": "x86_64_v3"}, "level"),
    ],
)
def test_create__file_of_a_machine__counts_below_condas_variables(
    at: Desk, url: str, said: dict[str, object], environ: dict[str, str], needed: str
) -> None:
    code, table, told = dry(at, url, "--target", probe(at, **said), **environ)
    assert code == 0, told
    assert ("microarch-level" in table) == bool(needed)
    assert " for worker.json, " in one_line(told)
    assert ("counts in place of linux-aarch64 of worker.json" in told) == ("CONDA_SUBDIR" in environ)


@pytest.mark.parametrize("argv", [(), ("--target", OTHER)])
def test_create__condas_subdir__is_the_platform_where_none_is_named(at: Desk, url: str, argv: tuple[str, ...]) -> None:
    code, _, said = dry(at, url, *argv, CONDA_SUBDIR=PLATFORM if argv else OTHER)
    assert code == 0, said
    assert f" for {OTHER}, " in one_line(said)
    (at.home / ".condarc").write_text(f"subdir: {PLATFORM if argv else OTHER}\n")
    assert dry(at, url, *argv)[2] == said


@pytest.mark.parametrize(
    ("argv", "environ", "code", "words"),
    [
        (("--target", "osx-arm64"), {}, 1, "--target osx-arm64: no platform"),
        (("--target", "linux-ppc64le"), {}, 1, "only linux-64 or linux-aarch64 are"),
        (("--target", "none.json"), {}, 2, "none.json: No such file or directory; --target takes linux-64 or"),
        (
            ("--target", "deps.json"),
            {},
            3,
            "deps.json: not a target as python_package_run",
        ),
        (("--target", "linux-64"), {"CONDA_OVERRIDE_GLIBC": "new"}, 4, "CONDA_OVERRIDE_GLIBC: 'new' is not valid"),
        (("--target", "linux-64"), {"CONDA_OVERRIDE_GLIBC": ""}, 4, "CONDA_OVERRIDE_GLIBC: '' is not valid"),
        (("--target", "linux-64"), {"CONDA_OVERRIDE_CUDA": "twelve"}, 4, "CONDA_OVERRIDE_CUDA: 'twelve' is not valid"),
        (("--target", "linux-64"), {"CONDA_OVERRIDE_GLIBC": "2.12"}, 4, "__glibc >=2.17"),
        ((), {"CONDA_SUBDIR": "osx-arm64"}, 4, "CONDA_SUBDIR: subdir: osx-arm64 is no platform"),
        (("--require-check", "--no-check"), {}, 1, "--require-check has no meaning with --no-check"),
    ],
)
def test_create__no_such_target__says_so_in_one_line(
    at: Desk, url: str, argv: tuple[str, ...], environ: dict[str, str], code: int, words: str
) -> None:
    found, table, said = dry(at, url, *argv, **environ)
    assert (found, table) == (code, "")
    assert words in one_line(said)


def test_create__existing_environment__has_no_target(at: Desk) -> None:
    (at.cwd / "env" / "conda-meta").mkdir(parents=True)
    for option in (["--target", "linux-64"], ["--require-check"], ["--allow-missing", "libcuda.so.1"]):
        done = at.run(*option, "env", "env.tar.gz")
        assert done.returncode == 1
        assert f"{option[0]} has no meaning with" in one_line(done.stderr)


# This machine's own interpreter


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"subdir": OTHER}, f"own python3 is for {PLATFORM}, and worker.json is {OTHER}; take python from a channel"),
        ({"subdir": PLATFORM, "libc_version": "2.5"}, "and worker.json has 2.5; take python from a channel"),
    ],
)
def test_create__own_interpreter_does_not_fit__is_refused_with_what_to_do(
    desk: Desk, said: dict[str, object], words: str
) -> None:
    target = probe(desk, **said)
    done = desk.run("--dry-run", "--interpreter", "host", "--target", target, desk.spec(), "env")
    assert done.returncode == 9
    assert words in one_line(done.stderr)
    for interpreter, more in (("auto", f"cannot stand in: this machine's own python3 {''}"), ("channel", "")):
        nowhere = ("-c", "http://127.0.0.1:9/none", "--interpreter", interpreter)
        done = desk.run("--dry-run", *nowhere, "--target", target, desk.spec(), "env")
        assert done.returncode == 5
        assert "no answer from the channel http://127.0.0.1:9/none" in one_line(done.stderr)
        assert (words in one_line(done.stderr), more in one_line(done.stderr)) == (interpreter == "auto", True)


@pytest.mark.parametrize("argv", [("--interpreter", "host"), ("-c", "http://127.0.0.1:9/none")])
def test_create__own_interpreter_fits_the_target__is_taken(desk: Desk, argv: tuple[str, ...]) -> None:
    target = probe(desk, subdir=PLATFORM, libc_version="2.99")
    done = desk.run("--dry-run", *argv, "--target", target, desk.spec(), "env")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^python +\S+ +host ", done.stdout, re.MULTILINE)
