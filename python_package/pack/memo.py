"""Remember conda-pack's answer for an environment that did not change, since asking takes longer than copying."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_pack.core import File

from python_package.pack import dist_info as wheel
from python_package.pack import identity, normalize
from python_package.pack.contents import Contents, Layer
from python_package.pack.layer import Summary
from python_package.pack.relocate import Place
from python_package.pack.store import Entry, Store

# Files whose content conda-pack or the keys of packages depend on, beside the names of all files.
_READ = ("/conda-meta/", "/bin/")
_READ_ANYWHERE = "direct_url.json"


@dataclass(frozen=True)
class Recalled:
    """An environment that is in the cache whole: its layers in order, the last one ours."""

    entries: tuple[Entry, ...]
    summaries: tuple[Summary, ...]
    version: str
    subdir: str


def key(prefix: Path) -> str:
    """Return what identifies conda-pack's answer: all names, Conda's records, scripts; "" if they cannot be read.

    Files that are shared with a cache of packages count with their stamps.
    """
    facts = [str(prefix)]
    root = len(str(prefix))
    folders = [str(prefix)]
    try:
        while folders:
            folder = folders.pop()
            with os.scandir(folder) as items:
                for item in sorted(items, key=lambda item: item.name):
                    if item.is_dir(follow_symlinks=False):
                        folders.append(item.path)
                        facts.append(item.path[root:] + "/")
                    elif item.is_symlink():
                        facts.append(item.path[root:] + "@")
                    else:
                        facts.append(item.path[root:])
                        status = item.stat(follow_symlinks=False)
                        if status.st_nlink > 1:
                            facts.append(identity.stamp(status))
                        elif item.name == _READ_ANYWHERE or item.path.startswith(_READ, root):
                            facts.append(_content(item))
    except OSError:
        return ""
    return identity.combine("memo", "\0".join(facts))


def keep(store: Store, memo: str, contents: Contents, keys: Sequence[str]) -> None:
    """Remember the keys of an environment's layers, ours included; nothing if one of them is not in the cache."""
    copied = [
        (file.source, identity.stamp(os.lstat(file.source)))
        for layer in contents.layers
        if layer.record is not None
        for file in layer.files
        if not _is_shared(contents.prefix, file)
    ]
    loose = {
        layer.name: (layer.dist_info, [file.target for file in layer.files])
        for layer in contents.layers
        if layer.record is None
    }
    if memo and all(keys):
        with store.draft(memo) as draft:
            names = [layer.name for layer in contents.layers]
            draft.commit([contents.python, contents.version, contents.subdir, names, list(keys), loose, copied])


def recall(store: Store, memo: str, prefix: Path) -> Recalled | None:
    """Return the layers of an environment if all are in the cache and what they were made of is unchanged.

    That is what no Conda package owns, and the files of packages of which the environment has its own copy.
    """
    entry = store.find(memo)
    if entry is None:
        return None
    python, version, subdir, names, keys, loose, copied = entry.summary
    try:
        if any(identity.stamp(os.lstat(source)) != known for source, known in copied):
            return None
    except OSError:
        return None
    contents = Contents(prefix, (), python, version, subdir)
    for name, known in zip(names, keys, strict=False):  # ours has no name
        if name in loose and identity.identify(contents, _layer(prefix, name, *loose[name])).key != known:
            return None
    entries = []
    for each in keys:
        found = store.find(each)
        if found is None:
            return None
        entries.append(found)
    return Recalled(tuple(entries), tuple(Summary.from_json(each.summary) for each in entries), version, subdir)


def keep_places(store: Store, memo: str, content: str, places: Sequence[Place]) -> None:
    """Remember which files of an environment, packed with that content id, hold its prefix."""
    with store.draft(_places(memo, content)) as draft:
        draft.commit(places)


def recall_places(store: Store, memo: str, content: str) -> list[Place] | None:
    """Return what keep_places was told."""
    entry = store.find(_places(memo, content))
    if entry is None:
        return None
    return [(path, mode) for path, mode in entry.summary]


def _places(memo: str, content: str) -> str:
    return identity.combine("places", memo, content) if memo and content else ""


def _layer(prefix: Path, name: str, dist_info: str, targets: Sequence[str]) -> Layer:
    files = (File(os.path.join(prefix, target), target, is_conda=False, file_mode="unknown") for target in targets)
    recorded = {each.path: each for each in wheel.read_record(prefix, dist_info)} if dist_info else {}
    return Layer(name, tuple(files), dist_info=dist_info, recorded=recorded)


def _is_shared(prefix: Path, file: File) -> bool:
    """Tell whether the environment's file is the very one that is packed: its stamp is in the key."""
    try:
        return os.path.samestat(os.lstat(prefix / file.target), os.lstat(file.source))
    except OSError:
        return False


def _content(item: os.DirEntry[str]) -> str:
    data = Path(item.path).read_bytes()
    if item.name == "history":
        data = normalize.history((), data.decode("utf-8", "surrogateescape"))
    return hashlib.sha256(data).hexdigest()
