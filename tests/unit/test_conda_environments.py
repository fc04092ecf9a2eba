"""Conda's bookkeeping: where environments live, history."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from python_package.conda import condarc, environments
from python_package.conda.condarc import Condarc
from python_package.errors import PackError


def test_envs_dir__variable_condarc_and_home__first_writable_wins(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    (tmp_path / ".condarc").write_text(f"envs_dirs: [{tmp_path}/configured]\n")
    named = {"CONDA_ENVS_PATH": f"{blocked}/envs:{tmp_path}/named", "PATH": ""}
    for environ, expected in ((named, "named"), ({"PATH": ""}, "configured")):
        config = condarc.load("linux-64", environ, tmp_path)
        assert environments.envs_dir(config, environ, tmp_path) == tmp_path / expected
    assert environments.envs_dir(Condarc(), {"PATH": ""}, tmp_path) == tmp_path / ".conda" / "envs"


def test_envs_dir__installed_conda__is_its_own_envs(tmp_path: Path) -> None:
    conda = tmp_path / "miniconda" / "condabin" / "conda"
    conda.parent.mkdir(parents=True)
    conda.write_text("#!/bin/sh\n")
    conda.chmod(0o755)
    found = environments.envs_dir(Condarc(), {"PATH": str(conda.parent)}, tmp_path)
    assert found == tmp_path / "miniconda" / "envs"


def test_envs_dir__nothing_writable__lists_what_was_tried(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(PackError, match="CONDA_ENVS_PATH") as caught:
        environments.envs_dir(Condarc(envs_dirs=(blocked / "envs",)), {"PATH": ""}, blocked)
    assert f"{blocked}/.conda/envs" in str(caught.value)


def test_write_history__two_records__is_in_condas_format(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    for name in ("zlib", "python"):
        record = {"name": name, "version": "1.0", "build": "h0", "subdir": "linux-64", "channel": "file:///c/"}
        (tmp_path / "conda-meta" / f"{name}-1.0-h0.json").write_text(json.dumps(record))
    environments.write_history(tmp_path, ["python ==1.0", "zlib"], "python_package_create d.json e")
    lines = (tmp_path / "conda-meta" / "history").read_text().splitlines()
    assert lines[0].startswith("==> 20") and lines[0].endswith(" <==")
    assert lines[1:] == [
        "# cmd: python_package_create d.json e",
        "+file:///c/linux-64::python-1.0-h0",
        "+file:///c/linux-64::zlib-1.0-h0",
        '# update specs: ["python ==1.0", "zlib"]',
    ]


def test_register__twice__lists_the_environment_once(tmp_path: Path) -> None:
    for _ in range(2):
        environments.register(Path("/envs/one"), tmp_path)
    assert (tmp_path / ".conda" / "environments.txt").read_text() == "/envs/one\n"


def test_register__home_cannot_be_written__is_not_an_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    environments.register(Path("/envs/one"), blocked)
    assert blocked.read_text() == ""
