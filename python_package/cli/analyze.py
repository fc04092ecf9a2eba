"""python_package_analyze: a script in, a dependency file out."""

from __future__ import annotations

import os
import stat
import sys

from python_package.cli import process
from python_package.errors import OutputError, ScriptNotFoundError, UsageError, failing_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, NoReturn

NAME = "python_package_analyze"

_STDOUT = ("-", "/dev/stdout")


def run() -> NoReturn:
    """Run the command on the process's arguments."""
    process.run(NAME, main, OutputError)


def main(argv: list[str]) -> int:
    """Analyze the scripts that `argv` names and write their dependency file; return the exit code."""
    with failing_as(ScriptNotFoundError, "cannot read what is to be analyzed"):
        return _main(argv)


def _main(argv: list[str]) -> int:
    from python_package import analyze as analysis

    # The usual form goes without the 10 ms that argparse takes to start.
    usual = len(argv) == 2 and not any(argument.startswith("-") and argument != "-" for argument in argv)
    args = None if usual else _parsed(argv)
    scripts, output, options = (args.scripts, args.output, _options(args)) if args else (argv[:1], argv[1], {})
    sources = [("<stdin>", _stdin()) if name == "-" else (name, analysis.read_script(name)) for name in scripts]
    _check(output, scripts)
    found = analysis.analyze_sources(sources, **options)
    if args and args.pin:
        from python_package.analyze import pins

        found = pins.pinned(found, found.interpreter)
    if args and args.engines:
        from python_package.analyze import engines

        found = engines.with_engines(found, args.engines, found.interpreter)
    if args and args.local:
        from python_package.analyze.local_modules import recorded

        found = recorded(found)
    remarks = [*found.remarks]
    if found.places and not (args and args.local):
        from python_package.analyze.local_modules import remark_on

        remarks.append(remark_on(found))
    for remark in remarks:
        print(f"{NAME}: {remark}".encode(errors="backslashreplace").decode(), file=sys.stderr)
    explanation = ""
    if args and args.explain:
        from python_package.analyze.explain import explain

        explanation = explain(found)
    _write(output, found.spec.to_json())
    if explanation:
        print(explanation, end="", file=sys.stderr if output in _STDOUT else sys.stdout)
    return 0


def _stdin() -> bytes:
    from python_package.files import bounds

    if sys.stdin is None:
        raise ScriptNotFoundError("cannot read the script from standard input: it is closed")
    try:
        return bounds.read_stream(sys.stdin.buffer, "<stdin>", bounds.SCRIPT)
    except OSError as error:
        raise ScriptNotFoundError(f"cannot read the script from standard input: {error.strerror}") from None


def _parsed(argv: list[str]) -> argparse.Namespace:
    from python_package.analyze.engines import ENGINES
    from python_package.cli import command

    parser = command.Parser(
        prog=NAME,
        usage="%(prog)s [options] <python-script> <json-output-file>",
        description="Find the modules and the interpreter that a Python script depends on, "
        "and write a dependency file for python_package_create.",
        epilog="Exit status: 0 success, 1 invalid command, 2 no such script, 3 the script is not valid Python, "
        "4 the output cannot be written, 5 no default python3 answers, 70 a fault of this command.",
    )
    parser.add_argument(
        "scripts",
        metavar="python-script",
        nargs="+",
        help="the script, notebook or directory to analyze, or several; - for standard input",
    )
    parser.add_argument(
        "output", metavar="json-output-file", help="the dependency file to write; - for standard output"
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--toplevel", action="store_true", help="count only the imports outside all blocks of the script")
    part.add_argument("--function", metavar="NAME", help="count only the imports in this function of the script")
    parser.add_argument(
        "--extra-pkg", action="append", default=[], metavar="PACKAGE", help="put this package in, too (repeatable)"
    )
    parser.add_argument(
        "--for",
        dest="engines",
        action="append",
        choices=sorted(ENGINES),
        metavar="ENGINE",
        help=f"put in what this engine needs on its workers, at the versions of the default python3 (repeatable): "
        f"{', '.join(sorted(ENGINES))}",
    )
    parser.add_map("--pkg-mapping")  # poncho's name for it
    parser.add_argument(
        "--explain", action="store_true", help="also print where each module is imported, and which package it becomes"
    )
    parser.add_argument(
        "--local",
        action="store_true",
        help="record the script, the modules beside it and those of no distribution, so that they travel along",
    )
    parser.add_argument("--pin", action="store_true", help="record the versions that the default python3 has")
    return parser.parse_args(argv)


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options for analyze_sources."""
    from python_package.analyze.values import Scope
    from python_package.spec import is_package

    given = [(f"--extra-pkg {package!r}", package) for package in args.extra_pkg]
    for what, package in [*given, *((f"--map: {package!r}", package) for _, package in args.mapping)]:
        if not is_package(package):
            raise UsageError(f"{what} is not the name of a package")
    options: dict[str, Any] = {"packages": args.extra_pkg, "mapping": dict(args.mapping), "local": args.local}
    if args.toplevel or args.function is not None:
        options["scope"] = Scope(args.function)
    return options


def _check(output: str, scripts: list[str]) -> None:
    """Raise OutputError, before any work, for an output that could not be written."""
    if output == "-":
        return
    folder = os.path.dirname(os.path.realpath(output))
    if not output:
        raise OutputError("the json-output-file has no name")
    if os.path.isdir(output) or output.endswith("/"):
        raise OutputError(f"cannot write {output}: it is a directory; name a file")
    if os.path.exists(output):
        if not os.access(output, os.W_OK):
            raise OutputError(f"cannot write {output}: it is read-only")
        if any(_is_in(output, script) for script in scripts if script != "-"):
            raise OutputError(f"cannot write {output}: it is the script itself")
    elif not os.path.isdir(folder):
        raise OutputError(f"cannot write {output}: there is no directory {folder}")
    elif not os.access(folder, os.W_OK):
        raise OutputError(f"cannot write {output}: the directory {folder} is read-only")


def _is_in(output: str, script: str) -> bool:
    """Tell whether an output is the script, or one of a directory's."""
    if not os.path.isdir(script):
        return os.path.samefile(output, script)
    inside = os.path.realpath(output).startswith(os.path.join(os.path.realpath(script), ""))
    return inside and output.endswith((".py", ".ipynb"))


def _write(output: str, text: str) -> None:
    """Write the output at once, keeping the mode of a file that it replaces."""
    try:
        if output in _STDOUT:  # opening /dev/stdout would truncate what `>>` appends to
            print(text, end="", flush=True)
            return
        mode = os.stat(output).st_mode if os.path.exists(output) else None
        target = os.path.realpath(output)  # a link stays a link
        # A pipe or device is written through, and so is a file in a folder where nothing can be put beside it.
        if (mode is None or stat.S_ISREG(mode)) and os.access(os.path.dirname(target), os.W_OK):
            _replace(target, text, mode)
        else:
            with open(output, "w", encoding="utf-8") as file:
                file.write(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error.strerror}") from None


def _replace(target: str, text: str, mode: int | None) -> None:
    """Write beside the target and rename, so that nobody ever sees half a file; a new one has the umask's mode.

    There is no fsync: it takes longer than to make the file again.
    """
    beside = f"{target}.{os.getpid()}.tmp"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            if mode is not None:
                os.fchmod(descriptor, stat.S_IMODE(mode))
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise
