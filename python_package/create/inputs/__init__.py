"""What create can be given: a dependency file of analyze's, poncho's JSON, or the files that other tools read."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from python_package.create.inputs.encoding import decode
from python_package.create.inputs.given import Given
from python_package.errors import SpecError
from python_package.files.documents import json_value
from python_package.spec import Spec

__all__ = ["Given", "decode", "read"]

_KINDS = "a dependency file of python_package_analyze, environment.yml, requirements.txt or pyproject.toml"


def read(text: str, source: str, *, python: str = "python3") -> Given:
    """Return what a file asks for; `source` is its path, or - for standard input, whose content tells what it is.

    `python` is the user's interpreter, of which the environment markers in a file are true or not. Raises SpecError
    with the place when the content is not valid, or asks for what create cannot do.
    """
    kind = _kind(text, source)
    if kind == "json":
        data = _json(text, source)
        if isinstance(data, dict) and not {"python", "modules"} & set(data) and {"conda", "pip"} & set(data):
            from python_package.create.inputs import environment_yml

            return environment_yml.poncho(data, source, python)
        return Given(Spec.from_json(text, source))
    if kind == "yaml":
        from python_package.create.inputs import environment_yml

        return environment_yml.environment(text, source, python)
    if kind == "toml":
        from python_package.create.inputs import pyproject

        return pyproject.pyproject(text, source, python)
    from python_package.create.inputs import requirements_txt

    return requirements_txt.requirements(text, source, python)


def _kind(text: str, source: str) -> str:
    name = os.path.basename(source).lower()  # noqa: PTH119  # it may be -
    suffix = Path(name).suffix
    if suffix == ".json" or text.lstrip().startswith("{"):  # analyze writes to whatever name it is given
        return "json"
    if suffix in (".yml", ".yaml"):
        return "yaml"
    if suffix == ".toml":
        return "toml"
    if suffix in (".txt", ".in"):
        return "requirements"
    if re.search(r"^\[project\]", text, re.M):
        return "toml"
    if re.search(r"^dependencies:", text, re.M):
        return "yaml"
    with suppress(ValueError):
        json_value(text or "0")
        return "json"  # it is no object, which says what is wrong
    raise SpecError(f"{source}: not {_KINDS}; the name's end or the content should tell which")


def _json(text: str, source: str) -> object:
    try:
        return json_value(text)
    except ValueError as error:
        raise SpecError(f"{source}: not JSON: {error}; make it with python_package_analyze") from None
