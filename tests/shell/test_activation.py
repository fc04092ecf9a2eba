"""An environment is activated in one way: by python_package_run, by run_in_env and for create's import check."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from run_tarball import PYTHON
from run_worker import PATIENCE, SHELLS, WRAPPER, tool

from python_package.create import import_check
from python_package.errors import BrokenModuleError
from python_package.run import activation, run_in_env

# What each script does, and whether the environment can be activated. Conda's own are written for bash.
SCRIPTS = {
    "function set_it() {\n    export SET=yes\n}\nset_it\n": True,
    "words=(yes no)\nexport SET=${words[0]}\n": True,
    "export SET=yes; false\n": True,
    'export SET=yes; echo "$NEVER_SET"; set -- clobbered; cd /\n': True,
    "export SET=yes; exit 0\n": False,
    "export SET=yes\nif ((; then\n": False,
}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a real interpreter, which has a module that wants to be activated."""
    where = tmp_path_factory.mktemp("activation") / "an env"
    venv.create(where, symlinks=True)
    (where / "etc/conda/activate.d").mkdir(parents=True)
    (where / "conda-meta").mkdir()
    (where / "conda-meta/python-package-prefix").write_text(f"{where}\n")
    (where / "bin/conda-unpack").write_text("")
    (where / "bin/run_in_env").write_text(run_in_env())
    site = where / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (site / "activated.py").write_text("import os\nassert os.environ['SET'] == 'yes'\n")
    return where


def test_activate__the_wrappers_own_text__is_the_one_of_run_in_env() -> None:
    text = activation()

    assert "activate() {" in text and "start_activated() {" in text
    assert text in WRAPPER.read_text()
    assert text in run_in_env()
    assert "@" not in run_in_env().replace('"$@"', "")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
def test_activate__wrapper_and_run_in_env__agree(prefix: Path, shell: str, script: str) -> None:
    (prefix / "etc/conda/activate.d/it.sh").write_text(script)
    sh = [tool(shell), *{"busybox": ["ash"], "bash": ["--posix"]}.get(shell, [])]
    seen = []
    for front in ([WRAPPER, "-e", prefix, "--"], [prefix / "bin/run_in_env"]):
        (prefix / "conda-meta/python-package-prefix").write_text("" if "((" in script else f"{prefix}\n")
        result = subprocess.run(
            [*sh, *front, "python", "-c", "import activated, sys; print(sys.argv[1])", "an argument"],
            env={"PATH": os.environ["PATH"], "HOME": str(prefix), "BASH_ENV": "/no/such/file"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        seen.append((result.returncode, result.stdout))
        assert result.returncode == 0 or "cannot activate" in result.stderr

    assert seen == [(0, "an argument\n") if SCRIPTS[script] else (4, "")] * 2


@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
def test_check__activation_script__is_run_as_the_wrapper_does(prefix: Path, script: str) -> None:
    """A module was called broken before because the machine's sh did not know bash's `function`."""
    (prefix / "etc/conda/activate.d/it.sh").write_text(script)

    if SCRIPTS[script]:
        with import_check.Check(prefix, ["activated"]) as checking:
            checking.finish()
    else:
        with (
            pytest.raises(BrokenModuleError, match="is not valid shell, or ends the shell"),
            import_check.Check(prefix, ["activated"]) as checking,
        ):
            checking.finish()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("closed", ["1", "2", "12"])
def test_run_in_env__closed_streams__runs_the_command(tmp_path: Path, shell: str, closed: str) -> None:
    env = tmp_path / "env"
    (env / "bin").mkdir(parents=True)
    (env / "etc/conda/activate.d").mkdir(parents=True)
    (env / "etc/conda/activate.d/it.sh").write_text("export SET=yes; echo chatter\n")
    (env / "bin/run_in_env").write_text(run_in_env())
    (env / "bin/python").write_text(PYTHON)
    (env / "bin/python").chmod(0o755)
    (env / "bin/conda-unpack").write_text(f"echo chatter; echo adapted >{env}/adapted\n")
    closing = " ".join(f"{number}>&-" for number in closed)
    sh = " ".join([tool(shell), *{"busybox": ["ash"], "bash": ["--posix"]}.get(shell, [])])

    result = subprocess.run(
        ["sh", "-c", f"{sh} {env}/bin/run_in_env sh -c 'echo $SET >{env}/said' {closing}"],
        timeout=PATIENCE,
        check=False,
    )

    assert (result.returncode, (env / "said").read_text()) == (0, "yes\n")
    assert (env / "adapted").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_run_in_env__colon_in_the_path__exits_4(tmp_path: Path, shell: str) -> None:
    """PATH would be split there, and the task's python be another one."""
    (tmp_path / "a:b/bin").mkdir(parents=True)
    script = tmp_path / "a:b/bin/run_in_env"
    script.write_text(run_in_env())

    result = subprocess.run(
        [tool(shell), *(["ash"] if shell == "busybox" else []), script, "echo", "outside"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (4, "", 1)
    assert "colon" in result.stderr
