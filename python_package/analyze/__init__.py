"""Script -> Spec: what a Python script needs, read from its text; nothing of it is executed."""

from __future__ import annotations

import gc
import os

from python_package.analyze.listing import listed, relisted
from python_package.analyze.values import Analysis, Listed, Taken
from python_package.errors import InvalidScriptError, ScriptNotFoundError, UsageError
from python_package.files import bounds
from python_package.host_python.default_python import TIMEOUT, Question
from python_package.spec import Spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from python_package.analyze.directory import Directory
    from python_package.analyze.trace import Tracer
    from python_package.analyze.values import Scope, Use
    from python_package.spec import Pin


def analyze_script(
    script: str | os.PathLike[str],
    *,
    pin: bool = False,
    local: bool = False,
    python: str = "python3",
    timeout: float = TIMEOUT,
) -> Spec:
    """Return what a script, notebook or directory needs to run on the Python that `python`, looked up on PATH, is.

    `pin` adds the versions that it has of the modules, `local` the script and its own modules, with their places.

    Raises ScriptNotFoundError, InvalidScriptError, of which NotPythonError is one, and InterpreterError (also after
    `timeout` seconds without an answer).
    """
    name = os.fspath(script)
    found = analyze_sources([(name, read_script(name))], local=local, python=python, timeout=timeout)
    if pin:
        from python_package.analyze import pins

        found = pins.pinned(found, found.interpreter)
    if local:
        from python_package.analyze.local_modules import recorded

        found = recorded(found)
    return found.spec


def analyze_sources(
    sources: Sequence[tuple[str, bytes | Directory]],
    *,
    scope: Scope | None = None,
    mapping: Mapping[str, str] | None = None,
    packages: Iterable[str] = (),
    local: bool = False,
    python: str = "python3",
    timeout: float = TIMEOUT,
) -> Analysis:
    """Analyze what has been read of one or more scripts.

    Each source, of a script or of all files of a directory, comes with the path that messages give it and that its
    local modules are beside. `scope` limits which of the scripts' own imports count. `mapping` and `packages` are
    handed on in the Spec, with the packages that the scripts' inline metadata (PEP 723) asks for. With `local`, modules
    that the interpreter has of no distribution count as local ones.

    Where the metadata of a script rules the default Python out, another of this machine is taken, or the range.

    Raises NotPythonError, InvalidScriptError for faulty metadata, InterpreterError, ScriptNotFoundError for a local
    module that cannot be read, and UsageError when no script has the function of the scope.
    """
    question = Question(python, timeout)
    collecting = gc.isenabled()
    gc.disable()  # a syntax tree holds no cycles; looking for them nearly doubles the time of a file of 2 MB
    try:
        tracers = [_trace(*source, scope, question, python, local=local) for source in sources]
        version = question.version()
    finally:
        question.close()
        if collecting:
            gc.enable()
    if scope is not None and not any(tracer.in_scope for tracer in tracers):
        raise UsageError(f"no function {scope.function} in {', '.join(name for name, _ in sources)}")
    taken = _taken([each for tracer in tracers for each in tracer.required()], version, python, timeout)
    version = taken.version
    declared = [each for tracer in tracers for each in tracer.declared(version)]
    remarks = [taken.remark] * bool(taken.remark) + [remark for tracer in tracers for remark in tracer.remarks]
    remarks += [remark for each in declared for remark in each.remarks]
    uses = [(use, tracer.where(use)) for tracer in tracers for use in _third_party(tracer, version, remarks)]
    names = listed(use.found for use, _ in uses)
    pins = _agreed({pin for each in declared for pin in each.pins})
    spec = Spec(
        taken.python,
        (),
        tuple(sorted((mapping or {}).items())),
        tuple(sorted({*packages, *(package for each in declared for package in each.packages)})),
        pins=pins,
        indexes=tuple(dict.fromkeys(index for each in declared for index in each.indexes)),
    )
    analysis = Analysis(
        spec,
        tuple(use for use, _ in uses),
        tuple(dict.fromkeys(path for tracer in tracers for path in tracer.local)),
        tuple(dict.fromkeys(remarks)),
        places=_places(tracers),
        scripts=_scripts(sources, tracers),
        version=version,
        interpreter=taken.command,
    )
    return relisted(analysis, (Listed(use.found, where, names[use.found]) for use, where in uses))


def _taken(wanted: Sequence[tuple[str, str]], version: str, command: str, timeout: float) -> Taken:
    """Return the Python for scripts that want ranges of versions, each with where it says so.

    In order: the default interpreter, of that version; the newest on PATH that fits; the range. Each interpreter is
    asked for its version, for at most `timeout` seconds, and runs nothing else.
    """
    if not wanted:
        return Taken(version, version, command)
    from python_package.host_python.on_path import fits, likeliest, on_path  # few scripts ask for one

    unmet = [(where, text) for where, text in wanted if not fits(version, text)]
    if not unmet:
        return Taken(version, version, command)
    whole = ",".join(dict.fromkeys(part.strip() for _, text in wanted for part in text.split(",") if part.strip()))
    ruled_out = (
        f"{unmet[0][0]}: the script requires Python {unmet[0][1].strip()}, which the default python3 {version} is not"
    )
    for other, path in on_path(whole, timeout):
        return Taken(other, other, path, f"{ruled_out}; taking {other}, of {path}")
    remark = f"{ruled_out}, nor any other on PATH; create takes the newest that its channels have"
    return Taken(whole, likeliest(whole) or version, command, remark)


def _agreed(pins: Collection[Pin]) -> tuple[Pin, ...]:
    """Return pins by module; raise InvalidScriptError where scripts place a project differently."""
    found: dict[str, Pin] = {}
    for pin in sorted(pins, key=lambda pin: (pin.module, pin.url)):
        other = found.setdefault(pin.module, pin)
        if other != pin:
            raise InvalidScriptError(f"{pin.package}: one script takes it from {other.url}, another from {pin.url}")
    return tuple(found.values())


def _scripts(sources: Iterable[tuple[str, object]], tracers: Sequence[Tracer]) -> tuple[str, ...]:
    """Return the paths of the scripts and directories that were read and are files of the user's."""
    names = [name for (name, _), tracer in zip(sources, tracers, strict=True) if not tracer.installed]
    return tuple(dict.fromkeys(os.path.realpath(name) for name in names if os.path.exists(name)))


def _trace(
    name: str, source: bytes | Directory, scope: Scope | None, question: Question, python: str, *, local: bool
) -> Tracer:
    from python_package.analyze.finder import Precedence
    from python_package.analyze.installed_script import module_of
    from python_package.analyze.trace import Tracer  # imported while the interpreter starts
    from python_package.stdlib import standard_library

    def standard() -> frozenset[str]:
        return standard_library(question.version())

    path, precedence, module = os.path.realpath(name), Precedence(python, taking=local), module_of(name)
    if module:
        tracer = Tracer(name, path, standard, precedence)
        tracer.name_installed(module)
        return tracer
    if isinstance(source, bytes):
        tracer = Tracer(name, path, standard, precedence)
        tracer.trace(source, scope)
        return tracer
    from python_package.analyze.directory import DirectoryTracer

    project = DirectoryTracer(name, path, source, standard, precedence)
    project.trace_all(scope)
    return project


def _places(tracers: Sequence[Tracer]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    names = sorted({name for tracer in tracers for name in tracer.places})
    paths = {name: [path for tracer in tracers for path in tracer.places.get(name, ())] for name in names}
    return tuple((name, tuple(dict.fromkeys(paths[name]))) for name in names)


def _third_party(tracer: Tracer, version: str, remarks: list[str]) -> Iterator[Use]:
    """Yield the imports that the standard library does not answer either; add remarks on those that are left out."""
    from python_package.analyze.values import REQUIRED
    from python_package.stdlib import standard_library, standard_once

    standard = standard_library(version)
    for use in tracer.uses:
        top = use.found.name.partition(".")[0]
        where = tracer.where(use)
        if top in standard:
            continue
        if not top.isidentifier():
            remarks.append(f"{where}: {top!r} is not the name of an installable module: not listed")
        elif use.found.kind != REQUIRED and top in standard_once():
            # `try: import cPickle`, `if PY2: import urllib2`: no index has these, but strangers' projects of the name.
            remarks.append(f"{where}: {top} is of another Python's standard library, and optional: not listed")
        else:
            yield use


def read_script(path: str) -> bytes | Directory:
    """Return a script's bytes, or what a directory has; raise ScriptNotFoundError when there is nothing to read."""
    try:
        return bounds.read(path, path, bounds.SCRIPT)
    except IsADirectoryError:
        from python_package.analyze.directory import look_into

        found = look_into(os.path.realpath(path), path)
        if not found.files:
            raise ScriptNotFoundError(
                f"{path} is a directory with no Python file (.py or .ipynb) of its own; name the script"
            ) from None
        return found
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, FileNotFoundError) and os.path.islink(path):
            reason = "a broken link"
        raise ScriptNotFoundError(f"cannot read the script {path!r}: {reason}") from None
