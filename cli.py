"""The two programs, ``profiler`` and ``recommender``: commands are assembled here, nothing else.

Exit codes: 0 done, 1 some subjects quarantined, 2 usage or input, 3 interrupted, 4 budget reached,
5 provider refused. Commands import what they need when they run, and only the command that was
named is loaded at all, so that ``--help`` is instant.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import typer

PROFILER = (
    "sample",
    "check",
    "build",
    "status",
    "show",
    "explain",
    "search",
    "interests",
    "compare",
    "exemplars",
    "synthetic-users",
    "assign",
    "merge",
    "rename",
    "pin",
    "undo",
    "prompts",
    "requests",
    "import-responses",
    "import-interests",
    "retry",
    "evaluate",
    "ask",
    "report",
    "export",
    "datasette",
    "forget",
    "verify",
    "backup",
    "doctor",
)
CTRL_C = 130
RECOMMENDER = ("train", "evaluate", "compare", "recommend", "explain", "export")


def profiler_app(only: str | None = None) -> typer.Typer:
    """Commands of ``profiler``: from interactions to stored interests, and reading them."""
    text = "Turn interaction logs into interests a person can read, kept in one store file."
    return _app("profiler", text, [only] if only in PROFILER else PROFILER)


def recommender_app(only: str | None = None) -> typer.Typer:
    """Commands of ``recommender``: train on a store, evaluate, recommend, explain."""
    text = "Train recommenders on a store's interests; serving needs no language model."
    return _app("recommender", text, [only] if only in RECOMMENDER else RECOMMENDER)


def _app(package: str, text: str, names: Sequence[str | None]) -> typer.Typer:
    app = typer.Typer(
        help=text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)  # a program of one loaded command still has a command name
    for name in names:
        function = str(name).replace("-", "_")
        module = import_module(f"{package}.commands.{function}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, function))
    return app


def profiler_main() -> None:
    """Entry point of the console script ``profiler``."""
    sys.exit(run(profiler_app, "profiler"))


def recommender_main() -> None:
    """Entry point of the console script ``recommender``."""
    sys.exit(run(recommender_app, "recommender"))


def run(
    make_app: Callable[[str | None], typer.Typer], name: str, args: Sequence[str] | None = None
) -> int:
    """Run a program and return its exit code; what the user can mend is one plain line."""
    from store.errors import InterruptedRunError, UserError

    _replace_unprintable()
    arguments = list(sys.argv[1:] if args is None else args)
    command: Any = typer.main.get_command(make_app(arguments[0] if arguments else None))
    try:
        _refuse_undecodable(arguments)
        result = command.main(args=arguments, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return error.exit_code
    except BrokenPipeError:  # `profiler interests | head` is not an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # no space, no permission, a name too long
        sys.stderr.write(f"{name}: {error}\n")
        return UserError.exit_code
    except (KeyboardInterrupt, typer.Abort):
        result = CTRL_C
    except Exception as error:  # click's own errors know how to show themselves
        show = getattr(error, "show", None)
        if show is not None:
            show()
            return int(getattr(error, "exit_code", 2))
        if not _store_in_use(error):
            raise
        sys.stderr.write(f"{name}: another program writes to the store; try again later\n")
        return UserError.exit_code
    if result == CTRL_C:  # what Typer makes of a KeyboardInterrupt
        how = (
            "train goes on with --resume if it had begun, compare when run again"
            if name == "recommender"
            else "run it again to resume"
        )
        sys.stderr.write(f"{name}: stopped; what was finished is kept, {how}\n")
        return InterruptedRunError.exit_code
    return result if isinstance(result, int) else 0


def _replace_unprintable() -> None:
    """Where the locale lacks a sign, such as ±, a question mark stands for it."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # standard error spells it out by itself
        sys.stdout.reconfigure(errors="replace")


def _store_in_use(error: Exception) -> bool:
    from store.db.engine import in_use  # loads SQLAlchemy; no command that succeeds pays for it

    return in_use(error)


def _refuse_undecodable(arguments: Sequence[str]) -> None:
    """Bytes that are no text arrive as lone surrogates, which nothing here could store or print."""
    from store.errors import UserError

    for place, argument in enumerate(arguments, start=1):
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"argument {place} ({argument!r}) is not UTF-8 text") from error


if __name__ == "__main__":
    profiler_main()
