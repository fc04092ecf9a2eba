"""bin/activate, sourced as users and job scripts do: in every shell, with any options, again and again."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from run_worker import PATIENCE, tool

from python_package.run import activate_scripts

SHELLS = ("bash", "bash --posix", "zsh", "dash", "busybox ash")
# As careful job scripts and Snakemake's begin; dash does not know pipefail.
STRICT = "set -eu; if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi; "


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """An environment whose folder has a blank in its name, with scripts that care for nothing."""
    env = tmp_path / "an env"
    for name, text in {
        "etc/conda/activate.d/it.sh": "export SET=yes; echo chatter; false; echo $NEVER_SET",
        "etc/conda/deactivate.d/it.sh": "unset SET; false",
        "bin/python": "#!/bin/sh\necho the python of $0\n",
    }.items():
        (env / name).parent.mkdir(parents=True, exist_ok=True)
        (env / name).write_text(text)
    (env / "bin/python").chmod(0o755)
    for path, script in activate_scripts().items():
        (env / path).write_text(script)
    return env


def run(shell: str, script: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script of a shell as a file, with all the options of a careful job script."""
    (cwd / "job").write_text(STRICT + script)
    name, *options = shell.split()
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), **environ}
    argv = [tool(name), *options, "job"]
    return subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("where", ["an env", "./an env", "link", "{absolute}"])
def test_activate__strict_shell__the_environment_comes_first(tmp_path: Path, env: Path, shell: str, where: str) -> None:
    (tmp_path / "link").symlink_to(env)
    script = (
        f'. "{where.format(absolute=env)}/bin/activate"; cd /; printf "%s\\n" "$CONDA_PREFIX" "$SET" "$PATH"; python'
    )

    done = run(shell, script, tmp_path)

    assert done.returncode == 0, done.stderr
    prefix, value, path, python = done.stdout.splitlines()
    assert Path(prefix).samefile(env) and Path(prefix).is_absolute()
    assert (value, path, python) == ("yes", f"{prefix}/bin:/usr/bin:/bin", f"the python of {prefix}/bin/python")
    assert "chatter" in done.stderr or shell in ("dash", "busybox ash")


@pytest.mark.parametrize("shell", SHELLS)
def test_deactivate__after_two_activations__all_is_as_before(env: Path, tmp_path: Path, shell: str) -> None:
    look = 'printf "%s|" "$PATH" "${CONDA_PREFIX-none}" "${SET-none}" "${PYTHONHOME-none}" "${PS1-none}" "$-"'
    sourced = f". {shlex.quote(str(env))}/bin/activate"

    done = run(shell, f"{look}; echo; {sourced}; {sourced}; deactivate; {look}", tmp_path, PYTHONHOME="/a home")

    assert done.returncode == 0, done.stderr
    before, after = done.stdout.splitlines()
    assert before == after
    assert "/a home" in after


@pytest.mark.parametrize("shell", SHELLS)
def test_activate__a_subshell__leaves_its_caller_alone(env: Path, tmp_path: Path, shell: str) -> None:
    done = run(shell, f'(. "{env}/bin/activate"; python); echo "${{CONDA_PREFIX-none}}"', tmp_path)

    assert (done.returncode, done.stdout) == (0, f"the python of {env}/bin/python\nnone\n"), done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_activate__after_a_virtual_environment__takes_its_place(env: Path, tmp_path: Path, shell: str) -> None:
    """venv's own script calls `deactivate nondestructive`, and so do we: its folder does not stay on PATH."""
    subprocess.run([tool("python3"), "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=PATIENCE)

    done = run(shell, f'. venv/bin/activate; . "{env}/bin/activate"; echo "$PATH ${{VIRTUAL_ENV-none}}"', tmp_path)

    assert (done.returncode, done.stdout) == (0, f"{env}/bin:/usr/bin:/bin none\n"), done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_deactivate__as_a_file__is_the_function(env: Path, tmp_path: Path, shell: str) -> None:
    leave = f'. "{env}/bin/deactivate"'

    done = run(shell, f'{leave}; . "{env}/bin/activate"; {leave}; echo "${{CONDA_PREFIX-none}}"', tmp_path)

    assert (done.returncode, done.stdout) == (0, "none\n"), done.stderr


@pytest.mark.parametrize("shell", ["dash", "busybox ash"])
def test_activate__script_for_bash_in_another_shell__says_so_and_fails(env: Path, tmp_path: Path, shell: str) -> None:
    """The shell would end at the bad substitution, or at the syntax error, without a word of ours."""
    (env / "etc/conda/activate.d/bash.sh").write_text("words=(a b); export SECOND=${words[1]}\n")

    done = run(shell, f'set +e; . "{env}/bin/activate" || echo "failed ${{CONDA_PREFIX-none}}"', tmp_path)

    assert (done.returncode, done.stdout) == (0, "failed none\n")
    assert "bash.sh in this shell: use bash, or bin/run_in_env COMMAND" in done.stderr
    assert run(shell, f'. "{env}/bin/activate"; echo ran', tmp_path).stdout == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_activate__colon_in_the_path__is_refused(tmp_path: Path, env: Path, shell: str) -> None:
    odd = env.rename(tmp_path / "a:b")

    done = run(shell, f'. "{odd}/bin/activate"', tmp_path)

    assert done.returncode == 1
    assert "PATH cannot hold a directory with a colon in its name" in done.stderr


def test_activate__interactive_shell__the_prompt_names_the_environment(env: Path, tmp_path: Path) -> None:
    done = run("bash", f'PS1="$ "; . "{env}/bin/activate"; echo "$PS1"; deactivate; echo "$PS1"', tmp_path)

    assert done.stdout == "(an env) $ \n$ \n"
