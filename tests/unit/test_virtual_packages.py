"""What a solver's refusal says about the machine that it is for."""

from __future__ import annotations

import pytest

from python_package.conda import virtual_packages
from python_package.target import Target

_TARGET = Target("linux-64", glibc=(2, 28), microarchitecture="x86_64_v3", name="node.json")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("python 3.11.2 would require __glibc >=2.36,<3.0.a0, for which", "; node.json has __glibc 2.28"),
        (
            "a would require __archspec * x86_64_v4, and __cuda >=12",
            "; node.json has __archspec 1 x86_64_v3, no __cuda",
        ),
        ("a would require not__glibc >=1", ""),
        ("nothing provides numpy", ""),
    ],
)
def test_told__reason__names_what_the_target_has(reason: str, said: str) -> None:
    assert virtual_packages.told(reason, _TARGET) == said


def test_told__no_target__names_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.17")
    assert virtual_packages.told("x would require __glibc >=2.28", None) == "; this machine has __glibc 2.17"
