"""A notebook cell as IPython takes it -> plain Python on the same lines.

The rules are those of IPython's documentation: what it takes for itself starts a statement, which no Python
statement does, or follows the = of an assignment.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from python_package.analyze.parsing import compile_only
from python_package.spec import is_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

# Cell magics whose cell is Python for the environment's interpreter; the cells of the others in the second row are in
# another language, or text. Of any other magic, of an extension, the cell itself has to tell.
_PYTHON = {"time", "timeit", "capture", "prun", "debug", "python", "python3", "memit", "mprun", "lprun", "snakeviz"}
_FOREIGN = """
    ! HTML SVG bash bigquery cmd cython html javascript js latex markdown perl pypy python2 R ruby script sh sql
    svg system sx
"""
_WRITING = {"file", "writefile"}
# Line magics whose argument is a statement, with their options.
_TIMED = {"time", "timeit", "prun", "memit"}
_OPTIONS = re.compile(r"(?:-\w(?: *\d+| +\w+)? +)*")
# The line magics and aliases of IPython 8 and 9, as %lsmagic lists them on Linux, and those of Jupyter's kernel.
_LINE_MAGICS = """
    alias alias_magic autoawait autocall automagic bookmark cat cd code_wrap colors conda config cp debug dhist dirs
    doctest_mode ed edit env gui hist history killbgscripts ldir lf lk ll load load_ext loadpy logoff logon logstart
    logstate logstop ls lsmagic lx macro magic mamba matplotlib micromamba mkdir mv notebook page pastebin pdb pdef
    pdoc pfile pinfo pinfo2 pip popd pprint precision prun psearch psource pushd pwd pycat pylab quickref recall
    rehashx reload_ext rep rerun reset reset_selective rm rmdir run save sc set_env sx system tb time timeit unalias
    unload_ext uv who who_ls whos xdel xmode
    autosave clear connect_info less man more qtconsole subshell
"""
_BARE = re.compile(r"(?P<indent>\s*)(?P<magic>\w+)(?![\w.*])(?!\s*[=,])(?P<argument>.*)", re.DOTALL)
# What the magics themselves import.
_IMPORTS = {"matplotlib": "import matplotlib", "pylab": "import matplotlib, numpy"}
_OWN_EXTENSIONS = {"autoreload", "storemagic"}

# What IPython puts in before a magic sees it.
_EXPANDED = re.compile(r"[${]")
# Characters of a line that is too long to be IPython's; what tells takes the square of its length.
_LONG = 10_000
_PROMPT = re.compile(r"(>>>|\.\.\.|In \[\d+\]:|\s+\.{3,}:)(?: |$)")
_CELL = re.compile(r"%%(!|\w[\w.]*) ?(.*)")
_ESCAPE = re.compile(r"(?P<indent>\s*)(?P<sign>%|[!?,;/])")
_ASSIGNMENT = re.compile(
    r"(?P<indent>\s*)(?P<target>[A-Za-z_*](?:[^=!%#\"'(]|\[(?:\"[^\"]*\"|'[^']*')\])*?)\s*=\s*(?P<sign>[%!])(?!=)"
)
_HELP = re.compile(
    r"(?P<indent>\s*)(?:[^#\"'?]*[^#\"'?\w.%*\]])?%{0,2}(?!\d)[\w*]+(?:\.[\w*]+|\[[^\]]*\])*\?\??\s*;?\s*"
)
_TOKEN = re.compile(r"(?P<quote>\"\"\"|'''|[\"'])|(?P<comment>#.*)|(?P<open>[(\[{])|(?P<close>[)\]}])", re.DOTALL)
_ENDS = {
    quote: re.compile(rf"(?:[^\\{quote[0]}]|\\.|(?!{quote}){quote[0]})*{quote}", re.DOTALL)
    for quote in ('"""', "'''", '"', "'")
}


@dataclass(frozen=True)
class Shell:
    """What a cell finds: the folder that earlier ones went to, relative to the notebook's, and the names they bound.

    One that is `lenient` takes a line for a magic without its % also where the cell has others, as IPython does not.
    """

    folder: str = ""
    bound: Callable[[], Collection[str]] = frozenset
    lenient: bool = False


@dataclass(frozen=True)
class Written:
    """A file that a cell writes, or adds to: its path, relative to the notebook's folder, and its text."""

    path: str
    text: str
    appended: bool


@dataclass(frozen=True)
class Cell:
    """What is left of a cell, remarks with the line of each, the folder that it goes to, and the file it writes."""

    text: str
    remarks: tuple[tuple[int, str], ...] = ()
    folder: str = ""
    written: Written | None = None


def strip(text: str, shell: Shell | None = None) -> Cell:
    """Return a cell's Python, without what is IPython's own."""
    shell = shell or Shell()
    lines = _without_prompts(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    lines = [line.removeprefix(indent) for line in lines]
    found = _CELL.match(lines[first])
    if found and not lines[first].rstrip().endswith("?"):
        return _cell_magic(found[1], found[2], lines, first, shell)
    return _Lines(lines, shell, alone=lines[first + 1 :] in ([], [""])).cell()


def _cell_magic(magic: str, argument: str, lines: list[str], first: int, shell: Shell) -> Cell:
    """Return the Python of a cell that starts with `%%magic`, on line `first` from 0."""
    if magic in _FOREIGN.split():
        return Cell("", folder=shell.folder)
    if magic in _WRITING:
        return _writing(magic, argument, lines, first, shell)
    inner = strip("\n".join(lines[first + 1 :]), shell)
    if magic not in _PYTHON and not _compiles(inner.text):
        remark = (first + 1, f"a cell of %%{magic}, and not Python: what it imports is not listed")
        return Cell("", (remark,), shell.folder)
    statement = _statement(argument) if magic in _TIMED else ""
    remarks = tuple((line + first + 1, remark) for line, remark in inner.remarks)
    return Cell("\n" * first + statement + "\n" + inner.text, remarks, inner.folder, inner.written)


def _writing(magic: str, argument: str, lines: list[str], first: int, shell: Shell) -> Cell:
    """Return what a cell that writes a file is: Python only where the file is."""
    words = [word for word in _words(argument) if word not in ("-a", "--append")]
    path = words[0] if len(words) == 1 else ""
    if not path.endswith(".py"):
        return Cell("", folder=shell.folder)
    if _EXPANDED.search(path):
        remark = (first + 1, f"%%{magic}: what a file imports whose name only running tells is not listed")
        return Cell("", (remark,), shell.folder)
    # An empty line for each above the file's first, so that messages name the cell's own lines.
    text = "\n" * (first + 1) + "\n".join(lines[first + 1 :]) + "\n"
    written = Written(_joined(shell.folder, path), text, len(words) < len(_words(argument)))
    return Cell("", folder=shell.folder, written=written)


class _Lines:
    """Goes through a cell line by line, and knows which lines start a statement."""

    def __init__(self, lines: list[str], shell: Shell, *, alone: bool) -> None:
        self.lines = lines
        self.shell = shell
        self.alone = alone
        self.folder = shell.folder
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
        return Cell("\n".join(self.done), tuple(self.remarks), self.folder)

    def _escaped(self, line: str) -> bool:
        """Replace a statement that is IPython's; tell whether it was one."""
        found = None
        if len(line) <= _LONG:
            found = _ESCAPE.match(line) or _ASSIGNMENT.match(line) or ("?" in line and _HELP.fullmatch(line)) or None
        if found is None:
            return self._automagic(line)
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

    def _automagic(self, line: str) -> bool:
        """Replace a magic without its %, which no variable has the name of; tell whether it was one."""
        found = _BARE.fullmatch(line) if self.alone or self.shell.lenient else None
        if found is None or found["magic"] not in _LINE_MAGICS.split() or found["magic"] in self.shell.bound():
            return False
        if not self.alone and _compiles(line.strip()):
            return False
        self.done.append(found["indent"] + (self._magic(f"{found['magic']} {found['argument'].strip()}") or "pass"))
        return True

    def _magic(self, body: str) -> str:
        magic, _, argument = body.partition(" ")
        if magic in _TIMED:
            return _statement(argument)
        if magic in ("load_ext", "reload_ext"):
            name = argument.strip()
            known = is_module(name) and name not in _OWN_EXTENSIONS
            return f"import {name}" if known else ""
        if magic == "run":
            return self._run(argument)
        if magic == "cd":
            return self._cd(argument)
        return _IMPORTS.get(magic, "")

    def _run(self, argument: str) -> str:
        """Return what runs a script or module, and first puts the script's folder on sys.path, as %run does."""
        import getopt

        try:
            options, arguments = getopt.getopt(_words(argument), "nidtN:b:pD:l:rs:T:em:G")
        except getopt.GetoptError:
            options, arguments = [], []
        module = dict(options).get("-m", "")
        if is_module(module):
            return f"import runpy; runpy.run_module({module!r})"
        if module or not arguments or _EXPANDED.search(arguments[0]):
            self.remarks.append((len(self.done) + 1, "%run: what a file that only running tells imports is not listed"))
            return ""
        path = _joined(self.folder, arguments[0])
        path += "" if path.endswith((".py", ".ipynb", ".ipy")) else ".py"
        return f"import runpy; sys.path.insert(0, {posixpath.dirname(path)!r}); runpy.run_path({path!r})"

    def _cd(self, argument: str) -> str:
        """Return what makes the folder answer imports, as the current one does in a notebook."""
        words = _words(argument)
        if len(words) != 1 or words[0].startswith("-") or _EXPANDED.search(words[0]):
            return ""
        self.folder = _joined(self.folder, words[0])
        return f"sys.path.insert(0, {self.folder!r})"

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


def _words(argument: str) -> list[str]:
    import shlex

    try:
        return shlex.split(argument)
    except ValueError:  # a quote that does not end
        return argument.split()


def _joined(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, posixpath.expanduser(path)))


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
