"""An environment that needs more than the target has is refused, or noted, in one line that names both sides."""

from __future__ import annotations

from typing import Any

import pytest
from notes import Notes

from python_package.create import fit
from python_package.errors import SolveError
from python_package.pack import Manifest
from python_package.target import Target

OLD = Target("linux-64", (2, 31), "x86_64_v2", name="worker.json")
CUDA = ("libcuda.so.1", "lib/it.so")


def check(target: Target | None, *, glibc: str = "2.28", allowed: tuple[str, ...] = (), **fields: Any) -> list[str]:
    notes = Notes()
    fit.check(Manifest("0123", "linux-64", glibc, "3.11.7", 1, 1, 1, (), **fields), target, allowed, notes)
    return notes.notes


@pytest.mark.parametrize("glibc", ["none", "2.5", "2.28", "2.31"])
@pytest.mark.parametrize("level", [(), ("x86_64_v2", "p"), ("haswell", "p")])
def test_check__no_more_than_the_target_has__says_nothing(glibc: str, level: tuple[str, ...]) -> None:
    assert check(OLD, glibc=glibc, microarchitecture=level, libraries=(("libGL.so.1", "lib/it.so"),)) == []


@pytest.mark.parametrize("glibc", ["2.32", "2.100", "3.0"])
def test_check__a_newer_glibc__names_the_file_and_both_versions(glibc: str) -> None:
    with pytest.raises(SolveError) as caught:
        check(OLD, glibc=glibc, glibc_of="lib/it.so")
    assert str(caught.value).startswith(f"lib/it.so needs glibc {glibc}, and worker.json has 2.31; ")
    with pytest.raises(SolveError, match=rf"^a package needs glibc {glibc}, and worker\.json has 2\.31; "):
        check(OLD, glibc=glibc)


@pytest.mark.parametrize("level", ["x86_64_v3", "x86_64_v4"])
def test_check__a_higher_level__names_the_package_and_both_levels(level: str) -> None:
    with pytest.raises(SolveError, match=f"^fast was built for {level}, and worker.json has x86_64_v2; "):
        check(OLD, microarchitecture=(level, "fast"))


@pytest.mark.parametrize("library", ["libcuda.so.1", "libnvidia-ml.so.1", "libnvcuvid.so.1"])
def test_check__the_drivers_library_without_a_driver__is_one_note(library: str) -> None:
    (note,) = check(OLD, libraries=((library, "lib/it.so"), ("libGL.so.1", "lib/other.so")))
    assert note.startswith(f"worker.json has no CUDA driver, which would bring {library} (lib/it.so needs it)")


def test_check__the_drivers_library__is_there_with_cuda_or_allowed_to_be_missing() -> None:
    assert check(Target("linux-64", cuda="12.4"), libraries=(CUDA,)) == []
    assert check(OLD, libraries=(CUDA,), allowed=("libcuda.so.1",)) == []


def test_check__no_target__compares_nothing() -> None:
    assert check(None, glibc="9.99", microarchitecture=("x86_64_v4", "fast"), libraries=(CUDA,)) == []


def test_note_needless__a_name_that_nothing_needed__is_said() -> None:
    notes = Notes()
    needs = Manifest("0123", "linux-64", "none", "3.11.7", 1, 1, 1, (), libraries=(CUDA,))
    fit.note_needless(("libcuda.so.1", "libtold.so.2", "libcuda.so"), needs, {"libtold.so.2"}, notes)
    assert notes.notes == ["--allow-missing libcuda.so: no file is linked to it, and no import failed for want of it"]
