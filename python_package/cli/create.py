"""python_package_create: a dependency file becomes a Conda environment and its tarball."""

from __future__ import annotations

import errno
import os
import sys
from time import perf_counter

from python_package.cli import process
from python_package.errors import PackError, SpecNotFoundError, UsageError, failing_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import NoReturn

    from python_package.cli import command
    from python_package.create import Created
    from python_package.lock import Lock
    from python_package.spec import Spec
    from python_package.target import Target

NAME = "python_package_create"


def main(argv: list[str]) -> int:
    """Run the command; return its exit code or raise the PackageError that carries it."""
    with failing_as(PackError, "cannot make the environment"):
        return _main(argv)


def _main(argv: list[str]) -> int:
    import shlex
    from dataclasses import fields

    from python_package.cli import progress
    from python_package.create import create_environment, validate_name
    from python_package.create.options import CreateOptions

    args = _arguments(argv)
    output, name = _target(args.environment_name)
    if output and _is_environment(args.dependency_file or ""):
        return _pack(args, output)
    if name is not None:
        validate_name(name)
    locked, changes = _locked(args.locked)
    machine = _machine(args.target)
    spec, notes = _read(args.dependency_file, machine) if locked is None or args.dependency_file else (locked.spec, ())
    chosen = {**vars(args), "channels": tuple(args.channels), "mapping": dict(args.mapping)}
    chosen |= {"output": output, "locked": locked, "command": shlex.join([NAME, *argv])}
    chosen |= {"target": machine, "allow_missing": tuple(args.allow_missing)}
    chosen |= {"check_with": tuple(args.check_with), "slim": _slim(args.slim)}
    options = CreateOptions(**{each.name: chosen[each.name] for each in fields(CreateOptions) if each.name in chosen})
    start = perf_counter()
    with progress.on(sys.stderr, NAME, quiet=args.quiet) as display:
        for note in (*notes, *changes):
            display.note(note)
        created = create_environment(spec, name, options, display)
    if args.dry_run:
        from python_package.cli.table import table

        sys.stdout.write(table(created.packages))
    if not args.quiet:
        print(f"{NAME}: {_summary(created, perf_counter() - start)}", file=sys.stderr)
    return 0


def _is_environment(argument: str) -> bool:
    """Tell whether the first argument is an environment to be packed: no file has that name."""
    from pathlib import Path

    return bool(argument) and argument != "-" and (Path(argument).is_dir() or not os.path.lexists(argument))


def _pack(args: argparse.Namespace, output: str) -> int:
    """Pack an environment that exists, as poncho does; return the exit code."""
    from python_package.cli import progress
    from python_package.create import existing

    prefix = existing.find(args.dependency_file)
    making = {"--channel": args.channels, "--lock": args.lock, "--locked": args.locked, "--sbom": args.sbom}
    making |= {"--self-contained": args.self_contained, "--target": args.target}
    making |= {"--base": args.base, "--require-check": args.require_check, "--allow-missing": args.allow_missing}
    making |= {"--check-with": args.check_with, "--check": args.check_command, "--slim": args.slim}
    for option, given in {**making, **_solving(args)}.items():
        if given:
            raise UsageError(f"{option} has no meaning with {prefix}, an environment that is packed as it is")
    start = perf_counter()
    with progress.on(sys.stderr, NAME, quiet=args.quiet) as display:
        created = existing.pack(prefix, output, display, check=args.check, links=args.links)
    if not args.quiet:
        print(f"{NAME}: {_summary(created, perf_counter() - start)}", file=sys.stderr)
    return 0


def _summary(created: Created, seconds: float) -> str:
    machine = f" for {created.target}" if created.target else ""
    if created.packages:
        from python_package.cli.table import size

        total = size(sum(each.size or 0 for each in created.packages))
        return f"{len(created.packages)} packages{machine}, {total}; nothing was made"
    split = ", ".join(f"{phase} {each:.1f}" for phase, each in created.seconds.items())
    megabytes = created.tarball.stat().st_size / 1e6
    kept = f"{created.prefix} and " if created.prefix.is_absolute() else ""
    if created.difference:
        machine += f" and {created.difference.name} ({created.difference.stat().st_size / 1e6:.3f} MB)"
    return f"{kept}{created.tarball.name} ({megabytes:.1f} MB){machine} in {seconds:.1f} s: {split}"


def _parser(*, locked: bool = False) -> command.Parser:
    import shlex

    from python_package.cli import command

    parser = command.Parser(
        prog=NAME,
        description="Create a Conda environment from a dependency file, and pack it into a tarball here.",
        epilog="Exit status: 0 success, 1 invalid command, 2 no such dependency file, 3 its content is invalid, "
        "4 cannot be solved, 5 a channel or index does not answer or refuses, 6 a module does not import, "
        "7 cannot be made or written, 8 a package or an index is not what was promised, "
        "9 this machine's python3 cannot do it, 70 a fault of this command.",
    )
    add = parser.add_argument
    add(
        "dependency_file",
        metavar="dependency-file",
        nargs="?" if locked else None,
        help="the file that python_package_analyze wrote, or environment.yml, requirements.txt, pyproject.toml, "
        "pixi.toml or poncho's JSON; - for standard input; may be left out with --locked; or, if a tarball is named, a "
        "Conda environment, by its name or folder, to be packed as it is",
    )
    add("environment_name", metavar="environment-name", help="a name, or [FOLDER/]NAME.tar.gz for a tarball alone")
    add(
        "-c",
        "--channel",
        dest="channels",
        metavar="CHANNEL",
        action="append",
        default=[],
        help="take packages from this channel: a name, a URL or a folder (repeatable)",
    )
    add("--offline", action="store_true", help="use only what the caches hold")
    add("--refresh", action="store_true", help="ask channels and PyPI anew, whatever they said a few minutes ago")
    add(
        "--interpreter",
        choices=("auto", "channel", "host"),
        default="auto",
        help="where python comes from: a channel, this host (its own python3), or auto (default): a channel, "
        "or this host if no channel answers",
    )
    add(
        "--target",
        metavar="MACHINE",
        help="make it for another machine: linux-64, linux-aarch64, or what python_package_run --probe printed there",
    )
    add("--exact", action="store_true", help="refuse a later patch release of python than the one asked for")
    parser.add_map(note="; PyPI is not asked for conda:PACKAGE")
    add("--lock", metavar="FILE", help="write a lock file: what the environment is made of, to the last file")
    add("--locked", metavar="FILE", help="make again exactly what this lock file says: the same tarball, byte for byte")
    add("--sbom", metavar="FILE", help="write a software bill of materials (CycloneDX JSON)")
    add("--strict-names", action="store_true", help="refuse a package whose name is only assumed")
    add("--no-check", dest="check", action="store_false", help="pack without importing the modules")
    add("--check", dest="check_command", metavar="COMMAND", default="", help="pack only if this succeeds there, too")
    add("--require-check", action="store_true", help="refuse what cannot be imported here, being for another machine")
    add(
        "--check-with",
        metavar="COMMAND",
        type=shlex.split,
        default=[],
        help="run the interpreter of another platform with this for the imports, such as 'qemu-aarch64 -L /sysroot'",
    )
    add(
        "--allow-missing",
        metavar="LIBRARY",
        action="append",
        default=[],
        help="a library that the workers have and this machine may lack, such as libcuda.so.1 (repeatable)",
    )
    add(
        "--no-links",
        dest="links",
        action="store_false",
        help="copies in place of symbolic links, for readers without them",
    )
    add(
        "--slim",
        metavar="KINDS",
        help="leave out of the tarball what no import and no --check misses; without =KINDS all of "
        "headers,static,tests,docs,stubs,bytecode",
    )
    add(
        "--self-contained",
        action="store_true",
        help="also write NAME.sh: the tarball and python_package_run in one file",
    )
    add(
        "--base",
        metavar="OLD.tar.gz",
        help="also write NAME.delta: what a worker needs that has the environment of this earlier tarball",
    )
    add("--dry-run", action="store_true", help="solve, print what the environment would hold, and make nothing")
    add("-q", "--quiet", action="store_true", help="print only errors and notes")
    return parser


def _arguments(argv: list[str]) -> argparse.Namespace:
    """Parse the command line, in which a lock can stand for the dependency file, but not for what would solve anew."""
    end = argv.index("--") if "--" in argv else len(argv)
    options = ["--slim=all" if option == "--slim" else option for option in argv[:end]]
    argv = [*options, *argv[end:]]
    if any(option == "--locked" or option.startswith("--locked=") for option in options):
        parser = _parser(locked=True)
        args = parser.parse_intermixed_args(argv)  # the one argument that may be left out is the first
    else:
        parser = _parser()
        args = parser.parse_args(argv)
    for option, given in _solving(args).items():
        if args.locked is not None and given:
            parser.error(f"{option} has no meaning with --locked, which solves nothing")
    making = {"--lock": args.lock, "--sbom": args.sbom, "--self-contained": args.self_contained, "--base": args.base}
    for option, given in making.items():
        if args.dry_run and given:
            parser.error(f"{option} has no meaning with --dry-run, which makes nothing")
    return args


def _solving(args: argparse.Namespace) -> dict[str, object]:
    """Return the options that say how to solve, each with whether it was given."""
    solving = {"--map": args.mapping, "--strict-names": args.strict_names, "--exact": args.exact}
    return solving | {"--interpreter": args.interpreter != "auto", "--dry-run": args.dry_run}


def _locked(argument: str | None) -> tuple[Lock | None, list[str]]:
    """Read a lock; return also what to say of one in an environment that somebody has changed since."""
    if argument is None:
        return None, []
    from pathlib import Path

    from python_package.conda import lockfile

    lock = lockfile.load(Path(argument))
    changed = lockfile.outdated(lock, Path(argument))
    return lock, [f"{argument} no longer says what its environment has: {changed}"] if changed else []


def _slim(argument: str | None) -> tuple[str, ...]:
    if argument is None:
        return ()
    from python_package.pack import slim

    return slim.parse(argument)


def _machine(argument: str | None) -> Target | None:
    from python_package.target import Target

    return None if argument is None else Target.load(argument)


def _target(argument: str) -> tuple[str | None, str | None]:
    """Return the tarball's path, as Parsl and poncho give it, or the environment's name: the second argument is one."""
    if not argument.endswith(".tar.gz"):
        return None, argument
    if not argument.rpartition("/")[2].removesuffix(".tar.gz"):
        raise UsageError(f"{argument}: the tarball has no name")
    return argument, None


def _read(argument: str, target: Target | None) -> tuple[Spec, tuple[str, ...]]:
    from python_package.create.inputs import decode, read
    from python_package.files import bounds

    try:
        if argument != "-":
            raw = bounds.read(argument, argument, bounds.DOCUMENT)
        elif sys.stdin is None:
            raise OSError(errno.EBADF, "closed")
        else:
            raw = bounds.read_stream(sys.stdin.buffer, argument, bounds.DOCUMENT)
    except OSError as error:
        raise SpecNotFoundError(f"{argument}: {os.strerror(error.errno or 0)}; expected a dependency file") from None
    given = read(decode(raw, argument), argument, target=target)
    return given.spec, given.notes


def run() -> NoReturn:
    """Be the console script."""
    process.run(NAME, main, PackError)
