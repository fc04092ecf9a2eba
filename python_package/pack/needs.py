"""What an environment needs of the machine that it runs on: measured in its files, declared where they cannot tell."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from os.path import basename
from pathlib import Path
from typing import NamedTuple

from python_package import elf
from python_package.pack.contents import Contents, Layer
from python_package.pack.microarchitecture import declared
from python_package.pypi import wheel

# What only a machine with NVIDIA's driver has.
DRIVER = re.compile(r"lib(cuda|cudadebugger|nvcuvid|nvoptix|nvidia-[a-z-]+)\.so(\.\d+)*")

# What nearly every machine has: compilers link to them without being asked.
_COMMON = ("libgcc_s.so.1", "libstdc++.so.6", "libz.so.1")


class LayerNeeds(NamedTuple):
    """What the programs and libraries of a layer need.

    `glibc` is the least version, or (), and `glibc_of` the file that needs it, "" where a package only declares it.
    `libraries` are (name, a file that needs it, how many do) of those that are neither glibc's nor in the layer;
    `sonames` what others may call those that are in it, besides their files' names.
    """

    glibc: Sequence[int] = ()
    glibc_of: str = ""
    libraries: Sequence[tuple[str, str, int]] = ()
    sonames: Sequence[str] = ()


class Needs(NamedTuple):
    """What an environment needs of a machine.

    `glibc` and `glibc_of` are as a layer's. `microarchitecture` is the level of the processor, as archspec names it,
    and the package that declares it, or (). `libraries` are (name, a file that needs it) of the libraries that are
    neither in the environment nor glibc's: a driver's first, then what most files need, last what most machines have.
    """

    glibc: Sequence[int] = ()
    glibc_of: str = ""
    microarchitecture: Sequence[str] = ()
    libraries: Sequence[tuple[str, str]] = ()


def of_layer(layer: Layer, programs: Iterable[str], subdir: str) -> LayerNeeds:
    """Measure a layer; `programs` are the targets of its ELF files. Those for another platform are mere data."""
    sources = {file.target: file.source for file in layer.files}
    read = ((target, elf.needs(Path(sources[target]))) for target in programs)
    found = {target: needs for target, needs in read if needs and needs.subdir == subdir}
    if not found:
        return LayerNeeds(_declared_glibc(layer))
    path = max(found, key=lambda target: found[target].glibc)
    glibc, path = (found[path].glibc, path) if any(found[path].glibc) else ((), "")
    sonames = {needs.soname for needs in found.values()} - {"", *map(basename, sources)}
    every = ((name, target, 1) for target, needs in found.items() for name in needs.libraries)
    libraries = _missing(every, {*sonames, *map(basename, sources)})
    return LayerNeeds(glibc, path, libraries, sorted(sonames))


def of_environment(contents: Contents, layers: Sequence[LayerNeeds]) -> Needs:
    """Put together what the layers need; a library that is anywhere in the environment counts as found."""
    highest = max(layers, key=lambda each: (tuple(each.glibc), bool(each.glibc_of)), default=LayerNeeds())
    inside = {basename(file.target) for layer in contents.layers for file in layer.files}
    inside.update(name for each in layers for name in each.sonames)
    missing = _missing((each for layer in layers for each in layer.libraries), inside)
    missing.sort(key=lambda each: (not DRIVER.fullmatch(each[0]), each[0] in _COMMON, -each[2], each[0]))
    libraries = [(name, path) for name, path, _ in missing]
    return Needs(highest.glibc, highest.glibc_of, declared(contents.records), libraries)


def _missing(libraries: Iterable[tuple[str, str, int]], inside: Collection[str]) -> list[tuple[str, str, int]]:
    """Return the libraries that are not among those inside, each once: its first file, the sum of its numbers."""
    missing: dict[str, tuple[str, str, int]] = {}
    for name, path, number in libraries:
        if name not in inside:
            _, first, before = missing.get(name, (name, path, 0))
            missing[name] = (name, first, before + number)
    return list(missing.values())


def _declared_glibc(layer: Layer) -> Sequence[int]:
    """Return the glibc that the layer's metadata asks for."""
    if layer.record is None:
        return (layer.is_prebuilt and wheel.glibc(layer.platforms)) or ()
    depends = " ".join(layer.record.get("depends", ()))
    versions = re.findall(r"__glibc >=(\d+)\.(\d+)", depends)
    return max(((int(major), int(minor)) for major, minor in versions), default=())
