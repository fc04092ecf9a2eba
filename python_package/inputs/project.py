"""A project's pyproject.toml: what it needs, not the project itself."""

from __future__ import annotations

from typing import Any

from python_package.documents import toml_value
from python_package.errors import SpecError
from python_package.inputs.given import Given, spec, wish
from python_package.spec import is_range


def pyproject(text: str, source: str, python: str) -> Given:
    """Read the dependencies of a project, and the Python that it requires."""
    try:
        data = toml_value(text)
    except ValueError as error:
        raise SpecError(f"{source}: not TOML: {error}") from None
    project = data.get("project")
    if not isinstance(project, dict):
        raise SpecError(f"{source}: there is no [project] in it (PEP 621), whose dependencies could be read")
    dynamic = project.get("dynamic") or []
    if "dependencies" in dynamic:
        raise SpecError(
            f"{source}: its dependencies are dynamic, known only when it is built; install it in your python3, and "
            "analyze the script that imports it"
        )
    notes = []
    if extras := project.get("optional-dependencies"):
        notes.append(f"{source}: of its dependencies the optional ones are left out: {', '.join(sorted(extras))}")
    wishes = [wish(line, f"{source}: dependencies", python) for line in _strings(project, "dependencies", source)]
    requires = project.get("requires-python", "")
    if requires != "" and not is_range(requires):
        raise SpecError(f'{source}: "requires-python" must be a range of versions such as ">=3.10", not {requires!r}')
    return Given(spec(requires, [each for each in wishes if each]), tuple(notes))


def _strings(project: dict[str, Any], key: str, source: str) -> list[str]:
    value = project.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SpecError(f'{source}: "{key}" must be a list of requirements')
    return value
