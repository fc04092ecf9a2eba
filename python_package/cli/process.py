"""A command as a process: signals and failures become one line and a code, output survives a crash at exit."""

from __future__ import annotations

import os
import sys
from time import monotonic

from python_package.errors import PackageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# A fault of ours: no code that is documented for what a user can meet (EX_SOFTWARE of sysexits.h).
FAULT = 70

# Set to anything, it shows where a fault of ours is.
_TRACEBACK = "PYTHON_PACKAGE_TRACEBACK"

# Seconds after which another signal means that the user will not wait until all is cleared up. One signal may come
# twice: timeout(1) sends it to the command and to its whole group.
_PATIENCE = 1.0


class Interrupted(KeyboardInterrupt):
    """A signal that asks the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(name: str, main: Callable[[list[str]], int], unwritable: type[PackageError]) -> NoReturn:
    """Run a command's main on the process's arguments and exit with its code.

    `main` itself imports what it needs, so that signals are handled before. `unwritable` is the failure to write to
    standard output.
    """
    _open_streams()
    _look_there_last(os.environ.get("PYTHONPATH", ""))
    try:
        _handle_signals(name)
        code = _call(name, main, unwritable)
    except Interrupted as interrupted:
        # The traceback is kept until the end: it holds what asyncio was torn from, which would complain at its own.
        _say(f"{name}: interrupted")
        code = 128 + interrupted.number
    # py-rattler's runtime can crash in the interpreter's shutdown, after all work is done: skip the shutdown.
    os._exit(code)


def _call(name: str, main: Callable[[list[str]], int], unwritable: type[PackageError]) -> int:
    try:
        try:
            code = main(sys.argv[1:])
        except SystemExit as exit_:  # argparse after --help
            code = exit_.code if isinstance(exit_.code, int) else 1
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unwritable(f"cannot write to standard output: {error.strerror}") from None
        return code
    except PackageError as error:
        _say(f"{name}: {error}")
        return error.code
    except BrokenPipeError:
        return 141
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # py-rattler's PanicException is no Exception
        return _fault(name, error)


def _fault(name: str, error: BaseException) -> int:
    """Say in one line what was not foreseen, and how to report it."""
    shown = os.environ.get(_TRACEBACK)
    if shown:
        import traceback

        traceback.print_exception(error)
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place else "?"
    from python_package.address import scrub  # rarely needed

    what = scrub(" ".join(f"{type(error).__name__}: {error}".split()))[:500]
    how = "the lines above" if shown else f"what the same command says with {_TRACEBACK}=1"
    _say(f"{name}: a fault of this command ({what}, in {where}), not of yours; please report it with {how}")
    return FAULT


def _say(line: str) -> None:
    try:  # noqa: SIM105  # contextlib is not free
        print(line, file=sys.stderr, flush=True)
    except OSError:
        pass  # there is nobody to tell


# ---- What a process is started with


def _open_streams() -> None:
    """Put something in the place of standard streams that are closed, else the next file opened would be one."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # Opened to be read: who writes to a closed standard output has to hear of it.
            null = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            if name != "stdin":
                setattr(sys, name, open(number, "w", closefd=False))  # noqa: SIM115
    # A path that is not UTF-8 is written as it came.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]  # text streams have it


def _look_there_last(python_path: str) -> None:
    """Import nothing from the working directory or a relative PYTHONPATH, and from the rest of it what is nowhere else.

    A json.py there is a user's. We ourselves may be installed there.
    """
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folders = ["", *python_path.split(os.pathsep)]
    try:
        theirs = {os.path.abspath(folder) for folder in folders}
        relative = {os.path.abspath(folder) for folder in folders if not os.path.isabs(folder)} - {ours}
    except OSError:
        return  # the working directory is gone, and so is what was in it
    sys.path.sort(key=lambda folder: folder in theirs)
    sys.path[:] = [folder for folder in sys.path if folder and folder not in relative]


# ---- Signals


def _handle_signals(name: str) -> None:
    """Let SIGINT, SIGTERM and SIGHUP raise Interrupted in the main thread, but for those that are to be ignored."""
    import _signal  # type: ignore[import-not-found]  # `signal` takes longer to import than analyze has

    raised: list[float] = []

    def interrupt(number: int, _: object) -> None:
        now = monotonic()
        if raised and now - raised[0] < _PATIENCE:
            return
        running = sys.modules.get("python_package.subprocesses")
        if running:
            running.end_all()  # threads wait for them
        if raised:
            _say(f"{name}: interrupted again: what was not cleared up, the next one clears")
            os._exit(128 + number)
        raised.append(now)
        raise Interrupted(number)

    def again(number: int) -> None:
        raised.clear()
        _signal.signal(_signal.SIGALRM, lambda *_: interrupt(number, None))
        _signal.setitimer(_signal.ITIMER_REAL, 0.01)

    def lost(unraisable: object) -> None:
        # Python drops what is raised in a destructor or a callback of its import system. Of anything else the user
        # need not know: an interrupt in the middle of asyncio's own code leaves a loop that complains at its end.
        error = getattr(unraisable, "exc_value", None)
        if isinstance(error, Interrupted):
            again(error.number)

    sys.unraisablehook = lost
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        if _signal.getsignal(number) != _signal.SIG_IGN:  # nohup; a job in the background of a plain shell
            _signal.signal(number, interrupt)
