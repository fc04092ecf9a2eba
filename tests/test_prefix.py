"""Conda's bookkeeping: where environments live, staging, history."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from leftovers import left

from python_package.environment import condarc, prefix
from python_package.environment.condarc import Condarc
from python_package.errors import PackError


def make_environment(where: Path, content: str) -> Path:
    (where / "conda-meta").mkdir(parents=True)
    (where / "content").write_text(content)
    return where


def test_envs_dir__variable_condarc_and_home__first_writable_wins(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    (tmp_path / ".condarc").write_text(f"envs_dirs: [{tmp_path}/configured]\n")
    named = {"CONDA_ENVS_PATH": f"{blocked}/envs:{tmp_path}/named", "PATH": ""}
    for environ, expected in ((named, "named"), ({"PATH": ""}, "configured")):
        config = condarc.load("linux-64", environ, tmp_path)
        assert prefix.envs_dir(config, environ, tmp_path) == tmp_path / expected
    assert prefix.envs_dir(Condarc(), {"PATH": ""}, tmp_path) == tmp_path / ".conda" / "envs"


def test_envs_dir__installed_conda__is_its_own_envs(tmp_path: Path) -> None:
    conda = tmp_path / "miniconda" / "condabin" / "conda"
    conda.parent.mkdir(parents=True)
    conda.write_text("#!/bin/sh\n")
    conda.chmod(0o755)
    found = prefix.envs_dir(Condarc(), {"PATH": str(conda.parent)}, tmp_path)
    assert found == tmp_path / "miniconda" / "envs"


def test_envs_dir__nothing_writable__lists_what_was_tried(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(PackError, match="CONDA_ENVS_PATH") as caught:
        prefix.envs_dir(Condarc(envs_dirs=(blocked / "envs",)), {"PATH": ""}, blocked)
    assert f"{blocked}/.conda/envs" in str(caught.value)


def test_stage__committed_over_an_old_one__replaces_it_and_leaves_nothing_else(tmp_path: Path) -> None:
    make_environment(tmp_path / "env", "old")
    with prefix.stage(tmp_path, "env") as staged:
        make_environment(staged.path, "new")
        assert (tmp_path / "env" / "content").read_text() == "old"
        staged.commit()
    assert (tmp_path / "env" / "content").read_text() == "new"
    assert left(tmp_path) == ["env"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_stage__failure_inside__leaves_the_old_one_whole(tmp_path: Path, error: type[BaseException]) -> None:
    make_environment(tmp_path / "env", "old")
    with pytest.raises(error), prefix.stage(tmp_path, "env") as staged:
        make_environment(staged.path, "half made")
        raise error
    assert (tmp_path / "env" / "content").read_text() == "old"
    assert left(tmp_path) == ["env"]


def test_stage__leftovers_of_a_killed_process__are_cleared(tmp_path: Path) -> None:
    make_environment(tmp_path / ".env.new", "half made")
    with prefix.stage(tmp_path, "env") as staged:
        assert not staged.path.exists()


def test_stage__replaced_environment_whose_removal_was_cut_short__is_removed(tmp_path: Path) -> None:
    make_environment(tmp_path / ".env.old.1", "replaced")
    with prefix.stage(tmp_path, "env") as staged:
        make_environment(staged.path, "new")
        staged.commit()
    assert left(tmp_path) == ["env"]


def test_stage__name_taken_by_something_else__is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "thesis.txt").write_text("precious")
    with pytest.raises(PackError, match="is not a Conda environment"), prefix.stage(tmp_path, "env"):
        raise AssertionError("the body must not run")
    assert (tmp_path / "env" / "thesis.txt").read_text() == "precious"


def test_stage__held_by_another_process__is_refused(tmp_path: Path) -> None:
    holder = (
        "import sys; from pathlib import Path; from python_package.environment import prefix\n"
        "with prefix.stage(Path(sys.argv[1]), 'env'):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", holder, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(PackError, match="another python_package_create"), prefix.stage(tmp_path, "env"):
            raise AssertionError("the body must not run")
        process.communicate(timeout=30)
    with prefix.stage(tmp_path, "env") as staged:
        assert staged.target == tmp_path / "env"


def test_write_history__two_records__is_in_condas_format(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    for name in ("zlib", "python"):
        record = {"name": name, "version": "1.0", "build": "h0", "subdir": "linux-64", "channel": "file:///c/"}
        (tmp_path / "conda-meta" / f"{name}-1.0-h0.json").write_text(json.dumps(record))
    prefix.write_history(tmp_path, ["python ==1.0", "zlib"], "python_package_create d.json e")
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
        prefix.register(Path("/envs/one"), tmp_path)
    assert (tmp_path / ".conda" / "environments.txt").read_text() == "/envs/one\n"


def test_register__home_cannot_be_written__is_not_an_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    prefix.register(Path("/envs/one"), blocked)
    assert blocked.read_text() == ""
