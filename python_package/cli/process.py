"""A command as a process: expected failures become one line and a code, output survives a crash at exit."""

from __future__ import annotations

import os
import sys

from python_package.errors import PackageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def run(name: str, main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command's main on the process's arguments and exit with its code."""
    # An interrupt in the middle of asyncio's own code leaves a loop whose destructor would print a traceback.
    sys.unraisablehook = lambda _: None
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except PackageError as error:
        print(f"{name}: {error}", file=sys.stderr)
        code = error.code
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr, flush=True)
        os._exit(
            130
        )  # in here, while the traceback still holds what asyncio was torn from: it would complain at its end
    except BrokenPipeError:
        code = 141
    except SystemExit as exit_:  # argparse after --help
        code = exit_.code if isinstance(exit_.code, int) else 1
        sys.stdout.flush()
    # py-rattler's runtime can crash in the interpreter's shutdown, after all work is done: skip the shutdown.
    sys.stderr.flush()
    os._exit(code)
