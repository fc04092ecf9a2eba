"""The dependency file: what analyze writes and create reads."""

from __future__ import annotations

from python_package.errors import SpecError
from python_package.value import Value

# A final release, or the pre-release spelling that `platform.python_version()` uses: 3.13.0rc1, 3.8.13+.
_VERSION = r"\d+\.\d+\.\d+((a|b|rc)\d+)?\+?\Z"


class Spec(Value):
    """What a script needs: the interpreter's full version and the top-level import names, sorted and unique."""

    python: str
    modules: tuple[str, ...]

    def to_json(self) -> str:
        """Return the dependency file's one line, newline included, with just the two documented keys."""
        import json  # here, because analyze imports this while it waits for the default python3

        return json.dumps({"python": self.python, "modules": list(self.modules)}) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> Spec:
        """Parse a dependency file; `source` is the name that messages give it.

        Raises SpecError for anything but `{"python": "X.Y.Z", "modules": ["name", ...]}`.
        """
        import json
        import re

        try:
            data = json.loads(text)
        except ValueError as error:
            raise SpecError(f"{source}: not JSON: {error}; make it with python_package_analyze") from None
        if not isinstance(data, dict):
            raise SpecError(f'{source}: expected an object with "python" and "modules"')
        unknown = sorted(set(data) - {"python", "modules"})
        if unknown:
            raise SpecError(f'{source}: unknown key "{unknown[0]}"; the keys are "python" and "modules"')
        for key in ("python", "modules"):
            if key not in data:
                raise SpecError(f'{source}: the key "{key}" is missing')
        python, modules = data["python"], data["modules"]
        if not isinstance(python, str) or not re.match(_VERSION, python):
            raise SpecError(f'{source}: "python" must be a full version such as "3.11.7", not {python!r}')
        if not isinstance(modules, list):
            raise SpecError(f'{source}: "modules" must be a list of import names')
        for module in modules:
            if not isinstance(module, str) or not all(part.isidentifier() for part in module.split(".")):
                raise SpecError(f'{source}: "modules" holds {module!r}, which is not an import name')
        return cls(python, tuple(sorted(set(modules))))
