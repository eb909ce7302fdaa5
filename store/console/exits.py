"""Running a program: exit codes, one plain line for every error, signals and closed streams.

With ``--json`` an error is one JSON document on standard error, ``{"error": {…}}``, instead.

==== =======================================================================
code meaning
==== =======================================================================
0    done
1    done, but some subjects are quarantined, ``verify`` found a fault, or a model is due
2    usage, input, or what the machine lacks: space, memory, permission
3    interrupted, by Ctrl-C, SIGTERM or SIGHUP
4    a budget was reached
5    the provider refuses all calls
70   an internal error, a fault of the program
==== =======================================================================
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sqlite3
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import typer

from store.console.output import clean, print_json
from store.errors import InterruptedRunError, StoreWarning, UserError
from store.suggestions import check_in_words, did_you_mean
from store.telemetry.setup import exporting

QUARANTINED = 1
INTERNAL = 70
CTRL_C = 130
"""What Typer makes of a KeyboardInterrupt."""

DEBUG = "--debug"
AS_JSON = "--json"
MOST = 500

SQLITE = {
    sqlite3.SQLITE_BUSY: "another program writes to the store; try again later",
    sqlite3.SQLITE_FULL: "the disk is full; what was finished is kept, make space and run it again",
    sqlite3.SQLITE_READONLY: "the store cannot be written: its file or folder is read-only",
    sqlite3.SQLITE_IOERR: "the disk failed while the store was read or written",
    sqlite3.SQLITE_CORRUPT: "the store is damaged; look with: profiler verify --store FILE",
    sqlite3.SQLITE_NOTADB: "the store is damaged: its file is no SQLite database",
}


def run(make_app: Callable[[], typer.Typer], name: str, args: Sequence[str] | None = None) -> int:
    """Run a program and return its exit code; what went wrong is one plain line."""
    _fill_closed_streams()
    _replace_unprintable()
    arguments = list(sys.argv[1:] if args is None else args)
    debug = _take_debug(arguments)
    as_json = AS_JSON in _options_of(arguments)
    with _stopping_signals(), _notes():
        try:
            command: Any = typer.main.get_command(make_app())
            with exporting(name):
                result = command.main(args=arguments, prog_name=name, standalone_mode=False)
            sys.stdout.flush()
        except BrokenPipeError as error:  # `profiler interests | head` is not an error
            if _drop_output():
                return 0
            return _fail(name, error, debug=debug, as_json=as_json)
        except BaseException as error:  # also what derives from no Exception, such as Rust's panics
            if isinstance(error, SystemExit):
                return _left_early(error)
            return _fail(name, error, debug=debug, as_json=as_json)
    if result == CTRL_C:
        return _fail(name, KeyboardInterrupt(), debug=debug, as_json=as_json)
    return result if isinstance(result, int) else 0


def _left_early(error: SystemExit) -> int:
    """What Typer makes of a pipe whose reader has gone, and of a request for completion."""
    if isinstance(error.__context__, BrokenPipeError):
        sys.stdout = sys.__stdout__ or sys.stdout  # Typer put a wrapper there
        _drop_output()
        return 0
    return error.code if isinstance(error.code, int) else 0


def _fail(name: str, error: BaseException, *, debug: bool, as_json: bool) -> int:
    """Say what went wrong and return the exit code of it."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    failure = _failure(name, error)
    with contextlib.suppress(OSError):  # standard error may be full or closed as well
        if as_json:
            print_json({"error": failure.document()}, sys.stderr, one_line=True)
        else:
            sys.stderr.write(clean(failure.in_words()).rstrip() + "\n")
        sys.stderr.flush()
    _drop_output()
    return failure.code


class _Failure(NamedTuple):
    """What went wrong: what kind of error it is, the command, the reason, the exit code."""

    kind: str
    command: str
    message: str
    code: int
    see: str = ""

    def in_words(self) -> str:
        """One plain line, and for a wrong option a second one: where to read on."""
        if not self.command:
            return self.message
        return f"{self.command}: {self.message}" + (f"\nSee: {self.see}" if self.see else "")

    def document(self) -> dict[str, Any]:
        """The same as plain values."""
        facts = {"kind": self.kind, "message": self.message, "exit_code": self.code}
        return facts | ({"see": self.see} if self.see else {})


def _failure(name: str, error: BaseException) -> _Failure:
    if isinstance(error, UserError):
        return _Failure(error.kind, name, str(error), error.exit_code)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        said = f"stopped; {_what_goes_on(name)}"
        return _Failure("interrupted", name, said, InterruptedRunError.exit_code)
    if hasattr(error, "format_message"):  # a usage error of the command line
        return _usage(name, error)
    code = UserError.exit_code
    if isinstance(error, MemoryError) or _no_memory(error):
        return _Failure("machine", name, "out of memory; what was finished is kept", code)
    if known := _of_sqlite(error):
        return _Failure("machine", name, known, code)
    if isinstance(error, OSError):
        return _Failure("machine", name, _of_system(error), code)
    return _Failure("internal", name, _internal(error), INTERNAL)


def _what_goes_on(name: str) -> str:
    how = (
        "train goes on with --resume if it had begun, compare when run again"
        if name == "recommender"
        else "run it again to resume"
    )
    return f"what was finished is kept, {how}"


def _usage(name: str, error: Any) -> _Failure:
    """A wrong option or argument, and where to read on."""
    code = int(getattr(error, "exit_code", UserError.exit_code))
    message = str(error.format_message())
    if type(error).__name__ == "NoArgsIsHelpError":
        return _Failure("usage", "", message, code)
    context = getattr(error, "ctx", None)
    if context is None:
        return _Failure("usage", name, message, code)
    if typed := getattr(error, "option_name", None) if hasattr(error, "possibilities") else None:
        known = [name for one in context.command.params for name in one.opts + one.secondary_opts]
        message = f"no option {typed}{did_you_mean(typed, known)}"
        if typed[1:].isdigit():
            message = f"{typed} is no option, and numbers given here are 0 or more"
    message = check_in_words(message)
    return _Failure("usage", context.command_path, message, code, f"{context.command_path} -h")


def _no_memory(error: BaseException) -> bool:
    """Whether a library says in its own way that memory is used up."""
    names = {kind.__name__ for kind in type(error).__mro__}
    text = str(error)
    return "OutOfMemoryError" in names or (
        isinstance(error, RuntimeError)
        and ("not enough memory" in text or "can't allocate memory" in text)
    )


def _of_sqlite(error: BaseException) -> str | None:
    """What a store's file did, whichever library passes it on."""
    cause = getattr(error, "orig", error)
    if not isinstance(cause, sqlite3.Error):
        return None
    return SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)


def _of_system(error: OSError) -> str:
    """No space, no permission, a name too long: the reason and the file."""
    if error.strerror is None:
        return str(error)
    reason = error.strerror[0].lower() + error.strerror[1:]
    files = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return ": ".join([" -> ".join(files), reason] if files else [reason])


def _internal(error: BaseException) -> str:
    place = ""
    if frames := traceback.extract_tb(error.__traceback__):
        file = Path(frames[-1].filename)
        place = f" at {'/'.join(file.parts[-2:])}:{frames[-1].lineno}"
    said = " ".join(str(error).split())[:MOST]
    what = f"{type(error).__name__}{f': {said}' if said else ''}"
    return f"internal error{place}: {what}; this is a fault of the program, {DEBUG} shows its trace"


def _take_debug(arguments: list[str]) -> bool:
    """Remove ``--debug``, which may stand anywhere before ``--``."""
    before = _options_of(arguments)
    if DEBUG not in before:
        return False
    arguments[: len(before)] = [one for one in before if one != DEBUG]
    return True


def _options_of(arguments: Sequence[str]) -> list[str]:
    """The arguments that may be options: those before ``--``."""
    return list(arguments[: arguments.index("--")] if "--" in arguments else arguments)


@contextlib.contextmanager
def _notes() -> Iterator[None]:
    """What the library warns of is a note for whoever watches, without a place in the program."""
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if issubclass(category, StoreWarning):
            sys.stderr.write(clean(f"note: {message}") + "\n")
        else:
            usual(message, category, *place)

    with warnings.catch_warnings():
        warnings.simplefilter("always", StoreWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


@contextlib.contextmanager
def _stopping_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does at that moment; ``nohup`` stays in force."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):  # a job in the background ignores Ctrl-C
            raise KeyboardInterrupt
        handler(number, frame)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fill_closed_streams() -> None:
    """Open the null device where a standard stream is closed.

    Else the store's file would get the stream's number, and what is printed would end in the store.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdin = sys.stdin or os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


def _replace_unprintable() -> None:
    """Where the locale lacks a sign, such as ±, a question mark stands for it."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # standard error spells it out by itself
        sys.stdout.reconfigure(errors="replace")


def _drop_output() -> bool:
    """Give up what standard output does not take, so that Python's end is silent.

    Returns
    -------
    bool
        Whether standard output is closed or full.
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.close(null)
        return True
    return False
