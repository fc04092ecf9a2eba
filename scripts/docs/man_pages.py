"""MkDocs hook: a page that has the line `<!-- man: NAME.1 -->` gets that man page, converted to Markdown."""

from __future__ import annotations

import re
from pathlib import Path

MAN = Path(__file__).parents[2] / "python_package" / "man"
PLACE = re.compile(r"^<!-- man: (?P<name>[\w.]+) -->$", re.MULTILINE)
SPECIAL = {r"\-": "-", r"\(bu": "•", r"\(dq": '"', r"\(aq": "'", r"\e": "\\"}
FONTS = {"B": ("b", "b"), "I": ("i", "i"), "BR": ("b", ""), "RB": ("", "b"), "RI": ("", "i"), "IR": ("i", "")}
FONTS |= {"BI": ("b", "i"), "IB": ("i", "b")}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the man page in the place of the marker."""
    return PLACE.sub(lambda found: convert((MAN / found["name"]).read_text("utf-8")), markdown)


def convert(roff: str) -> str:
    """Return Markdown for the man macros that our pages use; any other macro is an error."""
    page = _Page()
    for line in roff.splitlines():
        page.line(line)
    return page.text()


class _Page:
    """The Markdown made so far, and what the next line means."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._paragraph: list[str] = []
        self._indent = ""  # of the body of a list's item
        self._term = False  # the next line is a term of a list
        self._verbatim = False

    def line(self, line: str) -> None:
        """Take one line of the page."""
        if self._verbatim and line != ".fi":
            self._paragraph.append(_plain(line))
            return
        macro, _, rest = line.partition(" ")
        if not line.startswith("."):
            self._text(_html(line))
        elif macro[1:] in FONTS:
            self._text(_fonts(macro[1:], _arguments(rest)))
        else:
            self._macro(macro, rest)

    def _macro(self, macro: str, rest: str) -> None:
        if macro == ".br":
            self._paragraph.append("<br>")
            return
        self._end_paragraph()
        if macro in {".SH", ".SS"}:
            self._indent = ""
            title = _plain(" ".join(_arguments(rest)))
            self._blocks.append(f"## {title.capitalize()}" if macro == ".SH" else f"### {title}")
        elif macro == ".PP":
            self._indent = ""
        elif macro == ".TP":
            self._indent, self._term = "", True
        elif macro == ".IP":
            # Either an item with a bullet, or one more paragraph of the item before it.
            self._item("") if rest else None
        elif macro == ".nf":
            self._verbatim = True
        elif macro == ".fi":
            self._verbatim = False
        elif macro not in {".TH", ".RS", ".RE"}:
            raise ValueError(f"man page: unknown macro {macro}")

    def _text(self, text: str) -> None:
        if self._term:
            self._term = False
            self._blocks.append(text)
            self._item(":")
        else:
            self._paragraph.append(text)

    def _item(self, mark: str) -> None:
        self._indent = f"{mark or '*'}   "

    def _end_paragraph(self) -> None:
        lines, self._paragraph = self._paragraph, []
        if self._verbatim:
            self._blocks.append("\n".join(["```console", *lines, "```"]))
        elif lines:
            self._blocks.append(self._indent + ("\n" + " " * len(self._indent)).join(lines))
            self._indent = " " * len(self._indent)

    def text(self) -> str:
        """Return the whole page; a term and its description stand on adjacent lines."""
        self._end_paragraph()
        return re.sub(r"\n\n(:   )", r"\n\1", "\n\n".join(self._blocks)) + "\n"


def _fonts(macro: str, words: list[str]) -> str:
    if len(macro) == 1:
        words = [" ".join(words)]
    tags = FONTS[macro]
    return "".join(_tagged(tags[number % 2], _html(word)) for number, word in enumerate(words))


def _arguments(rest: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', rest)]


def _tagged(tag: str, text: str) -> str:
    name = {"b": "code", "i": "em"}.get(tag, "")
    if not name or not text.strip() or text.startswith("<"):  # an escape in the word says its font
        return text
    return f"<{name}>{text}</{name}>"


def _html(text: str) -> str:
    text = _plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([*_`\[\]#|])", r"\\\1", text)
    text = re.sub(r"\\f(?:I|\\_)(.*?)(?:\\fR|$)", r"<em>\1</em>", text)
    return re.sub(r"\\fB(.*?)(?:\\fR|$)", r"<code>\1</code>", text)


def _plain(text: str) -> str:
    for roff, character in SPECIAL.items():
        text = text.replace(roff, character)
    return text
