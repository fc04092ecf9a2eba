"""python -m python_package.channel DIR [REQUIREMENT...]: make a local Conda channel of what is at hand."""

from __future__ import annotations

import sys

from python_package.cli import process
from python_package.errors import PackError, failing_as

_NAME = "python_package.channel"


@failing_as(PackError, "cannot make the channel")
def main(argv: list[str]) -> int:
    """Make the channel that the arguments ask for and return the exit code."""
    from pathlib import Path

    from python_package.cli.command import Parser
    from python_package.host_python.channel import build

    parser = Parser(
        prog=f"python -m {_NAME}",
        description="Make a local Conda channel of this machine's CPython and of wheels from PyPI.",
        epilog="Exit status: 0 success, 1 invalid command, 4 no such requirement, 5 the index does not answer, "
        "7 cannot be written, 9 the interpreter cannot be packaged, 70 a fault of this command.",
    )
    parser.add_argument("directory", metavar="DIR", help="the channel's folder; packages that it has are kept")
    parser.add_argument(
        "requirements", metavar="REQUIREMENT", nargs="*", help="a requirement as for pip: numpy, 'idna>=3'"
    )
    parser.add_argument(
        "--python", metavar="PATH", default="python3", help="the interpreter to package (default: python3)"
    )
    arguments = parser.parse_args(argv)
    path = build(
        Path(arguments.directory),
        arguments.requirements,
        python=arguments.python,
        progress=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(path)
    return 0


if __name__ == "__main__":
    process.run(_NAME, main, PackError)
