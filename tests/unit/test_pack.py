"""The tarball is conda-pack's to everyone, and the same bytes from the same environment."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import tarfile
import zlib
from pathlib import Path

import pytest
from conda_pack.core import CondaEnv
from tarball_environment import HELD, Workshop

from python_package import __version__, pack
from python_package.files.prefix import Prefix
from python_package.pack import Manifest
from python_package.pack.manifest import Chunk


@pytest.fixture(scope="module")
def prefix(workshop: Workshop) -> Path:
    """An environment of Conda packages of every kind and of a distribution from a wheel."""
    return workshop.environment(workshop.folder / "env", "idna", "pip", "holder", wheels=[workshop.wheel()])


@pytest.fixture(scope="module")
def packed(workshop: Workshop, prefix: Path) -> Path:
    """The tarball of that environment."""
    pack.pack(prefix, workshop.folder / "env.tar.gz", cache=workshop.layers)
    return workshop.folder / "env.tar.gz"


@pytest.fixture(scope="module")
def unpacked(workshop: Workshop, packed: Path) -> Path:
    """That tarball unpacked by GNU tar and adapted by conda-unpack; read only."""
    return unpack(packed, workshop.folder / "unpacked")


def unpack(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    subprocess.run(["tar", "xzf", archive, "-C", folder], check=True)
    subprocess.run(
        [folder / "bin/python", folder / "bin/conda-unpack"], env={"PYTHONDONTWRITEBYTECODE": "1"}, check=True
    )
    return folder


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as opened:
        return opened.getnames()


def entries(raw: bytes) -> list[str]:
    """Return the names in tar bytes, which must be whole entries."""
    assert len(raw) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(raw + bytes(1024))) as opened:
        return opened.getnames()


def tree(folder: Path) -> dict[str, str]:
    """Return every path with the content of a file, the target of a link, or nothing for an empty folder."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in [*files, *(name for name in folders if (Path(root) / name).is_symlink())]:
            path = Path(root) / name
            content = f"-> {path.readlink()}" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(folder))] = content
        if not folders and not files:
            found[str(Path(root).relative_to(folder))] = "empty"
    return found


def test_pack__every_entry__has_a_fixed_owner_time_and_mode(packed: Path) -> None:
    with tarfile.open(packed) as opened:
        entries = opened.getmembers()
    assert {(e.uid, e.gid, e.uname, e.gname, e.mtime) for e in entries} == {(0, 0, "", "", 315532800)}
    assert {e.mode for e in entries if e.isreg()} == {0o644, 0o755}
    executable = {e.name for e in entries if e.isreg() and e.mode == 0o755}
    assert {"bin/colours", "bin/conda-unpack", "bin/run_in_env", "bin/holder"} <= executable
    assert "conda-meta/history" not in executable


def test_pack__once_relocated__holds_what_conda_packs_archive_holds(
    prefix: Path, packed: Path, workshop: Workshop, tmp_path: Path
) -> None:
    CondaEnv.from_prefix(str(prefix)).pack(str(tmp_path / "theirs.tar.gz"))
    place = workshop.folder / "place"  # the same for both, since files hold it
    found = []
    for archive in (tmp_path / "theirs.tar.gz", packed):
        found.append(tree(unpack(archive, place)))
        shutil.rmtree(place)
    expected, actual = found
    compiled = re.compile(r".*/__pycache__/[^/]+\.pyc")
    site_packages = Prefix(prefix).site_packages.relative_to(prefix)
    assert {path for path in set(actual) - set(expected) if not compiled.fullmatch(path)} == {
        "bin/run_in_env",
        "conda-meta/python-package-list",
        "conda-meta/python-package-manifest",
        "conda-meta/python-package-prefix",
        "conda-meta/python-package-relocation",
        f"{site_packages}/_python_package_activation.py",
        f"{site_packages}/python_package_activation.pth",
    }
    dropped = {re.sub(r".*/", "", path) for path in set(expected) - set(actual)}
    assert dropped == {"conda_unpack_progress.py", "uv_cache.json"}
    # Compiled files have another header; what the records say is compared by their own tests. python-config is a
    # script, and conda-pack forgets to relocate it together with the interpreter. Scripts run without activation.
    ours = re.compile(
        r".*/__pycache__/[^/]+\.pyc|conda-meta/.*|.*/colours-1\.0\.dist-info/(RECORD|direct_url\.json)"
        r"|bin/(conda-unpack|(de)?activate|colours|holder|idna|pip.*|pydoc3.*|f2py|numpy-config|python3\.\d+-config)"
    )
    common = {path for path in set(expected) & set(actual) if not ours.fullmatch(path)}
    assert {path for path in common if expected[path] != actual[path]} == set()
    assert len(common) > 1000


def test_pack__conda_records__keep_their_meaning_without_the_machines_paths(unpacked: Path, prefix: Path) -> None:
    for path in (prefix / "conda-meta").glob("*.json"):
        before, after = json.loads(path.read_bytes()), json.loads((unpacked / "conda-meta" / path.name).read_bytes())
        for key in ("name", "version", "build", "depends", "sha256", "requested_specs", "noarch"):
            assert after.get(key) == before.get(key)
        assert set(before["files"]) <= set(after["files"])
        assert all((unpacked / file).exists() for file in after["files"])
        assert [p["_path"] for p in after["paths_data"]["paths"]] == after["files"]


def test_pack__compiled_files__are_listed_where_conda_and_pip_look_for_what_to_remove(unpacked: Path) -> None:
    made = {path for path in tree(unpacked) if path.endswith(".pyc")}
    listed = set()
    for record in (unpacked / "conda-meta").glob("*.json"):
        listed |= {path for path in json.loads(record.read_bytes())["files"] if path.endswith(".pyc")}
    for record in unpacked.glob("lib/python3*/site-packages/*.dist-info/RECORD"):
        site = record.parent.parent.relative_to(unpacked)
        lines = record.read_text().splitlines()
        listed |= {os.path.normpath(site / line.split(",")[0]) for line in lines if ".pyc" in line}
    # Ours, which no package has.
    assert {path for path in made - listed if "_python_package_activation." not in path} == set()


def test_pack__text_of_the_machine__is_nowhere_in_the_archive(packed: Path, workshop: Workshop, tmp_path: Path) -> None:
    subprocess.run(["tar", "xzf", packed, "-C", tmp_path], check=True)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path.relative_to(tmp_path) for path in files if bytes(workshop.folder) in path.read_bytes()] == []


def test_pack__its_chunks__hold_whole_entries_with_nothing_between(packed: Path) -> None:
    """Each is inflated by itself, as a worker does it, and the manifest's own, which gzip's comment tells."""
    manifest = pack.read(packed)
    data = packed.read_bytes()
    assert manifest.archive == len(data)
    assert data[:10] == bytes.fromhex("1f8b08100000000000ff")
    numbers = [int(word) for word in data[10 : data.index(b"\0", 10)].split() if word.isdigit()]
    start, found = 50, list[str]()
    for offset, length, count, size, crc in (Chunk(*numbers), *manifest.chunks):
        assert offset == start
        start += length
        inflate = zlib.decompressobj(-15)
        raw = inflate.decompress(data[offset:start])
        assert not inflate.eof and not inflate.unconsumed_tail
        assert (count, size, crc) == (len(entries(raw)), len(raw), zlib.crc32(raw))
        found += entries(raw)
    assert found == names(packed)
    raw = gzip.decompress(data)
    assert data[start:] == b"\3\0" + struct.pack("<II", zlib.crc32(raw), len(raw))


def test_pack__the_manifest__can_be_read_as_text_before_anything_is_decompressed(packed: Path) -> None:
    head = packed.read_bytes()[:8192]
    text = head[head.index(b"\n#python-package-manifest 2\n") : head.index(b"\nend\n") + 5].decode("ascii")
    assert Manifest.parse(text) == pack.read(packed)
    assert head[:2] == b"\x1f\x8b"


def test_pack__the_manifest__tells_what_a_worker_must_have(packed: Path, unpacked: Path, prefix: Path) -> None:
    manifest = pack.read(packed)
    python = next((prefix / "conda-meta").glob("python-3*.json"))
    record = json.loads(python.read_bytes())
    assert manifest.python == record["version"]
    assert manifest.subdir == record["subdir"]
    floor = re.search(r"__glibc >=([\d.]+)", " ".join(record["depends"]))
    assert floor and manifest.glibc == floor[1]
    assert re.fullmatch(r"[0-9a-f]{20}", manifest.id)
    assert manifest.files == len(names(packed))
    assert manifest.created_by == f"python_package_create {__version__}"
    used = subprocess.run(["du", "-s", "-B1", unpacked], check=True, capture_output=True, text=True)
    assert manifest.size == pytest.approx(int(used.stdout.split()[0]), rel=0.05)


def test_pack__a_wheel_that_needs_a_newer_glibc__raises_the_floor(workshop: Workshop, tmp_path: Path) -> None:
    wheel = workshop.wheel("newer", tag="py3-none-manylinux_2_5_x86_64.manylinux_2_39_x86_64")
    # Its least promise counts, and python's own need is above that.
    first = workshop.environment(tmp_path / "first", wheels=[wheel])
    low = pack.pack(first, tmp_path / "low.tar.gz", cache=workshop.layers)
    (first / f"lib/python{'.'.join(low.python.split('.')[:2])}/site-packages/newer-1.0.dist-info/WHEEL").write_text(
        "Tag: py3-none-manylinux_2_99_x86_64\n"
    )
    assert low.glibc != "2.99"
    assert pack.pack(first, tmp_path / "high.tar.gz", cache=workshop.layers).glibc == "2.99"


def test_pack__another_folder_home_umask_and_clock__gives_the_same_bytes(
    workshop: Workshop,
    packed: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    before = os.umask(0o027)
    try:
        # A longer name, with what makes installers write another first line into scripts: a space.
        folder = tmp_path_factory.mktemp("longer") / "some other folder"  # not longer than the placeholder
        prefix = workshop.environment(folder, "idna", "pip", "holder", wheels=[workshop.wheel()])
        for path in prefix.rglob("*"):
            if not path.is_symlink() and path.stat().st_nlink == 1:
                os.utime(path, (10**9, 10**9))
        subprocess.run([prefix / "bin/python", "-c", "import idna, colours, json.tool"], env={}, check=True)
        assert list(prefix.glob("lib/python3*/site-packages/colours/__pycache__/*.pyc"))
        pack.pack(prefix, tmp_path / "again.tar.gz", threads=1)
    finally:
        os.umask(before)
    assert (tmp_path / "home/.cache/python_package/layers").is_dir()
    assert digest(tmp_path / "again.tar.gz") == digest(packed)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_pack__another_content__gets_another_id(workshop: Workshop, packed: Path, tmp_path: Path) -> None:
    prefix = workshop.environment(tmp_path / "env", "idna", "pip", "holder", wheels=[workshop.wheel()])
    (prefix / "share/note").write_text("one more file\n")
    other = pack.pack(prefix, tmp_path / "env.tar.gz", cache=workshop.layers)
    assert other.id != pack.read(packed).id
    assert "share/note" in names(tmp_path / "env.tar.gz")


def test_pack__modules__are_compiled_so_that_no_worker_compiles(unpacked: Path) -> None:
    program = """
import colours, idna, importlib.util, json.tool, pip, sys
for module in list(sys.modules.values()):
    source = getattr(module, "__file__", None) or ""
    if source.endswith(".py") and "_sysconfigdata" not in source:
        with open(importlib.util.cache_from_source(source), "rb") as compiled, open(source, "rb") as text:
            head = compiled.read(16)
            assert head[:8] == importlib.util.MAGIC_NUMBER + bytes([1, 0, 0, 0]), source
            assert head[8:] == importlib.util.source_hash(text.read()), source
print(colours.main.__code__.co_filename)
"""
    run = subprocess.run([unpacked / "bin/python", "-B", "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout == f"{unpacked}/lib/python{run.stdout.split('/lib/python')[1]}"


def test_pack__a_module_that_is_not_valid_python__is_shipped_uncompiled(workshop: Workshop, tmp_path: Path) -> None:
    prefix = workshop.environment(tmp_path / "env")
    site = next(prefix.glob("lib/python3*/site-packages"))
    (site / "broken.py").write_text("def (:\n")
    (site / "nul.py").write_bytes(b"x = '\0'\n")
    (site / "fine.py").write_text("x = 1\n")
    pack.pack(prefix, tmp_path / "env.tar.gz", cache=workshop.layers)
    found = {name.rsplit("/", 1)[1] for name in names(tmp_path / "env.tar.gz") if "/site-packages/" in name}
    assert {"broken.py", "nul.py", "fine.py"} <= found
    assert any(name.startswith("fine.") and name.endswith(".pyc") for name in found)
    assert not any(name.startswith(("broken.c", "nul.c")) for name in found)


def test_pack__what_holds_the_prefix_untracked__is_relocated_too(workshop: Workshop, tmp_path: Path) -> None:
    prefix = workshop.environment(tmp_path / "env")
    (prefix / "share").mkdir()
    (prefix / "share/untracked.cfg").write_text(f"home = {prefix}/share\n")
    (prefix / "share/absolute").symlink_to(prefix / "share/untracked.cfg")
    (prefix / "share/empty").mkdir()
    pack.pack(prefix, tmp_path / "env.tar.gz", cache=workshop.layers)
    unpacked = unpack(tmp_path / "env.tar.gz", tmp_path / "unpacked")
    assert (unpacked / "share/untracked.cfg").read_text() == f"home = {unpacked}/share\n"
    assert str((unpacked / "share/absolute").readlink()) == "untracked.cfg"
    assert (unpacked / "share/empty").is_dir()


def test_pack__a_file_larger_than_a_piece__is_cut_and_whole_again(workshop: Workshop, tmp_path: Path) -> None:
    prefix = workshop.environment(tmp_path / "env")
    (prefix / "share").mkdir()
    block = hashlib.sha256(b"seed").digest() * 32768
    data = b"\xff\0" + b"".join(block[:-n] for n in range(1, 41))
    (prefix / "share/large.bin").write_bytes(data)
    manifest = pack.pack(prefix, tmp_path / "env.tar.gz", cache=workshop.layers)
    with tarfile.open(tmp_path / "env.tar.gz") as opened:
        member = opened.extractfile("share/large.bin")
        assert member is not None and member.read() == data
    archive = (tmp_path / "env.tar.gz").read_bytes()
    # More than one piece, in one chunk: no stream of a parallel unpack may begin amid a file.
    (holding,) = (chunk for chunk in manifest.chunks if chunk.raw > len(data))
    inflated = zlib.decompress(archive[holding.offset : holding.offset + holding.length] + b"\3\0", -15)
    assert data in inflated
    assert HELD.encode() not in data
    shutil.rmtree(prefix)
