"""What both commands share: usage errors exit 1, and `run`, which makes a main function a process."""

from __future__ import annotations

import argparse
from typing import NoReturn

from python_package.cli.process import run as run  # apart, because it needs no argparse
from python_package.errors import UsageError


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageError (argparse itself would exit 2, which means 'no such file')."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the usage line in the message."""
        raise UsageError(f"{message}; {self.format_usage().strip()}")
