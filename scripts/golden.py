"""python -m scripts.golden REFERENCE [CHECKOUT] [--scripts FOLDER ...] [--only WORD ...]: compare two checkouts.

Both checkouts have a .venv. The same commands are run in each, from outside, in folders of the same name, and what
can be seen afterwards is compared: exit codes, standard output, the number of lines on standard error, and each file by
its mode and bytes, those inside of tarballs included. What the reference did is kept, and not run again. Exit status: 1
when a difference is not among those that golden.txt accepts.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from scripts.faults import checkouts
from scripts.faults.injection import Commands
from scripts.faults.packages import write_wheel

# Seconds that one command may take.
_PATIENCE = 180
# What differs from one run to the next, and which version it was made by.
_UNSTEADY = (
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"), "DATE"),
    (re.compile(r"(python_package_run|pypkg)[-.]\w{6,}"), "TEMPORARY"),
    # When uv built what it installed.
    (re.compile(r'"timestamp":\{[^}]*\}|(?<=uv_cache.json,sha256=)\S+'), "TIME"),
    # In the manifest, which is filled up with empty lines, and in the bill of materials.
    (re.compile(r"^created-by .*\n|(?<=\n)\n+\Z", re.MULTILINE), ""),
    # What depends on each byte of the environment, and tells nothing more.
    (re.compile(r"\b[0-9a-f]{20}\b|(?<=urn:uuid:)[0-9a-f-]+"), "ID"),
    (re.compile(r"^(size|files|archive|chunk|holds) [\d ]+$", re.MULTILINE), r"\1 NUMBER"),
    (re.compile(r'"name": "python-pack.*",\s*"type": "application"(,\s*"version": ".*")?'), "OURS"),
)
LIST = "conda-meta/python-package-list"  # which the reference has not
_CASES = Path(__file__).with_suffix(".txt")
# By case: what is looked at, and what was seen.
Facts = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Case:
    """Commands that are run one after the other in a folder that has these files, or a copy of that folder."""

    name: str
    commands: tuple[str, ...]
    files: Mapping[str, str]
    copied: Path | None = None


def main(argv: Sequence[str]) -> int:
    """Run the cases in both checkouts, and print a row for each."""
    parser = argparse.ArgumentParser(prog="python -m scripts.golden", description=__doc__, allow_abbrev=False)
    parser.add_argument("reference", type=Path, metavar="REFERENCE")
    parser.add_argument("checkout", type=Path, metavar="CHECKOUT", nargs="?", default=checkouts.HERE)
    parser.add_argument("--scripts", type=Path, nargs="+", default=[], metavar="FOLDER", help="more to analyze")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="cases with this in their name")
    arguments = parser.parse_args(argv)
    text = _CASES.read_text(encoding="utf-8")
    reference, checkout = arguments.reference.resolve(), arguments.checkout.resolve()
    place = checkouts.home() / f"golden-{hashlib.sha256(str(checkouts.HERE).encode()).hexdigest()[:8]}"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _share(place / "shared", checkouts.commands(reference))
        folders = [reference / "scripts" / "compare" / "cases", *(each.resolve() for each in arguments.scripts)]
        cases = [*written(text), *_corpus(reference), *_folders(folders)]
        # The first case makes what others use.
        chosen = [each for each in cases if each is cases[0] or any(word in each.name for word in arguments.only)]
        before = _remembered(place, reference, chosen)
        wanted = accepted(text)
        wrong = [
            each for each, seen in observe(place, checkout, chosen) if _report(each, before[each.name], seen, wanted)
        ]
    print(f"golden: {len(chosen)} cases, {len(wrong)} differ")
    return 1 if wrong else 0


def accepted(text: str) -> list[tuple[str, str, str]]:
    """Return the differences that are wanted: 'accepted: CASE | WHAT | REASON', the first two as patterns."""
    lines = (line.removeprefix("accepted:") for line in text.splitlines() if line.startswith("accepted:"))
    return [(case.strip(), what.strip(), reason.strip()) for case, what, reason in (line.split("|") for line in lines)]


def written(text: str) -> Iterator[Case]:
    """Yield the cases of a text: '== NAME', commands after '$ ', files after '-- NAME --'."""
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        head, *files = re.split(r"^-- (\S+) --\n", part, flags=re.MULTILINE)
        name, *lines = head.splitlines()
        commands = tuple(line[2:] for line in lines if line.startswith("$ "))
        yield Case(name, commands, dict(zip(files[::2], files[1::2], strict=True)))


def _corpus(reference: Path) -> Iterator[Case]:
    for path in sorted((reference / "tests" / "corpus").glob("*.txt")):
        head, *files = re.split(r"^-- (\S+) --\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        script = re.search(r"^script: *(\S+)", head, flags=re.MULTILINE)
        commands = _analyses([script.group(1) if script else "main.py"])
        yield Case(f"corpus/{path.stem}", commands, dict(zip(files[::2], files[1::2], strict=True)))


def _folders(folders: Iterable[Path]) -> Iterator[Case]:
    """Yield a case for each folder with scripts directly in one of these."""
    for folder in folders:
        for each in sorted(path for path in folder.iterdir() if path.is_dir()):
            names = sorted(path.name for path in each.rglob("*") if path.name == "tool" or _is_script(path))
            scripts = [str(path.relative_to(each)) for path in sorted(each.rglob("*")) if path.name in names]
            if scripts:
                yield Case(f"{folder.name}/{each.name}", _analyses(scripts[:8]), {}, each)


def _is_script(path: Path) -> bool:
    return path.suffix in {".py", ".ipynb"} and path.is_file()


def _analyses(scripts: Sequence[str]) -> tuple[str, ...]:
    each = [f"analyze --explain {shlex.quote(script)} golden-{index}.json" for index, script in enumerate(scripts)]
    return (*each, f"analyze --local --pin {shlex.quote(scripts[0])} -", "analyze --toplevel . -")


def observe(place: Path, checkout: Path, cases: Sequence[Case]) -> Iterator[tuple[Case, dict[str, str]]]:
    """Run the cases with the commands of a checkout; yield what each shows."""
    desk = place / "desk"
    shutil.rmtree(desk, ignore_errors=True)
    commands = checkouts.commands(checkout)
    for case in cases:
        start = time.monotonic()
        folder = desk / re.sub(r"[^\w.]+", "-", case.name)
        _lay_out(case, folder, place / "shared")
        seen: dict[str, str] = {}
        for index, line in enumerate(case.commands, 1):
            ended = _run(line, commands, folder, place)
            label = f"{index} {line}"
            stdout = _steady(ended.stdout, checkout)
            seen |= {f"{label}: exit": str(ended.returncode), f"{label}: stdout": stdout.decode(errors="replace")}
            seen[f"{label}: stderr"] = f"{len(ended.stderr.splitlines())} lines"
            (folder.parent / f"{folder.name}.stderr.{index}").write_bytes(ended.stderr)
        seen |= dict(_tree(folder, checkout))
        print(f"{time.monotonic() - start:6.1f} s  {checkout.name}: {case.name}", file=sys.stderr, flush=True)
        yield case, seen


def _lay_out(case: Case, folder: Path, shared: Path) -> None:
    if case.copied:
        shutil.copytree(case.copied, folder, symlinks=True)
    for name, text in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@shared@", str(shared)), encoding="utf-8")
    (folder / "home").mkdir(parents=True, exist_ok=True)


def _run(line: str, commands: Commands, folder: Path, place: Path) -> subprocess.CompletedProcess[bytes]:
    """Run one line: [NAME=VALUE ...] COMMAND [WORD ...] [< FILE]; COMMAND is one of the three or any other program."""
    shared = place / "shared"
    words = [word.replace("@shared@", str(shared)) for word in shlex.split(line)]
    stdin = (folder / words[-1]).read_bytes() if "<" in words[-2:] else b""
    words = words[:-2] if "<" in words[-2:] else words
    environ = {
        "HOME": str(folder / "home"),
        "PATH": f"{shared / 'user' / 'bin'}:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "120",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(shared / "wheels"),
        "PIP_CONFIG_FILE": os.devnull,
        **{name: str(place / "desk" / name) for name in ("XDG_CACHE_HOME", "RATTLER_CACHE_DIR", "UV_CACHE_DIR")},
    }
    while re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        environ[name] = value
    ours = {"analyze": commands.analyze, "create": commands.create, "run": commands.run}
    argv = [str(ours.get(words[0], words[0])), *words[1:]]
    try:
        return subprocess.run(argv, cwd=folder, env=environ, input=stdin, capture_output=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(argv, -9, error.stdout or b"", error.stderr or b"")


def _tree(folder: Path, checkout: Path) -> Iterator[tuple[str, str]]:
    """Yield all that is below a folder, and in the tarballs there: its name, and its kind, mode and content."""
    # A replaced environment is removed in the background.
    while any(".old." in name for _, names, _ in os.walk(folder) for name in names):
        time.sleep(0.1)
    for path in sorted(folder.rglob("*")):
        name = _steady(str(path.relative_to(folder)).encode(), checkout).decode()
        mode = f"{path.lstat().st_mode & 0o7777:o}"
        if path.is_symlink():
            yield name, f"link {path.readlink()}"
        elif path.is_dir():
            yield name, f"folder {mode}"
        elif path.is_file():
            content = path.read_bytes()
            if content[:2] == b"\x1f\x8b" and name.endswith(".tar.gz"):
                yield from _members(path, checkout)
            yield name, f"file {mode}" + ("" if name.endswith(".tar.gz") else f" {_content(content, checkout)}")


def _members(tarball: Path, checkout: Path) -> Iterator[tuple[str, str]]:
    try:
        with tarfile.open(tarball) as archive:
            names = []
            for member in archive:
                names.append(member.name)
                file = archive.extractfile(member) if member.isreg() else None
                content = _content(file.read(), checkout) if file else member.linkname
                yield f"{tarball.name}:{member.name}", f"{member.type!r} {member.mode:o} {content}"
            order = [name for name in names if name != LIST]
            yield f"{tarball.name}: order", hashlib.sha256(repr(order).encode()).hexdigest()
    except (tarfile.TarError, EOFError, OSError) as error:
        yield f"{tarball.name}:", type(error).__name__


def _content(content: bytes, checkout: Path) -> str:
    """Return a text if it is short, else a sha256."""
    content = _steady(content, checkout)
    if len(content) < 2000 and content.isascii() and b"\0" not in content:
        return content.decode()
    return f"{len(content)} bytes {hashlib.sha256(content).hexdigest()[:16]}"


def _steady(content: bytes, checkout: Path) -> bytes:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    text = text.replace(str(checkout), "CHECKOUT")
    for pattern, instead in _UNSTEADY:
        text = pattern.sub(instead, text)
    return text.encode()


def _remembered(place: Path, reference: Path, cases: Sequence[Case]) -> Facts:
    """Return what the reference does; a case that was run before at the same commit is not run again."""
    git = ["git", "-C", str(reference), "rev-parse", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    memory = place / "reference.json"
    facts: Facts = json.loads(memory.read_text()) if memory.exists() else {}
    script = Path(__file__).read_bytes()
    keys = {each.name: hashlib.sha256(script + f"{commit} {each}".encode()).hexdigest() for each in cases}
    missing = [each for each in cases if keys[each.name] not in facts]
    if missing:
        observed = observe(place, reference, missing if missing[0] is cases[0] else [cases[0], *missing])
        facts |= {keys[case.name]: seen for case, seen in observed}
        memory.write_text(json.dumps(facts))
        shutil.rmtree(place / "reference", ignore_errors=True)
        (place / "desk").rename(place / "reference")
    return {name: facts[key] for name, key in keys.items()}


def _report(
    case: Case, before: Mapping[str, str], after: Mapping[str, str], wanted: Sequence[tuple[str, str, str]]
) -> bool:
    """Print the row of a case, and how it differs; tell whether it does."""
    wrong, reasons = [], set()
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            why = [reason for name, what, reason in wanted if fnmatch(case.name, name) and fnmatch(key, what)]
            reasons |= set(why)
            wrong += [] if why else [key]
    outcome = (
        f"{len(wrong)} DIFFERENCES" if wrong else "the same" + "".join(f", but {each}" for each in sorted(reasons))
    )
    print(f"| {case.name} | {len(before)} facts | {outcome} |", flush=True)
    for key in wrong[:20]:
        print(f"    {key}\n      - {_shown(before.get(key))}\n      + {_shown(after.get(key))}")
    return bool(wrong)


def _shown(value: str | None) -> str:
    return "(none)" if value is None else value.strip().replace("\n", "\n        ")[:1500]


def _share(shared: Path, commands: Commands) -> None:
    """Make what all cases of both checkouts use, once: wheels, a channel, and the python3 of a user."""
    if (shared / "made").exists():
        return
    shutil.rmtree(shared, ignore_errors=True)
    wheels = shared / "wheels"
    wheels.mkdir(parents=True)
    for each in _WHEELS:
        write_wheel(wheels, each.project, each.files, version=each.version, headers=each.headers)
    (bundled,) = Path(os.__file__).with_name("ensurepip").glob("_bundled/pip-*.whl")
    shutil.copy(bundled, wheels)
    user = shared / "user"
    python = [str(commands.python), "-I", "-c", "import sys; print(sys._base_executable)"]
    base = subprocess.run(python, capture_output=True, text=True, check=True).stdout.strip()
    environ = {
        **os.environ,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PATH": f"{user / 'bin'}:/usr/bin:/bin",
    }
    environ |= {"XDG_CACHE_HOME": str(shared / "cache"), "PIP_CONFIG_FILE": os.devnull}
    steps = (
        [base, "-m", "venv", str(user)],
        [str(user / "bin" / "pip"), "-q", "install", "PyYAML", "requests", "toolz", "google-cloud-storage"],
        [str(commands.python), "-m", "python_package.channel", str(shared / "channel"), "pip", "six", "requests"],
    )
    for step in steps:
        subprocess.run(step, check=True, env=environ, cwd=shared, timeout=900, stdout=subprocess.DEVNULL)
    shutil.copytree(
        Path(os.__file__).parent, shared / "stdlib", ignore=shutil.ignore_patterns("site-packages", "__pycache__")
    )
    shutil.copytree(shared / "channel", shared / "damaged")
    for package in (shared / "damaged" / "noarch").glob("six-*"):
        package.write_bytes(package.read_bytes()[:-50] + bytes(50))
    (shared / "made").touch()


@dataclass(frozen=True)
class _Wheel:
    project: str
    version: str
    files: Mapping[str, str | bytes]
    headers: str = ""


def _compiled() -> bytes:
    import _json

    return Path(_json.__file__).read_bytes()


_WHEELS = (
    _Wheel("six", "1.16.0", {"six.py": "import sys\nPY3 = True\n"}),
    _Wheel("idna", "3.4", {"idna/__init__.py": "", "idna/core.py": "def encode(s): return s.encode()\n"}),
    _Wheel("requests", "2.31.0", {"requests/__init__.py": "import idna\n"}, "Requires-Dist: idna>=2\n"),
    _Wheel("PyYAML", "6.0.1", {"yaml/__init__.py": "", "yaml/nodes.py": "", "_yaml/__init__.py": ""}),
    _Wheel("PyYAML", "5.4", {"yaml/__init__.py": "OLD = True\n"}),
    _Wheel(
        "toolz",
        "0.12.0",
        {
            "toolz/__init__.py": "def main():\n    print('toolz')\n",
            "toolz-0.12.0.dist-info/entry_points.txt": "[console_scripts]\ntoolz-run = toolz:main\n",
            "toolz-0.12.0.data/scripts/toolz-sh": "#!/bin/sh\necho toolz\n",
            "toolz-0.12.0.data/data/share/toolz/data.txt": "data\n",
        },
        "License: BSD\nRequires-Python: >=3.7\n",
    ),
    _Wheel("google_cloud_storage", "2.10.0", {"google/cloud/storage/__init__.py": ""}, "Requires-Dist: six\n"),
    _Wheel("attrs", "23.1.0", {"attr/__init__.py": "", "attrs/__init__.py": "raise ImportError('attrs is broken')\n"}),
    _Wheel("tqdm", "4.66.0", {"tqdm/__init__.py": ""}, "Requires-Dist: nowhere-to-be-had>=3\n"),
    _Wheel(
        "simplejson",
        "3.19.0",
        {"simplejson/__init__.py": "from . import _json\n", "simplejson/_json.so": _compiled()},
    ),
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
