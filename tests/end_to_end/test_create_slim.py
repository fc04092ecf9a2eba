"""What --slim leaves out is only what the imports and the user's own --check survive; what fails them exits 6."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
from desk import Desk, one_line
from leftovers import left
from wheels import write_wheel

from python_package import pack, run

FAT = {
    "fat/__init__.py": "",
    "fat/__init__.pyi": "ANSWER: int\n",
    "fat/fat.h": "int fat;\n",
    "fat/tests/__init__.py": "",
    "fat/tests/test_fat.py": "WORD = 'tested'\n",
}
# It reads its stub when it is imported.
READS = {
    "fat/__init__.py": "import pathlib\nTEXT = pathlib.Path(__file__).with_suffix('.' + 'pyi').read_text()\n",
}
RUN = ["sh", str(Path(run.__file__).with_name("python_package_run"))]


def add(desk: Desk, **files: str) -> None:
    write_wheel(Path(desk.environ["PIP_FIND_LINKS"]), "fat", {**FAT, **files})


def create(desk: Desk, *argv: str, modules: tuple[str, ...] = ("fat",)) -> tuple[int, str]:
    done = desk.create("--map=fat=fat", *argv, modules=modules)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def fat(desk: Desk) -> set[str]:
    """Return what the tarball has of the package, and none of its compiled modules."""
    with tarfile.open(desk.cwd / "env.tar.gz") as archive:
        names = {name.partition("/site-packages/fat/")[2] for name in archive.getnames()}
    return {name for name in names if name and not name.endswith(".pyc")}


def test_slim__all__only_the_tarball_is_without_and_says_so(desk: Desk) -> None:
    add(desk)
    code, said = create(desk, "--slim", "--sbom=bill.json", "--lock=lock", '--check=test ! -e "$CONDA_PREFIX/include"')
    assert code == 0, said
    kinds = "headers,static,tests,docs,stubs,bytecode"
    assert pack.read(desk.cwd / "env.tar.gz").slim == tuple(kinds.split(","))
    assert fat(desk) == {"__init__.py"}
    assert list((desk.envs / "env").glob("lib/python3.*/site-packages/fat/tests/test_fat.py"))
    assert left(desk.envs) == ["env"]
    assert not list((desk.envs / "env").glob(".python-package*"))
    told = subprocess.check_output([*RUN, "--info", "env"], cwd=desk.cwd, text=True)
    assert f"\nslim {kinds}\n" in told
    environ = {"PATH": "/usr/bin:/bin", "PYTHON_PACKAGE_CACHE": str(desk.home / "cache")}
    subprocess.run([*RUN, "env", "python3 -c 'import fat'"], cwd=desk.cwd, env=environ, check=True, timeout=120)
    properties = json.loads((desk.cwd / "bill.json").read_text())["metadata"]["component"]["properties"]
    assert {"name": "python_package:slim", "value": kinds} in properties
    first = hashlib.sha256((desk.cwd / "env.tar.gz").read_bytes()).digest()
    done = desk.run("--locked=lock", "--slim", "again")
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256((desk.cwd / "again.tar.gz").read_bytes()).digest() == first


def test_slim__a_kind_that_an_import_or_the_check_needs__is_left_in_with_a_note(desk: Desk) -> None:
    add(desk, **READS)
    check = '--check=ls "$CONDA_PREFIX"/lib/python3.*/site-packages/fat/tests'
    code, said = create(desk, "--slim=headers,tests,stubs", check)
    assert code == 0, said
    assert pack.read(desk.cwd / "env.tar.gz").slim == ("headers",)
    assert fat(desk) == {name.removeprefix("fat/") for name in FAT} - {"fat.h"}
    notes = [line for line in said.splitlines() if "note: --slim" in line]
    assert len(notes) == 2
    assert "left in: tests, without which --check fails (exit status 2: ls: " in notes[0]
    assert "left in: stubs, without which import of fat fails (FileNotFoundError: " in notes[1]


def test_slim__an_optional_module_that_only_slimming_breaks__is_not_broken_in_silence(desk: Desk) -> None:
    add(desk, **READS)
    spec = desk.spec("fat", optional=["fat"])
    done = desk.run("-c", str(desk.channel), "--map=fat=fat", "--slim=stubs,headers", spec, "env")
    assert done.returncode == 0, done.stderr
    assert pack.read(desk.cwd / "env.tar.gz").slim == ("headers",)
    assert "note: --slim: left in: stubs, without which import of fat fails" in done.stderr
    assert "does not import" not in done.stderr


def test_slim__what_is_broken_anyway__is_told_as_ever(desk: Desk) -> None:
    code, said = create(desk, "--slim=tests,docs", modules=("broken",))
    assert code == 6
    assert "broken (ModuleNotFoundError: No module named 'nowhere_to_be_found'" in one_line(said)
    assert "left in" not in said
    assert left(desk.envs) == []
    assert not (desk.cwd / "env.tar.gz").exists()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("echo some; echo last >&2; exit 3", "exit status 3: last"),
        ("false", "exit status 1"),
        ("kill -9 $$", "killed by signal 9"),
        ("no-such-program-anywhere", "exit status 127: "),
        ("if", "exit status 2: "),
    ],
)
def test_check__a_command_that_fails__is_exit_6_and_nothing_is_packed(desk: Desk, command: str, why: str) -> None:
    code, said = create(desk, "--check", command, modules=("onlypypi",))
    assert code == 6
    assert f"fails in the environment ({why}" in one_line(said)
    assert "nothing was packed" in said
    assert left(desk.envs) == []
    assert not (desk.cwd / "env.tar.gz").exists()


def test_check__a_command_that_succeeds__ran_activated_here_and_what_it_leaves_is_not_shipped(desk: Desk) -> None:
    (desk.cwd / "mine.py").write_text("import onlypypi, sys; assert onlypypi.ANSWER == 42; print(sys.prefix)\n")
    command = 'test "$(python mine.py)" = "$CONDA_PREFIX" && onlypypi-tool; touch "$CONDA_PREFIX/left" && touch ran'
    code, said = create(desk, f"--check={command}", modules=("onlypypi",))
    assert code == 0, said
    assert (desk.cwd / "ran").exists()
    with tarfile.open(desk.cwd / "env.tar.gz") as archive:
        assert not {"left", ".python-package-check"} & {name.split("/")[0] for name in archive.getnames()}
    assert not (desk.envs / "env" / "left").exists()
    assert pack.read(desk.cwd / "env.tar.gz").slim == ()


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (
            ["--slim=headers,manuals"],
            "no such kind: 'manuals'; the kinds are headers, static, tests, docs, stubs, bytecode",
        ),
        (["--slim="], "no such kind: ''"),
        (["--check=true", "--no-check"], "--check has no meaning with --no-check"),
        (["--check=true", "--check-with=env"], "--check has no meaning with --check-with"),
    ],
)
def test_slim__a_command_line_without_meaning__is_exit_1(desk: Desk, argv: list[str], why: str) -> None:
    code, said = create(desk, *argv)
    assert code == 1
    assert why in one_line(said)


def test_slim__no_check__leaves_out_unchecked(desk: Desk) -> None:
    add(desk, **READS)
    code, said = create(desk, "--slim=stubs", "--no-check")
    assert code == 0, said
    made = pack.read(desk.cwd / "env.tar.gz")
    assert (made.slim, made.unchecked) == (("stubs",), True)
    assert "__init__.pyi" not in fat(desk)
