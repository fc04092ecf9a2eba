"""NAME.delta and its base make the environment that NAME.tar.gz makes, or none; the base stays as it was."""

from __future__ import annotations

import gzip
import hashlib
import inspect
import os
import random
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from run_worker import PATIENCE, SHELLS, Worker, lines
from tarball_environment import Workshop

from python_package import pack
from python_package.pack import difference
from python_package.pack.relocate import spelled
from python_package.run import completion

TASK = "python3 -c 'import colours; print(colours.__file__)'"
# Of the second environment: in a file that the first one has, too.
SHARED = "lib/library-of-both.so"


@dataclass(frozen=True)
class Made:
    """Three tarballs, `one`, `two` and `three`, with the differences of each from the one before."""

    folder: Path

    def id(self, name: str) -> str:
        return pack.read(self.folder / f"{name}.tar.gz").id


@pytest.fixture(scope="module")
def made(workshop: Workshop) -> Made:
    """Environments whose files have the prefix, odd names, links and modes; each has something that others have not."""
    folder = workshop.folder / "differences"
    folder.mkdir()
    before = ""
    for number, name in enumerate(("one", "two", "three")):
        prefix = workshop.environment(
            workshop.folder / f"d{name}", "holder", wheels=[workshop.wheel(version=f"1.{number}")]
        )
        put(prefix / SHARED, b"shared" * 50_000)
        put(prefix / "lib/odd \u00e4 \udcff\n'name\".txt", b"odd")
        put(prefix / "lib/own.py", b"NUMBER = %d\n" % number)
        put(prefix / f"lib/only-{name}.txt", b"only here")
        put(prefix / "lib/tool", b"#!/bin/sh\n", 0o755 if name == "two" else 0o644)
        put(prefix / "lib/root.cfg", f"root = {prefix}/share\n".encode())
        (prefix / "lib/now").symlink_to(f"only-{name}.txt")
        (prefix / "lib/always").symlink_to("own.py")
        (prefix / "share/empty").mkdir(parents=True)
        tarball = folder / f"{name}.tar.gz"
        with pack.Packer(prefix, cache=workshop.layers) as packer:
            packer.pack(tarball)
            if before:
                with (folder / f"{name}.delta").open("w+b") as file:
                    packer.write_difference(file, pack.read_base(folder / before), tarball)
        before = tarball.name
    return Made(folder)


def put(path: Path, data: bytes, mode: int = 0o644) -> None:
    path.write_bytes(data)
    path.chmod(mode)


@pytest.fixture(params=SHELLS)
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path, request.param)
    yield worker
    worker.stop()
    shutil.rmtree(worker.cache, ignore_errors=True)  # whole environments


@pytest.fixture
def dash(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path, "dash")
    yield worker
    worker.stop()
    shutil.rmtree(worker.cache, ignore_errors=True)  # whole environments


def send(worker: Worker, made: Made, *names: str) -> None:
    for name in names:
        shutil.copyfile(made.folder / name, worker.task / name)


def tree(root: Path) -> dict[str, tuple[object, ...]]:
    """Return what is at each path of an unpacked environment; what holds its place is as it would be anywhere."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(root):
        if ".python_package_run" in folders:
            folders.remove(".python_package_run")
        for name in folders + files:
            path = Path(folder, name)
            status = path.lstat()
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = ("link", str(path.readlink()))
            elif path.is_dir():
                found[key] = ("folder", stat.S_IMODE(status.st_mode))
            else:
                data = path.read_bytes()
                adapted = str(root).encode() in data or key.startswith("conda-meta/python-package-")
                if adapted:  # a path's length tells how many zeros follow it
                    data = (
                        b""
                        if key.endswith("-relocation")
                        else data.replace(str(root).encode(), b"@").replace(b"\0", b"")
                    )
                time = 0 if adapted else status.st_mtime
                digest = hashlib.sha256(data).hexdigest()
                found[key] = (digest, stat.S_IMODE(status.st_mode), time, status.st_uid, status.st_gid)
    return found


@pytest.fixture(scope="module")
def expected(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, tuple[object, ...]]]:
    """Return what a whole tarball gives, by its name."""
    worker = Worker(tmp_path_factory.mktemp("whole"), "dash")
    found = {}
    for name in ("one", "two", "three"):
        send(worker, made, f"{name}.tar.gz")
        assert worker.run(name, TASK).returncode == 0
        found[name] = tree(worker.cache / made.id(name))
    return found.__getitem__


# ---- The same tree


def test_difference__base_in_the_cache__gives_the_tarballs_tree(
    worker: Worker, made: Made, expected: Callable[[str], object]
) -> None:
    send(worker, made, "one.tar.gz", "two.delta")
    assert worker.run("one", TASK).returncode == 0
    (worker.task / "one.tar.gz").unlink()

    done = worker.run("two", TASK)

    here = worker.cache / made.id("two")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{here}/lib/python")
    assert tree(here) == expected("two")
    assert tree(worker.cache / made.id("one")) == expected("one")
    (worker.task / "two.delta").rename(worker.task / "again.delta")
    shutil.rmtree(worker.cache / made.id("one"))
    assert worker.run("again", TASK).stdout == done.stdout


@pytest.mark.parametrize("way", ["beside", "--base tarball", "--base directory", "unpacked by hand", "-u", "-e"])
def test_difference__base_elsewhere__gives_the_tarballs_tree(
    dash: Worker, made: Made, expected: Callable[[str], object], way: str
) -> None:
    send(dash, made, "one.tar.gz", "two.delta")
    options: list[str] = []
    here = dash.cache / made.id("two")
    if way == "--base tarball":
        (dash.root / "other.tar.gz").symlink_to(dash.task / "one.tar.gz")
        options = ["--base", "../other.tar.gz"]
    elif way == "--base directory":
        assert dash.run("-u", "base", "-e", "one.tar.gz").returncode == 0
        options = ["--base", "base"]
    elif way == "unpacked by hand":
        (dash.task / "base").mkdir()
        subprocess.run(["tar", "xzf", "one.tar.gz", "-C", "base"], cwd=dash.task, check=True)
        options = ["--base", "base"]
    if way not in ("beside", "--base tarball"):
        (dash.task / "one.tar.gz").rename(dash.task / "one.gone")
    if way in ("-u", "-e"):
        (dash.task / "one.gone").rename(dash.task / "one.tar.gz")
    if way == "-u":
        here = dash.task / "new"
        options = ["-u", "new"]

    form = ["two", TASK] if way != "-u" else []
    form = ["-e", "two.tar.gz", "--", "sh", "-c", TASK] if way in ("-u", "-e") else form
    done = dash.run(*options, *form)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{here}/lib/python")
    assert tree(here) == expected("two")


def test_difference__whole_tarball_beside__is_taken(dash: Worker, made: Made) -> None:
    send(dash, made, "two.tar.gz", "two.delta")

    assert dash.run("-d", "two", TASK).stderr.count("two.tar.gz into") == 1


def test_difference__twenty_tasks_at_once__unpack_each_environment_once(dash: Worker, made: Made) -> None:
    send(dash, made, "one.tar.gz", "two.delta")

    started = [dash.start("-d", "two", TASK) for _ in range(20)]
    results = [(*process.communicate(timeout=PATIENCE), process.returncode) for process in started]

    assert {(out, code) for out, _, code in results} == {(results[0][0], 0)}
    said = "".join(err for _, err, _ in results)
    assert [said.count(f"unpacking {dash.task}/{name} ") for name in ("one.tar.gz", "two.delta")] == [1, 1]


# ---- A chain


def test_difference__of_a_difference__is_made_where_that_is_unpacked(
    dash: Worker, made: Made, expected: Callable[[str], object]
) -> None:
    send(dash, made, "one.tar.gz", "two.delta", "three.delta")
    alone = dash.run("three", TASK)
    assert (alone.returncode, lines(alone.stderr)) == (2, 1)
    assert "send two.tar.gz along" in alone.stderr

    assert dash.run("two", TASK).returncode == 0
    assert dash.run("three", TASK).returncode == 0

    assert tree(dash.cache / made.id("three")) == expected("three")


def test_difference__as_a_base__exits_3(dash: Worker, made: Made) -> None:
    send(dash, made, "one.tar.gz", "two.delta", "three.delta")

    done = dash.run("--base", "two.delta", "three", TASK)

    assert (done.returncode, done.stdout, lines(done.stderr)) == (3, "", 1)
    assert "send two.tar.gz along" in done.stderr


# ---- A base that will not do


def refused(worker: Worker, made: Made, code: int, *options: str) -> str:
    """Run the second environment, which must fail with one line and leave nothing that runs; return the line."""
    done = worker.run(*options, "two", TASK)
    assert (done.returncode, done.stdout, lines(done.stderr)) == (code, "", 1), done.stderr
    assert not (worker.cache / made.id("two") / ".python_package_run/ready").exists()
    assert not (worker.cache / made.id("two") / "bin").exists()
    return done.stderr


def test_difference__base_missing__exits_2_and_names_the_file(worker: Worker, made: Made) -> None:
    send(worker, made, "two.delta")

    assert "send one.tar.gz along" in refused(worker, made, 2)
    assert "send one.tar.gz along" in refused(worker, made, 2, "--base", "nowhere.tar.gz")


@pytest.mark.parametrize("kind", ["another", "another directory", "no environment", "cut short", "damaged", "foreign"])
def test_difference__base_is_not_the_right_one__exits_3_and_names_the_file(dash: Worker, made: Made, kind: str) -> None:
    send(dash, made, "one.tar.gz", "two.delta")
    base, options = dash.task / "one.tar.gz", []
    if kind == "another":
        shutil.copyfile(made.folder / "three.tar.gz", base)
    elif kind in ("another directory", "no environment"):
        (dash.task / "base").mkdir()
        options = ["--base", "base"]
        if kind == "another directory":
            subprocess.run(["tar", "xzf", made.folder / "three.tar.gz", "-C", dash.task / "base"], check=True)
    elif kind == "cut short":
        os.truncate(base, base.stat().st_size - 10_000)
    elif kind == "damaged":
        with base.open("r+b") as file:
            file.seek(base.stat().st_size // 2)
            file.write(bytes(64))
    else:
        base.write_bytes(b"no tarball at all")

    assert "one.tar.gz" in refused(dash, made, 3, *options)


CHANGES: dict[str, Callable[[Path], object]] = {
    "appended": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "same size and time": lambda path: forge(path),
    "removed": lambda path: path.unlink(),
    "a link": lambda path: lead_away(path),
}


def lead_away(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def forge(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"X" + path.read_bytes()[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("file", [SHARED, "lib/root.cfg", "lib/always", "lib/libholder.so"])
@pytest.mark.parametrize("change", CHANGES)
def test_difference__file_of_the_base_changed_by_a_task__is_not_taken(
    dash: Worker, made: Made, expected: Callable[[str], object], change: str, file: str
) -> None:
    send(dash, made, "one.tar.gz", "two.delta")
    assert dash.run("one", TASK).returncode == 0
    old = dash.cache / made.id("one")
    CHANGES[change](old / file)
    (dash.task / "one.tar.gz").rename(dash.task / "kept")
    if file == "lib/always" and change in ("appended", "same size and time"):
        file = "lib/own.py"  # where the link leads, which the second environment does not take
    else:
        assert "send one.tar.gz along" in refused(dash, made, 3)

    (dash.task / "kept").rename(dash.task / "one.tar.gz")
    done = dash.run("two", TASK)

    assert (done.returncode, done.stderr) == (0, "")
    assert tree(dash.cache / made.id("two")) == expected("two")


def test_difference__interpreter_of_the_base_broken__exits_3(dash: Worker, made: Made) -> None:
    send(dash, made, "one.tar.gz", "two.delta")
    assert dash.run("one", TASK).returncode == 0
    (dash.task / "one.tar.gz").unlink()
    for path in (dash.cache / made.id("one")).glob("lib/python3.*/json/__init__.py"):
        path.write_text("raise SystemExit('no json today')\n")
        shutil.rmtree(path.parent / "__pycache__")

    assert "send one.tar.gz along" in refused(dash, made, 3)


def test_difference__task_appends_to_what_both_have__base_and_others_stay_whole(
    worker: Worker, made: Made, expected: Callable[[str], object]
) -> None:
    send(worker, made, "one.tar.gz", "two.delta", "three.delta")
    for name in ("one", "two", "three"):
        assert worker.run(name, TASK).returncode == 0

    assert worker.run("two", f'echo more >>"$CONDA_PREFIX/{SHARED}"').returncode == 0

    assert tree(worker.cache / made.id("one")) == expected("one")
    assert tree(worker.cache / made.id("three")) == expected("three")


def test_difference__hard_links_asked_for__shares_files_and_notices_a_change(
    worker: Worker, made: Made, expected: Callable[[str], object]
) -> None:
    """What is changed in one is changed in the other, so the next difference does not take it."""
    send(worker, made, "one.tar.gz", "two.delta", "three.delta")
    assert worker.run("one", TASK).returncode == 0

    assert worker.run("two", TASK, PYTHON_PACKAGE_LINKS="hard").returncode == 0

    one, two = (worker.cache / made.id(name) for name in ("one", "two"))
    assert (one / SHARED).samefile(two / SHARED)
    assert not (one / "lib/root.cfg").samefile(two / "lib/root.cfg")
    assert (tree(one), tree(two)) == (expected("one"), expected("two"))
    assert worker.run("two", f'echo more >>"$CONDA_PREFIX/{SHARED}"').returncode == 0
    done = worker.run("three", TASK, PYTHON_PACKAGE_LINKS="hard")
    assert (done.returncode, lines(done.stderr)) == (3, 1)
    assert f"{SHARED} was changed: send two.tar.gz along" in done.stderr


# ---- A difference that will not do


def test_difference__cut_short_or_damaged__exits_3(dash: Worker, made: Made) -> None:
    send(dash, made, "one.tar.gz")
    assert dash.run("one", TASK).returncode == 0
    whole = (made.folder / "two.delta").read_bytes()
    for size in (0, 1, 30, 2000, 4700, len(whole) // 2, len(whole) - 1):
        (dash.task / "two.delta").write_bytes(whole[:size])
        refused(dash, made, 3)
    places = random.Random(0).sample(range(4663, len(whole) - 10), 8)  # noqa: S311
    for place in places:
        (dash.task / "two.delta").write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        refused(dash, made, 3)


@pytest.mark.parametrize(
    "reader", [["tar", "xzf"], ["gzip", "-tc"], ["busybox", "tar", "xzf"], ["python3", "-m", "tarfile", "-l"]]
)
def test_difference__reader_of_tarballs__does_not_take_it_for_one(
    made: Made, tmp_path: Path, reader: list[str]
) -> None:
    done = subprocess.run([*reader, made.folder / "two.delta"], cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_difference__old_wrapper__exits_3(dash: Worker, made: Made) -> None:
    send(dash, made, "one.tar.gz", "two.delta")
    dash.wrapper.write_bytes(gzip.decompress((Path(__file__).parent / "old/python_package_run.gz").read_bytes()))

    done = dash.run("-e", "two.delta", "--", "true")

    assert (done.returncode, done.stdout) == (3, "")


# ---- The program that it brings along


def test_difference__hostile_program__writes_nothing_else_in_a_sandbox(
    dash: Worker, made: Made, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is code of whoever made the environment, as conda-unpack is: the sandbox holds it, too."""
    planted = [dash.home / "planted", dash.cache / made.id("one") / "lib/planted"]
    program = completion(inspect.getsource(spelled))
    hostile = "".join(f"try:\n    open({str(path)!r}, 'w')\nexcept OSError:\n    pass\n" for path in planted)
    monkeypatch.setattr(difference, "completion", lambda _: hostile + program)
    send(dash, made, "one.tar.gz")
    with pack.Packer(workshop.folder / "dtwo", cache=workshop.layers) as packer:
        packer.pack(dash.root / "two.tar.gz")
        with (dash.task / "two.delta").open("w+b") as file:
            packer.write_difference(file, pack.read_base(made.folder / "one.tar.gz"), dash.root / "two.tar.gz")

    done = dash.run("--sandbox", "two", TASK)

    assert done.returncode == 0, done.stderr
    assert not any(path.exists() for path in planted)
    shutil.rmtree(dash.cache / made.id("two"))
    assert dash.run("two", TASK).returncode == 0
    assert all(path.exists() for path in planted)  # what the sandbox has kept out


def test_difference__no_room__exits_3_and_says_so(dash: Worker, made: Made) -> None:
    """The base is not taken for changed."""
    send(dash, made, "one.tar.gz", "two.delta")
    place = dash.root / "small"
    place.mkdir()
    script = (
        f"mount -t tmpfs -o mode=700,nr_inodes=2600 tmpfs {place} && export PYTHON_PACKAGE_CACHE={place} && "
        f"sh {dash.wrapper} one true && sh {dash.wrapper} two true"
    )

    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=dash.task,
        env=dash.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stdout, lines(done.stderr)) == (3, "", 1)
    assert done.stderr.endswith("No space left on device\n")
