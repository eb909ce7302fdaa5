"""The two programs, ``profiler`` and ``recommender``: the commands are listed here, nothing else.

A command is imported when it is named, so that ``--help`` is instant. Exit codes stand in
:mod:`store.console.exits`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from store.console.help import SETTINGS, Command, Program
from store.console.options import option

Listing = Mapping[str, Mapping[str, str]]

PROFILER_LISTING: Listing = {
    "Data": {
        "sample": "Write a small shop with planted interests, to try everything on.",
        "check": "Say what would be read from a source and what looks wrong.",
    },
    "Building": {
        "build": "Fill the store: data, exemplars, synthetic users, interests, assignments.",
        "retry": "Ask again about subjects whose answers could not be used.",
        "assign": "Let new users join their nearest exemplar; nobody is asked.",
        "prompts": "List, show, render and compare prompt templates.",
    },
    "Answers and interests made elsewhere": {
        "requests": "Write the questions that are due as a batch file.",
        "import-responses": "Store the answers to such questions.",
        "import-interests": "Store interests that were made elsewhere.",
    },
    "Looking": {
        "status": "Counts, coverage, cost and failures of a store.",
        "show": "One user's interests and the items that prove them.",
        "explain": "Why an item fits a user.",
        "search": "Find interests by words and by meaning.",
        "interests": "All interests and how many users each reaches.",
        "compare": "One user beside the exemplar that stands for them.",
        "exemplars": "The exemplars and whom they stand for.",
        "synthetic-users": "The synthetic users and what they cover.",
        "ask": "Ask the store a question in plain words, with a language model.",
        "evaluate": "Measure how good the stored interests are.",
    },
    "Changing by hand": {
        "merge": "Put one interest under another.",
        "rename": "Give an interest another label.",
        "pin": "Keep an interest apart from its near-duplicates.",
        "undo": "Take back a change, or list all changes.",
        "forget": "Remove a user and everything that rests on them.",
    },
    "Files": {
        "report": "Write one HTML file about a store.",
        "export": "Write interests and users as files for other programs.",
        "datasette": "Write named queries for Datasette.",
        "backup": "Copy the store, also while a build is at work.",
    },
    "Care": {
        "verify": "Check every row of the store.",
        "doctor": "Look at this machine, the installation and a store.",
    },
}
RECOMMENDER_LISTING: Listing = {
    "Training": {
        "train": "Train a model on a store.",
        "compare": "Train several models with several seeds and test the differences.",
        "evaluate": "Measure a model on the held-out part of its store.",
    },
    "Using a model": {
        "recommend": "The best items for a user or a history.",
        "explain": "Why a model gives an item its score.",
        "export": "Write lists, item vectors or the user tower for other systems.",
    },
}
PROFILER = tuple(name for commands in PROFILER_LISTING.values() for name in commands)
RECOMMENDER = tuple(name for commands in RECOMMENDER_LISTING.values() for name in commands)


def profiler_app() -> typer.Typer:
    """Commands of ``profiler``: from interactions to stored interests, and reading them."""
    text = "Turn interaction logs into interests a person can read, kept in one store file."
    example = "$ profiler build shop --store shop.db"
    return _app("profiler", f"{text}\n\n{example}", PROFILER_LISTING)


def recommender_app() -> typer.Typer:
    """Commands of ``recommender``: train on a store, evaluate, recommend, explain."""
    text = "Train recommenders on a store's interests; serving needs no language model."
    example = "$ recommender train --store shop.db --out models/remi"
    return _app("recommender", f"{text}\n\n{example}", RECOMMENDER_LISTING)


def _app(package: str, text: str, listing: Listing) -> typer.Typer:
    class Listed(Program):
        def load(self, name: str) -> Any:
            return load_command(package, name)

    Listed.listing = listing
    app = typer.Typer(
        cls=Listed,
        help=text,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
    )
    app.callback()(_common)
    return app


def load_command(package: str, name: str) -> Any:
    """Import a command of a program by its name and return it as Typer has it."""
    function = name.replace("-", "_")
    module = import_module(f"{package}.commands.{function}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, cls=Command, context_settings=SETTINGS)(getattr(module, function))
    return typer.main.get_command(app)


def _print_version(asked: bool) -> None:
    if asked:
        from store.version import __version__

        typer.echo(f"interest-profiler {__version__}")
        raise typer.Exit


def _common(
    version: Annotated[
        bool,
        option("Print the version.", "--version", callback=_print_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, option("Show the trace of an error; may stand after any command.", "--debug")
    ] = False,
) -> None:
    """Options of both programs; ``--debug`` is taken off before the command line is read."""


def profiler_main() -> None:
    """Entry point of the console script ``profiler``."""
    sys.exit(run(profiler_app, "profiler"))


def recommender_main() -> None:
    """Entry point of the console script ``recommender``."""
    sys.exit(run(recommender_app, "recommender"))


def run(make_app: Callable[[], typer.Typer], name: str, args: Sequence[str] | None = None) -> int:
    """Run a program and return its exit code."""
    from store.console.exits import run as run_program

    return run_program(make_app, name, args)


if __name__ == "__main__":
    profiler_main()
