"""Layers that were packed once are only copied; what goes wrong with the cache costs time, never the tarball."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tarball_environment import Workshop
from zlib_ng import zlib_ng

from python_package import pack
from python_package.pack import bytecode, layer_cache
from python_package.pack.contents import CompiledBy, Layer
from python_package.pack.layer_cache import LayerCache


@pytest.fixture(scope="module")
def prefix(workshop: Workshop) -> Path:
    """An environment that was packed once."""
    made = workshop.environment(workshop.folder / "cached", "holder", "idna", wheels=[workshop.wheel()])
    pack.pack(made, workshop.folder / "cached.tar.gz", cache=workshop.layers)
    return made


@pytest.fixture
def cache(workshop: Workshop, prefix: Path, tmp_path: Path) -> Path:
    """A cache of its own, as it is after that environment was packed."""
    assert prefix.is_dir()
    subprocess.run(["cp", "-r", workshop.layers, tmp_path / "layers"], check=True)
    return tmp_path / "layers"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def entries(cache: Path) -> dict[str, tuple[int, int]]:
    """Return what tells a new entry from an old one."""
    return {p.name: (p.stat().st_ino, p.stat().st_size) for p in cache.iterdir() if p.name != "lock"}


def refuse(_contents: object, layers: Sequence[Layer], *_: object) -> list[dict[str, str]]:
    """Stand in for the compiler where nothing may be left to compile."""
    assert not layers, "a layer is not in the cache"
    return []


def test_pack__again__copies_every_layer(workshop: Workshop, prefix: Path, cache: Path, tmp_path: Path) -> None:
    before = entries(cache)
    pack.pack(prefix, tmp_path / "warm.tar.gz", cache=cache, compiler=refuse)
    assert digest(tmp_path / "warm.tar.gz") == digest(workshop.folder / "cached.tar.gz")
    assert entries(cache) == before


def test_pack__another_environment_of_the_same_packages__compiles_only_what_is_new(
    workshop: Workshop, cache: Path, tmp_path: Path
) -> None:
    other = workshop.environment(
        tmp_path / "other", "holder", "idna", wheels=[workshop.wheel(), workshop.wheel("shapes")]
    )
    seen: list[str] = []

    def compiler(contents, layers, *rest):  # type: ignore[no-untyped-def]
        seen.extend(layer.name for layer in layers)
        return bytecode.compile_layers(contents, layers, *rest)

    pack.pack(other, tmp_path / "other.tar.gz", cache=cache, compiler=compiler)
    assert seen == ["pypi/shapes-1.0.dist-info"]


def test_pack__compiled_by_another_interpreter_of_the_version__has_the_same_bytes(
    workshop: Workshop, prefix: Path, tmp_path: Path
) -> None:
    by = CompiledBy(sys.executable, "another")
    with pack.Packer(prefix, cache=tmp_path / "layers", compiled_by=by) as packer:
        packer.pack(tmp_path / "other.tar.gz")
    assert digest(tmp_path / "other.tar.gz") == digest(workshop.folder / "cached.tar.gz")


def test_pack__compiled_by_nobody__ships_no_compiled_files_and_takes_none_from_the_cache(
    prefix: Path, cache: Path, tmp_path: Path
) -> None:
    with pack.Packer(prefix, cache=cache, compiled_by=CompiledBy()) as packer:
        packer.pack(tmp_path / "bare.tar.gz")
    with tarfile.open(tmp_path / "bare.tar.gz") as archive:
        assert not [name for name in archive.getnames() if re.search(r"(colours|idna)/__pycache__/", name)]


@pytest.mark.parametrize("change", ["content", "same size", "older", "new file", "mode"])
def test_pack__a_file_changed_after_installation__is_shipped_as_it_is(
    workshop: Workshop, cache: Path, tmp_path: Path, change: str
) -> None:
    prefix = workshop.environment(tmp_path / "env", "holder", "idna", wheels=[workshop.wheel()])
    first = pack.pack(prefix, tmp_path / "first.tar.gz", cache=cache)
    module = next(prefix.glob("lib/python3*/site-packages/colours/__init__.py"))
    text = module.read_bytes()
    module.unlink()  # a hard link into uv's cache
    changed = {"content": text + b"# more\n", "older": text + b"# more\n", "same size": text.upper()}
    module.write_bytes(changed.get(change, text))
    if change == "older":
        os.utime(module, (10**9, 10**9))
    if change == "new file":
        (module.parent / "extra.txt").write_text("extra\n")
    if change == "mode":
        module.chmod(0o755)
    second = pack.pack(prefix, tmp_path / "second.tar.gz", cache=cache)
    assert second.id != first.id
    shown = subprocess.run(
        ["tar", "xzOf", tmp_path / "second.tar.gz", str(module.relative_to(prefix))], check=True, capture_output=True
    )
    assert shown.stdout == module.read_bytes()


@pytest.mark.parametrize("harm", ["bit", "cut", "empty", "tail"])
def test_pack__harmed_entries__are_made_anew(
    workshop: Workshop, prefix: Path, cache: Path, tmp_path: Path, harm: str
) -> None:
    for path in cache.iterdir():
        data = bytearray(path.read_bytes())
        if harm == "bit" and data:
            data[len(data) // 3] ^= 4
        harmed = {"cut": data[: len(data) // 2], "empty": bytearray(), "tail": data + b"x"}.get(harm, data)
        path.write_bytes(harmed)
    pack.pack(prefix, tmp_path / "again.tar.gz", cache=cache)
    assert digest(tmp_path / "again.tar.gz") == digest(workshop.folder / "cached.tar.gz")
    pack.pack(prefix, tmp_path / "warm.tar.gz", cache=cache, compiler=refuse)


@pytest.mark.parametrize("trouble", ["file", "off", "missing home"])
def test_pack__without_a_usable_cache__packs_all_the_same(
    workshop: Workshop, prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    cache = tmp_path / "cache"
    if trouble == "file":
        cache.write_text("not a folder\n")
    elif trouble == "off":
        monkeypatch.setenv(layer_cache.SIZE_VARIABLE, "0")
    else:
        cache = Path("/proc/nowhere/layers")
    pack.pack(prefix, tmp_path / "env.tar.gz", cache=cache)
    assert digest(tmp_path / "env.tar.gz") == digest(workshop.folder / "cached.tar.gz")


def test_pack__two_at_once_on_an_empty_cache__both_are_right(workshop: Workshop, prefix: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from python_package import pack;"
        "pack.pack(Path(sys.argv[1]), Path(sys.argv[2]), cache=Path(sys.argv[3]))"
    )
    command = [sys.executable, "-c", program, str(prefix)]
    outputs = [tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"]
    running = [subprocess.Popen([*command, str(output), str(tmp_path / "layers")]) for output in outputs]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    assert {digest(output) for output in outputs} == {digest(workshop.folder / "cached.tar.gz")}
    assert not [path for path in (tmp_path / "layers").iterdir() if path.suffix == ".new"]


def test_pack__killed__leaves_the_old_tarball_and_a_sound_cache(
    workshop: Workshop, prefix: Path, tmp_path: Path
) -> None:
    output = tmp_path / "env.tar.gz"
    output.write_text("the old one\n")
    program = (
        "import os, signal, sys; from pathlib import Path; from python_package import pack\n"
        "def progress(done, total):\n    if done: os.kill(os.getpid(), int(sys.argv[4]))\n"
        "pack.pack(Path(sys.argv[1]), Path(sys.argv[2]), cache=Path(sys.argv[3]), progress=progress)"
    )
    for number, left in ((signal.SIGKILL, 1), (signal.SIGINT, 0)):
        argv = [sys.executable, "-c", program, *map(str, (prefix, output, tmp_path / "layers", int(number)))]
        subprocess.run(argv, stderr=subprocess.DEVNULL, timeout=120)
        assert output.read_text() == "the old one\n"
        beside = [path for path in tmp_path.iterdir() if path.name.startswith(".env")]
        assert len(beside) == left  # only who is killed cannot clean up
        for path in beside:
            path.unlink()
    pack.pack(prefix, output, cache=tmp_path / "layers")
    assert digest(output) == digest(workshop.folder / "cached.tar.gz")


def _fill(cache: LayerCache, key: str, size: int) -> None:
    with tempfile.TemporaryFile() as tarball:
        tarball.write(b"what is before it" + b"x" * size)
        cache.keep(key, tarball, size, zlib_ng.crc32(b"x" * size), {"key": key})


@pytest.fixture
def small(tmp_path: Path) -> Iterator[LayerCache]:
    """A store for 2500 bytes, with three entries of about 1000."""
    made = LayerCache(tmp_path, 2500)
    for number, key in enumerate(("oldest", "middle", "newest")):
        _fill(made, key, 950)
        os.utime(tmp_path / key, (number, number))
    yield made


def test_trim__too_much__removes_what_was_not_used_for_longest(small: LayerCache, tmp_path: Path) -> None:
    assert small.find("oldest")
    small.trim()
    assert sorted(entries(tmp_path)) == ["newest", "oldest"]


def test_trim__somebody_holds_the_cache__waits_for_another_time(small: LayerCache, tmp_path: Path) -> None:
    with small.hold(), small.hold():
        entry = small.find("middle")
        small.trim()
        assert len(entries(tmp_path)) == 3
        assert entry
        assert entry.path.read_bytes()[: entry.length] == b"x" * 950
    small.trim()
    assert len(entries(tmp_path)) == 2


def test_find__more_entries_than_open_files_are_allowed__finds_them_all(tmp_path: Path) -> None:
    store = LayerCache(tmp_path, 1 << 20)
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        for number in range(200):
            _fill(store, f"key{number}", 1)
        with store.hold():
            found = [store.find(f"key{number}") for number in range(200)]
        assert all(found)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


def test_trim__leftovers__goes_by_their_age(small: LayerCache, tmp_path: Path) -> None:
    (tmp_path / "a.1.new").write_bytes(b"")
    (tmp_path / "b.2.new").write_bytes(b"")
    old = time.time() - 3 * 24 * 3600
    os.utime(tmp_path / "a.1.new", (old, old))
    small.trim()
    assert [name for name in sorted(entries(tmp_path)) if name.endswith(".new")] == ["b.2.new"]


def test_keep__cannot_be_written_whole__leaves_nothing(tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as tarball:
        tarball.write(b"half")
        LayerCache(tmp_path, 1000).keep("key", tarball, 8, 0, {})
    assert entries(tmp_path) == {}


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("700", 700), ("5G", 5 << 30), ("3 MiB", 3 << 20), ("2kb", 2048)])
def test_default_size__the_variable__is_understood(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, size: int
) -> None:
    monkeypatch.setenv(layer_cache.SIZE_VARIABLE, text)
    assert layer_cache.default_size(tmp_path) == size


def test_default_size__no_variable_or_nonsense__is_bounded_by_the_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status = os.statvfs(tmp_path)
    for text in ("", "lots"):
        monkeypatch.setenv(layer_cache.SIZE_VARIABLE, text)
        assert 0 < layer_cache.default_size(tmp_path) <= min(10 << 30, status.f_frsize * status.f_blocks // 10 + 1)
