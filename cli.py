"""The two programs, ``profiler`` and ``recommender``: the commands are listed here, nothing else.

A command is imported when it is named, so that ``--help`` is instant. Exit codes stand in
:mod:`store.console.exits`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from store.console.help import SETTINGS, Command, Program
from store.console.options import option

if TYPE_CHECKING:
    from store.recommending import Recommending, Reranking, RerankingOptions

__distribution__ = "interest-profiler"  # read by store/installation.py


class Family(NamedTuple):
    """Commands that stand under one heading of the help and in one folder."""

    heading: str
    module: str
    commands: Mapping[str, str]
    """Name → what the command does, in a line."""


PROFILER_FAMILIES = (
    Family(
        "Building",
        "profiler.commands.building",
        {
            "sample": "Write the data of a small shop, to try the commands on.",
            "check": "Say what would be read from a source and what looks wrong.",
            "build": "Fill the store: data, exemplars, synthetic users, interests, assignments.",
            "retry": "Ask again about subjects whose answers could not be used.",
            "describe": "Write item cards: what titles do not say, and what is wanted next.",
            "reflect": "Learn hints from a model's lists that missed what came next.",
            "rank": "Rank a recommender's candidates for nominated cases, with a language model.",
            "assign": "Assign new users to their nearest exemplar, without a language model.",
            "prompts": "List, show, render and compare prompt templates.",
        },
    ),
    Family(
        "Growing data",
        "profiler.commands.growing",
        {
            "append": "Add new interactions to a store, without asking about anybody twice.",
            "trends": "Interests that emerged, grew or faded, with their first and last evidence.",
            "diff": "What changed from one store to another.",
        },
    ),
    Family(
        "Answers and interests made elsewhere",
        "profiler.commands.exchange",
        {
            "requests": "Write the questions that are due as a batch file.",
            "import-responses": "Store the answers to such questions.",
            "batch": "Ask through the provider's own batch service, at its lower price.",
            "import-interests": "Store interests that were made elsewhere.",
            "import-cards": "Store item cards that were made elsewhere.",
            "import-rankings": "Store rankings of nominated cases that were made elsewhere.",
        },
    ),
    Family(
        "Reading",
        "profiler.commands.reading",
        {
            "status": "Counts, coverage, cost and failures of a store.",
            "show": "One user's interests and the items that prove them.",
            "explain": "Why an item fits a user.",
            "search": "Find interests by words and by meaning.",
            "interests": "All interests and how many users each reaches.",
            "compare": "One user beside the user's exemplar.",
            "exemplars": "The exemplars and whom they stand for.",
            "synthetic-users": "The synthetic users and what they cover.",
            "ask": "Ask the store a question in plain words, with a language model.",
            "models": "What is known of language models, and what was learned of them.",
            "evaluate": "Measure how good the stored interests are.",
            "serve": "Open the report's page over the live store, on this machine.",
            "mcp": "Let other agents look things up in a store (Model Context Protocol).",
        },
    ),
    Family(
        "Changing by hand",
        "profiler.commands.editing",
        {
            "merge": "Put one interest under another.",
            "rename": "Give an interest another label.",
            "pin": "Keep an interest apart from its near-duplicates.",
            "hints": "List hints with what they gained, and change them by hand.",
            "dispute": "Say that an interest is wrong for one person.",
            "undo": "Take back a change, or list all changes.",
            "forget": "Remove a user and everything that rests on the user's data.",
        },
    ),
    Family(
        "Files",
        "profiler.commands.files",
        {
            "report": "Write one HTML file about a store.",
            "export": "Write interests and users as files for other programs.",
            "publish": "Copy a store into PostgreSQL, DuckDB or Parquet, or update the copy.",
            "datasette": "Write named queries for Datasette.",
        },
    ),
    Family(
        "Upkeep",
        "profiler.commands.upkeep",
        {
            "verify": "Check every row of the store.",
            "backup": "Copy the store, even while a build is running.",
            "restore": "Replace the store by a backup.",
            "merge-stores": "Write one store with the contents of several stores.",
            "doctor": "Check this machine, the installation and a store.",
        },
    ),
)
RECOMMENDER_FAMILIES = (
    Family(
        "Training",
        "recommender.commands",
        {
            "train": "Train a model on a store.",
            "compare": "Train several models with several seeds and test the differences.",
            "evaluate": "Measure a model on the held-out part of its store.",
            "watch": "Measure a model on today's events, and say whether to train again.",
            "nominate": "Choose training cases for a language model to rank.",
        },
    ),
    Family(
        "Using a model",
        "recommender.commands",
        {
            "recommend": "The best items for a user or a history.",
            "hints": "Learn which hint to give a language model that re-ranks a list.",
            "explain": "Why a model gives an item its score.",
            "add-items": "Give a model the items that its store has got since, without training.",
            "export": "Write lists, item vectors or the user tower for other systems.",
            "serve": "Serve lists and explanations to other programs over HTTP.",
        },
    ),
)
PROFILER = tuple(name for family in PROFILER_FAMILIES for name in family.commands)
RECOMMENDER = tuple(name for family in RECOMMENDER_FAMILIES for name in family.commands)


def profiler_app() -> typer.Typer:
    """Commands of ``profiler``: from interactions to stored interests, and reading them."""
    text = "Turn interaction logs into interests a person can read, kept in one store file."
    example = "$ profiler build shop --store shop.db"
    return _app(f"{text}\n\n{example}", PROFILER_FAMILIES)


def recommender_app() -> typer.Typer:
    """Commands of ``recommender``: train on a store, evaluate, recommend, explain."""
    text = "Train recommenders on a store's interests; serving needs no language model."
    example = "$ recommender train --store shop.db --out models/remi"
    return _app(f"{text}\n\n{example}", RECOMMENDER_FAMILIES)


def _app(text: str, families: Sequence[Family]) -> typer.Typer:
    class Listed(Program):
        def load(self, name: str) -> Any:
            return load_command(families, name)

    Listed.listing = {family.heading: family.commands for family in families}
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


def load_command(families: Sequence[Family], name: str) -> Any:
    """Import a command by its name and return it as Typer has it."""
    function = name.replace("-", "_")
    (family,) = (family for family in families if name in family.commands)
    module = import_module(f"{family.module}.{function}")
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
    context: typer.Context,
    version: Annotated[
        bool,
        option("Print the version.", "--version", callback=_print_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, option("Show the trace of an error; may stand after any command.", "--debug")
    ] = False,
) -> None:
    """Options of both programs; ``--debug`` is taken off before the command line is read."""
    context.obj = SimpleNamespace(open_model=open_model, open_reranking=open_reranking)


def open_model(model: Path, store: Path) -> Recommending:
    """Open a trained model for the profiler: the two packages never import each other."""
    from recommender.serving.store_lists import StoreLists

    return StoreLists(model, store)


def open_reranking(store: Path, options: RerankingOptions) -> Reranking:
    """Open a language model for the recommender, which knows none."""
    from profiler.hinting.reranking import Reranker

    return Reranker(store, options)


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
