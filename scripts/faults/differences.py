"""Differences: bases that are replaced, changed or gone, kills, cut and changed bytes, full disks.

Whatever happens, a task runs in the very tree that the whole tarball gives, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.faults.injection import Try, fault

_TASK = "echo ran"

# Makes `new.tar.gz` of an environment, and `new.delta` with the tarball $2 as its base.
_PACK = """
import pathlib, sys
from python_package import pack
prefix, base = map(pathlib.Path, sys.argv[1:])
with pack.Packer(prefix) as packer, open("new.delta", "w+b") as file:
    packer.pack(pathlib.Path("new.tar.gz"))
    packer.write_difference(file, pack.read_base(base), pathlib.Path("new.tar.gz"))
"""


def _made(attempt: Try) -> Path:
    """Return a folder with an environment that has other files than the base, as a tarball and as a difference."""
    kept = attempt.supplies.tarball.parent / "difference"
    if not (kept / "new.delta").exists():
        shutil.rmtree(kept, ignore_errors=True)
        (source,) = [each for each in (kept.parent / "envs").iterdir() if (each / "conda-meta").is_dir()]
        kept.mkdir()
        copy = attempt.folder / "copy"
        shutil.copytree(source, copy, symlinks=True)
        for number in range(20):
            (copy / "lib" / f"new-{number}").write_bytes(os.urandom(10_000))
        command = [str(word) for word in (attempt.commands.python, "-c", _PACK, copy, attempt.supplies.tarball)]
        subprocess.run(command, check=True, env=attempt.environ, cwd=kept)
        shutil.rmtree(copy)
    return kept


def _tree(root: Path) -> dict[str, str]:
    """Return what is at each path, whatever the place."""
    found = {}
    for path in sorted(root.rglob("*")):
        key = str(path.relative_to(root))
        if key.startswith((".python_package_run", "conda-meta/python-package-")) or (
            path.is_dir() and not path.is_symlink()
        ):
            continue
        if path.is_symlink():
            found[key] = str(path.readlink())
        else:
            data = path.read_bytes()
            if str(root).encode() in data:
                data = data.replace(str(root).encode(), b"@").replace(b"\0", b"")
            found[key] = f"{path.stat().st_mode:o} {hashlib.sha256(data).hexdigest()}"
    return found


def _is_right(attempt: Try, ran: subprocess.CompletedProcess[str], *, refused: bool = True) -> bool:
    """Tell whether the task ran in the right tree, or, where it may be, was refused and has left no environment."""
    made = _made(attempt)
    if not (made / "tree").exists():
        whole = attempt.folder / "whole"
        done = attempt.run("/bin/sh", attempt.commands.run, "-e", made / "new.tar.gz", "-u", whole)
        assert done.returncode == 0  # noqa: S101
        (made / "tree").write_text(json.dumps(_tree(whole)))
        shutil.rmtree(whole)
    ready = [mark.parents[1] for mark in _cache(attempt).glob("*/.python_package_run/ready")]
    new = [env for env in ready if (env / "lib" / "new-0").exists()]
    if ran.returncode == 0:
        return ran.stdout == "ran\n" and [_tree(env) for env in new] == [json.loads((made / "tree").read_text())]
    return refused and ran.returncode in (2, 3) and ran.stdout == "" and new == []


def _cache(attempt: Try) -> Path:
    return attempt.folder / "unpacked"


def _start(attempt: Try, *, warm: bool = True) -> list[str | Path]:
    """Put the difference and its base, unpacked if it is to be warm, into the try; return the command of the task."""
    _cache(attempt).mkdir()
    shutil.copyfile(_made(attempt) / "new.delta", attempt.folder / "new.delta")
    shutil.copyfile(attempt.supplies.tarball, attempt.folder / "python.tar.gz")
    words: list[str | Path] = ["env", f"PYTHON_PACKAGE_CACHE={_cache(attempt)}"]
    words += ["busybox", "ash"] if attempt.index % 4 == 3 and shutil.which("busybox") else ["/bin/sh"]
    words.append(attempt.commands.run)
    if warm:
        assert attempt.run(*words, "python", "true").returncode == 0  # noqa: S101
        (attempt.folder / "python.tar.gz").unlink()
    return [*words, "new", _TASK]


def _base(attempt: Try) -> Path:
    (env,) = _cache(attempt).iterdir()
    return env


def _finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


@fault("34", "another tarball takes the place of the base that is being read", tries=20)
def replaced(attempt: Try) -> bool:
    words = _start(attempt, warm=False)
    other = shutil.copyfile(_made(attempt) / "new.tar.gz", attempt.folder / "other")
    process = attempt.start(*words)
    time.sleep(0.002 + 0.6 * attempt.index / attempt.of)
    other.replace(attempt.folder / "python.tar.gz")
    return _is_right(attempt, _finish(process))


@fault("34", "a task writes to the base while its files are taken", tries=20)
def written(attempt: Try) -> bool:
    words = _start(attempt)
    files = sorted(path for path in (_base(attempt) / "lib").rglob("*.py") if path.is_file())
    process = attempt.start(*words)
    time.sleep(0.8 * attempt.index / attempt.of)
    for path in files[:: len(files) // 40]:
        with path.open("a") as file:
            file.write("# more\n")
    return _is_right(attempt, _finish(process))


@fault("34", "a task has changed a file of the base, and put its time back", tries=6)
def forged(attempt: Try) -> bool:
    words = _start(attempt)
    (path,) = _base(attempt).glob(("lib/python3*/antigravity.py", "lib/python3*/this.py")[attempt.index % 2])
    before = path.stat()
    text = path.read_bytes()
    path.write_bytes((text[:-1] + b"#", text + b"#", b"")[attempt.index // 2])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    ran = attempt.run(*words)
    if ran.returncode != 3 or not _is_right(attempt, ran):
        return False
    shutil.copyfile(attempt.supplies.tarball, attempt.folder / "python.tar.gz")
    return _is_right(attempt, attempt.run(*words), refused=False)


@fault("34", "SIGKILL to the whole group while an environment is made of a difference", tries=50)
def killed(attempt: Try) -> bool:
    words = _start(attempt, warm=attempt.index % 2 == 0)
    process = attempt.start(*words)
    time.sleep((0.7 if attempt.index % 2 == 0 else 1.4) * attempt.index / attempt.of)
    os.killpg(process.pid, 9)
    process.communicate(timeout=60)
    return _is_right(attempt, attempt.run(*words), refused=False)


@fault("34", "the difference is cut short", tries=12)
def cut(attempt: Try) -> bool:
    words = _start(attempt)
    path = attempt.folder / "new.delta"
    os.truncate(path, path.stat().st_size * attempt.index // attempt.of)
    ran = attempt.run(*words)
    return ran.returncode == 3 and _is_right(attempt, ran)


@fault("34", "a byte of the difference is flipped", tries=20)
def flipped(attempt: Try) -> bool:
    words = _start(attempt)
    path = attempt.folder / "new.delta"
    data = bytearray(path.read_bytes())
    data[4663 + (len(data) - 4663) * attempt.index // attempt.of] ^= 0x10
    path.write_bytes(data)
    return _is_right(attempt, attempt.run(*words))


@fault("34", "the disk is full, or has no inodes left, while a difference is added", tries=4)
def full(attempt: Try) -> bool:
    """On a small file system that has room for the base: 3 and one line, and the base still runs."""
    _start(attempt, warm=False)
    names = ("nr_inodes=2800,size=400m", "size=90m")[attempt.index // 2]
    shell: Sequence[str] = (["/bin/sh"], ["busybox", "ash"])[attempt.index % 2]
    words = " ".join(map(str, [*shell, attempt.commands.run]))
    script = (
        f"mount -t tmpfs -o mode=700,{names} tmpfs unpacked && export PYTHON_PACKAGE_CACHE=$PWD/unpacked && "
        f"{words} python true && {{ {words} new 'echo ran'; code=$?; }}; "
        f"{words} python true && ls unpacked/*/lib/new-0 2>/dev/null; exit $code"
    )
    ran = attempt.run("unshare", "-rm", "/bin/sh", "-c", script)
    return ran.returncode == 3 and ran.stdout == "" and len(ran.stderr.splitlines()) == 1
