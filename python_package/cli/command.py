"""What the commands share: usage errors exit 1, and --version."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from python_package import __version__
from python_package.errors import UsageError


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageError (argparse itself would exit 2, which means 'no such file').

    Options are taken only as they are documented: what abbreviates one today may abbreviate another tomorrow.
    """

    def __init__(self, **options: Any) -> None:
        """Take what argparse takes; add --version."""
        super().__init__(allow_abbrev=False, **options)
        self.add_argument("--version", action="version", version=f"%(prog)s {__version__}", help="print the version")

    def add_map(self, *more: str, note: str = "") -> None:
        """Add --map; `more` are other names of it, `note` is what its help says of it here."""
        self.add_argument(
            "--map",
            *more,
            dest="mapping",
            type=_choice,
            action="append",
            default=[],
            metavar="IMPORT=PACKAGE",
            help=f"use this package for an import (repeatable{note})",
        )

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the usage line in the message."""
        raise UsageError(f"{message}; {self.format_usage().strip()}")


def _choice(text: str) -> tuple[str, str]:
    """Read an argument of --map."""
    module, _, package = text.partition("=")
    if not package or not all(part.isidentifier() for part in module.split(".")):
        raise UsageError(f"--map {text}: expected IMPORT=PACKAGE, such as yaml=pyyaml")
    return module, package
