"""Fill the archive with a layer, by conda-pack's rules, and keep what must be known of it later.

The last layer is the environment's own: Conda's records and history, scripts, a list of packages.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import conda_pack
from conda_pack import core, prefixes
from conda_pack.core import File, Packer, is_binary_file

from python_package.lock import FILE
from python_package.pack import layer_keys, normalize
from python_package.pack.archive import ArchiveWriter
from python_package.pack.bytecode import Compiled
from python_package.pack.compression import DeflatedPiece
from python_package.pack.contents import Contents, Layer
from python_package.pack.layer_keys import LayerKey
from python_package.pack.needs import LayerNeeds, of_layer
from python_package.pack.relocate import spelled
from python_package.pypi import wheel
from python_package.pypi.wheel import RecordLine
from python_package.run import activate_scripts, conda_unpack, run_in_env

# One line for each package and each file to relocate, which `python_package_run --info` prints.
PACKAGES = "conda-meta/python-package-list"

# How long the bar of the largest package is.
_BAR = 30

# conda-pack's own, which it promises to nobody: bin/activate.fish, as (source, target), and the text of the functions
# that put the prefix into files. A test tells when they change.
_CONDA_PACK_SCRIPTS: Sequence[tuple[str, str]] = core._scripts
_CONDA_PACK_FUNCTIONS = (prefixes.replace_prefix, prefixes.text_replace, prefixes.binary_replace)


class LayerFacts(NamedTuple):
    """What a layer turned out to hold.

    `prefixes` are (path, placeholder, mode) of the files to relocate; `bytecode` the compiled files that were made
    for it; `needs` what it needs of the machine.
    """

    prefixes: Sequence[tuple[str, str, str]] = ()
    bytecode: Sequence[str] = ()
    needs: LayerNeeds = LayerNeeds()


class PackedLayer(NamedTuple):
    """What is known of a packed layer without reading it; `digest` is of its content."""

    digest: str
    pieces: Sequence[DeflatedPiece]
    files: int
    disk: int
    facts: LayerFacts

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> PackedLayer:
        """Take the layer from what JSON kept of it."""
        digest, pieces, files, disk, (prefixes, bytecode, needs) = data
        facts = LayerFacts(prefixes, bytecode, LayerNeeds(*needs))
        return cls(digest, [DeflatedPiece(*piece) for piece in pieces], files, disk, facts)


def fill(archive: ArchiveWriter, contents: Contents, layer: Layer, compiled: Compiled) -> LayerFacts:
    """Add a layer's files to the archive, and the compiled ones besides or instead of them."""
    prefix = str(contents.prefix)
    packer = Packer(prefix, archive)
    record = f"{layer.dist_info}/RECORD"
    for file in layer.files:
        if file.target in compiled:
            continue
        if layer.record is not None and layer.left_out and file.target.endswith(".dist-info/RECORD"):
            archive.add_text(file.target, _shortened(contents, layer, file))
            continue
        if _is_large_binary(file):
            archive.add(file.source, file.target)
        elif file.target != record:
            packer.add(file)
    for target in sorted(compiled):
        archive.add(compiled[target], target)
    made = sorted(set(compiled) - {file.target for file in layer.files})
    if layer.dist_info:
        archive.add_text(record, wheel.format_record(layer.dist_info, _record(archive, layer, made)))
    needs = of_layer(layer, archive.elf, contents.subdir)
    return LayerFacts(tuple(_prefixes(packer, archive, prefix)), made, needs)


def _shortened(contents: Contents, layer: Layer, file: File) -> bytes:
    """Return a RECORD that came in a Conda package without the files that are left out."""
    folder = os.path.dirname(file.target)
    lines = wheel.read_record(contents.prefix, folder)
    return wheel.format_record(folder, (line for line in lines if line.path not in layer.left_out))


def _is_large_binary(file: File) -> bool:
    """Tell a file that conda-pack would read whole only to leave it as it is."""
    if file.file_mode != "unknown" or os.path.islink(file.source) or os.path.getsize(file.source) <= layer_keys.LARGE:
        return False
    with open(file.source, "rb") as stream:
        head = stream.read(1 << 16)
    # The cut may be amid a character of up to four bytes.
    return all(is_binary_file(head[: len(head) - cut]) for cut in range(4))


def _record(archive: ArchiveWriter, layer: Layer, made: Iterable[str]) -> Iterable[RecordLine]:
    """Yield RECORD's lines in order: hashes of edited files anew, compiled files without, as pip does."""
    targets = {file.target for file in layer.files}
    lines = {path: line for path, line in layer.recorded.items() if path in targets or layer_keys.is_listed(path)}
    for path, data in archive.edited.items():
        if path in lines:
            lines[path] = RecordLine(path, hashlib.sha256(data).hexdigest(), len(data))
    lines.update({path: RecordLine(path) for path in made})
    return (lines[path] for path in sorted(lines))


def _prefixes(packer: Packer, archive: ArchiveWriter, prefix: str) -> Iterable[tuple[str, str, str]]:
    """Yield what conda-pack would relocate, without the texts that do not hold the prefix."""
    for path, placeholder, mode in packer.prefixes:
        if placeholder != prefix:
            yield path, placeholder, mode
        elif normalize.PLACEHOLDER.encode() in archive.edited.get(path, b""):
            yield path, normalize.PLACEHOLDER, mode


def identify_environment(contents: Contents, layers: Sequence[PackedLayer]) -> LayerKey:
    """Return the layer's key; `layers` are the environment's other layers, in their order."""
    records = (path.read_bytes() for path in sorted((contents.prefix / "conda-meta").glob("*.json")))
    ours = (run_in_env(), conda_unpack(), inspect.getsource(spelled), *activate_scripts().values())
    texts = (part for text in _texts(contents, layers).items() for part in text)
    facts = json.dumps([layer.facts for layer in layers])
    slim = (json.dumps([record["files"] for record in contents.records]),) if contents.slim else ()
    return LayerKey(layer_keys.combine("environment", *records, *texts, facts, *slim, *ours))


def fill_environment(archive: ArchiveWriter, contents: Contents, layers: Sequence[PackedLayer]) -> LayerFacts:
    """Add the layer's files to the archive."""
    for layer, packed in zip(contents.layers, layers, strict=True):
        if layer.record is not None:
            name = "{name}-{version}-{build}.json".format_map(layer.record)
            archive.add_text(f"conda-meta/{name}", normalize.record(layer.record, packed.facts.bytecode))
    for path, text in _texts(contents, layers).items():
        archive.add_text(path, text)
    for path, data in sorted(scripts(relocated(layer.facts for layer in layers)).items()):
        archive.add_text(path, data, executable=data.startswith(b"#!"))
    return LayerFacts()


def relocated(facts: Iterable[LayerFacts]) -> list[tuple[str, str, str]]:
    """Return (path, placeholder, mode) of the files that hold the prefix, in order.

    By conda-pack's rule the interpreter is none: it runs conda-unpack, and finds its own prefix.
    """
    every = ((*record,) for each in facts for record in each.prefixes)
    return sorted(record for record in every if record[2] == "text" or not record[0].startswith("bin/python"))


def scripts(records: Iterable[tuple[str, str, str]]) -> dict[str, bytes]:
    """Return path -> content of what is run or sourced: activate, conda-unpack and run_in_env.

    `records` are (path, placeholder, mode) of the files to relocate.
    """
    added = {target: Path(source).read_bytes() for source, target in _CONDA_PACK_SCRIPTS if target.endswith(".fish")}
    functions = [textwrap.dedent(inspect.getsource(each)) for each in (*_CONDA_PACK_FUNCTIONS, spelled)]
    unpack = conda_unpack()
    for name, value in (
        ("@REPLACE@", "\n\n".join(["on_win = False\n", *functions])),
        ("@RECORDS@", "".join(f"    {record!r},\n" for record in records)),
        ("@VERSION@", conda_pack.__version__),
    ):
        unpack = unpack.replace(name, value)
    own = {**activate_scripts(), "bin/conda-unpack": unpack, "bin/run_in_env": run_in_env()}
    return {**added, **{path: text.encode() for path, text in own.items()}}


def _texts(contents: Contents, layers: Sequence[PackedLayer]) -> dict[str, bytes]:
    """Return the history and the list of packages, and the lock if the environment has one, by path."""
    found = {}
    for path in ("conda-meta/history", FILE):
        with suppress(FileNotFoundError):
            found[path] = (contents.prefix / path).read_bytes()
    history = found.pop("conda-meta/history", b"").decode("utf-8", "surrogateescape")
    return {
        "conda-meta/history": normalize.history(contents.records, history),
        PACKAGES: _list(contents, layers),
        **found,
    }


def _list(contents: Contents, layers: Sequence[PackedLayer]) -> bytes:
    """Return the packages, the files that the wrapper or conda-unpack has to adapt, and a table of sizes, in lines."""
    lines = ["package {name}-{version}-{build}".format_map(record) for record in contents.records]
    lines += [f"pypi {_full_name(layer)}" for layer in contents.layers if layer.dist_info]
    lines += [f"prefix-in {path}" for path, _, _ in relocated(layer.facts for layer in layers)]
    lines += [f"sizes {row}" for row in _sizes(contents, layers)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _sizes(contents: Contents, layers: Sequence[PackedLayer]) -> Iterable[str]:
    """Yield a table of packages, the largest first: as it is printed, because the wrapper can do no more than that."""
    sizes = [
        (sum(piece.length for piece in packed.pieces), _full_name(layer), sum(piece.raw for piece in packed.pieces))
        for layer, packed in zip(contents.layers, layers, strict=True)
    ]
    if sizes:
        yield f"{'unpacked':>12} {'packed':>12}"
    for after, name, before in sorted(sizes, key=lambda row: (-row[0], row[1])):
        bar = "#" * (_BAR * after // max(sizes)[0])
        yield f"{-(-before // 1000):>9} kB {-(-after // 1000):>9} kB  {bar:{_BAR}}  {name}"


def _full_name(layer: Layer) -> str:
    """Return what the list calls a layer: a package with its version and build, a distribution, or the layer's name."""
    if layer.record is not None:
        return "{name}-{version}-{build}".format_map(layer.record)
    return Path(layer.dist_info).name.removesuffix(".dist-info") or layer.name
