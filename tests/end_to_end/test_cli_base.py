"""python_package_create --base: a difference beside the tarball, or one line and nothing changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from desk import Desk, make_desk, one_line

WRAPPER = Path(__file__).parents[2] / "python_package/run/python_package_run"


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory, channel: Path, caches: dict[str, str]) -> Desk:
    """Return a desk where a local module was edited between two tarballs, `first` and `second`."""
    desk = make_desk(tmp_path_factory.mktemp("edited"), channel, caches)
    module = desk.cwd / "ours.py"
    for number, name in enumerate(("first", "second")):
        module.write_text(f"NUMBER = {number}\n")
        spec = desk.spec("idna", local={"ours": str(module)})
        base = ["--base", "first.tar.gz"] if number else []
        done = desk.run("-c", str(desk.channel), *base, spec, name)
        assert done.returncode == 0, done.stderr
    return desk


def test_base__a_line_of_a_local_module__makes_a_small_difference_that_runs(edited: Desk, tmp_path: Path) -> None:
    for name in ("first.tar.gz", "second.delta"):
        (tmp_path / name).symlink_to(edited.cwd / name)
    task = "python3 -c 'import ours; print(ours.NUMBER)'"
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    ran = [
        subprocess.run(
            [WRAPPER, name, task], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        for name in ("first", "second")
    ]

    assert [(done.stdout, done.stderr) for done in ran] == [("0\n", ""), ("1\n", "")]
    assert (edited.cwd / "second.delta").stat().st_size < 100_000


def test_base__the_tarball__is_the_same_as_without(edited: Desk) -> None:
    spec = edited.spec("idna", local={"ours": str(edited.cwd / "ours.py")})

    done = edited.run("-c", str(edited.channel), spec, "third")

    assert done.returncode == 0
    assert "third.delta" not in done.stderr
    assert (edited.cwd / "third.tar.gz").read_bytes() == (edited.cwd / "second.tar.gz").read_bytes()
    assert not (edited.cwd / "third.delta").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--base", "nowhere.tar.gz"], 2, "nowhere.tar.gz: no such file"),
        (["--base", "second.delta"], 3, "is a difference itself; give the whole tarball"),
        (["--base", "deps.json"], 3, "no manifest of python_package_create"),
        (["--base", "env.tar.gz"], 1, "would be replaced by the new tarball"),
        (["--base", "first.tar.gz", "--dry-run"], 1, "--base has no meaning with --dry-run"),
    ],
)
def test_base__not_one__is_refused_before_anything_is_made(
    edited: Desk, options: list[str], code: int, message: str
) -> None:
    (edited.cwd / "env.tar.gz").write_bytes(b"mine")

    done = edited.create(*options, modules=("idna",))

    assert done.returncode == code
    assert message in one_line(done.stderr)
    assert (edited.cwd / "env.tar.gz").read_bytes() == b"mine"
    assert not (edited.cwd / "env.delta").exists()
    assert not (edited.envs / "env").exists()


def test_base__with_an_environment_that_exists__exits_1(edited: Desk) -> None:
    done = edited.run("--base", "first.tar.gz", str(edited.envs / "first"), "packed.tar.gz")

    assert done.returncode == 1
    assert "--base has no meaning with" in one_line(done.stderr)
