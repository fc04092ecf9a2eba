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

# What builders of wheels and Conda packages take to be everywhere (PEP 599). It is not, on small images.
_COMMON = {
    *("libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "libexpat.so.1", "libGL.so.1", "libICE.so.6", "libSM.so.6"),
    *("libX11.so.6", "libXext.so.6", "libXrender.so.1"),
    *("libglib-2.0.so.0", "libgobject-2.0.so.0", "libgthread-2.0.so.0"),
}


class LayerNeeds(NamedTuple):
    """What the programs and libraries of a layer need.

    `glibc` is the least version, or (), and `glibc_of` the file that needs it, "" where a package only declares it.
    `libraries` are the libraries that are neither glibc's nor in the layer, each with a file that needs it; `sonames`
    what others may call those that are in it, besides their files' names.
    """

    glibc: Sequence[int] = ()
    glibc_of: str = ""
    libraries: Sequence[tuple[str, str]] = ()
    sonames: Sequence[str] = ()


class Needs(NamedTuple):
    """What an environment needs of a machine.

    `glibc` and `glibc_of` are as a layer's. `microarchitecture` is the level of the processor, as archspec names it,
    and the package that declares it, or (). `libraries` are (name, a file that needs it) of the libraries that are
    neither in the environment nor glibc's; the last are those that most systems have.
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
    every = ((name, target) for target, needs in found.items() for name in needs.libraries)
    libraries = _missing(every, {*sonames, *map(basename, sources)})
    return LayerNeeds(glibc, path, libraries, sorted(sonames))


def of_environment(contents: Contents, layers: Sequence[LayerNeeds]) -> Needs:
    """Put together what the layers need; a library that is anywhere in the environment counts as found."""
    highest = max(layers, key=lambda each: (tuple(each.glibc), bool(each.glibc_of)), default=LayerNeeds())
    inside = {basename(file.target) for layer in contents.layers for file in layer.files}
    inside.update(name for each in layers for name in each.sonames)
    missing = _missing((each for layer in layers for each in layer.libraries), inside)
    missing.sort(key=lambda each: (each[0] in _COMMON, each[0]))
    return Needs(highest.glibc, highest.glibc_of, declared(contents.records), missing)


def _missing(libraries: Iterable[Sequence[str]], inside: Collection[str]) -> list[tuple[str, str]]:
    """Return the (name, file that needs it) whose library is not among those inside, each library once."""
    missing: dict[str, str] = {}
    for name, path in libraries:
        if name not in inside:
            missing.setdefault(name, path)
    return list(missing.items())


def _declared_glibc(layer: Layer) -> Sequence[int]:
    """Return the glibc that the layer's metadata asks for."""
    if layer.record is None:
        return (layer.is_prebuilt and wheel.glibc(layer.platforms)) or ()
    depends = " ".join(layer.record.get("depends", ()))
    versions = re.findall(r"__glibc >=(\d+)\.(\d+)", depends)
    return max(((int(major), int(minor)) for major, minor in versions), default=())
