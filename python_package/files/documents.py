"""JSON, YAML and TOML -> plain values, within bounds; whatever a text has wrong is a ValueError of one line.

Parsers take what is nested deep, or small and expands to gigabytes, and end in a traceback or in no memory.
"""

from __future__ import annotations

import sys

from python_package.files.bounds import DOCUMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Levels of lists and objects in each other. Real files have five, the metadata in a lock ten.
DEPTH = 50
# Values in a YAML file, those that an alias repeats counted each time; an environment of 1,000 packages has 3,000.
YAML_VALUES = 100_000
# Bytes of YAML, which is read at about 100 kB/s; `conda env export` of 1,000 packages writes 50 kB.
YAML = 1 << 20
# Bytes of TOML, which is read at about 2 MB/s; the largest pyproject.toml that we know has 100 kB.
TOML = 4 << 20

_DEEP = f"nested more than {DEPTH} levels deep"


def json_value(text: str | bytes) -> Any:
    """Return the value of a JSON text; raise ValueError for one that is none."""
    import json

    return _loaded(json.loads, text, DOCUMENT)


def toml_value(text: str, most: int | None = None) -> dict[str, Any]:
    """Return the table that a TOML text is; raise ValueError for one that is none."""
    if sys.version_info >= (3, 11):
        from tomllib import loads
    else:
        from tomli import loads

    table: dict[str, Any] = _loaded(loads, text, most or TOML)
    return table


def yaml_value(text: str) -> Any:
    """Return the value of a YAML text; raise ValueError for one that is none, or grows by its aliases."""
    return yaml_document(text)[1]


def yaml_document(text: str) -> tuple[Any, Any]:
    """Return the node of a YAML text, which knows lines, beside its value; raise as `yaml_value` does."""
    import yaml

    try:
        loader = yaml.SafeLoader(_sized(text, YAML))
        node = loader.get_single_node()
        if node is None:
            return None, None
        _countable(node)
        return node, loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{place}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError(_DEEP) from None
    except (KeyError, AttributeError, TypeError, IndexError, OverflowError) as error:
        # `!!bool x`, `!!timestamp x`: PyYAML takes the tag at its word.
        raise ValueError(f"a value that is not what its tag says: {error}") from None


def _sized(text: Any, most: int) -> Any:
    if len(text) > most:
        raise ValueError(f"larger than the {most >> 20} MiB that are read of such a file")
    return text


def _loaded(loads: Callable[[Any], Any], text: Any, most: int) -> Any:
    """Return the value of a text; raise ValueError for one that is nested so deep that showing it would fail."""
    try:
        value = loads(_sized(text, most))
    except RecursionError:
        raise ValueError(_DEEP) from None
    level = [value]
    for _ in range(DEPTH):
        level = [
            item
            for each in level
            if isinstance(each, (dict, list))
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return value
    raise ValueError(_DEEP)


def _countable(node: Any) -> None:
    """Raise ValueError for a YAML node that has too many values, or too many levels of them."""
    stack = [(node, 1)]
    count = 0
    while stack:
        node, depth = stack.pop()
        count += 1
        if depth > DEPTH:
            raise ValueError(_DEEP)
        if count > YAML_VALUES:
            raise ValueError(f"more than {YAML_VALUES:,} values, those that its aliases repeat counted each time")
        inner = node.value if isinstance(node.value, list) else ()
        stack += [(each, depth + 1) for item in inner for each in (item if isinstance(item, tuple) else (item,))]
