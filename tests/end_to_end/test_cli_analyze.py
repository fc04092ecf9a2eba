"""The command python_package_analyze: argument forms, files written, exit codes, all by real processes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fake_python import fake_python

COMMAND = str(Path(sys.executable).with_name("python_package_analyze"))

EXAMPLE = """\
import os
import sys
import pickle

import antigravity
import matplotlib


if __name__ == "__main__":
    print("example")
"""
ANSWER = '{"python": "3.7.3", "modules": ["antigravity", "matplotlib"]}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with example.py, to work in; `bin` beside it holds a python3 of version 3.7.3."""
    (tmp_path / "bin").mkdir()
    fake_python(tmp_path / "bin", "echo Python 3.7.3", name="python3")
    work = tmp_path / "work"
    work.mkdir()
    (work / "example.py").write_text(EXAMPLE)
    return work


def _run(
    folder: Path, *arguments: str, stdin: str | bytes = "", path: str | None = None, redirect: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder; `redirect` is put after it, in a shell, and may redirect."""
    argv = ["sh", "-c", f'exec "$@" {redirect}', "sh", COMMAND, *arguments] if redirect else [COMMAND, *arguments]
    data = stdin.encode() if isinstance(stdin, str) else stdin
    environment = {**os.environ, "PATH": path or f"{folder.parent / 'bin'}:/usr/bin:/bin"}
    ran = subprocess.run(argv, cwd=folder, env=environment, input=data, capture_output=True, check=False, timeout=60)
    return subprocess.CompletedProcess(argv, ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def _fails(ran: subprocess.CompletedProcess[str], code: int, *says: str) -> None:
    assert ran.returncode == code, ran.stderr
    assert ran.stdout == ""
    assert ran.stderr.startswith("python_package_analyze: ")
    assert ran.stderr.count("\n") == 1
    for text in says:
        assert text in ran.stderr


def _untouched(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_command__man_page_example__writes_the_man_page_line(folder: Path) -> None:
    ran = _run(folder, "example.py", "dependencies.json")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert (folder / "dependencies.json").read_text() == ANSWER
    assert _untouched(folder) == ["dependencies.json", "example.py"]


def test_command__default_python3__is_the_one_on_path_not_the_one_that_runs_the_tool(folder: Path) -> None:
    _run(folder, "example.py", "out.json")
    assert json.loads((folder / "out.json").read_text())["python"] == "3.7.3"
    assert sys.version_info >= (3, 10)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_command__help__is_on_stdout(folder: Path, option: str) -> None:
    ran = _run(folder, option)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("usage: python_package_analyze [options] <python-script> <json-output-file>\n")


@pytest.mark.parametrize(
    "arguments", [[], ["example.py"], ["--nonsense", "example.py", "out.json"], ["-x"], ["example.py", "--out"]]
)
def test_command__invalid_form__exits_1_in_one_line(folder: Path, arguments: list[str]) -> None:
    _fails(_run(folder, *arguments), 1, "usage: python_package_analyze [options]")
    assert _untouched(folder) == ["example.py"]


@pytest.mark.parametrize("script", ["nowhere.py", "empty", "", "example.py/x", "link.py", "loop.py"])
def test_command__script_that_cannot_be_read__exits_2(folder: Path, script: str) -> None:
    (folder / "link.py").symlink_to("nowhere.py")
    (folder / "loop.py").symlink_to("loop.py")
    (folder / "empty").mkdir()
    (folder / "out.json").write_text("old")
    _fails(_run(folder, script, "out.json"), 2)
    assert (folder / "out.json").read_text() == "old"


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"import os\nx = (\n", 2), (b"\n<html>\n", 2), (b"\x7fELF\x00", 1), (b"\n\nname = '\xe9'\n", 3)],
)
def test_command__script_that_is_not_python__exits_3_and_touches_nothing(
    folder: Path, content: bytes, line: int
) -> None:
    (folder / "bad").write_bytes(content)
    (folder / "out.json").write_text("old")
    _fails(_run(folder, "bad", "out.json"), 3, f"bad:{line}: not valid Python: ")
    assert (folder / "out.json").read_text() == "old"
    assert _untouched(folder) == ["bad", "example.py", "out.json"]


def test_command__local_module_that_is_not_python__exits_3_with_its_name(folder: Path) -> None:
    (folder / "main.py").write_text("import helper")
    (folder / "helper.py").write_text("x = 1\ndef (")
    _fails(_run(folder, "main.py", "out.json"), 3, "helper.py:2: not valid Python: ")
    assert not (folder / "out.json").exists()


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("dependencies = 1", 3, "meta.py:2: `dependencies` must be"),
        ("requires-python = '>=3.x'", 3, "meta.py:2: `requires-python` is '>=3.x', not a range"),
    ],
)
def test_command__metadata_that_cannot_be_honoured__exits_with_its_place(
    folder: Path, line: str, code: int, says: str
) -> None:
    (folder / "meta.py").write_text(f"# /// script\n# {line}\n# ///\n")
    _fails(_run(folder, "meta.py", "out.json"), code, says)
    assert not (folder / "out.json").exists()


def test_command__metadata_asks_for_a_python_that_is_not_here__is_in_the_output_as_a_range(folder: Path) -> None:
    (folder / "meta.py").write_text("# /// script\n# requires-python = '>=3.99'\n# ///\nimport yaml\n")
    ran = _run(folder, "meta.py", "-")
    assert (ran.returncode, json.loads(ran.stdout)) == (0, {"python": ">=3.99", "modules": ["yaml"]})
    assert ran.stderr == (
        "python_package_analyze: meta.py:2: the script requires Python >=3.99, which the default python3 3.7.3 is not, "
        "nor any other on PATH; create takes the newest that its channels have\n"
    )


def test_command__metadata__is_in_the_output(folder: Path) -> None:
    (folder / "meta.py").write_text("# /// script\n# dependencies = ['rich>=13']\n# ///\nimport yaml\n")
    ran = _run(folder, "meta.py", "-")
    assert json.loads(ran.stdout) == {"python": "3.7.3", "modules": ["yaml"], "packages": ["rich>=13"]}


def test_command__notebook_and_scripts__have_one_output(folder: Path) -> None:
    cells = [{"cell_type": "code", "source": "%time import yaml"}]
    (folder / "nb.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}}))
    ran = _run(folder, "nb.ipynb", "example.py", "-")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["modules"] == ["antigravity", "matplotlib", "yaml"]


def test_command__notebook_with_a_cell_that_is_not_python__exits_3(folder: Path) -> None:
    cells = [{"cell_type": "markdown"}, {"cell_type": "code", "source": "x\ndef ("}]
    (folder / "nb.ipynb").write_text(json.dumps({"cells": cells}))
    _fails(_run(folder, "nb.ipynb", "out.json"), 3, "nb.ipynb:cell 2:2: not valid Python: ")
    assert not (folder / "out.json").exists()


def test_command__directory__is_all_its_files_and_notes_name_the_bad_ones(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "task.py").write_text("import yaml, example")
    (folder / "deep" / "bad.py").write_text("def (")
    ran = _run(folder, ".", "out.json")
    assert (ran.returncode, ran.stdout) == (0, "")
    bad, local = ran.stderr.splitlines()
    assert bad.startswith("python_package_analyze: deep/bad.py:1: not valid Python: ")
    assert local.endswith(" (--local does): example")
    assert json.loads((folder / "out.json").read_text())["modules"] == ["antigravity", "matplotlib", "yaml"]


def test_command__directory_without_a_good_file__is_not_an_error(folder: Path) -> None:
    (folder / "example.py").write_text("def (")
    ran = _run(folder, ".", "-")
    assert (ran.returncode, json.loads(ran.stdout)["modules"]) == (0, [])


@pytest.mark.parametrize("output", ["example.py", "./example.py", "link.ipynb"])
def test_command__output_that_is_of_the_directory__exits_4(folder: Path, output: str) -> None:
    (folder / "link.ipynb").symlink_to("example.py")
    _fails(_run(folder, ".", output), 4, "it is the script itself")
    assert (folder / "example.py").read_text() == EXAMPLE


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (".", "is a directory"),
        ("new/", "is a directory"),
        ("missing/out.json", "there is no directory"),
        ("example.py/out.json", "there is no directory"),
        ("", "no name"),
        ("./example.py", "it is the script itself"),
        ("/proc/out.json", "cannot write /proc/out.json"),
        ("/dev/full", "No space left"),
        ("x" * 300, "File name too long"),
    ],
)
def test_command__output_that_cannot_be_written__exits_4(folder: Path, output: str, says: str) -> None:
    _fails(_run(folder, "example.py", output), 4, says)
    assert _untouched(folder) == ["example.py"]
    assert (folder / "example.py").read_text() == EXAMPLE


def test_command__full_standard_output__exits_4(folder: Path) -> None:
    _fails(_run(folder, "example.py", "-", redirect="> /dev/full"), 4, "No space left")


def test_command__faulty_output__is_reported_before_the_script_is_read(folder: Path) -> None:
    (folder / "bad").write_text("def (")
    _fails(_run(folder, "bad", "missing/out.json"), 4)


@pytest.mark.parametrize(
    ("body", "says"),
    [(None, "python3 is not on PATH"), ("exit 1", "exits with status 1"), ("echo no", "does not tell its version")],
)
def test_command__no_default_python3__exits_5(folder: Path, body: str | None, says: str) -> None:
    (folder.parent / "bin" / "python3").unlink()
    if body:
        fake_python(folder.parent / "bin", body, name="python3")
    _fails(_run(folder, "example.py", "out.json", path=str(folder.parent / "bin")), 5, says)
    assert not (folder / "out.json").exists()


def test_command__interrupted__exits_130_and_touches_nothing(folder: Path) -> None:
    # The pause lets the command come to where it waits: Python may lose an interrupt that comes during an import.
    fake_python(folder.parent / "bin", f"sleep 0.5; echo $$ > {folder.parent}/pid; exec sleep 60", name="python3")
    environment = {**os.environ, "PATH": f"{folder.parent / 'bin'}:/usr/bin:/bin"}
    with subprocess.Popen(
        [COMMAND, "example.py", "out.json"],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, such as this test may be in, ignores the signal, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        started = folder.parent / "pid"
        for _ in range(2000):
            if started.exists() and started.read_text().endswith("\n"):
                break
            signal.sigtimedwait([], 0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "python_package_analyze: interrupted\n")
    assert _untouched(folder) == ["example.py"]
    # Its python3 went with it: the process is gone, or a zombie that init has not reaped yet.
    stat_file = Path("/proc", started.read_text().strip(), "stat")
    assert not stat_file.exists() or stat_file.read_text().rpartition(")")[2].split()[0] == "Z"


def test_command__standard_input_and_output__are_dashes(folder: Path) -> None:
    ran = _run(folder, "-", "-", stdin=EXAMPLE)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, ANSWER, "")


def test_command__standard_input__follows_modules_of_the_current_folder(folder: Path) -> None:
    (folder / "helper.py").write_text("import yaml")
    ran = _run(folder, "-", "-", stdin="import helper")
    assert json.loads(ran.stdout)["modules"] == ["yaml"]


def test_command__standard_input_that_is_not_python__names_the_line(folder: Path) -> None:
    _fails(_run(folder, "-", "out.json", stdin=b"import os\ndef (\n"), 3, "<stdin>:2: not valid Python")


def test_command__script_from_a_pipe__is_read(folder: Path) -> None:
    ran = _run(folder, "/dev/stdin", "-", stdin=EXAMPLE)
    assert ran.stdout == ANSWER


def test_command__name_with_a_leading_dash__needs_two_dashes_before_it(folder: Path) -> None:
    (folder / "-s.py").write_text("import yaml")
    assert json.loads(_run(folder, "--", "-s.py", "-").stdout)["modules"] == ["yaml"]


def test_command__as_parsl_calls_it__serves_the_file_and_standard_input(folder: Path) -> None:
    (folder / "exec_parsl_function.py").write_text("import pickle, parsl\n")
    arguments = ("exec_parsl_function.py", "-", "spec.yaml", "--extra-pkg", "dill", "--extra-pkg", "cctools")
    ran = _run(folder, *arguments, stdin="def app():\n    import numpy\n")
    assert (ran.returncode, ran.stderr) == (0, "")
    spec = json.loads((folder / "spec.yaml").read_text())
    assert spec == {"python": "3.7.3", "modules": ["numpy", "parsl"], "packages": ["cctools", "dill"]}


def test_command__mapping__is_handed_on(folder: Path) -> None:
    ran = _run(
        folder,
        "--map",
        "cv2=opencv-python",
        "--pkg-mapping=google.cloud=google-x",
        "-",
        "-",
        stdin="import cv2",
    )
    assert json.loads(ran.stdout)["mapping"] == {"cv2": "opencv-python", "google.cloud": "google-x"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--map", "cv2"],
        ["--pkg-mapping", "cv2="],
        ["--pkg-mapping", "=opencv"],
        ["--map", "c-v=opencv"],
        ["--pkg-mapping", "cv2=a b"],
        ["--extra-pkg", ""],
        ["--extra-pkg", "a;b"],
        ["--toplevel", "--function", "f"],
        ["--function", "nothing"],
        ["--function", ""],
    ],
)
def test_command__option_with_a_faulty_value__exits_1(folder: Path, arguments: list[str]) -> None:
    _fails(_run(folder, *arguments, "example.py", "out.json"), 1)
    assert _untouched(folder) == ["example.py"]


SCOPES = """\
import outer, helper
try: import tried
except ImportError: pass
from importlib import import_module as load
class Class:
    def method(self):
        import in_method
        def inner():
            return load("in_inner")
async def coroutine(): import in_coroutine
"""


@pytest.mark.parametrize(
    ("options", "modules"),
    [
        ([], ["in_coroutine", "in_helper", "in_inner", "in_method", "outer", "tried"]),
        (["--toplevel"], ["in_helper", "outer"]),
        (["--function", "method"], ["in_inner", "in_method"]),
        (["--function", "inner"], ["in_inner"]),
        (["--function", "coroutine"], ["in_coroutine"]),
    ],
)
def test_command__part_of_a_script__counts_alone(folder: Path, options: list[str], modules: list[str]) -> None:
    (folder / "helper.py").write_text("def f(): import in_helper\n")
    ran = _run(folder, *options, "-", "-", stdin=SCOPES)
    assert json.loads(ran.stdout)["modules"] == modules


def test_command__function_of_one_of_two_scripts__is_enough(folder: Path) -> None:
    ran = _run(folder, "--function", "f", "example.py", "-", "-", stdin="def f(): import yaml")
    assert json.loads(ran.stdout)["modules"] == ["yaml"]


def test_command__notes__go_to_stderr_and_the_output_is_written(folder: Path) -> None:
    (folder / "old.py").write_text("import urllib2\nprint 'x'\n")
    ran = _run(folder, "old.py", "-")
    assert (ran.returncode, json.loads(ran.stdout)["modules"]) == (0, ["urllib2"])
    assert ran.stderr.startswith("python_package_analyze: old.py:2: the syntax of an older Python")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_command__new_output__has_the_mode_of_the_umask(folder: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        _run(folder, "example.py", "out.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "out.json").stat().st_mode) == mode


def test_command__existing_output__is_replaced_and_keeps_its_mode(folder: Path) -> None:
    output = folder / "out.json"
    output.write_text("old and longer than the new content " * 9)
    output.chmod(0o640)
    inode = output.stat().st_ino
    assert _run(folder, "example.py", "out.json").returncode == 0
    assert output.read_text() == ANSWER
    assert stat.S_IMODE(output.stat().st_mode) == 0o640
    assert output.stat().st_ino != inode


def test_command__link_as_output__stays_a_link(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "out.json").symlink_to("real/target.json")
    assert _run(folder, "example.py", "out.json").returncode == 0
    assert (folder / "out.json").is_symlink()
    assert (folder / "real" / "target.json").read_text() == ANSWER
    assert _run(folder, "example.py", "out.json").returncode == 0
    assert (folder / "out.json").is_symlink()


def test_command__dev_stdout_as_output__appends_where_the_shell_appends(folder: Path) -> None:
    (folder / "log").write_text("before\n")
    _run(folder, "example.py", "/dev/stdout", redirect=">> log")
    assert (folder / "log").read_text() == "before\n" + ANSWER


def test_command__pipe_as_output__is_written_through(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=folder, stdout=subprocess.PIPE, text=True) as reader:
        assert _run(folder, "example.py", "pipe").returncode == 0
        assert reader.communicate(timeout=30)[0] == ANSWER
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)


def test_command__process_substitution_as_output__is_written_through(folder: Path) -> None:
    ran = _run(folder, "example.py", "/dev/fd/3", redirect="3>&1 >/dev/null | cat")
    assert (ran.stdout, ran.returncode) == (ANSWER, 0)


def test_command__dev_null_as_output__stays_a_device(folder: Path) -> None:
    assert _run(folder, "example.py", "/dev/null").returncode == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_command__reader_that_has_gone__ends_quietly(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [COMMAND, "example.py", "-"], cwd=folder, stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_command__paths_with_spaces_and_other_letters__work(folder: Path) -> None:
    place = folder / "a b ñ 'q'"
    place.mkdir()
    (place / "my script").write_text("import yaml")
    ran = _run(folder, f"{place.name}/my script", f"{place.name}/out put.json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads((place / "out put.json").read_text())["modules"] == ["yaml"]


def test_command__script_as_a_hostile_user_would_write_it__is_not_executed(folder: Path) -> None:
    (folder / "evil.py").write_text("import json\n__import__('os').system('touch executed')\n")
    (folder / "json.py").write_text("open('executed', 'w')\n")
    (folder / "python_package.py").write_text("open('executed', 'w')\n")
    (folder / "sitecustomize.py").write_text("open('executed', 'w')\n")
    assert _run(folder, "evil.py", "out.json").returncode == 0
    assert not (folder / "executed").exists()


def test_command__start__imports_none_of_the_slow_modules(folder: Path) -> None:
    code = "import sys; import python_package.cli.analyze as c; c.main(['example.py', 'out.json']); print(*sys.modules)"
    environment = {**os.environ, "PATH": f"{folder.parent / 'bin'}:/usr/bin:/bin"}
    # -S: what site and the .pth files of this environment import is not ours.
    ran = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; sys.path += " + repr(sys.path) + "; " + code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    slow = {
        "argparse",
        "dataclasses",
        "packaging",
        "pathlib",
        "stdlib_list",
        "subprocess",
        "tree_sitter",
        "typing",
        "tokenize",
        "tomllib",
    }
    assert slow.isdisjoint(ran.stdout.split())
