"""Bytes of a dependency file -> text, as pip decodes its requirements."""

from __future__ import annotations

import codecs
import re

from python_package.errors import SpecError

# UTF-32's mark begins with UTF-16's, so that it comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODING = re.compile(rb"#.*?coding[:=]\s*([-\w.]+)")


def decode(raw: bytes, source: str) -> str:
    """Return the text of a file: in the encoding of its byte order mark or of its comment (PEP 263), else UTF-8.

    `source` is the name that messages give the file. Raises SpecError when it is in another encoding.
    """
    mark, encoding = next((each for each in _MARKS if raw.startswith(each[0])), (b"", ""))
    if not encoding:
        comments = (_CODING.match(line) for line in raw[:4096].split(b"\n")[:2])
        encoding = next((found[1].decode() for found in comments if found), "utf-8")
    try:
        return raw.removeprefix(mark).decode(encoding)
    except LookupError:
        raise SpecError(
            f"{source}: its first lines name the encoding {encoding}, which is none; save it as UTF-8"
        ) from None
    except UnicodeError as error:
        place = f" at byte {error.start + len(mark)}" if isinstance(error, UnicodeDecodeError) else ""
        raise SpecError(f"{source}: not {encoding.upper()}{place}; save it as UTF-8") from None
