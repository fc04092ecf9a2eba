"""What create can be given: a dependency file of analyze's, poncho's JSON, or the files that other tools read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from python_package.create.inputs.dependencies import Dependencies, Given
from python_package.create.inputs.requirements_txt import decode
from python_package.create.inputs.requirements_txt import read as read_requirements
from python_package.errors import SpecError
from python_package.files.documents import json_value, toml_value, yaml_value
from python_package.spec import Spec
from python_package.target import Target

__all__ = ["Given", "decode", "read"]

_KINDS = "a dependency file of python_package_analyze, environment.yml, requirements.txt or pyproject.toml"

# How the text of each kind is parsed, by the kind's name in messages.
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "JSON": json_value,
    "YAML": yaml_value,
    "TOML": toml_value,
    "requirements": str,
}


def read(text: str, source: str, *, python: str = "python3", target: Target | None = None) -> Given:
    """Return what a file asks for; `source` is its path, or - for standard input, whose content tells what it is.

    `python` is the user's interpreter, of which the environment markers in a file are true or not, on this machine or
    on a target. Raises SpecError with the place when the content is not valid, or asks for what create cannot do.
    """
    kind = _kind(text, source)
    try:
        document = _PARSERS[kind](text)
    except ValueError as error:
        advice = "; make it with python_package_analyze" if kind == "JSON" else ""
        raise SpecError(f"{source}: not {kind}: {error}{advice}") from None
    if kind == "JSON" and not (isinstance(document, dict) and _is_ponchos(document)):
        return Given(Spec.from_json(text, source))
    found = Dependencies(source, python, target)
    try:
        if kind == "requirements":
            found.wishes += read_requirements(text, source, found)
        elif kind == "TOML":
            from python_package.create.inputs import pyproject

            pyproject.read(document, found)
        else:
            from python_package.create.inputs import environment_yml

            environment_yml.poncho(document, found) if kind == "JSON" else environment_yml.environment(document, found)
    except ValueError as error:
        raise SpecError(f"{source}: {error}") from None
    return found.given()


def _is_ponchos(document: dict[str, object]) -> bool:
    return not {"python", "modules"} & set(document) and bool({"conda", "pip"} & set(document))


def _kind(text: str, source: str) -> str:
    name = os.path.basename(source).lower()  # noqa: PTH119  # it may be -
    suffix = Path(name).suffix
    if suffix == ".json" or text.lstrip().startswith("{"):  # analyze writes to whatever name it is given
        return "JSON"
    kinds = {".yml": "YAML", ".yaml": "YAML", ".toml": "TOML", ".txt": "requirements", ".in": "requirements"}
    if suffix in kinds:
        return kinds[suffix]
    if re.search(r"^\[project\]", text, re.M):
        return "TOML"
    if re.search(r"^dependencies:", text, re.M):
        return "YAML"
    with suppress(ValueError):
        json_value(text or "0")
        return "JSON"  # it is no object, which says what is wrong
    raise SpecError(f"{source}: not {_KINDS}; the name's end or the content should tell which")
