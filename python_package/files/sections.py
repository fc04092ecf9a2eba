"""Tables of TOML, YAML and JSON documents: what is asked for is of its kind, or the message names its place."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any


class Section:
    """A table of a document and its place, `path`: `tool.poetry`, or empty for the document itself.

    What is of another kind than asked for raises ValueError with the place.
    """

    def __init__(self, value: object, path: str = "") -> None:
        self.path = path
        if not isinstance(value, dict):
            raise ValueError(f"{self} must be a table")
        self.data: Mapping[str, Any] = value

    def __str__(self) -> str:
        return f"[{self.path}]"

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def only(self, known: Collection[str], what: str) -> None:
        """Raise ValueError for a key that is not known; `what` is wrong with that."""
        for key in sorted(set(self.data) - set(known)):
            raise ValueError(f"{self} {key} {what}")

    def table(self, key: str) -> Section:
        """Return a table in this one, an empty one where there is none."""
        return Section(self.data.get(key, {}), self.child(key))

    def tables(self, key: str) -> list[Section]:
        """Return an array of tables, none where there is none."""
        return [Section(each, f"[{self.child(key)}]") for each in self.entries(key)]

    def each(self, key: str, of_text: str = "") -> list[Section]:
        """Return the tables of an entry that may be one or several; a text may stand for the table of that key."""
        value = self.data.get(key, [])
        entries = value if isinstance(value, list) else [value]
        tables = ({of_text: entry} if of_text and isinstance(entry, str) else entry for entry in entries)
        return [Section(each, self.child(key)) for each in tables]

    def entries(self, key: str) -> list[Any]:
        """Return a list, an empty one where there is none."""
        value = self.data.get(key)
        if not isinstance(value, list | None):
            raise ValueError(f"{self._at(key)} must be a list")
        return value or []

    def text(self, key: str, *, needed: bool = False) -> str:
        """Return one line of text, '' where there is none and none is needed."""
        if needed and not self.data.get(key):
            raise ValueError(f"{self._at(key)} is missing")
        return self._text(self.data.get(key, ""), key)

    def texts(self, key: str) -> list[str]:
        """Return a list of such texts, none where there is none."""
        return [self._text(each, key) for each in self.entries(key)]

    def _text(self, value: object, key: str) -> str:
        if not isinstance(value, str) or "\n" in value or "\0" in value:
            raise ValueError(f"{self._at(key)} must be one line of text")
        return value

    def marker(self, text: str) -> str:
        """Return an environment marker of this table; raise ValueError for what is none."""
        from packaging.markers import InvalidMarker, Marker  # few tables have any

        try:
            return text and str(Marker(text))
        except InvalidMarker:
            raise ValueError(f"{self} {text!r} is not a marker (PEP 508)") from None

    def child(self, key: str) -> str:
        """Return the path of a table in this one."""
        return f"{self.path}.{key}" if self.path else key

    def _at(self, key: str) -> str:
        return f'{self} "{key}"' if self.path else f'"{key}"'
