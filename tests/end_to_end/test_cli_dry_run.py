"""python_package_create --dry-run: what would be made is printed, and nothing is."""

from __future__ import annotations

import json
import sys
import venv
from pathlib import Path

import pytest
from desk import OURS, Desk, one_line
from own_project import write_project
from wheels import write_wheel

from python_package.cli.table import size, table
from python_package.conda.solver import Channels, Solution
from python_package.create.dry_run import PlannedPackage, _source
from python_package.create.solve import Plan
from python_package.host_python import channel as host_channel
from python_package.lock import CondaPackage, Distribution


def rows(stdout: str) -> dict[str, tuple[str, str, str, str]]:
    """Return version, source, size and purpose by name, of a table whose columns are two spaces apart."""
    header, *lines = stdout.splitlines()
    starts = [header.index(title) for title in ("package", "version", "source")]
    found = {}
    for line in lines:
        name, version = line[: starts[1]].strip(), line[starts[1] : starts[2]].strip()
        source, rest = line[starts[2] :].split(None, 1)
        count, unit, *purpose = rest.split(None, 2) if rest.strip()[0] != "?" else ("?", "", *rest.split(None, 1)[1:])
        found[name] = (version, source, f"{count} {unit}", "".join(purpose).strip())
    return found


def made(desk: Desk) -> list[Path]:
    return [path for path in (desk.envs, desk.cwd / "env.tar.gz") if path.exists()]


def test_create__dry_run__prints_what_create_then_makes(desk: Desk, tmp_path: Path) -> None:
    project = write_project(tmp_path / "mine", more="Requires-Dist: onlypypi==0.9\nRequires-Dist: idna\n")
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    pin = {"package": "mine", "version": "1.2", "source": "editable", "url": project.as_uri()}
    spec = desk.spec(
        "broken",
        "idna",
        "mine",
        "numpy",
        "nowhere",
        optional=["nowhere"],
        pins={"mine": pin},
        packages=["withextra[more]"],
        local={"pkg": str(tmp_path / "pkg")},
    )
    dry = desk.run("-c", str(desk.channel), *OURS, "--dry-run", spec, "env")
    assert dry.returncode == 0, dry.stderr
    assert made(desk) == []
    assert "note: nowhere: optional, and left out: cannot install nowhere from PyPI" in dry.stderr
    found = rows(dry.stdout)
    assert one_line(dry.stderr).endswith("; nothing was made")
    assert f": {len(found)} packages, " in one_line(dry.stderr)
    assert found["idna"][1:] == ("channel", found["idna"][2], "idna")
    assert found["mine"][:2] == ("1.2", "local")
    assert all(row[2].split()[0] not in ("?", "0") for row in found.values())
    assert found["onlypypi"] == ("0.9", "PyPI", found["onlypypi"][2], "needed by mine, withextra")
    assert found["withextra"][3] == "withextra[more]"
    assert found["python"][3] == "the interpreter"
    assert found["python_abi"][3] == "needed by numpy, python"
    assert (found["python-package-local"][1], found["python-package-local"][3]) == ("local", "pkg")
    done = desk.run("-c", str(desk.channel), *OURS, "--no-check", spec, "env")
    assert done.returncode == 0, done.stderr
    prefix = desk.envs / "env"
    site = prefix / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    linked = {tuple(path.stem.rsplit("-", 2)[:2]) for path in (prefix / "conda-meta").glob("*-*-*.json")}
    uv = {path.parent for path in site.glob("*.dist-info/INSTALLER") if path.read_text().strip() == "uv"}
    installed = {tuple(path.stem.replace("_", "-").rsplit("-", 1)) for path in uv}
    assert {(name, row[0]) for name, row in found.items()} == linked | installed


def test_create__dry_run_package_that_a_channel_names_otherwise__comes_from_there_alone(
    desk: Desk, tmp_path: Path, host_cache: Path
) -> None:
    index = Path(desk.environ["PIP_FIND_LINKS"])
    wheel = write_wheel(tmp_path, "matplotlib-base", {"matplotlib.py": ""}, version="3.0")
    write_wheel(index, "matplotlib", {"matplotlib.py": ""}, version="3.0")
    write_wheel(index, "matplotlib", {"matplotlib.py": ""}, version="4.0")
    write_wheel(index, "plots", {"plots.py": ""}, requires=("matplotlib",))
    source = host_channel.build(tmp_path / "source", [str(wheel)], python=sys.executable, cache_dir=host_cache)
    done = desk.run("-c", str(source), "--dry-run", desk.spec("matplotlib", packages=["plots"]), "env")
    assert done.returncode == 0, done.stderr
    found = rows(done.stdout)
    assert (found["matplotlib-base"][3], found["plots"][1]) == ("matplotlib", "PyPI")
    assert "matplotlib" not in found


def test_create__dry_run_quiet__says_the_table_alone(desk: Desk) -> None:
    done = desk.run("-q", "-c", str(desk.channel), "--dry-run", desk.spec("idna"), "env")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(rows(done.stdout)) == {"python", "idna", "ca-certificates"} | set(rows(done.stdout)) & {"python_abi"}


def test_create__dry_run_offline_with_all_at_hand__works(desk: Desk) -> None:
    done = desk.create("--offline", "--dry-run", modules=("idna", "onlypypi"))
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout)["onlypypi"][:2] == ("1.0", "PyPI")


@pytest.mark.parametrize(
    ("argv", "modules", "code", "says"),
    [
        ((), ("nowhere",), 4, "cannot install nowhere from PyPI"),
        ((), ("clashing", "idna"), 4, "idna"),
        (("--exact",), (), 0, ""),
        (("--lock", "x.lock"), (), 1, "--lock has no meaning with --dry-run"),
    ],
)
def test_create__dry_run_fails__as_create_would(
    desk: Desk, argv: tuple[str, ...], modules: tuple[str, ...], code: int, says: str
) -> None:
    done = desk.create("--dry-run", *argv, modules=modules)
    assert done.returncode == code, done.stderr
    assert says in one_line(done.stderr)
    assert made(desk) == []
    assert bool(done.stdout) == (code == 0)


def test_create__dry_run_local_module_with_the_name_of_pythons_own__exits_4(desk: Desk) -> None:
    (desk.cwd / "json.py").touch()
    done = desk.run("-c", str(desk.channel), "--dry-run", desk.spec(local={"json": "json.py"}), "env")
    assert done.returncode == 4, done.stderr
    assert "has the name of one of Python's own" in one_line(done.stderr)


def test_create__dry_run_index_not_cached_and_offline__exits_5(desk: Desk) -> None:
    done = desk.create("--offline", "--dry-run", modules=("onlypypi",), PIP_NO_INDEX="0", PIP_FIND_LINKS="")
    assert done.returncode == 5, done.stderr
    assert "the caches do not hold onlypypi" in one_line(done.stderr)


def test_create__dry_run_another_python_than_ours__asks_pypi_for_that(desk: Desk, tmp_path: Path) -> None:
    # The user's own python3 has no uv and none of our packages.
    venv.create(tmp_path / "venv", symlinks=True)
    done = desk.create("--dry-run", modules=("onlypypi",), PATH=f"{tmp_path}/venv/bin:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout)["onlypypi"][3] == "onlypypi"


def test_create__dry_run_of_this_machines_own_python__says_host(desk: Desk) -> None:
    done = desk.run("-q", "--interpreter", "host", "--dry-run", desk.spec(), "env")
    assert done.returncode == 0, done.stderr
    assert {row[1] for row in rows(done.stdout).values()} == {"host"}


# the table


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "?"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (5_300_000_000, "5.3 GB"),
        (7_000_000_000_000, "7000.0 GB"),
    ],
)
def test_size__bytes__are_rounded_for_people(count: int | None, text: str) -> None:
    assert size(count) == text


def test_table__rows__are_aligned_and_have_no_trailing_blanks() -> None:
    needed = PlannedPackage("longer", "2.0.1", "conda-forge", 10, (), ("x", "y"))
    text = table([PlannedPackage("a", "1", "PyPI", None, (), ()), needed])
    assert text == (
        "package  version  source       size  for\n"
        "a        1        PyPI            ?\n"
        "longer   2.0.1    conda-forge  10 B  needed by x, y\n"
    )


def package(name: str, version: str, build: str = "0", needs: tuple[str, ...] = ("python",)) -> CondaPackage:
    return CondaPackage(name, version, build, "", None, needs)


@pytest.mark.parametrize(
    ("location", "direct", "source"),
    [
        ("https://host/a.whl", False, "PyPI"),
        ("file:///a.whl", False, "PyPI"),
        ("file:///a.whl", True, "local"),
        ("git+https://host/a@b", True, "git"),
        ("https://host/a.whl", True, "direct"),
    ],
)
def test_source__distribution__is_where_a_person_would_say_it_is_from(location: str, direct: bool, source: str) -> None:
    assert _source(Distribution("a", "1", location, "", direct=direct)) == source


def test_abi__builds__tell_a_free_threaded_python() -> None:
    def abi(*packages: CondaPackage) -> str:
        return Plan(Channels([]), Solution(packages, ())).abi

    plain = [package("python", "3.11.7", "h1_cpython"), package("python_abi", "3.11", "8_cp311")]
    free = [package("python", "3.13.1", "h1_cp313t"), package("python_abi", "3.13", "8_cp313t")]
    assert (abi(*plain), abi(*free), abi(plain[0])) == ("cp311", "cp313t", "cp311")


@pytest.mark.parametrize(("has", "code"), [("3.7.3", 0), ("3.8.20", 4)])
def test_create__dry_run_of_the_man_pages_example__takes_its_python_from_the_channels_records(
    desk: Desk, tmp_path: Path, has: str, code: int
) -> None:
    record = {"build": "0", "build_number": 0, "subdir": "linux-64", "size": 1, "sha256": "0" * 64}
    packages = {
        "python": {"version": has, "depends": []},
        "matplotlib-base": {"version": "3.5.3", "depends": [f"python {has}.*"]},
    }
    records = {f"{name}-{one['version']}-0.conda": {"name": name, **one, **record} for name, one in packages.items()}
    for subdir in ("linux-64", "noarch"):
        (tmp_path / "old" / subdir).mkdir(parents=True)
        repodata = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": {}, "repodata_version": 1}
        if subdir != "noarch":
            repodata["packages.conda"] = records
        (tmp_path / "old" / subdir / "repodata.json").write_text(json.dumps(repodata))
    (desk.cwd / "dependencies.json").write_text('{"python": "3.7.3", "modules": ["antigravity", "matplotlib"]}')
    done = desk.run("--dry-run", "-c", str(tmp_path / "old"), "dependencies.json", "example_venv")
    assert done.returncode == code, done.stderr
    if code:
        assert one_line(done.stderr).endswith("they have 3.8.20")
    else:
        assert {name: row[0] for name, row in rows(done.stdout).items()} == {
            "python": "3.7.3",
            "matplotlib-base": "3.5.3",
        }
