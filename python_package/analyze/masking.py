"""Source bytes -> the same lines without strings and comments, and which of them make a logical line together."""

from __future__ import annotations

import re

_PLAIN = rb'(?<=")(?!"")[^"\\\n{]*(?:\\[^\n][^"\\\n{]*)*"'
_OTHER = rb'(?<=")(?!"")[^"\\\n]*(?:\\.[^"\\\n]*)*"'
_TRIPLE = rb'(?<=")""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""'
# A letter that starts a string, a comment or a joined line, and the rest of it: a plain string, a comment, which is
# marked by the first group, or what is in the second group, because it has to be looked at.
_LEXEME = re.compile(
    rb"""["'#\\](?:%s|%s|(?<=#)[^\n]*()|(%s|%s|%s|%s|(?<=\\)\n))"""
    % tuple(part for double in (_PLAIN, _TRIPLE, _OTHER) for part in (double, double.replace(b'"', b"'"))),
    re.DOTALL,
)
_STRING = b"\x01"
# A formatted string whose fields have no quotes but in pairs, and no braces but these: it ends where any string would.
_FIELD = rb"""\{(?!\{)[^{}'"]*(?:(?:'[^'\\\n]*'|"[^"\\\n]*"|\{[^{}'"]*\})[^{}'"]*)*\}"""
_FORMATTED = re.compile(rb"[^{}]*(?:(?:\{\{|\}\}|" + _FIELD + rb")[^{}]*)*\Z")

_NOT_BRACKETS = bytes(set(range(256)) - set(b"()[]{}\n"))
_PAIRS = {b")": b"(", b"]": b"[", b"}": b"{"}
_REST = re.compile(rb"\n+|[^\n]")

# What puts a folder on sys.path; in masked text brackets are where lines are joined.
_GAP = rb"(?:[\s()\\]|#[^\n]*)*"
_SYS_PATH = re.compile(
    rb"sys%b\.%bpath%b(?:\+=|=(?!=)|\[(?!-?\d+\])|\.%b(?:insert|append|extend))" % (_GAP, _GAP, _GAP, _GAP)
)
_CODING = re.compile(rb"(?:[^\n]*\n)?[^\n]*coding[:=][ \t]*(?![ \t]|(?i:utf-?8)[^-\w.])")
# What shows a file of Python 2, if its strings and comments are still there.
OLD = (
    re.compile(rb"print(?<=[\n\t ]print)[ \t]+[\"']"),
    re.compile(rb"except[ \t]+(?:[\w.]+|\([^()\n]*\))[ \t]*,[ \t]*\w+[ \t]*:"),
)
# What a file of this Python has nowhere outside strings; those of Python 2 among it.
_SIGNS = (
    (b"?", None),
    (b"$", None),
    (b"`", None),
    (b"<>", None),
    (b"{%", None),
    (b"!", re.compile(rb"!(?!=)")),
    (b"print", re.compile(rb"print(?<![\w.]print)(?:[ \t]*\x01|[ \t]+(?!(?:in|is|if|and|or|not|else|for)\b)[\w>])")),
    (b"exec", re.compile(rb"exec(?<![\w.]exec)(?:[ \t]*\x01|[ \t]+(?!(?:in|is|if|and|or|not|else|for)\b)\w)")),
    (b"except", re.compile(rb"except[ \t]+(?:[\w.]+|\([^()\n]*\))[ \t]*,")),
    (b"raise", re.compile(rb"raise[ \t]+[\w.]+[ \t]*,")),
)


def plain(source: bytes) -> bytes | None:
    """Return a source with lines ended by newlines, None if there is more to it than text in UTF-8."""
    if not source.isascii():
        try:
            source.decode()
        except UnicodeDecodeError:
            return None
    if b"coding" in source[:1000] and _CODING.match(source):
        return None
    if b"\r" in source:
        source = source.replace(b"\r\n", b"\n")
    if b"\f" in source:
        source = source.replace(b"\n\f", b"\n")
    return None if any(odd in source for odd in (b"\r", b"\f", b"\0", _STRING, b"\xef\xbb\xbf")) else source


def mask(text: bytes) -> bytes | None:
    """Return a text without strings and comments; where these or a backslash join lines, brackets do instead."""
    pieces = _LEXEME.split(text)
    codes, comments, lexemes = pieces[::3], pieces[1::3], pieces[2::3]
    masked = [_STRING] * (2 * len(codes) - 1)
    masked[::2] = codes
    masked[1::2] = [_STRING if comment is None else b"" for comment in comments]
    for at, lexeme in [(at, lexeme) for at, lexeme in enumerate(lexemes) if lexeme is not None]:
        rows = lexeme.count(b"\n")
        if lexeme == b"\n":
            masked[2 * at + 1] = b"(\n)"
        # The first of a string's quotes is not in the lexeme.
        elif b"{" in lexeme and _is_formatted(codes[at]) and not _FORMATTED.match(lexeme):
            return None
        elif rows:
            masked[2 * at + 1] = _STRING + b"(" + b"\n" * rows + b")"
    result = b"".join(masked)
    if b'"' in result or b"'" in result:
        return None  # a string that does not end
    for sign, pattern in _SIGNS:
        if sign in result and (pattern is None or pattern.search(result)):
            return None
    return None if adds_folders(result) else result


def adds_folders(text: bytes, start: int = 0) -> bool:
    """Tell whether a text may put folders on sys.path."""
    if text.find(b"addsitedir", start) >= 0:
        return True
    return text.find(b"sys", start) >= 0 and _SYS_PATH.search(text, start) is not None


def _is_formatted(before: bytes) -> bool:
    prefix = before[-2:].lower()
    return prefix.endswith((b"f", b"t", b"fr", b"tr"))


def spans(masked: bytes) -> list[tuple[int, int]] | None:
    """Return the first and last line, from 0, of each logical line that is on several; None if brackets do not fit."""
    rest = masked.translate(None, _NOT_BRACKETS)
    size = -1
    while len(rest) != size:
        size = len(rest)
        rest = rest.replace(b"()", b"").replace(b"[]", b"").replace(b"{}", b"")
    found: list[tuple[int, int]] = []
    opened: list[bytes] = []
    line = first = 0
    for token in _REST.finditer(rest):
        sign = token[0]
        if sign[0] == 10:  # a newline
            line += len(sign)
        elif sign in _PAIRS:
            if not opened or opened.pop() != _PAIRS[sign]:
                return None
            if not opened:
                if found and found[-1][1] == first:
                    first = found.pop()[0]
                found.append((first, line))
        else:
            if not opened:
                first = line
            opened.append(sign)
    return None if opened else found
