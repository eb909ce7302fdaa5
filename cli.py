"""The two programs, ``profiler`` and ``recommender``: commands are assembled here, nothing else.

Exit codes: 0 done, 1 some subjects quarantined, 2 usage or input, 3 interrupted, 4 budget reached,
5 provider refused. Commands import what they need when they run, so that ``--help`` is instant.
"""

from __future__ import annotations

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
    "exemplars",
    "synthetic-users",
    "assign",
    "requests",
    "import-responses",
    "import-interests",
    "evaluate",
    "verify",
    "backup",
    "doctor",
)
RECOMMENDER = ("train", "evaluate", "compare", "recommend", "explain", "export")
GROUPS = {("profiler", "prompts")}


def profiler_app() -> typer.Typer:
    """Commands of ``profiler``: from interactions to stored interests, and reading them."""
    app = _app("Turn interaction logs into interests a person can read, kept in one store file.")
    _register(app, "profiler", PROFILER)
    for package, name in sorted(GROUPS):
        app.add_typer(import_module(f"{package}.commands.{name}").app, name=name)
    return app


def recommender_app() -> typer.Typer:
    """Commands of ``recommender``: train on a store, evaluate, recommend, explain."""
    app = _app("Train recommenders on a store's interests; serving needs no language model.")
    _register(app, "recommender", RECOMMENDER)
    return app


def _app(help_text: str) -> typer.Typer:
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def _register(app: typer.Typer, package: str, names: Sequence[str]) -> None:
    for name in names:
        function = name.replace("-", "_")
        module = import_module(f"{package}.commands.{function}")
        app.command(name)(getattr(module, function))


def profiler_main() -> None:
    """Entry point of the console script ``profiler``."""
    sys.exit(run(profiler_app, "profiler"))


def recommender_main() -> None:
    """Entry point of the console script ``recommender``."""
    sys.exit(run(recommender_app, "recommender"))


def run(make_app: Callable[[], typer.Typer], name: str, args: Sequence[str] | None = None) -> int:
    """Run a program and return its exit code; what the user can mend is one plain line."""
    from store.errors import InterruptedRunError, UserError

    command: Any = typer.main.get_command(make_app())
    try:
        result = command.main(args=args, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return error.exit_code
    except BrokenPipeError:  # `profiler interests | head` is not an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write(f"{name}: stopped; what was finished is kept, run it again to resume\n")
        return InterruptedRunError.exit_code
    except Exception as error:  # click's own errors know how to show themselves
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", 2))
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    profiler_main()
