"""Script -> Spec: what a Python script needs, read from its text; nothing of it is executed."""

from __future__ import annotations

import gc
import os

from python_package.analyze.interpreter import Question
from python_package.errors import ScriptNotFoundError
from python_package.spec import Spec
from python_package.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from python_package.analyze.modules import Use

# A default python3 on a slow network disk may need seconds for its first start.
TIMEOUT = 60.0


class Analysis(Value):
    """A script's Spec, the third-party imports and the local files behind it, and remarks for the user."""

    spec: Spec
    uses: tuple[Use, ...]
    local: tuple[str, ...]
    remarks: tuple[str, ...]


def analyze(script: str | os.PathLike[str], *, python: str = "python3", timeout: float = TIMEOUT) -> Spec:
    """Return what a script needs to run on the version of Python that `python`, looked up on PATH, is.

    Raises ScriptNotFoundError, NotPythonError and InterpreterError (also after `timeout` seconds without an answer).
    """
    name = os.fspath(script)
    return analyze_source(read_script(name), name, python=python, timeout=timeout).spec


def analyze_source(source: bytes, name: str, *, python: str = "python3", timeout: float = TIMEOUT) -> Analysis:
    """Analyze a source that has been read; `name` is the path that messages give it and that local modules are beside.

    Raises NotPythonError and InterpreterError, and ScriptNotFoundError for a local module that cannot be read.
    """
    question = Question(python, timeout)
    collecting = gc.isenabled()
    gc.disable()  # a syntax tree of a million nodes holds no cycles, and looking for them takes longer than all else
    try:
        # Imported while the interpreter starts.
        from python_package.analyze.imports import OPTIONAL
        from python_package.analyze.modules import Tracer
        from python_package.analyze.stdlib import standard_library, standard_once

        tracer = Tracer(name, os.path.realpath(name), lambda: standard_library(question.version()))
        tracer.trace(source)
        version = question.version()
    finally:
        question.close()
        if collecting:
            gc.enable()
    standard = standard_library(version)
    remarks = tracer.remarks
    uses: list[Use] = []
    for use in tracer.uses:
        top = use.found.name.partition(".")[0]
        where = f"{tracer.display(use.file)}:{use.found.line}"
        if top in standard:
            continue
        if not top.isidentifier():
            remarks.append(f"{where}: {top!r} is not the name of an installable module: not listed")
        elif use.found.kind == OPTIONAL and top in standard_once():
            # `try: import cPickle`: only another Python has it, and strangers own such names on PyPI.
            remarks.append(f"{where}: {top} is of another Python's standard library, and optional: not listed")
        else:
            uses.append(use)
    modules = sorted({use.found.name.partition(".")[0] for use in uses})
    return Analysis(Spec(version, tuple(modules)), tuple(uses), tuple(tracer.local), tuple(dict.fromkeys(remarks)))


def read_script(path: str) -> bytes:
    """Return a script's bytes; raise ScriptNotFoundError when there is no readable file."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except IsADirectoryError:
        raise ScriptNotFoundError(f"{path} is a directory; name the script in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, FileNotFoundError) and os.path.islink(path):
            reason = "a broken link"
        raise ScriptNotFoundError(f"cannot read the script {path!r}: {reason}") from None
