"""Workers: tarballs that are damaged, replaced or hostile, odd places and streams, kills, crowds, full disks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.faults.injection import Try, fault

# What a task says that runs in the environment: where its Python is.
_TASK = 'python3 -c "import sys; print(sys.prefix)"'


def _chunks(data: bytes | bytearray) -> list[tuple[int, int]]:
    """Return the offset and the length of each chunk, as the manifest has them."""
    return [(int(a), int(b)) for a, b in re.findall(rb"\nchunk (\d+) (\d+)", data[:8192])]


def _files(root: Path) -> int:
    return sum(1 for path in root.rglob("*") if path.is_symlink() or not path.is_dir())


def _shells(attempt: Try) -> tuple[list[str | Path], dict[str, str]]:
    """Return a shell and variables: GNU tools and busybox's in turns; what is unpacked goes into the try's own home."""
    own = {"XDG_CACHE_HOME": ""}
    if attempt.index % 2 == 0 or not shutil.which("busybox"):
        return ["/bin/sh"], own
    tools = attempt.folder / "busybox"
    tools.mkdir(exist_ok=True)
    subprocess.run(["busybox", "--install", "-s", tools], check=True, capture_output=True)
    return ["busybox", "ash"], {**own, "PATH": f"{tools}:/usr/bin:/bin"}


def _is_right(attempt: Try, data: bytes) -> bool:
    """Run the task with a damaged tarball: either it is refused with 3, or all of the environment is there."""
    whole = attempt.supplies.tarball.parent / "files"
    if not whole.exists():
        tree = attempt.folder / "whole"
        tree.mkdir()
        subprocess.run(["tar", "xzf", attempt.supplies.tarball, "-C", tree], check=True)
        whole.write_text(str(_files(tree)))
        shutil.rmtree(tree)
    (attempt.folder / "bad.tar.gz").write_bytes(data)
    shell, environ = _shells(attempt)
    cache = attempt.folder / "unpacked"
    ran = attempt.run(*shell, attempt.commands.run, "bad", _TASK, PYTHON_PACKAGE_CACHE=str(cache), environ=environ)
    if ran.returncode == 3:
        return ran.stdout == "" and not list(cache.glob("*/.python_package_run/ready"))
    found = sum(
        _files(env) - _files(env / ".python_package_run") - len(list(env.glob("conda-meta/python-package-prefix")))
        for env in cache.iterdir()
    )
    return ran.returncode == 0 and abs(found - int(whole.read_text())) <= 1  # conda-unpack may leave a note


@fault("25", "the first byte of a chunk is flipped", tries=12)
def magic(attempt: Try) -> bool:
    data = bytearray(attempt.supplies.tarball.read_bytes())
    chunks = _chunks(data)
    data[chunks[(attempt.index + 1) % len(chunks)][0]] ^= 0xFF
    return _is_right(attempt, bytes(data))


@fault("25", "zeros in place of a chunk", tries=12)
def hole(attempt: Try) -> bool:
    data = bytearray(attempt.supplies.tarball.read_bytes())
    chunks = _chunks(data)
    offset, length = chunks[(attempt.index + 1) % len(chunks)]
    data[offset : offset + length] = bytes(length)
    return _is_right(attempt, bytes(data))


@fault("25", "a tail of zeros", tries=6, held=True)
def tail(attempt: Try) -> bool:
    data = attempt.supplies.tarball.read_bytes()
    start = len(data) * (attempt.index + 1) // (attempt.of + 1)
    return _is_right(attempt, data[:start] + bytes(len(data) - start))


@fault("25", "a byte is flipped anywhere", tries=20, held=True)
def flipped(attempt: Try) -> bool:
    data = bytearray(attempt.supplies.tarball.read_bytes())
    data[6000 + (len(data) - 6000) * attempt.index // attempt.of] ^= 0x10
    return _is_right(attempt, bytes(data))


@fault("25", "the tarball is cut short", tries=12, held=True)
def cut(attempt: Try) -> bool:
    data = attempt.supplies.tarball.read_bytes()
    return _is_right(attempt, data[: len(data) * (attempt.index + 1) // (attempt.of + 1)])


@fault("25", "a manifest that counts in odd numbers", tries=4)
def numbers(attempt: Try) -> bool:
    size = (b"9" * 30, b"1 2", b"-1", b"08")[attempt.index]
    return _refuses(attempt, rb"\nsize \d+", b"\nsize " + size)


@fault("28", "a manifest whose Python is a path", tries=2)
def path(attempt: Try) -> bool:
    planted = attempt.folder / "planted.x"
    right = _refuses(attempt, rb"\npython [\d.]+", b"\npython " + b"/.." * 14 + bytes(planted))
    return right and not list(attempt.folder.glob("planted*"))


def _refuses(attempt: Try, pattern: bytes, new: bytes) -> bool:
    """Change the manifest, which lies uncompressed, and run: 3 and one line."""
    data = attempt.supplies.tarball.read_bytes()
    head = re.sub(pattern, new, data[:4600], count=1)
    longer = len(head) - 4600
    padding = head.rindex(b"\nend\n") + 5
    head = head[:padding] + head[padding + longer :]
    (attempt.folder / "bad.tar.gz").write_bytes(head + data[4600:])
    shell, environ = _shells(attempt)
    ran = attempt.run(*shell, attempt.commands.run, "bad", _TASK, environ=environ)
    return ran.returncode == 3 and len(ran.stderr.splitlines()) == 1


@fault("23", "another tarball takes the place of the one that is being read", tries=20)
def replaced(attempt: Try) -> bool:
    """Put another one in its place at spread moments: what is stored under an id is that tarball's content."""
    here = attempt.folder / "job.tar.gz"
    shutil.copyfile(attempt.supplies.tarball, here)
    other = _other(attempt)
    names = {_id(attempt.supplies.tarball): False, _id(other): True}
    cache = attempt.folder / "unpacked"
    process = attempt.start("/bin/sh", attempt.commands.run, "job", _TASK, PYTHON_PACKAGE_CACHE=str(cache))
    time.sleep(0.002 + 0.05 * attempt.index / attempt.of)
    os.replace(other, here)  # noqa: PTH105  # as mv does
    process.communicate(timeout=60)
    stored = list(cache.glob("*/.python_package_run/ready"))
    return process.returncode in (0, 3) and all(
        (ready.parents[1] / "lib" / "other").exists() == names.get(ready.parents[1].name, False) for ready in stored
    )


def _other(attempt: Try) -> Path:
    """Return a tarball with one file more, made from an unpacked environment by the commands' own packer."""
    kept = attempt.supplies.tarball.parent / "other.tar.gz"
    if not kept.exists():
        envs = attempt.supplies.tarball.parent / "envs"
        (source,) = [each for each in envs.iterdir() if (each / "conda-meta").is_dir()]
        copy = attempt.folder / "copy"
        shutil.copytree(source, copy, symlinks=True)
        (copy / "lib" / "other").touch()
        program = "import pathlib, sys; from python_package.pack import pack; pack(*map(pathlib.Path, sys.argv[1:]))"
        subprocess.run([attempt.commands.python, "-c", program, copy, kept], check=True, env=attempt.environ)
        shutil.rmtree(copy)
    return Path(shutil.copyfile(kept, attempt.folder / "other.tar.gz"))


def _id(tarball: Path) -> str:
    match = re.search(rb"\nid ([0-9a-f]+)", tarball.read_bytes()[:4096])
    assert match  # noqa: S101
    return match[1].decode()


@fault("24", "a colon in the path of cache, home, TMPDIR or -u", tries=8)
def colon(attempt: Try) -> bool:
    """The task never runs in the host's Python."""
    place = attempt.folder / "a:b"
    place.mkdir()
    shutil.copyfile(attempt.supplies.tarball, attempt.folder / "job.tar.gz")
    which = attempt.index // 2
    variable = ({"PYTHON_PACKAGE_CACHE": str(place)}, {"HOME": str(place)}, {"HOME": "", "TMPDIR": str(place)}, {})[
        which
    ]
    options: list[str | Path] = ["-e", "job.tar.gz", "-u", "a:b/env"] if which == 3 else ["-e", "job.tar.gz"]
    shell, environ = _shells(attempt)
    words: list[str | Path] = [*shell, attempt.commands.run, *options, "--", "sh", "-c", _TASK]
    ran = attempt.run(*words, environ={**environ, **variable})
    return ran.returncode == 4 or (
        ran.returncode == 0 and "/.python_package" not in ran.stdout and _is_ours(ran.stdout)
    )


def _is_ours(stdout: str) -> bool:
    return (Path(stdout.strip()) / "conda-meta").is_dir()


@fault("27", "others may write to a cache that is warm", tries=2)
def untrusted(attempt: Try) -> bool:
    shutil.copyfile(attempt.supplies.tarball, attempt.folder / "job.tar.gz")
    cache = attempt.folder / "shared"
    cache.mkdir()
    shell, environ = _shells(attempt)
    words: list[str | Path] = [*shell, attempt.commands.run, "job", _TASK]
    first = attempt.run(*words, PYTHON_PACKAGE_CACHE=str(cache), environ=environ)
    cache.chmod(0o777)
    return (
        first.returncode == 0 and attempt.run(*words, PYTHON_PACKAGE_CACHE=str(cache), environ=environ).returncode == 3
    )


@fault("28", "our own marks are links that lead elsewhere", tries=6)
def links(attempt: Try) -> bool:
    precious = attempt.folder / "precious"
    precious.write_text("precious")
    state = attempt.folder / "env" / ".python_package_run"
    state.mkdir(parents=True)
    (state / ("ready", "used", "lock")[attempt.index // 2]).symlink_to(precious)
    shell, environ = _shells(attempt)
    words: list[str | Path] = [
        *shell,
        attempt.commands.run,
        "-e",
        attempt.supplies.tarball,
        "-u",
        "env",
        "--",
        "sh",
        "-c",
        _TASK,
    ]
    ran = attempt.run(*words, environ=environ)
    return ran.returncode == 3 and precious.read_text() == "precious"


@fault("30", "standard streams are closed on a cold cache", tries=6)
def closed(attempt: Try) -> bool:
    shutil.copyfile(attempt.supplies.tarball, attempt.folder / "job.tar.gz")
    shell, environ = _shells(attempt)
    words = " ".join(map(str, [*shell, attempt.commands.run]))
    how = ("2>&-", ">&- 2>&-", "<&- >&- 2>&-")[attempt.index // 2]
    script = f'{words} job \'python3 -c "open(\\"ran\\", \\"w\\")"\' {how}'
    attempt.run("/bin/sh", "-c", script, environ=environ)
    return (attempt.folder / "ran").exists()


@fault("30", "CORES is no sensible number", tries=4)
def cores(attempt: Try) -> bool:
    shutil.copyfile(attempt.supplies.tarball, attempt.folder / "job.tar.gz")
    shell, environ = _shells(attempt)
    ran = attempt.run(
        *shell, attempt.commands.run, "job", _TASK, CORES=("9" * 40, "1" * 25)[attempt.index // 2], environ=environ
    )
    return ran.returncode == 0


@fault("30", "SIGKILL to the whole group while it unpacks", tries=20, held=True)
def killed(attempt: Try) -> bool:
    shutil.copyfile(attempt.supplies.tarball, attempt.folder / "job.tar.gz")
    words: Sequence[str | Path] = ["/bin/sh", attempt.commands.run, "job", _TASK]
    process = attempt.start(*words, XDG_CACHE_HOME="")
    time.sleep(0.6 * attempt.index / attempt.of)
    os.killpg(process.pid, 9)
    process.communicate(timeout=60)
    ran = attempt.run(*words, XDG_CACHE_HOME="")
    return ran.returncode == 0 and _is_ours(ran.stdout)


@fault("30", "fifty starts at once", tries=2, held=True)
def crowd(attempt: Try) -> bool:
    """All run, and one has unpacked."""
    shutil.copyfile(attempt.supplies.tarball, attempt.folder / "job.tar.gz")
    shell, environ = _shells(attempt)
    started = [
        attempt.start(*shell, attempt.commands.run, "-d", "-e", "job.tar.gz", "true", environ=environ)
        for _ in range(50)
    ]
    said = [process.communicate(timeout=100)[1] for process in started]
    return all(process.returncode == 0 for process in started) and sum("unpacking /" in each for each in said) == 1


@fault("30", "the disk is full, or has no inodes left", tries=4, held=True)
def full(attempt: Try) -> bool:
    """On a small file system of its own the start ends with 3, one line and no mark."""
    shutil.copyfile(attempt.supplies.tarball, attempt.folder / "job.tar.gz")
    (attempt.folder / "small").mkdir()
    options = "size=8m" if attempt.index // 2 else "size=400m,nr_inodes=200"
    shell, environ = _shells(attempt)
    words = " ".join(map(str, [*shell, attempt.commands.run]))
    script = (
        f"mount -t tmpfs -o mode=700,{options} tmpfs small && PYTHON_PACKAGE_CACHE=$PWD/small {words} job true; "
        "code=$?; ls small/*/.python_package_run/ready 2>/dev/null; exit $code"
    )
    ran = attempt.run("unshare", "-rm", "/bin/sh", "-c", script, environ=environ)
    return ran.returncode == 3 and ran.stdout == "" and len(ran.stderr.splitlines()) == 1
