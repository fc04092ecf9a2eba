"""Source bytes -> the imports in them, several times as fast as a parser: only what holds imports is parsed.

Strings, comments and brackets are told apart by their text. What is left are logical lines, of which all but import
statements and the headers of the blocks around these are dropped; the rest goes the usual way. Where the text alone
does not tell for sure, the answer is None, and the file has to be parsed in full.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from python_package.analyze import masking
from python_package.analyze.imports import REQUIRED, imports_of
from python_package.analyze.syntax import compile_only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    # (name, names, level, line, kind, always) of each import, as in Import, and the lines of computed ones.
    Found = tuple[str, tuple[str, ...], int, int, str, bool]
    Skimmed = tuple[tuple[Found, ...], tuple[int, ...]]

_IMPORT = re.compile(rb"import(?!\w)(?<!\wimport)")
# Import functions; where one is mentioned but not called it may get another name.
_DYNAMIC = re.compile(rb"import_module|__import__|import(?!\w)(?<!\wimport)")
_MENTION = re.compile(rb"(?:import_module(?<!\wimport_module)|__import__(?<!\w__import__))(?!\w)(?![ \t]*\()")
# What may bind a name to a string: a statement at the top level, or a loop over what is written there or is named.
# In masked text a string is \x01, and brackets are where lines are joined.
_TOP = rb"(?:\n(?:\([( \t]*)?|;[ \t]*)%b(?!\w)"
_ASSIGNED = (
    _TOP + rb"[\s()]*(?::[^=]*)?=(?!=)[\s()]*"
    rb"(?!\d|(?:None|True|False)(?!\w))(?:\x01|\w+(?:[ \t)]|\(\n\))*[\x01+\n;])"
)
_LOOPED = (
    rb"for(?!\w)[^=:]*?(?<!\w)%b(?!\w)[^=:]*?(?<!\w)in(?!\w)\s*"
    rb"(?:[\[{(\x01]|\w*\x01|(\w+)(?:[\s)]|\(\n\))*(?:[:\])},]|(?:if|for|async)(?!\w)))"
)
_NAMES = re.compile(rb"=|as(?!\w)(?<!\was)")
_ALIAS = re.compile(rb"TYPE_CHECKING[\s()]+as(?!\w)")
# A statement without indentation that goes on from none before it.
_NEXT = re.compile(rb"\n(?<!\\\n)(?!(?:else|elif|except|finally)(?!\w))[A-Za-z_@]")
_NAME = rb"[ \t\n]*[A-Za-z_][A-Za-z_0-9]*(?:[ \t]+as[ \t]+[A-Za-z_][A-Za-z_0-9]*)?[ \t\n]*"
_NAME_LIST = rb"(?:NAME(?:,NAME)*)".replace(b"NAME", _NAME)
_DOTTED = rb"[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*"
_AS = _DOTTED + rb"(?:[ \t]+as[ \t]+[A-Za-z_][A-Za-z_0-9]*)?"
_PLAIN_IMPORT = re.compile(rb"import[ \t]+(" + _AS + rb"(?:[ \t]*,[ \t]*" + _AS + rb")*)[ \t]*")
_FROM = re.compile(
    rb"from[ \t]+(\.*)((?:" + _DOTTED + rb")?)[ \t]+import[ \t]*(?:(?<=[ \t])("
    + _NAME_LIST.replace(rb"\n", b"") + rb"|\*)|\((" + _NAME_LIST + rb",?[ \t\n]*)\)[ \t]*)"
)  # fmt: skip
_HEADER = re.compile(
    rb"\n([ \t]*)(?=[acdefimtw])(?:async[ \t]+)?"  # the letters that what follows starts with: twice as fast
    rb"(def|if|for|else|try|with|class|except|elif|while|finally|match|case)(?!\w)"
)
_WORD = re.compile(rb"[ \t]*(?:async[ \t]+)?(\w*)")
# Headers that tell what kind an import below them is; those in the second row can also be names. What others tell is
# only that there is a block.
_TELLING = {b"if", b"elif", b"else", b"try", b"except", b"finally"}
_SOFT = {b"match", b"case"}
_LOOPS = {b"for", b"while", b"with"}
_ALWAYS = {b"with", b"class"}
_OTHERS = {b"def", b"class"} | _LOOPS
_STARTS = {b"if", b"try"} | _SOFT
_HEADERS = _TELLING | _SOFT | _OTHERS
_GOES_ON = {b"else", b"elif", b"except", b"finally"}


def skim(source: bytes) -> Skimmed | None:
    """Return the imports of a source, and the lines of computed ones, as `imports_of` would.

    None is for a source that takes a parser.
    """
    if b"import" not in source:
        return (), ()
    if b"runpy" in source:
        return None
    text = masking.plain(source)
    if text is None:
        return None
    # After the statement that has the last import, nothing matters but sys.path and what shows Python 2. Where the text
    # is cut in a string or in brackets, these do not end in it.
    end = _NEXT.search(text, text.rfind(b"import"))
    lines = None
    if end and not masking.adds_folders(text, end.start()):
        old = any(sign.search(text, end.start()) for sign in masking.OLD)
        lines = None if old else _masked(text[: end.start() + 1])
    lines = lines or _masked(text)
    try:
        return lines.imports() if lines else None
    except (SyntaxError, ValueError, RecursionError, MemoryError, _UnsureError):
        return None


class _UnsureError(Exception):
    """The text alone does not tell."""


def _masked(text: bytes) -> _Lines | None:
    masked = masking.mask(text)
    spans = masking.spans(masked) if masked is not None else None
    return None if masked is None or spans is None else _Lines(text, masked, spans)


class _Lines:
    """The lines of a text, counted from 0, as they are and masked, and the parts of it that are to be parsed."""

    def __init__(self, text: bytes, masked: bytes, spans: list[tuple[int, int]]) -> None:
        self.masked = b"\n" + masked
        self.lines = text.split(b"\n")
        self.codes = masked.split(b"\n")
        self.firsts = [first for first, _ in spans]
        self.lasts = [last for _, last in spans]
        self.found: list[Found] = []
        self.kept: list[bytes] = []
        # The line of each part that is kept, among what is kept and in the text.
        self.at: list[int] = []
        self.was: list[int] = []
        self.size = 0
        self.pattern = _IMPORT
        # Where what may be the header of a block is, and its indentation and first word.
        self.headers: list[tuple[int, int, bytes]] | None = None

    def imports(self) -> Skimmed:
        if b"import_module" in self.masked or b"__import__" in self.masked:
            for line, _ in self._with(_MENTION):
                if _NAMES.search(self._code(*self._logical(line))):
                    raise _UnsureError
            self.pattern = _DYNAMIC
        simple = self.pattern is _IMPORT and not _ALIAS.search(self.masked)
        done = -1
        for line, position in self._with(self.pattern):
            first, last = self._logical(line)
            if first <= done:
                continue
            done = last
            code = self.codes[first]
            if not code.startswith((b"import", b"from")):
                done = self._keep_block(first, last, *self._telling(first, line, position))
            elif not (simple and self._read(self._code(first, last), first)):
                self._keep(first, last)
        if not self.kept:
            return tuple(self.found), ()
        text = b"\n".join([*self.kept, b""])
        module = imports_of(compile_only(text.decode()), "", text, elsewhere=self._look_for)
        self.found += [
            (found.name, found.names, found.level, self._original(found.line), found.kind, found.always)
            for found in module.imports
        ]
        self.found.sort(key=lambda found: found[3])
        return tuple(self.found), tuple(map(self._original, module.computed))

    def _look_for(self, names: frozenset[str]) -> None:
        """Raise _UnsureError if all of some names may be bound to strings."""
        if all(self._may_bind(name.encode()) for name in names):
            raise _UnsureError

    def _may_bind(self, name: bytes) -> bool:
        if re.search(_ASSIGNED % name, self.masked):
            return True
        iterated = (found[1] for found in re.finditer(_LOOPED % name, self.masked))
        return any(items is None or re.search(_TOP % items, self.masked) for items in iterated)

    def _with(self, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
        """Yield the line and the position in the masked text of what a pattern finds."""
        line, position = -1, 0
        for found in pattern.finditer(self.masked):
            line += self.masked.count(b"\n", position, found.start())
            position = found.start()
            yield line, position

    def _logical(self, line: int) -> tuple[int, int]:
        """Return the first and last line of the logical line that a line is in."""
        at = bisect_right(self.firsts, line) - 1
        return (self.firsts[at], self.lasts[at]) if at >= 0 and line <= self.lasts[at] else (line, line)

    def _code(self, first: int, last: int) -> bytes:
        return self.codes[first] if first == last else b"\n".join(self.codes[first : last + 1])

    def _read(self, code: bytes, line: int) -> bool:
        """Take an import statement of the usual forms; tell whether it was one."""
        match = _FROM.fullmatch(code)
        if match:
            names = tuple(name.split()[0].decode() for name in (match[3] or match[4]).split(b",") if name.strip())
            module = match[2].decode()
            self.found.append((module, names, len(match[1]), line + 1, REQUIRED, True))
            return True
        match = _PLAIN_IMPORT.fullmatch(code)
        if match:
            self.found += [(name.split()[0].decode(), (), 0, line + 1, REQUIRED, True) for name in match[1].split(b",")]
        return match is not None

    def _keep_block(self, first: int, last: int, telling: int | None, always: bool) -> int:
        """Keep an import and what tells of it in the blocks around it; return the last line that was looked at."""
        if telling is None:
            indent = _indent(self.codes[first])
            if indent:
                self._put(b"with _:" if always else b"while 1:", first)
            self._keep(first, last)
            if self._code(first, last).rstrip().endswith(b":"):
                self._put(indent + b" pass", last)  # a header that calls an import function
            return last
        indent = _indent(self.codes[telling])
        if indent:
            self._put(b"while 1:", telling)
        return self._keep_statement(telling, len(indent))

    def _telling(self, first: int, line: int, position: int) -> tuple[int | None, bool]:
        """Return the line of the outermost statement around an import, or on its line, that tells what it is.

        Return also whether the blocks around it always run.
        """
        if self.headers is None:
            self.headers = [(found.start(), len(found[1]), found[2]) for found in _HEADER.finditer(self.masked)]
        at = bisect_right(self.headers, (position,)) - 1
        outermost, always = None, True
        # What is around the line is indented less than it; the line itself may be a header as well.
        code = self.codes[first]
        depth = len(_indent(code)) + (_word(code) in _HEADERS)
        while at >= 0 and depth > 0:
            start, indent, word = self.headers[at]
            if indent < depth:
                line -= self.masked.count(b"\n", start + 1, position)
                position = start + 1
                if self._logical(line)[0] == line:
                    # What an `else` goes on from is at the same depth.
                    depth = indent + (word in _GOES_ON)
                    always = always and word in _ALWAYS
                    if word in _STARTS or (word == b"with" and b"suppress" in self._code(*self._logical(line))):
                        outermost = line
            at -= 1
        return outermost, always

    def _keep_statement(self, start: int, depth: int) -> int:
        """Keep what tells of the imports in the statement that starts at a line; return its last line."""
        line, after_header = start, False
        handler: int | None = None  # the indentation of the except clause that the line is in
        while line < len(self.codes):
            first, last = self._logical(line)
            code = self._code(first, last)
            line = last + 1
            stripped = code.strip()
            if not stripped:
                continue
            indent, word = _indent(code), _word(code)
            if first != start and (len(indent) < depth or (len(indent) == depth and word not in _GOES_ON)):
                return first - 1
            if handler is not None and len(indent) <= handler:
                handler = None
            header = stripped.endswith(b":")
            # How a handler ends tells whether it forgives, so that it is kept as a whole.
            if handler is not None or self._tells(word, header, code):
                self._keep(first, last)
            elif header:
                if word not in _OTHERS:
                    raise _UnsureError
                self._put(indent + b"while 1:", first)
            elif after_header:
                self._put(indent + b"pass", first)
            after_header = header
            if word == b"except" and handler is None:
                handler = len(indent)
        return line - 1

    def _tells(self, word: bytes, header: bool, code: bytes) -> bool:
        """Tell whether a line says what kind of import there is, on it or in its block."""
        if word in _TELLING or self.pattern.search(code):
            return True
        if word in _SOFT:
            return header
        # What `else` may follow has to stay, and so has suppress().
        return word in _LOOPS and (not header or b"suppress" in code)

    def _keep(self, first: int, last: int) -> None:
        self._put(b"\n".join(self.lines[first : last + 1]), first)

    def _put(self, text: bytes, line: int) -> None:
        self.at.append(self.size)
        self.was.append(line)
        self.kept.append(text)
        self.size += 1 + text.count(b"\n")

    def _original(self, number: int) -> int:
        """Return the number in the text, from 1, of a line among what is kept."""
        at = bisect_right(self.at, number - 1) - 1
        return self.was[at] + number - self.at[at]


def _indent(code: bytes) -> bytes:
    """Return the blanks that a line starts with; of two lines Python itself lets their number decide (TabError)."""
    return code[: len(code) - len(code.lstrip())]


def _word(code: bytes) -> bytes:
    """Return the word that a line of code starts with."""
    return _WORD.match(code)[1]  # type: ignore[index]
