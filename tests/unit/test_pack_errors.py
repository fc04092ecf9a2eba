"""What cannot be packed is refused with one line that says why, and what was there before stays."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tarball_environment import Workshop

from python_package import pack
from python_package.errors import PackError


@pytest.fixture(scope="module")
def prefix(workshop: Workshop) -> Path:
    """An environment that no test changes."""
    return workshop.environment(workshop.folder / "sound", "holder", "idna", wheels=[workshop.wheel()])


@pytest.fixture
def fresh(workshop: Workshop, tmp_path: Path) -> Path:
    """An environment to spoil."""
    return workshop.environment(tmp_path / "env", "holder", "idna", wheels=[workshop.wheel()])


def refusal(prefix: Path, cache: Path, output: Path | None = None) -> str:
    """Return why the environment is not packed, having seen that an older tarball stays, and nothing beside it."""
    output = output or prefix.with_name("output.tar.gz")
    existed = output.parent.is_dir()
    if existed:
        output.write_text("the old one\n")
    with pytest.raises(PackError) as caught:
        pack.pack(prefix, output, cache=cache)
    if existed:
        assert output.read_text() == "the old one\n"
        assert [path for path in output.parent.iterdir() if path.name.startswith(".")] == []
    assert "\n" not in str(caught.value)
    assert caught.value.code == 7
    return str(caught.value)


def test_pack__no_such_folder_or_no_environment__is_named(workshop: Workshop, tmp_path: Path) -> None:
    missing = refusal(tmp_path / "missing", workshop.layers)
    assert str(tmp_path / "missing") in missing and "doesn't exist" in missing
    (tmp_path / "plain").mkdir()
    assert "is not a conda environment" in refusal(tmp_path / "plain", workshop.layers)


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "thing"}', '{"name": "thing", "link": null, "files": 3}'])
def test_pack__a_broken_record__is_refused(workshop: Workshop, fresh: Path, text: str) -> None:
    (fresh / "conda-meta/thing-1.0-0.json").write_text(text)
    assert f"cannot pack {fresh}" in refusal(fresh, workshop.layers)


def test_pack__an_editable_install__names_the_package(workshop: Workshop, fresh: Path, tmp_path: Path) -> None:
    site = next(fresh.glob("lib/python3*/site-packages"))
    info = site / "draft-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: draft\nVersion: 0.1\n")
    (info / "RECORD").write_text("draft-0.1.dist-info/METADATA,,\n")
    origin = {"url": f"file://{tmp_path}/draft", "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(origin))
    message = refusal(fresh, workshop.layers)
    assert "editable" in message and "draft" in message


def test_pack__a_conda_package_that_uv_replaced__is_named(workshop: Workshop, fresh: Path) -> None:
    newer = workshop.wheel("idna", version="99.0")
    workshop.environment(fresh, "holder", "idna", wheels=[newer])
    message = refusal(fresh, workshop.layers)
    assert "idna" in message and "overwritten" in message


def test_pack__packages_gone_from_the_package_cache__are_named(workshop: Workshop, tmp_path: Path) -> None:
    prefix = workshop.environment(tmp_path / "env", "holder")
    record = prefix / "conda-meta/holder-1.0-0.json"
    data = json.loads(record.read_bytes())
    data["link"]["source"] = str(tmp_path / "gone")
    record.write_text(json.dumps(data))
    message = refusal(prefix, workshop.layers)
    assert "holder" in message and "package cache" in message


def test_pack__a_damaged_package_cache__names_the_file(workshop: Workshop, tmp_path: Path) -> None:
    prefix = workshop.environment(tmp_path / "env", "holder")
    pack.pack(prefix, tmp_path / "good.tar.gz", cache=workshop.layers)
    record = prefix / "conda-meta/holder-1.0-0.json"
    data = json.loads(record.read_bytes())
    damaged = tmp_path / "holder-1.0-0"
    shutil.copytree(data["link"]["source"], damaged, symlinks=True)
    (damaged / "share/holder/plain.txt").write_text("plaim\n")
    data["link"]["source"] = str(damaged)
    record.write_text(json.dumps(data))
    message = refusal(prefix, tmp_path / "empty-cache")
    assert f"{damaged} is damaged: share/holder/plain.txt" in message
    # In the other cache is a layer with what the package holds, but that is not what is there.
    assert f"{damaged} is damaged: share/holder/plain.txt" in refusal(prefix, workshop.layers)


def test_pack__a_file_gone_from_a_package_in_the_cache__is_named(workshop: Workshop, tmp_path: Path) -> None:
    prefix = workshop.environment(tmp_path / "env", "holder")
    record = prefix / "conda-meta/holder-1.0-0.json"
    data = json.loads(record.read_bytes())
    emptied = tmp_path / "holder-1.0-0"
    shutil.copytree(data["link"]["source"], emptied, symlinks=True)
    (emptied / "share/holder/plain.txt").unlink()
    data["link"]["source"] = str(emptied)
    record.write_text(json.dumps(data))
    assert refusal(prefix, tmp_path / "empty-cache").endswith(f": {emptied}/share/holder/plain.txt")


def test_pack__an_interpreter_that_does_not_run__is_named(fresh: Path, tmp_path: Path) -> None:
    python = fresh / "bin/python"
    python.unlink()
    python.write_text("#!/bin/sh\necho 'cannot start' >&2\nexit 3\n")
    python.chmod(0o755)
    message = refusal(fresh, tmp_path / "empty-cache")
    assert f"{python} cannot compile the environment's modules: cannot start" in message


def test_pack__no_such_output_folder__is_named(workshop: Workshop, prefix: Path, tmp_path: Path) -> None:
    output = tmp_path / "missing/env.tar.gz"
    assert refusal(prefix, workshop.layers, output) == f"cannot write {output}: No such file or directory"


def test_pack__the_output_is_a_folder__is_refused(workshop: Workshop, prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "env.tar.gz").mkdir()
    with pytest.raises(PackError, match="Is a directory"):
        pack.pack(prefix, tmp_path / "env.tar.gz", cache=workshop.layers)
    assert [path.name for path in tmp_path.iterdir()] == ["env.tar.gz"]


@pytest.mark.parametrize("cache", ["warm", "cold"])
def test_pack__no_room_for_the_tarball__is_refused(
    workshop: Workshop, prefix: Path, tmp_path: Path, cache: str
) -> None:
    pack.pack(prefix, tmp_path / "first.tar.gz", cache=workshop.layers)
    program = (
        "import sys; from pathlib import Path; from python_package import pack\n"
        "from python_package.errors import PackError\n"
        "try: pack.pack(Path(sys.argv[1]), Path(sys.argv[2]), cache=Path(sys.argv[3]))\n"
        "except PackError as error: sys.exit(str(error))"
    )
    output = tmp_path / "env.tar.gz"
    output.write_text("the old one\n")
    layers = workshop.layers if cache == "warm" else tmp_path / "layers"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run(
        [sys.executable, "-c", program, prefix, output, layers],
        preexec_fn=limited,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (1, f"cannot write {output}: File too large\n")
    assert output.read_text() == "the old one\n"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []
    if cache == "cold":
        assert not [path for path in layers.iterdir() if path.name.endswith(".new")]


def test_pack__progress__counts_up_to_the_total_and_may_end_it(prefix: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    pack.pack(prefix, tmp_path / "a.tar.gz", cache=tmp_path / "layers", progress=lambda *n: told.append(n))
    assert told == sorted(told) and len({total for _, total in told}) == 1
    assert told[-1][0] == told[-1][1] > 10**6

    def enough(*_: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        pack.pack(prefix, tmp_path / "b.tar.gz", cache=tmp_path / "other", progress=enough)
    assert not list(tmp_path.glob("*b.tar.gz*"))


def test_read__a_tarball_of_conda_pack_or_nothing__has_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "foreign.tar.gz").write_bytes(b"\x1f\x8b\x08\0" + bytes(6000))
    for name in ("foreign.tar.gz", "missing.tar.gz"):
        with pytest.raises(PackError, match=f"{name}: no manifest"):
            pack.read(tmp_path / name)
