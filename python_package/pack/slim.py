"""What a tarball can do without, kind by kind, decided by paths and by what the modules that stay import."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from python_package.errors import UsageError
from python_package.pack.contents import Contents, Layer, source_of
from python_package.pypi.local_wheel import NAME as LOCAL

KINDS: Mapping[str, str] = {
    "headers": "headers of C, C++ and Cython",
    "static": "static libraries",
    "tests": "test suites of packages",
    "docs": "manual pages and other documentation",
    "stubs": "type stubs",
    "bytecode": "compiled modules",
}

# Returns the text of a module of the environment, by its path.
Read = Callable[[str], bytes]

# By path alone. Compilers keep what they need in lib/gcc and the like, which is not here; licences stay.
_PATHS = {
    "headers": re.compile(
        r"(targets/[^/]+/)?include/.*"
        r"|lib/python[^/]*/site-packages/.*\.(h|hh|hpp|hxx|h\+\+|cuh|inl|ipp|tcc|pxd|pxi)"
    ),
    "static": re.compile(r"lib(64)?/(python[^/]*/.*)?lib[^/]*\.(a|la)"),
    "docs": re.compile(r"(share/)?(man|info|doc|gtk-doc)/(?!.*(LICEN[CS]E|COPYING|NOTICE|COPYRIGHT))(?s:.*)", re.I),
}
_SITE = re.compile(r"lib/python[^/]*/(?:site-packages/)?(.+)")
_TEST = re.compile(r"(test_[^/]*|[^/]*_tests?|conftest)\.py")

# The end of a suite's name, which is searched for first, because most modules do not have it; a statement that imports,
# with what it names; and a name in quotes, as plug-ins and lazy modules have them.
_MENTION = re.compile(rb"tests?\b")
_IMPORT = re.compile(
    rb"[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|(?:\\\n|[^\n#])*)|import[ \t]+((?:\\\n|[^\n#])+))"
)
_QUOTED = re.compile(rb"[\"'](\w[\w.]*\.(?:conf)?tests?\b[\w.]*)[\"':]")
# The library that makes lazy packages from their stubs.
_LAZY = b"attach_stub"


def parse(text: str) -> tuple[str, ...]:
    """Return the kinds that are named, in the order of KINDS, all for "all"; raise UsageError for any other name."""
    named = [name.strip() for name in text.split(",")]
    if unknown := [name for name in named if name not in (*KINDS, "all")]:
        raise UsageError(f"--slim: no such kind: {unknown[0]!r}; the kinds are {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in named or "all" in named)


def left_out(paths: Iterable[str], kinds: Iterable[str], read: Read) -> frozenset[str]:
    """Return which paths of packages go with these kinds.

    A suite of tests stays if a module outside of suites, or in one that stays, imports something of it. So does a stub
    that is read when its module is imported, or that is no stub of a module beside it but data of a tool.
    """
    every, kinds = frozenset(paths), frozenset(kinds)
    found = {path for path in every for kind in kinds & _PATHS.keys() if _PATHS[kind].fullmatch(path)}
    if "tests" in kinds:
        found |= _tests(every, read)
    if "stubs" in kinds:
        found |= {*_stubs(every, read)}
    whole = "bytecode" in kinds
    return frozenset(path for path in every if path in found or _is_bytecode(path, every, found, whole=whole))


def without(contents: Contents, kinds: Iterable[str]) -> Contents:
    """Return the contents without what these kinds are, in Conda's records and RECORD too; your own code stays."""
    kinds = tuple(kind for kind in KINDS if kind in set(kinds))
    if not kinds:
        return contents
    layers = [layer for layer in contents.layers if _is_of_a_package(layer)]
    sources = {file.target: file.source for layer in layers for file in layer.files}
    # Conda lists the compiled files that it made, too.
    every = {*sources, *(path for record in contents.records for path in record["files"])}
    gone = left_out(every, kinds, lambda path: Path(sources[path]).read_bytes())
    slim = tuple(_reduced(layer, gone) if _is_of_a_package(layer) else layer for layer in contents.layers)
    return replace(contents, layers=slim, slim=kinds)


def _is_of_a_package(layer: Layer) -> bool:
    return layer.record is not None or (
        bool(layer.dist_info) and not layer.name.startswith(f"pypi/{LOCAL.replace('-', '_')}-")
    )


def _reduced(layer: Layer, gone: frozenset[str]) -> Layer:
    """Return a layer without these paths."""
    files = tuple(file for file in layer.files if file.target not in gone)
    recorded = {path: line for path, line in layer.recorded.items() if path not in gone}
    missing = gone & ({file.target for file in layer.files} | {*(layer.record or {}).get("files", ())})
    return replace(layer, files=files, recorded=recorded, record=_record(layer.record, gone), left_out=missing)


def _record(record: Mapping[str, Any] | None, gone: frozenset[str]) -> Mapping[str, Any] | None:
    """Return Conda's record of what is left of a package, whose RECORD is not the one that has a sum there."""
    if record is None or gone.isdisjoint(record.get("files", ())):
        return record
    data = {**record, "files": [path for path in record["files"] if path not in gone]}
    if record.get("paths_data"):
        paths = [_unsummed(entry) for entry in record["paths_data"].get("paths", ()) if entry["_path"] not in gone]
        data["paths_data"] = {**record["paths_data"], "paths": paths}
    return data


def _unsummed(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if not entry["_path"].endswith(".dist-info/RECORD"):
        return entry
    return {key: value for key, value in entry.items() if key not in ("sha256", "sha256_in_prefix", "size_in_bytes")}


# ---- Tests


def _tests(every: frozenset[str], read: Read) -> set[str]:
    """Return the files of the test suites that nothing else imports."""
    suites = _suites(every)
    members = {path: suite for path in every if (suite := _suite_of(path, suites))}
    modules = {_module(suite): suite for suite in suites}
    waiting = [path for path in every if path.endswith(".py") and path not in members]
    stay: set[str] = set()
    while waiting:
        needed = {suite for path in waiting for suite in _imported(path, read(path), modules)} - stay
        stay |= needed
        waiting = [path for path, suite in members.items() if suite in needed and path.endswith(".py")]
    return {path for path, suite in members.items() if suite not in stay}


def _suites(every: Iterable[str]) -> frozenset[str]:
    """Return the outermost folders of tests that have one, and the settings of pytest outside of these."""
    folders = set()
    for path in every:
        if (inside := _SITE.fullmatch(path)) and _TEST.fullmatch(path.rpartition("/")[2]):
            parts = inside[1].split("/")[:-1]
            at = next((at for at, part in enumerate(parts) if part in ("test", "tests")), None)
            if at is not None:
                folders.add(path[: inside.start(1)] + "/".join(parts[: at + 1]))
            elif parts and path.endswith("/conftest.py"):
                folders.add(path)
    return frozenset(folders)


def _suite_of(path: str, suites: frozenset[str]) -> str:
    """Return the suite that a path is in, "" for none."""
    if path in suites:
        return path
    at = path.find("/test")
    while at >= 0:
        end = path.find("/", at + 1)
        if path[:end] in suites and end > 0:
            return path[:end]
        at = path.find("/test", at + 1)
    return ""


def _module(path: str) -> str:
    """Return what imports call a module's file, or a folder."""
    inside = _SITE.fullmatch(path)
    name = (inside[1] if inside else path).removesuffix(".py").removesuffix("/__init__")
    return name.replace("/", ".")


def _imported(path: str, text: bytes, modules: Mapping[str, str]) -> Iterator[str]:
    """Yield the suites that a module imports something of; `modules` are their names as imports have them."""
    package = _module(path).split(".")
    if not path.endswith("/__init__.py"):
        package = package[:-1]
    for mention in _MENTION.finditer(text):
        start, end = text.rfind(b"\n", 0, mention.start()) + 1, text.find(b"\n", mention.end())
        names = [(each.decode("utf-8", "replace"), 2) for each in _QUOTED.findall(text[start : end % len(text) + 1])]
        # The statement may have begun in a line above.
        opened = text.rfind(b"\n", 0, max(text.rfind(b"import", 0, mention.start()), 0)) + 1
        for line in {start, opened}:
            statement = _IMPORT.match(text, line)
            if statement and statement.end() >= mention.end():
                words = (part.decode("utf-8", "replace") if part else "" for part in statement.groups())
                names += [(each, 1) for each in _named(package, *words)]
        for name, least in names:  # what is in quotes and one word may be anything
            parts = name.split(".")
            ends = range(least, len(parts) + 1)
            yield from (modules[above] for end in ends if (above := ".".join(parts[:end])) in modules)


def _named(package: list[str], start: str, names: str, plain: str) -> Iterator[str]:
    """Yield the modules that a statement of a package may mean: `from start import names`, or `import plain`."""
    words = [words[0] for part in re.split(r"[(),\\]", names or plain) if (words := part.split())]
    level = len(start) - len(start.lstrip("."))
    base = package[: len(package) - level + 1] if level else []
    yield from (".".join(filter(None, [*base, *start[level:].split("."), word])) for word in words)


# ---- Stubs and compiled modules


def _stubs(every: frozenset[str], read: Read) -> Iterator[str]:
    """Yield the stubs of modules, and the marks of packages that have some."""
    compiled = {folder + name.partition(".")[0] for folder, name in _split(every) if name.endswith(".so")}
    for path in every:
        stem, _, suffix = path.rpartition(".")
        if path.endswith("/py.typed"):
            yield path
        elif suffix == "pyi" and f"{stem}.py" in every:
            if _LAZY not in read(f"{stem}.py"):
                yield path
        elif suffix == "pyi" and (stem in compiled or "-stubs/" in path):
            yield path


def _split(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield paths as folder and name."""
    for path in paths:
        folder, slash, name = path.rpartition("/")
        yield folder + slash, name


def _is_bytecode(path: str, every: frozenset[str], gone: set[str], *, whole: bool) -> bool:
    """Tell a compiled file whose module goes, or is there if the `whole` kind is to go."""
    source = source_of(path) if path.endswith(".pyc") else None
    return source is not None and source in every and (whole or source in gone)
