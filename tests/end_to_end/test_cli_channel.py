"""python -m python_package.channel as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from wheels import write_wheel


@pytest.fixture
def environ(tmp_path: Path, host_cache: Path) -> dict[str, str]:
    """A home whose cache knows this interpreter, and a pip that may look at one folder only."""
    (tmp_path / "cache/python_package").mkdir(parents=True)
    (tmp_path / "cache/python_package/channel").symlink_to(host_cache)
    write_wheel(tmp_path / "links", "lower", {"lower.py": ""})
    return {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(tmp_path / "links"),
        "PIP_NO_INDEX": "1",
    }


def run(cwd: Path, environ: dict[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "python_package.channel", *argv]
    return subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_channel__requirement__prints_the_channel_and_tells_progress_apart(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    done = run(tmp_path, environ, "my channel", "lower", "--python", sys.executable)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/my channel\n")
    assert done.stderr.splitlines() == ["Fetching lower", "Packing lower 1.0"]
    assert (tmp_path / "my channel/noarch/lower-1.0-py_0.conda").exists()


def test_channel__help__is_on_stdout(tmp_path: Path, environ: dict[str, str]) -> None:
    done = run(tmp_path, environ, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert " ".join(done.stdout.split()).startswith(
        "usage: python -m python_package.channel [-h] [--version] [--python PATH] DIR [REQUIREMENT ...] Make a local"
    )


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        ((), 1, "the following arguments are required: DIR"),
        (("c", "--nonsense"), 1, "unrecognized arguments: --nonsense"),
        (("c", "nowhere", "--python", sys.executable), 4, "nowhere: No matching distribution found for nowhere"),
        (("c", "--python", "/nonexistent/python"), 9, "/nonexistent/python: no such interpreter"),
        (("links/lower-1.0-py3-none-any.whl", "--python", sys.executable), 7, "File exists"),
    ],
)
def test_channel__failure__is_one_line_and_its_code(
    tmp_path: Path, environ: dict[str, str], argv: tuple[str, ...], code: int, message: str
) -> None:
    done = run(tmp_path, environ, *argv)
    assert (done.returncode, done.stdout) == (code, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("python_package.channel: ")
    assert message in last
    assert "Traceback" not in done.stderr


def test_channel__index_does_not_answer__exits_5(tmp_path: Path, environ: dict[str, str]) -> None:
    environ |= {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    done = run(tmp_path, environ, "c", "nowhere", "--python", sys.executable)
    assert done.returncode == 5
    assert "the package index does not answer: http://127.0.0.1:9/simple/nowhere/" in done.stderr.splitlines()[-1]
