"""The dependency file: what analyze writes and create reads."""

from __future__ import annotations

from python_package.errors import SpecError
from python_package.value import Value

# A final release, or the pre-release spelling that `platform.python_version()` uses: 3.13.0rc1, 3.8.13+.
_VERSION = r"\d+\.\d+\.\d+((a|b|rc)\d+)?\+?\Z"

# A distribution's name and perhaps versions of it (PEP 508), or, with `conda:`, what only a channel has.
_PACKAGE = r"(conda:)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?( ?[<>=!~]=?[0-9A-Za-z.*+!<>=~, -]*)?\Z"


class Spec(Value):
    """What a script needs: the interpreter's full version and the top-level import names, sorted and unique.

    `mapping` pairs import names with the packages that the user says provide them, `packages` are those wanted
    besides; their keys are in the file only when there are any.
    """

    python: str
    modules: tuple[str, ...]
    mapping: tuple[tuple[str, str], ...] = ()
    packages: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the dependency file's one line, newline included; by default with just the two documented keys."""
        import json  # here, because analyze imports this while it waits for the default python3

        data: dict[str, object] = {"python": self.python, "modules": list(self.modules)}
        if self.mapping:
            data["mapping"] = dict(self.mapping)
        if self.packages:
            data["packages"] = list(self.packages)
        return json.dumps(data) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> Spec:
        """Parse a dependency file; `source` is the name that messages give it.

        Raises SpecError for anything but `{"python": "X.Y.Z", "modules": ["name", ...]}`, which may also have
        `"mapping": {"import": "package", ...}` and `"packages": ["package", ...]`.
        """
        import json
        import re

        try:
            data = json.loads(text)
        except ValueError as error:
            raise SpecError(f"{source}: not JSON: {error}; make it with python_package_analyze") from None
        if not isinstance(data, dict):
            raise SpecError(f'{source}: expected an object with "python" and "modules"')
        unknown = sorted(set(data) - {"python", "modules", "mapping", "packages"})
        if unknown:
            raise SpecError(
                f'{source}: unknown key "{unknown[0]}"; the keys are "python" and "modules", "mapping" and "packages"'
            )
        for key in ("python", "modules"):
            if key not in data:
                raise SpecError(f'{source}: the key "{key}" is missing')
        python, modules = data["python"], data["modules"]
        if not isinstance(python, str) or not re.match(_VERSION, python):
            raise SpecError(f'{source}: "python" must be a full version such as "3.11.7", not {python!r}')
        if not isinstance(modules, list):
            raise SpecError(f'{source}: "modules" must be a list of import names')
        mapping, packages = data.get("mapping", {}), data.get("packages", [])
        if not isinstance(mapping, dict):
            raise SpecError(f'{source}: "mapping" must be an object of import names and packages')
        if not isinstance(packages, list):
            raise SpecError(f'{source}: "packages" must be a list of package names')
        for key, names in (("modules", modules), ("mapping", mapping)):
            for name in names:
                if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
                    raise SpecError(f'{source}: "{key}" holds {name!r}, which is not an import name')
        for key, names in (("mapping", list(mapping.values())), ("packages", packages)):
            for name in names:
                if not is_package(name):
                    raise SpecError(f'{source}: "{key}" holds {name!r}, which is not a package name')
        return cls(python, tuple(sorted(set(modules))), tuple(sorted(mapping.items())), tuple(sorted(set(packages))))


def is_package(name: object) -> bool:
    """Tell whether something can be the name of a package, with a constraint on its version or without."""
    import re

    return isinstance(name, str) and re.match(_PACKAGE, name) is not None
