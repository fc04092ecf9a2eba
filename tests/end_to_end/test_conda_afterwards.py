"""What Conda reads of an environment, and of its tarball unpacked elsewhere: history, records, hashes of files.

The readers are written after Conda's documented formats: what `conda remove`, `update`, `export --from-history`,
`doctor` and `create --clone` go by.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, make_desk

from python_package.conda import lockfile
from python_package.pack import normalize


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, channel: Path, caches: Mapping[str, str]) -> tuple[Desk, Path, Path]:
    """Return an environment made by create, and its tarball unpacked and adapted to another place."""
    root = tmp_path_factory.mktemp("afterwards")
    desk = make_desk(root, channel, caches)
    done = desk.create(modules=("numpy", "onlypypi"))
    assert done.returncode == 0, done.stderr
    unpacked = root / "u"
    unpacked.mkdir()
    subprocess.run(["tar", "xzf", desk.cwd / "env.tar.gz", "-C", unpacked], check=True)
    subprocess.run([unpacked / "bin/conda-unpack"], check=True)
    return desk, desk.envs / "env", unpacked


@pytest.fixture(params=["environment", "unpacked"])
def prefix(request: pytest.FixtureRequest, pair: tuple[Desk, Path, Path]) -> Path:
    return pair[1] if request.param == "environment" else pair[2]


def requested(prefix: Path) -> dict[str, str]:
    """Return what Conda thinks that its user asked for, by name: of each revision that says what was run."""
    asked: dict[str, str] = {}
    for revision in re.split(r"(?m)^==>.*<==$", (prefix / "conda-meta/history").read_text())[1:]:
        comments = [line for line in revision.splitlines() if line.startswith("#")]
        if not any(re.match(r"#\s*cmd:\s*(.+)", line) for line in comments):
            continue
        for line in comments:
            if match := re.match(r"#\s*(\w+)\s*specs:\s*(.+)?", line):
                specs = ast.literal_eval(match[2])
                names = {re.split(r"[ =<>!\[]", spec)[0]: spec for spec in specs}
                asked = asked | names if match[1] in ("update", "install", "create") else asked
    return asked


def records(prefix: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in (prefix / "conda-meta").glob("*.json")]


def altered(prefix: Path) -> list[str]:
    """Return the files that differ from the hash which Conda's records have of them."""
    return [
        entry["_path"]
        for record in records(prefix)
        for entry in record["paths_data"]["paths"]
        if entry.get("sha256_in_prefix")
        and hashlib.sha256((prefix / entry["_path"]).read_bytes()).hexdigest() != entry["sha256_in_prefix"]
    ]


def test_history__of_both__names_what_was_asked_for(prefix: Path) -> None:
    assert list(requested(prefix)) == ["python", "numpy"]


def test_history__of_both__adds_every_package_of_the_records(prefix: Path) -> None:
    added = {line for line in (prefix / "conda-meta/history").read_text().splitlines() if line.startswith("+")}
    assert added == {
        f"+{r['channel'].rstrip('/')}/{r['subdir']}::{r['name']}-{r['version']}-{r['build']}" for r in records(prefix)
    }


def test_history__of_the_tarball__does_not_tell_the_command_line(pair: tuple[Desk, Path, Path]) -> None:
    commands = [line for line in (pair[2] / "conda-meta/history").read_text().splitlines() if line.startswith("# cmd:")]
    assert commands == ["# cmd: python_package_create"]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("# cmd: /opt/conda/bin/conda install -c http://u:p@h/c numpy", "# cmd: conda"),
        ("# cmd: conda", "# cmd: conda"),
        ("# cmd:", "# cmd: unknown"),
        ("# cmd: 'a folder/python_package_create' d.json", "# cmd: python_package_create"),
        ('# cmd: "unclosed', "# cmd: unknown"),
    ],
)
def test_history__command_lines__keep_the_program_alone(line: str, kept: str) -> None:
    text = f'==> 2026-11-26 10:00:00 <==\n{line}\n+c/noarch::a-1-0\n# update specs: ["a"]\n'
    assert normalize.history((), text).decode().splitlines()[1] == kept


def test_records__of_both__have_no_altered_and_no_missing_files(prefix: Path) -> None:
    assert altered(prefix) == []
    assert [file for r in records(prefix) for file in r["files"] if not (prefix / file).exists()] == []


def test_records__of_both__have_no_hash_of_a_link(prefix: Path) -> None:
    entries = [entry for record in records(prefix) for entry in record["paths_data"]["paths"]]
    links = [entry for entry in entries if (prefix / entry["_path"]).is_symlink()]
    assert links
    assert not [entry for entry in links if "sha256_in_prefix" in entry]


def test_records__of_both__name_an_address_to_clone_from(prefix: Path) -> None:
    for record in records(prefix):
        assert record["url"].endswith(f"/{record['subdir']}/{record['fn']}")
        assert record["sha256"]


# A lock in an environment that conda or pip have changed since.


def test_outdated__environment_as_it_was_made__says_nothing(prefix: Path) -> None:
    path = prefix / "conda-meta/python-package.lock"
    assert lockfile.outdated(lockfile.load(path), path) == ""


def test_outdated__lock_elsewhere__says_nothing(prefix: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(prefix / "conda-meta/python-package.lock", tmp_path / "python-package.lock"))
    assert lockfile.outdated(lockfile.load(path), path) == ""


def test_outdated__packages_come_go_and_change__names_each(prefix: Path, tmp_path: Path) -> None:
    meta = shutil.copytree(prefix / "conda-meta", tmp_path / "conda-meta")
    (numpy,) = meta.glob("numpy-*.json")
    record = json.loads(numpy.read_bytes())
    numpy.write_text(json.dumps(record | {"version": "9.9"}))
    (meta / "new-1.0-0.json").write_text(json.dumps({"name": "new", "version": "1.0", "build": "0"}))
    (tmp_path / "lib/python3.11/site-packages/added-2.0.dist-info").mkdir(parents=True)
    path = meta / "python-package.lock"
    assert lockfile.outdated(lockfile.load(path), path).split("; ") == [
        "added (PyPI): none, now 2.0",
        "new: none, now 1.0 0",
        f"numpy: {record['version']} {record['build']}, now 9.9 {record['build']}",
        "onlypypi (PyPI): 1.0, now none",
    ]


def test_create__locked_with_the_lock_of_a_changed_environment__says_so(
    pair: tuple[Desk, Path, Path], tmp_path: Path
) -> None:
    desk, environment, _ = pair
    meta = shutil.copytree(environment / "conda-meta", tmp_path / "conda-meta")
    next(meta.glob("numpy-*.json")).unlink()
    lock = meta / "python-package.lock"
    done = desk.run("-c", str(desk.channel), "--locked", str(lock), "again")
    assert f"note: {lock} no longer says what its environment has: numpy: " in done.stderr
