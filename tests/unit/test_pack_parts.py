"""The pure parts of the tarball: headers, manifest, chunks, what is normalised, what a wheel says."""

from __future__ import annotations

import importlib.util
import io
import itertools
import json
import runpy
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from conda_pack.core import File
from zlib_ng import zlib_ng

from python_package.pack import Manifest, bytecode, normalize
from python_package.pack.archive import END, PIECE, Piece, header
from python_package.pack.compression import DeflatedPiece, compress
from python_package.pack.contents import Layer
from python_package.pack.layer import LayerFacts, relocated, scripts
from python_package.pack.manifest import HEAD_SIZE, MAX_CHUNKS, TAIL_SIZE, Chunk
from python_package.pack.tarball import split
from python_package.pypi import wheel

MANIFEST = Manifest(
    "3f2a" * 5, "linux-64", "2.36", "3.11.7", 4096, 2, 9010, (Chunk(HEAD_SIZE, 9000 - HEAD_SIZE, 2, 99, 7),)
)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("short", ""),
        ("d/" * 49 + "xx", ""),
        ("d/" * 49 + "xxx", ""),
        ("lib/" + "long" * 100, ""),
        ("ü/" * 60 + "é", ""),
        ("bytes-\udcff", ""),
        ("link", "t" * 100),
        ("link", "t" * 101),
        ("l" * 200, "../" * 80 + "ä"),
    ],
)
def test_header__names_of_every_length_and_kind__are_read_back(name: str, target: str) -> None:
    kind = tarfile.SYMTYPE if target else tarfile.REGTYPE
    data = header(name, kind=kind, target=target) + END
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as opened:
        (member,) = opened.getmembers()
    assert (member.name, member.linkname, member.mode) == (name, target, 0o777 if target else 0o644)
    listed = subprocess.run(["tar", "tf", "-"], input=data, capture_output=True, check=True)
    assert listed.stderr == b""


@pytest.mark.parametrize("size", [0, 1, 512, 8**11 - 1, 8**11, 1 << 40])
def test_header__sizes_beyond_eight_gigabytes__are_read_back(size: int) -> None:
    assert tarfile.TarInfo.frombuf(header("large", size), "utf-8", "strict").size == size


def test_manifest__text__is_parsed_back_also_when_padded() -> None:
    assert Manifest.parse(MANIFEST.to_text()) == MANIFEST
    assert Manifest.parse(MANIFEST.to_text() + "\n" * 50) == MANIFEST
    made = replace(MANIFEST, created_by="python_package_create 2.0.0")
    assert Manifest.parse(made.to_text()) == made
    assert MANIFEST.to_text().startswith("\n#python-package-manifest 2\nid 3f2a")
    assert MANIFEST.to_text().endswith(f"\nchunk {HEAD_SIZE} {9000 - HEAD_SIZE}\nholds 2 99 7\nend\n")


@pytest.mark.parametrize(
    "text",
    ["", "end", MANIFEST.to_text().replace("manifest 2", "manifest 1"), MANIFEST.to_text().replace("end\n", "")]
    + [MANIFEST.to_text().replace(line, "") for line in ("glibc 2.36\n", "size 4096\n")]
    + [MANIFEST.to_text().replace("4096", "many"), MANIFEST.to_text().replace(f"chunk {HEAD_SIZE} ", "chunk ")]
    + [MANIFEST.to_text().replace(" 99 7", " 99")],
)
def test_manifest__anything_else__is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Manifest.parse(text)


def test_manifest__at_its_largest__fits_its_place() -> None:
    chunks = tuple(Chunk(10**12 + n, 10**12, 10**6, 10**13, 2**32 - 1) for n in range(MAX_CHUNKS))
    large = Manifest("f" * 20, "linux-ppc64le", "2.100", "3.100.100rc10", 10**15, 10**9, 10**15, chunks, "c" * 40)
    assert len(large.head()) == len(MANIFEST.head()) == HEAD_SIZE
    assert len(large.tail()) == TAIL_SIZE


def test_manifest__more_than_four_gigabytes__their_number_is_taken_modulo_two_to_the_32() -> None:
    crc = zlib.crc32(b"\0")
    for doubled in range(33):
        crc = zlib_ng.crc32_combine(crc, crc, 1 << doubled)
    assert crc == 0x41D912FF  # of 2^33 zeros, read one after the other
    large = replace(MANIFEST, chunks=(Chunk(HEAD_SIZE, 100, 1, (1 << 33) + (3 << 30), crc),))
    entry = large.head()[-4608:]
    combined, size = struct.unpack("<II", large.tail()[2:])
    assert size == (3 << 30) + len(entry)
    assert combined == zlib_ng.crc32_combine(zlib.crc32(entry), crc, (1 << 33) + (3 << 30))


@pytest.mark.parametrize("size", [1, 2, 3, 1024, 100_000, PIECE])
def test_compress__a_piece_of_any_size__is_deflate_that_another_may_follow(size: int) -> None:
    data = (b"".join(b"%d " % number for number in range(0, size, 7)) * 8)[:size]
    made = compress(Piece(bytearray(data), entries=3))
    assert made.piece == (len(made.data), size, zlib.crc32(data), 3, True)
    assert zlib.decompress(made.data * 2 + b"\3\0", -15) == data * 2


def test_split__many_small_pieces__become_few_chunks_without_gaps() -> None:
    pieces = [DeflatedPiece(100 + n % 7, 1000, zlib.crc32(bytes([n % 256]) * 1000), 3, True) for n in range(1000)]
    chunks = split(pieces)
    assert 32 <= len(chunks) <= MAX_CHUNKS
    assert chunks[0].offset == HEAD_SIZE
    assert all(a.offset + a.length == b.offset for a, b in itertools.pairwise(chunks))
    assert sum(chunk.length for chunk in chunks) == sum(piece.length for piece in pieces)
    assert sum(chunk.entries for chunk in chunks) == sum(piece.entries for piece in pieces)
    assert sum(chunk.raw for chunk in chunks) == sum(piece.raw for piece in pieces)
    first = b"".join(bytes([n % 256]) * 1000 for n in range(chunks[0].entries // 3))
    assert chunks[0].crc == zlib.crc32(first)
    *equal, _last = (chunk.length for chunk in chunks)
    assert max(equal) < 1.1 * min(equal)


def test_split__a_file_over_several_pieces__stays_in_one_chunk() -> None:
    pieces = [
        DeflatedPiece(10, 2 * 10**6, 1, 1, True),
        *[DeflatedPiece(50, 10**7, 2, 0, False)] * 6,
        DeflatedPiece(20, 10**5, 3, 4, True),
    ]
    first, second = split(pieces)
    assert first == Chunk(HEAD_SIZE, 10, 1, 2 * 10**6, 1)
    assert second[:4] == (HEAD_SIZE + 10, 320, 4, 6 * 10**7 + 10**5)


def test_record__what_the_machine_added__is_taken_out() -> None:
    data = {
        "name": "thing",
        "fn": "thing-1.0-0.conda",
        "subdir": "noarch",
        "channel": "file:///home/me/channel/",
        "url": "file:///home/me/channel/noarch/thing-1.0-0.conda",
        "extracted_package_dir": "/home/me/pkgs/thing",
        "package_tarball_full_path": "/home/me/pkgs/thing.conda",
        "indexed_timestamp": 17,
        "timestamp": 16,
        "link": {"source": "/home/me/pkgs/thing", "type": 1},
        "files": ["bin/thing", "share/thing"],
        "paths_data": {
            "paths": [
                {"_path": "bin/thing", "path_type": "unix_python_entry_point", "sha256": "a", "size_in_bytes": 3},
                {"_path": "share/thing", "prefix_placeholder": "/p", "sha256": "b", "sha256_in_prefix": "c"},
            ]
        },
    }
    text = normalize.record(data, ["__pycache__/thing.pyc"])
    after = json.loads(text)
    assert b"/home/me" not in text
    assert after["timestamp"] == 16 and "indexed_timestamp" not in after
    assert after["files"] == ["bin/thing", "share/thing", "__pycache__/thing.pyc"]
    assert after["paths_data"]["paths"] == [
        {"_path": "bin/thing", "path_type": "unix_python_entry_point"},
        {"_path": "share/thing", "prefix_placeholder": "/p", "sha256": "b"},
        {"_path": "__pycache__/thing.pyc", "path_type": "pyc_file"},
    ]


@pytest.mark.parametrize(
    ("url", "shipped"),
    [
        ("https://conda.example/t/secret-token/main/noarch/a.conda", "https://conda.example/main/noarch/a.conda"),
        ("https://me:password@conda.example/main/noarch/a.conda", "https://conda.example/main/noarch/a.conda"),
        ("https://conda.example/main/noarch/a.conda", "https://conda.example/main/noarch/a.conda"),
    ],
)
def test_record__credentials_in_a_channel__do_not_travel(url: str, shipped: str) -> None:
    assert json.loads(normalize.record({"url": url, "channel": url}))["url"] == shipped


def test_history__time_arguments_and_local_channel__are_taken_out() -> None:
    text = (
        "==> 2026-11-24 05:29:11 <==\n# cmd: create /home/me/x.json\n# conda version: 24.1.0\n"
        "+file:///home/me/ch/noarch::idna-3.4-0\n# update specs: ['idna']\n"
    )
    assert normalize.history([{"channel": "file:///home/me/ch/"}], text).decode() == (
        "==> 1980-01-01 00:00:00 <==\n# cmd: create\n# conda version: 24.1.0\n"
        "+file:///local-channel/noarch::idna-3.4-0\n# update specs: ['idna']\n"
    )


@pytest.mark.parametrize(
    "first",
    [
        "#!/bin/sh\n'''exec' \"/very long/bin/python3.11\" \"$0\" \"$@\" #'''\n",
        "#!/bin/sh\n'''exec' '/very long/bin/python3.11' \"$0\" \"$@\"\n' '''\n",
        "#!/very/bin/python3.11\n",
    ],
)
def test_untracked__every_form_of_a_scripts_first_line__becomes_one(first: str) -> None:
    prefix = "/very long" if "long" in first else "/very"
    shipped = normalize.untracked(prefix, "bin/tool", first.encode() + b"import sys\n")
    assert shipped.startswith(b"#!/bin/sh\n'''exec' ")
    assert shipped.endswith(b"""/python3.11" "$0" "$@"\n' '''\nimport sys\n""")


def test_untracked__a_binary_or_another_text__is_the_same_object() -> None:
    for data in (b"\xff\xfe/prefix\0", b"no prefix here\n"):
        assert normalize.untracked("/prefix", "lib/x", data) is data


def test_direct_url__a_local_file__keeps_only_its_name() -> None:
    local = b'{"url": "file:///home/me/dist/thing-1.0.whl", "archive_info": {}}'
    assert json.loads(normalize.direct_url(local)) == {"url": "file:///thing-1.0.whl", "archive_info": {}}
    for kept in (b'{"url": "https://example/thing.whl"}', b"{broken", b"[]"):
        assert normalize.direct_url(kept) is kept


@pytest.mark.parametrize(
    ("tags", "platforms", "glibc"),
    [
        ("Tag: py3-none-any\n", ("any",), None),
        ("Tag: cp311-cp311-manylinux_2_17_x86_64\nTag: cp311-cp311-manylinux2014_x86_64\n", ..., (2, 17)),
        ("Tag: cp311-abi3-manylinux_2_28_x86_64.manylinux_2_34_x86_64\r\n", ..., (2, 28)),
        ("Tag: cp27-cp27mu-manylinux1_x86_64\n", ("manylinux1_x86_64",), (2, 5)),
        ("Tag: cp311-cp311-linux_x86_64\n", ("linux_x86_64",), None),
        ("", (), None),
    ],
)
def test_glibc__of_a_wheels_tags__is_the_least_it_promises(
    tags: str, platforms: object, glibc: tuple[int, int] | None
) -> None:
    found = wheel.platforms(tags)
    assert platforms is ... or found == platforms
    assert wheel.glibc(found) == glibc


def test_scripts__what_conda_pack_promises_to_nobody__is_as_it_was(tmp_path: Path) -> None:
    """Fails when a conda-pack has changed inside: then bin/activate.fish is not shipped, or conda-unpack fails."""
    facts = LayerFacts(prefixes=[("etc/text", "/held", "text"), ("bin/python3", "/held", "binary")])
    made = scripts(relocated([facts]))
    names = ("activate", "activate.fish", "deactivate", "conda-unpack", "run_in_env")
    assert set(made) == {f"bin/{name}" for name in names}
    assert b"CONDA_PREFIX" in made["bin/activate.fish"]
    (tmp_path / "conda-unpack").write_bytes(made["bin/conda-unpack"])
    unpack = runpy.run_path(str(tmp_path / "conda-unpack"))
    assert unpack["_RECORDS"] == [("etc/text", "/held", "text")]
    assert unpack["replace_prefix"](b"is /held/x", "text", "/held", "/new") == b"is /new/x"
    assert unpack["replace_prefix"](b"\0/held/x\0", "binary", "/held", "/new") == b"\0/new/x\0\0"
    assert unpack["spelled"]("a.py", "/it's") == "/it\\'s"


def test_read_record__what_pip_and_uv_write__is_written_back(tmp_path: Path) -> None:
    info = "lib/python3.11/site-packages/a-1.dist-info"
    (tmp_path / info).mkdir(parents=True)
    text = (
        "../../../bin/a,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"
        '"a,b.txt",sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n'
        "a-1.dist-info/RECORD,,\n"
    )
    (tmp_path / info / "RECORD").write_text(text)
    lines = wheel.read_record(tmp_path, info)
    assert [line.path for line in lines] == [
        "bin/a",
        "lib/python3.11/site-packages/a,b.txt",
        f"{info}/RECORD",
    ]
    assert lines[0].sha256.startswith("e3b0c44298fc1c149afb")
    assert wheel.format_record(info, lines).decode() == text


def shipped(folder: Path, *, mode: str | None = None, magic: bytes = importlib.util.MAGIC_NUMBER) -> list[bytes]:
    """Return the compiled files with a new header, of a layer that ships one with the time of its source."""
    source, compiled = folder / "a.py", folder / "a.pyc"
    source.write_text("x = 1\n")
    compiled.write_bytes(magic + bytes(4) + b"whenever" + b"code")
    files = (
        File(str(source), "lib/python3.11/a.py", is_conda=True, file_mode=mode),
        File(str(compiled), "lib/python3.11/__pycache__/a.cpython-311.pyc", is_conda=True, file_mode=None),
    )
    outputs = iter([str(folder / "made.pyc"), str(folder / "another.pyc")])
    jobs = bytecode.find_jobs(Layer("conda/a", files), "cpython-311", importlib.util.MAGIC_NUMBER, outputs)
    make(jobs.values())
    return [Path(job.output).read_bytes() for job in jobs.values()]


def make(jobs: Iterable[bytecode.Job]) -> None:
    """Let this interpreter make compiled files, as an environment's does."""
    command = [sys.executable, "-s", "-S", "-c", bytecode._PROGRAM]
    text = json.dumps(("/no-prefix", list(jobs)))
    subprocess.run(command, input=text.encode(), env=bytecode._ENVIRONMENT, check=True)


def test_shipped__header_with_a_time__becomes_the_hash_of_the_source(tmp_path: Path) -> None:
    header = importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + importlib.util.source_hash(b"x = 1\n")
    assert shipped(tmp_path) == [header + b"code"]


def test_shipped__source_that_unpacking_changes__keeps_its_time(tmp_path: Path) -> None:
    assert shipped(tmp_path, mode="text") == []


def test_shipped__for_another_python__is_left_alone(tmp_path: Path) -> None:
    assert shipped(tmp_path, magic=b"\x42\x0d\r\n") == []


def test_program__the_same_module__compiles_to_the_same_bytes_in_any_company(tmp_path: Path) -> None:
    """Interpreters before 3.11 mark in the bytes what else the process shares; see `bytecode`."""
    sources = []
    for number in range(30):
        source = tmp_path / f"m{number}.py"
        source.write_text(
            f"A = (1.5, 'x{number}', b'y', frozenset({{'p', 'q', {number}}}))\ndef f(x, y=1.5): return x\n"
        )
        sources.append(source)
    found = []
    for batch in ([sources[7]], sources, sources[::-1]):
        make(bytecode.Job(str(source), f"lib/{source.name}", str(source.with_suffix(".pyc"))) for source in batch)
        found.append(sources[7].with_suffix(".pyc").read_bytes())
    assert len(set(found)) == 1
    assert found[0][4:8] == b"\1\0\0\0"
