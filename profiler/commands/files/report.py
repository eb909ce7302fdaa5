"""``profiler report``: one HTML file about a store."""

from __future__ import annotations

from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.choices import ShownUsers, Things
from store.console.options import Json, Overwrite, StoreFile, given, option

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from store.recommending import Recommending


def report(
    context: typer.Context,
    store: StoreFile,
    out: Annotated[Path, option("The HTML file to write.")],
    model: Annotated[
        Path | None, option("Model folder: its lists with their reasons, and how good they are.")
    ] = None,
    title: Annotated[str | None, option("What the page is called.")] = None,
    people: Annotated[
        int | None, option("How many people are shown; 0 shows none.", default="48")
    ] = None,
    users: Annotated[
        ShownUsers | None,
        option("What people are called; none leaves them out.", default="pseudonyms"),
    ] = None,
    min_people: Annotated[
        int | None,
        option("Leave out interests that reach fewer people than this.", default="1"),
    ] = None,
    things: Annotated[
        Things | None,
        option("What histories are made of, for the words on the page.", default="guessed"),
    ] = None,
    since: Annotated[
        Path | None, option("An older store, such as a backup, to show what changed since.")
    ] = None,
    seed: Annotated[
        int | None, option("Seed of the sample of people and of the map.", default="0")
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write one HTML file that opens offline: findings, map, people, quality, run card.

    $ profiler report --store shop.db --out report.html
    $ profiler report --store shop.db --model models/remi --out report.html --title "Our shop"
    $ profiler report --store shop.db --since yesterday.db --out report.html
    """
    from dataclasses import asdict

    from store.console import print_json, say, show_progress

    choices = given(title=title, people=people, users=users, min_people=min_people)
    choices |= given(things=things, seed=seed)
    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)  # what is imported next takes seconds
        from profiler.reporting.report import write_report
        from store.store import open_store

        with ExitStack() as stack:
            opened = stack.enter_context(open_store(store))
            recommending = stack.enter_context(_opened(context, model, store))
            if since is not None:
                choices["since"] = stack.enter_context(open_store(since, read_only=True))
            tell("gathering what the report shows", 0, 0)
            written = write_report(
                opened, out, model=model, recommending=recommending, overwrite=overwrite, **choices
            )
    if json:
        print_json(asdict(written))
        return
    say(
        f"{written.out}: {written.interests:,} of {written.interests_stored:,} interests and "
        f"{written.users:,} of {written.users_stored:,} users, {written.bytes / 1e6:.1f} MB; "
        "it opens offline in any browser"
    )


def _opened(
    context: typer.Context, model: Path | None, store: Path
) -> AbstractContextManager[Recommending | None]:
    """The model at work, where the program that runs this can open one."""
    open_model = getattr(context.obj, "open_model", None)
    if model is None or open_model is None:
        return nullcontext()
    return closing(open_model(model, store))
