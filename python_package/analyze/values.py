"""What the steps of the analysis hand on: imports, what a file says of them, and what all of it amounts to."""

from __future__ import annotations

import ast

from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from python_package.spec import Spec

REQUIRED = "required"
CONDITIONAL = "conditional"
OPTIONAL = "optional"
# The level of an import that is a script which is run; its name is the path of the file.
SCRIPT = -1

# What holds statements; everything else that a statement holds is expressions, which cannot hold an import statement.
BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")


class Scope(Value):
    """Which of a script's own imports count: those of `function`, or, without one, those outside all blocks."""

    function: str | None


class Import(Value):
    """One import: of the dotted `name`, `level` packages up (0 is absolute, SCRIPT a path), of `names` from it.

    `kind` is REQUIRED, OPTIONAL (its failure is handled, or only other systems run it) or CONDITIONAL (under an if or
    match). `always` tells of a statement that runs whenever its file does: outside functions, if, try and loops.
    """

    name: str
    names: tuple[str, ...]
    level: int
    line: int
    kind: str
    always: bool = False


class Module(Value):
    """What one source file says about imports.

    `folders` are what it puts on sys.path, each with whether it goes to the front, `exports` its literal
    `__all__`, `computed` the lines of dynamic imports whose name only running the file could tell, `computed_scripts`
    those where it runs another script.
    """

    imports: tuple[Import, ...]
    folders: tuple[tuple[str, bool], ...]
    exports: tuple[str, ...]
    computed: tuple[int, ...]
    computed_scripts: tuple[int, ...] = ()


class Lines(Value):
    """What messages call the lines of a file.

    A notebook's cells are read as one text; `cells` has the line before each cell's first, and the cell's number.
    """

    name: str
    cells: tuple[tuple[int, int], ...] = ()

    def at(self, line: int) -> str:
        """Return the place of a line."""
        name, first = self.name, 0
        for before, cell in self.cells:
            if before < line:
                name, first = f"{self.name}:cell {cell}", before
        return f"{name}:{line - first}"


class Use(Value):
    """An import and the file that it is in."""

    file: str
    found: Import


class Listed(Value):
    """An import, the place that messages give it, and the names that it makes the dependency file list."""

    found: Import
    where: str
    names: tuple[str, ...]


class Taken(Value):
    """The Python to write down: `python` is a full version or a range, `version` the likeliest one of that.

    `command` starts the interpreter that has it, or the default one; `remark` tells the user why it is not that.
    """

    python: str
    version: str
    command: str
    remark: str = ""


class Analysis(Value):
    """A script's Spec, the third-party imports and the local files behind it, and remarks for the user.

    `listed` are the imports with what the Spec names for them. `places` are the folders and files of the local modules
    of the top level, by name, and `scripts` the files or directories that were analyzed. `version` is that of the
    Python which the verdicts are for, and `interpreter` the command that starts one of it, or the default one.
    """

    spec: Spec
    uses: tuple[Use, ...]
    local: tuple[str, ...]
    remarks: tuple[str, ...]
    listed: tuple[Listed, ...] = ()
    places: tuple[tuple[str, tuple[str, ...]], ...] = ()
    scripts: tuple[str, ...] = ()
    version: str = ""
    interpreter: str = "python3"


def strings(node: Any) -> tuple[str, ...]:
    """Return the strings in a literal list or tuple."""
    items = node.elts if node.__class__ in (ast.List, ast.Tuple) else ()
    return tuple(item.value for item in items if item.__class__ is ast.Constant and isinstance(item.value, str))
