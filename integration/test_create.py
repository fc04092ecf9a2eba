"""The user's machine: an environment made without a network, and the argument forms of the programs that call us."""

from __future__ import annotations

import pytest

from integration.conftest import Workers
from integration.machines import CLEAN, CONDA, HOME, Builder, Environment
from python_package import pack

# As Parsl's WorkQueueExecutor(pack=True) calls us for the source of an app.
_APP = b"""@python_app
def describe(path):
    import dill
    from lxml import etree
    return dill.dumps(etree.tostring(etree.XML(path)))
"""


def test_builder__asked_for_networks__has_none(builder: Builder) -> None:
    assert builder.run("cat", "/proc/net/route").out.splitlines()[1:] == []


def test_create__script_with_eight_imports__makes_environment_in_the_default_conda_directory(
    builder: Builder, rich: Environment
) -> None:
    spec = builder.spec("rich")
    assert spec["modules"] == ["cloudpickle", "dill", "lxml", "matplotlib", "numpy", "pandas", "pytest", "tqdm"]
    assert (
        spec["python"] == builder.run("python3", "-c", "import platform; print(platform.python_version())").out.strip()
    )
    records = builder.run("ls", f"{rich.prefix}/conda-meta").ok().out
    for name in ("python-", "numpy-", "lxml-", "history"):
        assert name in records
    assert "tqdm-" not in records  # no channel has it: it came from an index, through uv
    assert builder.run(f"{rich.prefix}/bin/python", "-c", "import numpy, tqdm").status == 0
    assert rich.prefix in builder.run("cat", f"{HOME}/.conda/environments.txt").out


def test_create__man_page_commands_only__environment_is_in_condas_own_directory_and_runs(
    builder: Builder, workers: Workers
) -> None:
    (builder.folder / "example.py").write_text("import os\nimport antigravity\nimport tqdm\n\nprint('example')\n")
    builder.run("python_package_analyze", "example.py", "dependencies.json").ok()
    assert builder.spec("dependencies")["modules"] == ["antigravity", "tqdm"]
    builder.run("python_package_create", "dependencies.json", "example_venv").ok()
    assert builder.run("ls", f"{CONDA}/envs/example_venv/conda-meta/history").status == 0
    assert builder.run("ls", f"{HOME}/.conda/envs").status != 0
    example = Environment("example_venv", builder.folder / "example_venv.tar.gz", "")
    done = workers(CLEAN).job(example).run(example, "python3 -c 'import tqdm; print(1)'")
    assert (done.status, done.out) == (0, "1\n"), done.err


def test_create__conda_belongs_to_somebody_else__environment_is_in_the_users_own_directory(builder: Builder) -> None:
    version = builder.run("python3", "-c", "import platform; print(platform.python_version())").out.strip()
    (builder.folder / "plain.json").write_text(f'{{"python": "{version}", "modules": []}}')
    builder.run("python_package_create", "plain.json", "plain", user="4321:8765").ok()
    assert builder.run("ls", "/tmp/4321/.conda/envs/plain/conda-meta/history", user="4321:8765").status == 0
    assert builder.run("ls", f"{CONDA}/envs/plain").status != 0
    assert builder.folder.joinpath("plain.tar.gz").exists()


def test_parsl__source_on_stdin_and_a_hidden_tarball_name__gives_a_tarball_that_runs(
    builder: Builder, workers: Workers
) -> None:
    builder.run("sh", "-c", "printf 'import pickle\\n' >exec_parsl_function.py; : >.tmpx8_2k.tar.gz").ok()
    analyze = ("python_package_analyze", "exec_parsl_function.py", "-", "spec.yaml", "--extra-pkg", "cloudpickle")
    builder.run(*analyze, stdin=_APP).ok()
    builder.run("python_package_create", "-c", "/channel", "spec.yaml", "/job/.tmpx8_2k.tar.gz").ok()
    (builder.folder / ".tmpx8_2k.tar.gz").rename(builder.folder / "pack-1f2e.tar.gz")
    job = workers(CLEAN).job(Environment("pack", builder.folder / "pack-1f2e.tar.gz", ""))
    script = 'exec ./python_package_run -e pack-1f2e.tar.gz python3 -c "$1"'
    done = job.sh(script, "import dill, lxml.etree, cloudpickle; print('all')")
    assert (done.status, done.out) == (0, "all\n"), done.err


@pytest.mark.parametrize("command", ["python3 -c 'import numpy'", "python3 -c 'import tqdm'"])
def test_create__environment_without_a_module__does_not_have_it(
    workers: Workers, small: Environment, command: str
) -> None:
    done = workers(CLEAN).job(small).run(small, command)
    assert done.status == 1
    assert "ModuleNotFoundError" in done.err


def test_create__same_environment_made_again__gives_the_same_bytes(builder: Builder, small: Environment) -> None:
    before = small.tarball.read_bytes()
    builder.run("python_package_create", "--channel", "/channel", "small.json", "small").ok()
    assert small.tarball.read_bytes() == before
    assert pack.read(small.tarball).archive == len(before)


def test_create__local_code_and_a_lock__worker_needs_only_the_tarball_and_a_rebuild_is_the_same(
    builder: Builder, workers: Workers
) -> None:
    package = builder.folder / "helpers"
    package.mkdir()
    (package / "__init__.py").write_text("import cloudpickle\n")
    (package / "greeting.txt").write_text("grüße\n", encoding="utf-8")
    (builder.folder / "task.py").write_text(
        "from importlib.resources import files\n\nimport helpers\n\n"
        "print(files(helpers).joinpath('greeting.txt').read_text('utf-8'), end='')\n"
    )
    builder.run("python_package_analyze", "--local", "task.py", "own.json").ok()
    create = ("python_package_create", "--channel", "/channel")
    builder.run(*create, "--lock", "own.lock", "own.json", "own").ok()
    own = Environment("own", builder.folder / "own.tar.gz", "")
    before = own.tarball.read_bytes()
    builder.run(*create, "--offline", "--locked", "own.lock", "own").ok()
    assert own.tarball.read_bytes() == before
    done = workers(CLEAN).job(own).run(own, "python3 -m task")
    assert (done.status, done.out) == (0, "grüße\n"), done.err
