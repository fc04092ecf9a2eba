"""An environment and its files: all get their names, or none; nothing is left that the next one does not clear."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from leftovers import left

from python_package.create import outputs
from python_package.errors import PackError
from python_package.files import interrupts

OLD, NEW = ("old", "old", "old"), ("new", "new", "new")


def make_environment(where: Path, content: str) -> Path:
    (where / "conda-meta").mkdir(parents=True)
    (where / "content").write_text(content)
    return where


def make(folder: Path, content: str, name: str | None = "env") -> None:
    """Do what create does: an environment and two files of one content."""
    files = [folder / "out" / "env.tar.gz", folder / "out" / "env.lock"]
    with outputs.stage(folder / "envs", name, files) as staged:
        make_environment(staged.path, content)
        for output in files:
            write(staged, output, content)
        staged.commit()


def state(folder: Path) -> tuple[str, ...]:
    places = ("envs/env/content", "out/env.tar.gz", "out/env.lock")
    return tuple((folder / place).read_text() if (folder / place).exists() else "none" for place in places)


def everything(folder: Path) -> list[str]:
    return [*left(folder / "envs"), *sorted(path.name for path in (folder / "out").iterdir())]


CLEAR = ["env", "env.lock", "env.tar.gz"]


def write(staged: outputs.Staged, output: Path, text: str) -> None:
    with staged.writing(output) as file:
        file.write(text.encode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that has an old environment with its files."""
    for name in ("envs", "out"):
        (tmp_path / name).mkdir()
    make(tmp_path, "old")
    assert state(tmp_path) == OLD
    return tmp_path


@pytest.fixture(params=["exchange", "renames"])
def renaming(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let two names be exchanged at once, or not, as on some network file systems."""
    if request.param == "renames":
        monkeypatch.setattr(outputs, "_exchange", lambda *_: False)
    return str(request.param)


def at_line(number: int, do: Callable[[], None], *, after: str) -> Callable[[], bool]:
    """Do something just before the line of that number of all that run in the module; return how to end that.

    Lines count from the first call of a function, `after`, on. What is returned tells whether the line came.
    """
    count, begun = 0, False

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count, begun
        if frame.f_code.co_filename != outputs.__file__:
            return None
        begun = begun or frame.f_code.co_name == after
        if event == "line" and begun:
            count += 1
            if count == number:
                do()
        return trace

    sys.settrace(trace)

    def end() -> bool:
        sys.settrace(None)
        return count >= number

    return end


def in_child(work: Callable[[], None]) -> int:
    """Run something in a process of its own; return how it ended: negative for a signal."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:  # nothing of the tests may go on in the child
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_stage__committed_over_an_old_one__replaces_it_and_leaves_nothing_else(tmp_path: Path) -> None:
    make_environment(tmp_path / "env", "old")
    with outputs.stage(tmp_path, "env") as staged:
        make_environment(staged.path, "new")
        assert (tmp_path / "env" / "content").read_text() == "old"
        staged.commit()
    assert (tmp_path / "env" / "content").read_text() == "new"
    assert left(tmp_path) == ["env"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_stage__failure_inside__leaves_the_old_one_whole(tmp_path: Path, error: type[BaseException]) -> None:
    make_environment(tmp_path / "env", "old")
    with pytest.raises(error), outputs.stage(tmp_path, "env") as staged:
        make_environment(staged.path, "half made")
        raise error
    assert (tmp_path / "env" / "content").read_text() == "old"
    assert left(tmp_path) == ["env"]


def test_stage__leftovers_of_a_killed_process__are_cleared(tmp_path: Path) -> None:
    make_environment(tmp_path / ".env.new", "half made")
    with outputs.stage(tmp_path, "env") as staged:
        assert not staged.path.exists()


def test_stage__replaced_environment_whose_removal_was_cut_short__is_removed(tmp_path: Path) -> None:
    make_environment(tmp_path / ".env.old.1", "replaced")
    with outputs.stage(tmp_path, "env") as staged:
        make_environment(staged.path, "new")
        staged.commit()
    assert left(tmp_path) == ["env"]


def test_stage__without_a_name__makes_the_files_alone(folder: Path) -> None:
    make(folder, "new", None)

    assert state(folder) == ("old", "new", "new")
    assert everything(folder) == CLEAR


def test_stage__without_a_name_and_a_failure_inside__leaves_the_old_files(folder: Path) -> None:
    with pytest.raises(RuntimeError), outputs.stage(folder / "envs", None, [folder / "out" / "env.tar.gz"]) as staged:
        make_environment(staged.path, "half made")
        write(staged, folder / "out" / "env.tar.gz", "half made")
        raise RuntimeError

    assert state(folder) == OLD
    assert everything(folder) == CLEAR


def test_stage__without_a_name_by_two_at_once__is_no_conflict(folder: Path) -> None:
    with outputs.stage(folder / "envs", None) as one, outputs.stage(folder / "envs", None) as other:
        assert one.path != other.path


def test_stage__environment_without_a_name_whose_removal_was_cut_short__is_removed(tmp_path: Path) -> None:
    make_environment(tmp_path / ".tarball-0123.old.1", "replaced")
    with outputs.stage(tmp_path, "env"):
        pass
    assert left(tmp_path) == []


def test_stage__name_taken_by_something_else__is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "thesis.txt").write_text("precious")
    with pytest.raises(PackError, match="is not a Conda environment"), outputs.stage(tmp_path, "env"):
        raise AssertionError("the body must not run")
    assert (tmp_path / "env" / "thesis.txt").read_text() == "precious"


def test_stage__held_by_another_process__is_refused(tmp_path: Path) -> None:
    holder = (
        "import sys; from pathlib import Path; from python_package.create import outputs\n"
        "with outputs.stage(Path(sys.argv[1]), 'env'):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", holder, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(PackError, match="another python_package_create"), outputs.stage(tmp_path, "env"):
            raise AssertionError("the body must not run")
        process.communicate(timeout=30)
    with outputs.stage(tmp_path, "env") as staged:
        assert staged.target == tmp_path / "env"


@pytest.mark.parametrize("which", ["env.tar.gz", "env.lock"])
def test_stage__output_that_another_process_writes__is_refused_before_any_work(folder: Path, which: str) -> None:
    with outputs.stage(folder / "envs", "one", [folder / "out" / which]):
        with pytest.raises(PackError, match=f"another python_package_create is writing .*/{which}"):
            make(folder, "new")
        assert state(folder) == OLD
    make(folder, "new")
    assert state(folder) == NEW
    assert everything(folder) == CLEAR


@pytest.mark.slow
@pytest.mark.usefixtures("renaming")
@pytest.mark.parametrize(("after", "step", "name"), [("stage", 9, "env"), ("commit", 1, "env"), ("stage", 9, None)])
def test_stage__killed_at_any_line__the_next_one_finds_the_old_or_the_new_and_clears_all(
    tmp_path: Path, after: str, step: int, name: str | None
) -> None:
    """Each line of the transaction is a moment: what is on the disk only changes between two of them."""
    number = 0
    while True:
        number += step
        place = tmp_path / str(number)
        for folder in ("envs", "out"):
            (place / folder).mkdir(parents=True)
        make(place, "old")

        def killed(place: Path = place, number: int = number) -> None:
            at_line(number, lambda: os.kill(os.getpid(), signal.SIGKILL), after=after)
            make(place, "new", name)

        ended = in_child(killed)
        # Another environment's create clears it all, and finishes what was begun.
        with outputs.stage(place / "envs", "other"):
            assert state(place) in (OLD, NEW if name else ("old", "new", "new")), number
        kept = [entry for entry in everything(place) if not re.fullmatch(r"\.(env|tarball-\w+)\.lock", entry)]
        assert kept == CLEAR, number  # those are empty
        if ended == 0:
            break
    make(place, "again")
    assert everything(place) == CLEAR
    assert number > 60


@pytest.mark.slow
@pytest.mark.usefixtures("renaming")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_commit__signal_at_any_line__leaves_the_old_or_the_new_and_nothing_else(
    folder: Path, sent: signal.Signals
) -> None:
    """The handler is one that raises, as Python's own for SIGINT and the commands' for the others do."""

    class Ended(BaseException):
        pass

    def handle(*_: object) -> None:
        raise Ended

    def child() -> None:
        signal.signal(sent, handle)
        number, came, before = 0, True, state(folder)
        while came:
            number += 2
            end = at_line(number, lambda: signal.raise_signal(sent), after="commit")
            ended = False
            try:
                make(folder, "new")
            except Ended:
                ended = True
            came = end()
            assert ended == came
            assert state(folder) in (before, NEW)
            assert everything(folder) == CLEAR
            before = state(folder)
        os._exit(77 if number > 60 else 2)

    assert in_child(child) == 77


@pytest.mark.usefixtures("renaming")
@pytest.mark.parametrize("which", ["env.tar.gz", "env.lock"])
def test_commit__output_cannot_get_its_name__all_is_as_it_was(folder: Path, which: str) -> None:
    output = folder / "out" / which
    with (
        pytest.raises(PackError, match=f"cannot write .*{which}: a folder has that name now; all is as it was"),
        outputs.stage(folder / "envs", "env", [folder / "out" / "first", output]) as staged,
    ):
        make_environment(staged.path, "new")
        write(staged, folder / "out" / "first", "new")
        write(staged, output, "new")
        output.unlink()
        output.mkdir()
        staged.commit()
    assert (folder / "envs" / "env" / "content").read_text() == "old"
    assert everything(folder) == CLEAR


def test_stage__journal_of_something_else__moves_nothing(folder: Path) -> None:
    (folder / "out" / "precious").write_text("mine")
    for number, text in enumerate(["", "{", "[1]", "[[1, 2]]", '[["a"]]', json.dumps({"a": 1})]):
        (folder / "envs" / f".e{number}.journal").write_text(text)
    (folder / "envs" / ".link.journal").symlink_to(folder / "out" / "precious")
    make(folder, "new")
    assert state(folder) == NEW
    assert everything(folder) == ["env", "env.lock", "env.tar.gz", "precious"]


def test_held__in_another_thread__is_not_in_the_way() -> None:
    done = []

    def work() -> None:
        with interrupts.held():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGINT)]


def test_held__ignored_signal__stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts.held():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
