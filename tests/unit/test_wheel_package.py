"""Wheels become packages that Conda links as pip would have installed them."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conda_package_streaming.extract import extract
from wheels import write_wheel

from python_package import elf
from python_package.errors import PackError
from python_package.host_python import wheel_package
from python_package.host_python.channel import build
from python_package.host_python.interpreter import Interpreter, ask

HERE = ask(sys.executable)
XY = HERE.short
PY = f"py{HERE.tag[2:]}"
LINUX = f"linux_{HERE.markers['platform_machine']}"
BOUND = f"{HERE.tag}-{HERE.tag}-manylinux_2_17_{HERE.markers['platform_machine']}"
OLD = replace(
    HERE,
    short="3.9",
    version="3.9.18",
    markers={**HERE.markers, "python_version": "3.9", "python_full_version": "3.9.18"},
)


def convert(path: Path, tmp_path: Path, interpreter: Interpreter = HERE) -> Path:
    """Make a package of a wheel and return it unpacked, its info folder beside its files."""
    made = wheel_package.write(wheel_package.read(path), interpreter, tmp_path / "channel", {})
    extract(str(made), str(tmp_path / f"{made.name}.d"))
    return tmp_path / f"{made.name}.d"


def index(package: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((package / "info/index.json").read_text())
    return found


def depends(
    folder: Path, *requires: str, interpreter: Interpreter = HERE, headers: str = "", **others: Any
) -> list[str]:
    """Return the dependencies of a package whose wheel requires this, beside wheels that require `others`."""
    known = {name: wheel_package.read(write_wheel(folder, name, {}, **facts)) for name, facts in others.items()}
    made = wheel_package.read(write_wheel(folder, "asked", {}, requires=requires, headers=headers))
    return wheel_package.depends(made, interpreter, known)


# reading


def test_read__a_wheel__tells_what_it_is(tmp_path: Path) -> None:
    points = "[console_scripts]\nRun-It = pkg.sub : main.go [extra]\n[gui_scripts]\nshow=pkg:show\n[other]\nx = y:z\n"
    found = wheel_package.read(write_wheel(tmp_path, "Some.Name", {}, version="1.0.0rc1", entry_points=points))
    assert (found.name, found.version, found.pure, found.noarch) == ("some-name", "1.0.0rc1", True, True)
    assert found.entry_points == {"Run-It": "pkg.sub:main.go", "show": "pkg:show"}


def test_read__not_a_zip__is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad-1.0-py3-none-any.whl").write_text("no zip")
    with pytest.raises(PackError, match=r"bad-1\.0-py3-none-any\.whl: not a wheel: File is not a zip file"):
        wheel_package.read(tmp_path / "bad-1.0-py3-none-any.whl")


def test_read__no_metadata__is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("bad.py", "")
    with pytest.raises(PackError, match="it has no METADATA"):
        wheel_package.read(tmp_path / "bad-1.0-py3-none-any.whl")


def test_read__file_name_of_no_wheel__is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="not a wheel: Invalid wheel filename"):
        wheel_package.read(tmp_path / "bad.whl")


@pytest.mark.parametrize("point", ["run = module", "../../evil = a:b", "run = a:b; import os"])
def test_read__entry_point_that_is_no_command__is_refused(tmp_path: Path, point: str) -> None:
    made = write_wheel(tmp_path, "bad", {}, entry_points=f"[console_scripts]\n{point}\n")
    with pytest.raises(PackError, match="is not a command of the form module:function"):
        wheel_package.read(made)


# dependencies


def test_depends__names_and_versions__are_condas(tmp_path: Path) -> None:
    assert depends(
        tmp_path, "Ruamel.YAML<1,>=0.5", "a==1.2.*", "b===3", "c~=1.4", "d!=2.*", "e[x]", "f@ https://h/f.zip"
    ) == [
        "a 1.2.*",
        "b ==3",
        "c ~=1.4",
        "d !=2.*",
        "e",
        "f",
        "python",
        "ruamel-yaml <1,>=0.5",
    ]


def test_depends__markers__are_the_targets(tmp_path: Path) -> None:
    requires = (
        "here; sys_platform=='linux'",
        "away; sys_platform=='win32'",
        "opt; extra=='opt'",
        "py; python_version<'3.10'",
    )
    assert "away" not in depends(tmp_path, *requires)
    assert depends(tmp_path, *requires, interpreter=OLD) == ["here", "py", "python >=3.9,<3.10.0a0"]


def test_depends__markers_on_the_version__bind_to_the_minor_version(tmp_path: Path) -> None:
    made = wheel_package.read(write_wheel(tmp_path, "asked", {}, requires=("tomli; python_version<'3.11'",)))
    assert wheel_package.build(made, HERE) == f"{PY}_0"
    assert f"python {HERE.this_minor}" in wheel_package.depends(made, HERE, {})


def test_depends__requires_python__bounds_python(tmp_path: Path) -> None:
    headers = "Requires-Python: >=3.6.*, !=3.7.0,<4\n"
    assert depends(tmp_path, headers=headers) == ["python !=3.7.0,<4,>=3.6"]


def test_depends__extras__become_what_they_ask_for(tmp_path: Path) -> None:
    found = depends(
        tmp_path,
        "other[all]",
        other={"requires": ("plain", "one; extra=='one'", "two>=2; extra=='two'", "other[one,two]; extra=='all'")},
    )
    assert found == ["one", "other", "plain", "python", "two >=2"]


def test_depends__extras_that_ask_for_each_other__end(tmp_path: Path) -> None:
    found = depends(
        tmp_path, "left[x]", left={"requires": ("right[x]; extra=='x'",)}, right={"requires": ("left[x]; extra=='x'",)}
    )
    assert found == ["left", "python", "right"]


def test_depends__requirement_that_is_none__names_the_wheel(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"asked-1\.0-py3-none-any\.whl: its metadata requires 'a b c'"):
        depends(tmp_path, "a b c")


@pytest.mark.parametrize(
    ("tag", "noarch", "build", "expected"),
    [
        ("py3-none-any", "python", "py_0", ["python"]),
        ("py2.py3-none-any", "python", "py_0", ["python"]),
        (f"{HERE.tag}-none-any", "python", f"{PY}_0", [f"python {HERE.this_minor}"]),
        ("py3-none-manylinux2014_x86_64", "python", "py_0", ["python", "__glibc >=2.17,<3.0.a0"]),
        ("cp38-abi3-manylinux_2_28_x86_64", "python", "py_0", ["python >=3.8", "__glibc >=2.28,<3.0.a0"]),
        (
            f"{HERE.tag}-{HERE.tag}-manylinux_2_27_x86_64.manylinux_2_28_x86_64",
            None,
            f"{PY}_0",
            [f"python {HERE.this_minor}", f"python_abi {XY}.* *_{HERE.tag}", "__glibc >=2.27,<3.0.a0"],
        ),
        (
            f"{HERE.tag}-{HERE.tag}-manylinux1_x86_64",
            None,
            f"{PY}_0",
            [f"python {HERE.this_minor}", f"python_abi {XY}.* *_{HERE.tag}", "__glibc >=2.5,<3.0.a0"],
        ),
    ],
)
def test_write__tags__decide_which_pythons_and_machines(
    tmp_path: Path, tag: str, noarch: str | None, build: str, expected: list[str]
) -> None:
    found = index(convert(write_wheel(tmp_path, "pkg", {"pkg.py": ""}, tag=tag), tmp_path))
    assert (found.get("noarch"), found["build"], found["depends"]) == (noarch, build, expected)
    assert found["subdir"] == ("noarch" if tag.endswith("any") else elf.subdir(HERE.executable))


# files


FILES: dict[str, str | bytes] = {
    "pkg/__init__.py": "def main():\n    print('ran')\n",
    "pkg/odd,name.txt": "x",
    "pkg-1.0.data/scripts/tool": "#!python -u\nimport pkg\npkg.main()\n",
    "pkg-1.0.data/scripts/other": "#!/bin/sh\n",
    "pkg-1.0.data/data/share/pkg/data.txt": "data",
    "pkg-1.0.data/headers/pkg.h": "",
    "pkg-1.0.data/purelib/pkg/more.py": "",
    "pkg-1.0.dist-info/REQUESTED": "",
}
POINTS = "[console_scripts]\nentry = pkg:main\n"


def check_record(site: Path, *, made_by_link: set[str]) -> None:
    """Check every line of RECORD against the file it names; only `made_by_link` may lack a hash."""
    with (site / "pkg-1.0.dist-info/RECORD").open(newline="") as lines:
        rows = {path: (digest, size) for path, digest, size in csv.reader(lines)}
    assert {path for path, (digest, _) in rows.items() if not digest} == made_by_link | {"pkg-1.0.dist-info/RECORD"}
    for path, (digest, size) in rows.items():
        if digest:
            data = (site / path).read_bytes()
            assert digest == "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert int(size) == len(data)
    listed = {str((site / path).resolve()) for path in rows}
    present = {str(path.resolve()) for path in site.rglob("*") if path.is_file()}
    assert present <= listed


def test_write__pure_wheel__is_laid_out_as_noarch(tmp_path: Path) -> None:
    made = convert(write_wheel(tmp_path, "pkg", FILES, entry_points=POINTS), tmp_path)
    files = {
        str(path.relative_to(made)) for path in made.rglob("*") if path.is_file() and "info" not in path.parts[-2:]
    }
    assert {path for path in files if not path.startswith(("info/", "site-packages/pkg-1.0.dist-info/"))} == {
        "site-packages/pkg/__init__.py",
        "site-packages/pkg/more.py",
        "site-packages/pkg/odd,name.txt",
        "python-scripts/tool",
        "python-scripts/other",
        "share/pkg/data.txt",
        "include/pkg/pkg.h",
    }
    info = made / "site-packages/pkg-1.0.dist-info"
    assert (info / "INSTALLER").read_text() == "conda\n"
    assert not (info / "REQUESTED").exists()
    assert json.loads((made / "info/link.json").read_text()) == {
        "noarch": {"type": "python", "entry_points": ["entry = pkg:main"]},
        "package_metadata_version": 1,
    }
    assert index(made)["purls"] == ["pkg:pypi/pkg@1.0"]


def test_write__bound_wheel__is_laid_out_for_its_python(tmp_path: Path) -> None:
    made = convert(write_wheel(tmp_path, "pkg", FILES, entry_points=POINTS, tag=BOUND), tmp_path)
    assert (made / f"lib/python{XY}/site-packages/pkg/__init__.py").exists()
    assert (made / f"{HERE.include}/pkg/pkg.h").exists()
    assert (made / "bin/other").read_text() == "#!/bin/sh\n"
    assert (made / "bin/entry").stat().st_mode & 0o777 == 0o755
    assert not (made / "info/link.json").exists()
    check_record(made / f"lib/python{XY}/site-packages", made_by_link={"../../../bin/tool", "../../../bin/entry"})


@pytest.mark.parametrize("tag", ["py3-none-any", BOUND])
def test_write__linked_for_real__commands_run_and_record_holds(
    tmp_path: Path, host_cache: Path, install: Callable[[Path, Path, list[str]], Path], tag: str
) -> None:
    made = write_wheel(tmp_path, "pkg", FILES, entry_points=POINTS, tag=tag)
    channel = build(tmp_path / "channel", [str(made)], python=sys.executable, cache_dir=host_cache)
    prefix = install(tmp_path / "env", channel, ["pkg"])
    for command in ("entry", "tool"):
        environ = {"PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([prefix / "bin" / command], env=environ, capture_output=True, text=True, timeout=60)
        assert (done.stdout, done.stderr) == ("ran\n", "")
    site = prefix / f"lib/python{XY}/site-packages"
    (site / "README.txt").unlink()  # python's own
    check_record(site, made_by_link={"../../../bin/tool", "../../../bin/entry"})


@pytest.mark.parametrize(
    "member",
    ["../evil.py", "/evil.py", "pkg/../../evil.py", "pkg-1.0.data/data/../../evil", "pkg-1.0.data/scripts//bin/evil",
     "pkg-1.0.data/nowhere/evil"],
)  # fmt: skip
def test_write__member_that_leaves_the_environment__is_refused(tmp_path: Path, member: str) -> None:
    made = wheel_package.read(write_wheel(tmp_path, "pkg", {member: "evil"}))
    with pytest.raises(PackError, match=r"pkg-1\.0-py3-none-any\.whl: its member .*evil.* has no place"):
        wheel_package.write(made, HERE, tmp_path / "channel", {})
    assert list(tmp_path.rglob("evil*")) == []


def test_write__built_on_this_machine__brings_its_libraries(tmp_path: Path) -> None:
    extension = importlib.util.find_spec("_bz2")
    assert extension and extension.origin
    files: dict[str, str | bytes] = {"pkg/_bz2.so": Path(extension.origin).read_bytes()}
    made = convert(write_wheel(tmp_path, "pkg", files, tag=f"{HERE.tag}-{HERE.tag}-{LINUX}"), tmp_path)
    site = made / f"lib/python{XY}/site-packages"
    loader = elf.read(HERE.executable).loader
    assert loader
    found = elf.libraries(site / "pkg/_bz2.so", loader)
    assert [name for name in found if name.startswith("libbz2")] == ["libbz2.so.1.0"]
    assert (found["libbz2.so.1.0"] or site).resolve() == site / "pkg.libs/libbz2.so.1.0"
    glibc = [each for each in index(made)["depends"] if each.startswith("__glibc")]
    assert glibc == [elf.glibc(elf.find(made))]
    check_record(site, made_by_link=set())


def test_write__built_on_this_machine__keeps_looking_where_it_did(tmp_path: Path) -> None:
    extension = importlib.util.find_spec("_bz2")
    assert extension and extension.origin
    built = Path(shutil.copy(extension.origin, tmp_path / "_bz2.so"))
    elf.set_rpath([built], tmp_path / "own")
    files = {"pkg/_bz2.so": built.read_bytes()}
    made = convert(write_wheel(tmp_path, "pkg", files, tag=f"{HERE.tag}-{HERE.tag}-{LINUX}"), tmp_path)
    assert b"$ORIGIN/own:$ORIGIN/../pkg.libs" in next(made.rglob("_bz2.so")).read_bytes()


def test_write__modules_for_one_python__are_compiled_and_never_taken_for_stale(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "x = 1\n", "pkg/other.py": "y = 2\n", "pkg/template.py": "{% not python %}\n"}
    made = convert(write_wheel(tmp_path, "pkg", files, tag=BOUND), tmp_path)
    site = made / f"lib/python{XY}/site-packages"
    compiled = {path.name: path.read_bytes() for path in site.rglob("*.pyc")}
    assert set(compiled) == {f"{name}.{sys.implementation.cache_tag}.pyc" for name in ("__init__", "other")}
    assert {int.from_bytes(data[4:8], "little") for data in compiled.values()} == {1}
    assert all(str(tmp_path).encode() not in data for data in compiled.values())
    recorded = (site / "pkg-1.0.dist-info/RECORD").read_text()
    assert f"pkg/__pycache__/other.{sys.implementation.cache_tag}.pyc,sha256=" in recorded


def test_write__modules_for_any_python__are_not_compiled(tmp_path: Path) -> None:
    made = convert(write_wheel(tmp_path, "pkg", {"pkg/__init__.py": "x = 1\n"}), tmp_path)
    assert not list(made.rglob("*.pyc"))


def test_write__promises_an_old_glibc__is_left_as_it_is(tmp_path: Path) -> None:
    extension = importlib.util.find_spec("_bz2")
    assert extension and extension.origin
    data = Path(extension.origin).read_bytes()
    made = convert(write_wheel(tmp_path, "pkg", {"pkg/_bz2.so": data}, tag=BOUND), tmp_path)
    assert (made / f"lib/python{XY}/site-packages/pkg/_bz2.so").read_bytes() == data
    assert not (made / f"lib/python{XY}/site-packages/pkg.libs").exists()


def test_write__twice__gives_the_same_bytes(tmp_path: Path) -> None:
    made = wheel_package.read(write_wheel(tmp_path, "pkg", FILES, entry_points=POINTS, tag=BOUND))
    first, second = (wheel_package.write(made, HERE, tmp_path / name, {}).read_bytes() for name in ("first", "second"))
    assert first == second
