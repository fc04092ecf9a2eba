"""What an environment needs of its machine is measured, and is what readelf and auditwheel say."""

from __future__ import annotations

import ctypes
import random
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest
from compiled import library, linked, needing_glibc
from tarball_environment import Workshop
from wheels import write_wheel

from python_package import elf, pack
from python_package.files.prefix import Prefix
from python_package.pack import Manifest, microarchitecture
from python_package.pack.contents import Contents
from python_package.pack.manifest import HEAD_SIZE, MAX_CHUNKS, Chunk
from python_package.pack.needs import LayerNeeds, of_environment

ARCH = sysconfig.get_platform().partition("-")[2]
SUBDIR = elf.subdir(Path(sys.executable).resolve())
NEW = "int arc4random(void); int here(void) { return arc4random(); }"  # of glibc 2.36


def readelf(path: Path) -> tuple[tuple[int, int], list[str], list[str]]:
    """Return the newest glibc that is needed, the libraries and the names of a library, as readelf prints them."""
    run = subprocess.run(["readelf", "-W", "-V", "-d", path], capture_output=True, text=True, check=True, timeout=60)
    versions = re.findall(r"Name: GLIBC_(\d+)\.(\d+)\S*  Flags: (\S+)", run.stdout)
    needed = [(int(major), int(minor)) for major, minor, flags in versions if "WEAK" not in flags]
    if "Name: GLIBC_ABI_DT_RELR" in run.stdout:
        needed.append((2, 36))
    names = [re.findall(rf"\({kind}\) .*\[(.*)\]", run.stdout) for kind in ("NEEDED", "SONAME")]
    return max(needed, default=(0, 0)), names[0], names[1]


def test_needs__real_libraries__is_what_readelf_prints() -> None:
    places = {sysconfig.get_path("platlib"), sysconfig.get_path("platstdlib")}
    files = sorted(path for place in places for path in Path(place).rglob("*.so*") if elf.is_one(path))
    sample = files[:: max(1, len(files) // 100)]
    assert len(sample) > 40
    for path in sample:
        found = elf.needs(path)
        glibc, libraries, sonames = readelf(path)
        assert found is not None, path
        assert (found.subdir, found.glibc, found.soname) == (SUBDIR, glibc, "".join(sonames)), path
        of_glibc = {name for name in libraries if re.match(r"lib(c|m|dl|pthread|rt|util)\.so|ld-linux", name)}
        assert set(found.libraries) == set(libraries) - of_glibc, path


def test_needs__a_version_that_is_weak__does_not_count_as_with_the_loader(tmp_path: Path) -> None:
    strong = needing_glibc(tmp_path / "strong.so", "9.99")
    weak = needing_glibc(tmp_path / "weak.so", "9.99", weakly=True)
    with pytest.raises(OSError, match=r"version `GLIBC_9\.99' not found"):
        ctypes.CDLL(str(strong))
    ctypes.CDLL(str(weak))
    found = [elf.needs(path) for path in (strong, weak)]
    assert [each and each.glibc for each in found] == [(9, 99), readelf(weak)[0]]
    assert readelf(weak)[0] < (9, 99)


def test_needs__packed_relocations__need_the_loader_that_knows_them(tmp_path: Path) -> None:
    made = library(
        tmp_path / "relr.so",
        'int x, *p = &x, puts(const char *); int f(void) { return puts(""); }',
        ["-Wl,-z,pack-relative-relocs"],
    )
    found = elf.needs(made)
    assert found and found.glibc == (2, 36)


def test_needs__what_no_loader_takes__is_nothing(tmp_path: Path) -> None:
    subprocess.run(["gcc", "-c", "-x", "c", "-", "-o", tmp_path / "part.o"], input=b"int x;", check=True, timeout=60)
    (tmp_path / "holder.so").write_bytes(b"\x7fELF\0" + b"text" * 100)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "magic").write_bytes(b"\x7fELF")
    assert {elf.needs(path) for path in tmp_path.iterdir()} == {None}


def test_needs__a_static_program__needs_nothing(tmp_path: Path) -> None:
    program = tmp_path / "static"
    source = "int main(void) { return 0; }"
    subprocess.run(["gcc", "-static", "-x", "c", "-", "-o", program], input=source, text=True, check=True, timeout=60)
    program.chmod(0o4755)
    (tmp_path / "link").hardlink_to(program)
    assert elf.needs(tmp_path / "link") == elf.Needs(SUBDIR, (0, 0), (), "")


def test_needs__damaged_in_any_way__never_raises(tmp_path: Path) -> None:
    data = library(tmp_path / "whole.so", NEW).read_bytes()
    chance = random.Random(2)  # noqa: S311  # the same at each run
    damaged = tmp_path / "damaged.so"
    outcomes = set()
    for number in range(400):
        broken = bytearray(data[: chance.randrange(len(data))] if number % 2 else data)
        for _ in range(chance.randrange(1, 30)):
            # The tables lie at both ends.
            place = chance.choice((chance.randrange(64), chance.randrange(len(data) - 2000, len(data))))
            broken[min(place, len(broken)) : place + 1] = bytes([chance.randrange(256)])
        damaged.write_bytes(b"\x7fELF" + broken[4:])
        outcomes.add(elf.needs(damaged) is None)
    assert outcomes == {True, False}


@pytest.mark.network
@pytest.mark.parametrize("package", ["numpy", "pandas", "matplotlib"])
def test_needs__a_wheel_of_pypi__agrees_with_auditwheel(package: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m pip download --no-deps --only-binary=:all: -q -d {tmp_path} {package}".split()
    subprocess.run(command, check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    run = subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", wheel], capture_output=True, text=True, check=True, timeout=300
    )
    said = re.search(r"(?s)system-provided shared libraries: (.*?)\n\n", run.stdout)
    assert said, run.stdout
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", re.sub(r"\s+", "", said[1]))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "wheel")
    found = [needs for path in elf.find(tmp_path / "wheel") if (needs := elf.needs(path))]
    assert max(each.glibc for each in found) == max((int(major), int(minor)) for major, minor in versions)


# ---- Environments


def packed(workshop: Workshop, folder: Path, *wheels: Path, promise: str = "") -> Manifest:
    """Pack an environment with these wheels; their tags say that they `promise` to do with a glibc."""
    prefix = workshop.environment(folder / "env", wheels=wheels)
    for info in Prefix(prefix).site_packages.glob("*.dist-info/WHEEL") if promise else ():
        if info.parent.name.removesuffix(".dist-info") in {"-".join(wheel.name.split("-")[:2]) for wheel in wheels}:
            info.write_text(f"Tag: py3-none-manylinux_{promise}_{ARCH}\n")
    made = pack.pack(prefix, folder / "env.tar.gz", cache=workshop.layers)
    assert pack.read(folder / "env.tar.gz").to_text() == made.to_text()
    # What was measured is kept with the layer.
    again = pack.pack(prefix, folder / "again.tar.gz", cache=workshop.layers)
    assert again == made
    return made


def wheel(workshop: Workshop, name: str, files: dict[str, Path], tag: str = f"manylinux_2_5_{ARCH}") -> Path:
    contents: dict[str, str | bytes] = {f"{name}/{path}": file.read_bytes() for path, file in files.items()}
    return write_wheel(workshop.folder / "wheels", name, {f"{name}/__init__.py": "", **contents}, tag=f"py3-none-{tag}")


def site(manifest: Manifest) -> str:
    return f"lib/python{'.'.join(manifest.python.split('.')[:2])}/site-packages"


def test_pack__libraries_that_are_nowhere__are_named_with_a_file_each(workshop: Workshop, tmp_path: Path) -> None:
    driver, there = library(tmp_path / "libdriver.so.1"), library(tmp_path / "libthere.so.2")
    user = linked(tmp_path / "user.so", driver, there)
    made = packed(
        workshop,
        tmp_path,
        wheel(workshop, "usesdriver", {"user.so": user, "other.so": user}),
        wheel(workshop, "bringsthere", {"libs/libthere.so.2": there}),
    )
    assert made.libraries == (("libdriver.so.1", f"{site(made)}/usesdriver/other.so"),)
    assert f"\nlibrary libdriver.so.1 {site(made)}/usesdriver/other.so\n" in made.to_text()


def test_of_environment__many_are_missing__a_drivers_comes_first_and_what_all_have_last() -> None:
    one = LayerNeeds(libraries=[("libcuda.so.1", "b", 1), ("libGL.so.1", "b", 3), ("libplugin.so", "a", 1)])
    two = LayerNeeds(libraries=[("libGL.so.1", "d", 2), ("libQt3.so", "c", 4), ("libstdc++.so.6", "c", 99)])
    found = of_environment(Contents(Path("env"), ()), [one, two]).libraries
    assert found == [("libcuda.so.1", "b"), ("libGL.so.1", "b"), ("libQt3.so", "c"), ("libplugin.so", "a"),
                     ("libstdc++.so.6", "c")]  # fmt: skip


def test_pack__a_library_whose_file_has_another_name__is_there_by_its_own(workshop: Workshop, tmp_path: Path) -> None:
    inner = library(tmp_path / "libinner.so.1")
    user = linked(tmp_path / "user.so", inner)
    brings = wheel(workshop, "bringsinner", {"libinner.so": inner})
    assert packed(workshop, tmp_path, wheel(workshop, "usesinner", {"user.so": user}), brings).libraries == ()


def test_pack__files_for_another_platform__are_mere_data(workshop: Workshop, tmp_path: Path) -> None:
    foreign = linked(tmp_path / "foreign.so", library(tmp_path / "libforeign.so.1"))
    data = bytearray(foreign.read_bytes())
    data[18:20] = (0xF3).to_bytes(2, "little")  # RISC-V
    foreign.write_bytes(data)
    assert readelf(foreign)[1][0] == "libforeign.so.1"
    assert packed(workshop, tmp_path, wheel(workshop, "withforeign", {"it.so": foreign})).libraries == ()


@pytest.mark.parametrize("promise", ["2_99", "2_5"])
@pytest.mark.parametrize(("name", "source", "needs"), [("old", "int here;", (2, 0)), ("new", NEW, (2, 36))])
def test_pack__glibc__is_what_the_files_need_and_not_what_they_promise(
    workshop: Workshop, tmp_path: Path, promise: str, name: str, source: str, needs: tuple[int, int]
) -> None:
    user = wheel(workshop, f"promises{name}", {"it.so": library(tmp_path / "it.so", source)})
    made = packed(workshop, tmp_path, user, promise=promise)
    found = {path: readelf(path)[0] for path in elf.find(tmp_path / "env")}
    assert max(found.values()) >= needs
    assert made.glibc == "{}.{}".format(*max(found.values()))
    assert found[tmp_path / "env" / made.glibc_of] == max(found.values())


def test_pack__nothing_to_measure__what_is_promised_counts(workshop: Workshop, tmp_path: Path) -> None:
    made = packed(workshop, tmp_path, wheel(workshop, "onlypromises", {}), promise="2_98")
    assert (made.glibc, made.glibc_of) == ("2.98", "")
    assert "glibc-of" not in made.to_text()


def test_pack__a_layer_of_the_cache__is_not_measured_again(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = wheel(workshop, "measuredonce", {"it.so": linked(tmp_path / "it.so", library(tmp_path / "libonce.so"))})
    first = packed(workshop, tmp_path, user)
    monkeypatch.setattr(elf, "needs", lambda path: pytest.fail(f"{path} is read"))
    assert pack.pack(tmp_path / "env", tmp_path / "third.tar.gz", cache=workshop.layers).libraries == first.libraries


@pytest.mark.parametrize("chunks", [1, MAX_CHUNKS])
def test_manifest__more_than_there_is_room_for__says_what_counts_most(chunks: int) -> None:
    made = Manifest(
        "f" * 20, "linux-64", "2.36", "3.11.7", 10**11, 10**6, 10**11,
        tuple(Chunk(10**11 + n, 10**10, 10**6, 10**11, 2**32 - 1) for n in range(chunks)),
        "python_package_create 2.0.0", 10**5, "lib/" + "d/" * 2000 + "libmuch.so",
        ("x86_64_v3", "fast"), tuple((f"lib{n}.so", "lib/" + "long" * n) for n in range(60)), True,
    )  # fmt: skip
    assert len(made.head()) == HEAD_SIZE
    found = Manifest.parse(made.to_text())
    assert (found.microarchitecture, found.unchecked) == (made.microarchitecture, True)
    assert re.fullmatch(r"\.\.\.[d/]+/libmuch\.so", found.glibc_of)
    assert 2 <= len(found.libraries) <= 8
    assert found.libraries[:3] == made.libraries[: min(3, len(found.libraries))]
    assert found.chunks == made.chunks


def test_manifest__odd_names__are_such_as_wrappers_take() -> None:
    made = Manifest(
        "f" * 20, "linux-64", "2.36", "3.11.7", 1, 1, 1, (), "python_package_create 2.0.0", 0, "lib/ü\nend\n(1)~.so",
        (), (("lib~.so", "lib/a"), ("a b.so", "lib/b"), ("a\nb", "lib/c"), ("lïb.so", "x"), ("libc++.so.1", "lib/d'e")),
    )  # fmt: skip
    text = made.to_text()
    assert re.fullmatch(r"[a-zA-Z0-9._+/:=,@ \n-]*", text.partition("#")[2])
    found = Manifest.parse(text)
    assert found.glibc_of == "lib/__end__1__.so"
    assert found.libraries == (("libc++.so.1", "lib/d_e"),)


# ---- Processors


@pytest.mark.parametrize(
    ("depends", "expected"),
    [
        ([], ()),
        (["__archspec"], ()),
        (["__archspec >=1"], ()),
        (["__archspec 1 x86_64"], ()),
        (["__archspec 1=x86_64_v3"], ("x86_64_v3", "fast")),
        (["__archspec * x86_64_v3"], ("x86_64_v3", "fast")),
        (["__archspec =1=x86_64_v2"], ("x86_64_v2", "fast")),
        (["__archspec 1.* *x86_64_v4"], ("x86_64_v4", "fast")),
        (["__archspec[version='1.*', build='^(x86_64_v3|haswell|zen2|x86_64_v4)$']"], ("x86_64_v3", "fast")),
        (['__archspec[build="x86_64_v4"]'], ("x86_64_v4", "fast")),
        (["__archspec 1=haswell"], ("haswell", "fast")),
        (["__archspec 1=armv8.2a"], ("armv8.2a", "fast")),
        (["__archspec 1=aarch64"], ()),
        (["_x86_64-microarch-level >=3"], ("x86_64_v3", "fast")),
        (["x86_64-microarch-level 4.*"], ("x86_64_v4", "fast")),
        (["_x86_64-microarch-level >=1"], ()),
        (["python", "_x86_64-microarch-level >=2", "__archspec 1=x86_64_v3"], ("x86_64_v3", "fast")),
    ],
)
def test_declared__every_way_to_write_it__gives_the_level(depends: list[str], expected: tuple[str, ...]) -> None:
    slow = {"name": "slow", "version": "1", "depends": ["__archspec 1=x86_64", "_x86_64-microarch-level >=1"]}
    assert microarchitecture.declared([slow, {"name": "fast", "version": "1", "depends": depends}]) == expected


def test_declared__the_package_of_a_level__counts_only_where_nothing_depends_on_it() -> None:
    level: dict[str, Any] = {"name": "_x86_64-microarch-level", "version": "4", "depends": ["__archspec 1=zen4"]}
    fast = {"name": "fast", "version": "1", "depends": ["_x86_64-microarch-level >=3"]}
    assert microarchitecture.declared([level]) == ("x86_64_v4", "_x86_64-microarch-level")
    assert microarchitecture.declared([level, fast]) == ("x86_64_v3", "fast")
    assert microarchitecture.declared([{**level, "version": "1"}]) == ()


@pytest.mark.parametrize(("low", "high"), [("x86_64", "x86_64_v2"), ("x86_64_v3", "x86_64_v4"), ("aarch64", "armv8.1a"),
                                           ("armv8.9a", "armv9.0a"), ("armv8.2a", "armv8.10a")])  # fmt: skip
def test_rank__two_levels__are_in_order(low: str, high: str) -> None:
    ranks = [microarchitecture.rank(name) for name in (low, high)]
    assert ranks[0] and ranks[1] and ranks[0] < ranks[1]
    assert microarchitecture.rank("haswell") is None
