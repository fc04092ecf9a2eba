"""Build one layer: its pieces go through the pipeline to the tarball, and to the cache."""

from __future__ import annotations

import hashlib
from functools import partial

from python_package.errors import PackError
from python_package.pack import normalize
from python_package.pack.archive import Archive
from python_package.pack.contents import Layer
from python_package.pack.identity import Identity
from python_package.pack.layer import Filled, Summary
from python_package.pack.output import Output
from python_package.pack.pipeline import Compressed, Member, Pipeline
from python_package.pack.store import Draft


class Builder:
    """Fill `archive`, then call `end`."""

    def __init__(
        self,
        prefix: str,
        layer: Layer,
        identity: Identity,
        pipeline: Pipeline,
        output: Output,
        draft: Draft,
    ) -> None:
        self._layer = layer
        self._pipeline = pipeline
        self._output = output
        self._draft = draft
        self._members: list[Member] = []
        self._digest = hashlib.sha256()
        self._wrong: list[str] = []
        self.archive = Archive(
            prefix,
            pipeline.take,
            lambda piece: pipeline.compress(piece, self._take),
            expect=identity.expect,
            edit=partial(normalize.untracked, prefix),
        )

    def end(self, filled: Filled) -> None:
        """Complete the layer when its last piece is compressed.

        Then a file of a Conda package that is not what the package holds raises PackError.
        """
        self.archive.close()
        self._pipeline.then(partial(self._complete, filled))

    def _take(self, compressed: Compressed) -> None:
        self._output.write(compressed.member, compressed.data)
        self._draft.write(compressed.data)
        self._members.append(compressed.member)
        self._digest.update(compressed.identity)
        self._wrong += compressed.wrong

    def _complete(self, filled: Filled) -> None:
        wrong = self._wrong + self.archive.wrong
        if wrong and self._layer.record is not None:
            folder = self._layer.record["link"]["source"]
            raise PackError(
                f"{folder} is damaged: {wrong[0]} is not what the package holds; remove it and create again"
            )
        archive = self.archive
        summary = Summary(self._digest.hexdigest(), tuple(self._members), archive.files, archive.disk, filled)
        # A file that changed behind its RECORD is shipped as it is, but the key does not stand for it.
        if not wrong:
            self._draft.commit(summary.to_json())
        self._output.complete(summary)
