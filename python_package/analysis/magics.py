"""A notebook cell as IPython takes it -> plain Python on the same lines.

The rules are those of IPython's documentation: what it takes for itself starts a statement, which no Python
statement does, or follows the = of an assignment.
"""

from __future__ import annotations

import re

from python_package.analysis.syntax import compile_only
from python_package.value import Value

# Cell magics whose cell is Python for the environment's interpreter; the cells of the others in the second row are in
# another language, or text. Of any other magic, of an extension, the cell itself has to tell.
_PYTHON = {"time", "timeit", "capture", "prun", "debug", "python", "python3", "memit", "mprun", "lprun", "snakeviz"}
_FOREIGN = """
    ! HTML SVG bash bigquery cmd cython file html javascript js latex markdown perl pypy python2 R ruby script sh sql
    svg system sx writefile
"""
# Line magics whose argument is a statement, with their options.
_TIMED = {"time", "timeit", "prun", "memit"}
_OPTIONS = re.compile(r"(?:-\w(?: *\d+| +\w+)? +)*")
# What the magics themselves import.
_IMPORTS = {"matplotlib": "import matplotlib", "pylab": "import matplotlib, numpy"}
_OWN_EXTENSIONS = {"autoreload", "storemagic"}

_PROMPT = re.compile(r"(>>>|\.\.\.|In \[\d+\]:|\s+\.{3,}:)(?: |$)")
_CELL = re.compile(r"%%(!|\w[\w.]*) ?(.*)")
_ESCAPE = re.compile(r"(?P<indent>\s*)(?P<sign>%|[!?,;/])")
_ASSIGNMENT = re.compile(
    r"(?P<indent>\s*)(?P<target>[A-Za-z_*](?:[^=!%#\"'(]|\[(?:\"[^\"]*\"|'[^']*')\])*?)\s*=\s*(?P<sign>[%!])(?!=)"
)
_HELP = re.compile(r"(?P<indent>\s*)(?:\w+\s*=\s*)?%{0,2}(?!\d)[\w*]+(?:\.[\w*]+|\[[^\]]*\])*\?\??\s*;?\s*")
_TOKEN = re.compile(r"(?P<quote>\"\"\"|'''|[\"'])|(?P<comment>#.*)|(?P<open>[(\[{])|(?P<close>[)\]}])", re.DOTALL)
_ENDS = {
    quote: re.compile(rf"(?:[^\\{quote[0]}]|\\.|(?!{quote}){quote[0]})*{quote}", re.DOTALL)
    for quote in ('"""', "'''", '"', "'")
}


class Cell(Value):
    """What is left of a cell, and remarks with the line of each."""

    text: str
    remarks: tuple[tuple[int, str], ...] = ()


def strip(text: str) -> Cell:
    """Return a cell's Python, without what is IPython's own."""
    lines = _without_prompts(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    lines = [line.removeprefix(indent) for line in lines]
    found = _CELL.match(lines[first])
    if found and not lines[first].rstrip().endswith("?"):
        return _cell_magic(found[1], found[2], lines, first)
    return _Lines(lines).cell()


def _cell_magic(magic: str, argument: str, lines: list[str], first: int) -> Cell:
    """Return the Python of a cell that starts with `%%magic`, on line `first` from 0."""
    if magic in _FOREIGN.split():
        return Cell("")
    inner = strip("\n".join(lines[first + 1 :]))
    if magic not in _PYTHON and not _compiles(inner.text):
        return Cell("", ((first + 1, f"a cell of %%{magic}, and not Python: what it imports is not listed"),))
    statement = _statement(argument) if magic in _TIMED else ""
    remarks = tuple((line + first + 1, remark) for line, remark in inner.remarks)
    return Cell("\n" * first + statement + "\n" + inner.text, remarks)


class _Lines:
    """Goes through a cell line by line, and knows which lines start a statement."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.done: list[str] = []
        self.remarks: list[tuple[int, str]] = []
        self.quote = ""  # the quotes of a string that goes on
        self.depth = 0  # brackets that are open
        self.continued = False  # by a backslash

    def cell(self) -> Cell:
        while len(self.done) < len(self.lines):
            line = self.lines[len(self.done)]
            if self.quote or self.depth or self.continued or not self._escaped(line):
                self._plain(line)
        return Cell("\n".join(self.done), tuple(self.remarks))

    def _escaped(self, line: str) -> bool:
        """Replace a statement that is IPython's; tell whether it was one."""
        found = _ESCAPE.match(line) or _ASSIGNMENT.match(line) or _HELP.fullmatch(line)
        if found is None:
            return False
        named = found.groupdict()
        number = len(self.done)
        rows = [line]
        while named.get("sign") and rows[-1].endswith("\\") and number + len(rows) < len(self.lines):
            rows.append(self.lines[number + len(rows)])
        body = "".join(row.removesuffix("\\") for row in rows)[found.end() :].strip()
        python = "pass"
        if "target" in named:
            python = f"{named['target']} = None"
        elif named.get("sign") == "%" and not line.rstrip().endswith("?"):
            python = self._magic(body) or "pass"
        self.done += [found["indent"] + python, *([""] * (len(rows) - 1))]
        return True

    def _magic(self, body: str) -> str:
        magic, _, argument = body.partition(" ")
        if magic in _TIMED:
            return _statement(argument)
        if magic in ("load_ext", "reload_ext"):
            name = argument.strip()
            known = name.replace(".", "").isidentifier() and name not in _OWN_EXTENSIONS
            return f"import {name}" if known else ""
        if magic == "run":
            self.remarks.append((len(self.done) + 1, "%run: what the file that it runs imports is not listed"))
        return _IMPORTS.get(magic, "")

    def _plain(self, line: str) -> None:
        self.done.append(line)
        self.continued = False
        position = 0
        while True:
            if self.quote:
                end = _ENDS[self.quote].match(line + "\n", position)
                if end is None:
                    # A string in single quotes goes on only after a backslash.
                    self.quote = self.quote if len(self.quote) == 3 or line.endswith("\\") else ""
                    return
                position, self.quote = end.end(), ""
            token = _TOKEN.search(line, position)
            if token is None:
                self.continued = line.endswith("\\")
                return
            if token["comment"]:
                return
            position = token.end()
            if token["quote"]:
                self.quote = token["quote"]
            elif token["open"]:
                self.depth += 1
            elif self.depth:
                self.depth -= 1


def _statement(argument: str) -> str:
    """Return the Python in the argument of a magic that runs it, empty when there is none."""
    text = argument[_OPTIONS.match(argument).end() :].strip()  # type: ignore[union-attr]
    return text if _compiles(text) else ""


def _compiles(text: str) -> bool:
    try:
        compile_only(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _without_prompts(lines: list[str]) -> list[str]:
    """Remove the prompts of a session that was pasted into a cell."""
    first = next((line.lstrip() for line in lines if line.strip()), "")
    if not first.startswith((">>>", "In [")):
        return lines
    return [_PROMPT.sub("", line.lstrip() if line.lstrip().startswith(">>>") else line, count=1) for line in lines]
