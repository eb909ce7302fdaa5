"""``profiler serve``: the explorer over a live store, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.choices import ShownUsers, Things
from profiler.commands.editing.author import Author, author_name
from store.console.options import given, option

if TYPE_CHECKING:
    from fastapi import FastAPI


def serve(
    context: typer.Context,
    store: Annotated[Path, typer.Argument(help="The store file.")],
    model: Annotated[
        Path | None, option("Model folder: its lists with their reasons, and how good they are.")
    ] = None,
    title: Annotated[str | None, option("What the page is called.")] = None,
    users: Annotated[
        ShownUsers | None, option("What people are called.", default="pseudonyms")
    ] = None,
    min_people: Annotated[
        int | None, option("Leave out interests that reach fewer people than this.", default="1")
    ] = None,
    things: Annotated[
        Things | None, option("What histories are made of, for the words.", default="guessed")
    ] = None,
    edit: Annotated[
        bool,
        option("Let the page merge, rename, pin, dispute and undo.", "--edit"),
    ] = False,
    by: Author = None,
    host: Annotated[str, option("Address to listen on.", default="127.0.0.1")] = "127.0.0.1",
    port: Annotated[int, option("Port to listen on.", min=0, max=65535, default="8765")] = 8765,
) -> None:
    """Open the report's page over the live store, for this machine only.

    Without --edit the page only reads.

    $ profiler serve shop.db
    $ profiler serve shop.db --model models/remi --port 9000
    $ profiler serve shop.db --edit --by Ann
    """
    import secrets

    from store.console import note, say, show_progress
    from store.errors import UserError
    from store.store import open_store

    try:
        import uvicorn

        from profiler.explorer.app import make_app
    except ImportError as error:
        raise UserError(
            f"the explorer needs {error.name}; install it with: pip install "
            "'interest-profiler[serve]'"
        ) from error
    from profiler.explorer.curation import Curation
    from profiler.explorer.lookups import Explorer
    from profiler.reporting.gather import Options

    open_model = getattr(context.obj, "open_model", None)
    recommending = open_model(model, store) if model is not None and open_model else None
    choices = given(title=title, users=users, min_people=min_people, things=things)
    token = secrets.token_urlsafe(18)
    if host not in ("127.0.0.1", "localhost", "::1"):
        note(f"listening on {host}: whoever has the address with its token sees the store")
    with open_store(store) as opened:
        shown = Options(model=model, recommending=recommending, **choices)
        who = author_name(by) if edit else None
        explorer = Explorer(opened, shown, who)
        curation = None if who is None else Curation(opened, explorer, who)
        with show_progress() as tell:
            tell("laying out the map", 0, 0)
            explorer.view()
        hosts = {f"{name}:{port}" for name in (host, "localhost")}
        app: FastAPI = make_app(explorer, hosts, token, curation)
        say(f"http://{host}:{port}/?token={token}  (Ctrl-C stops)")
        uvicorn.run(app, host=host, port=port, log_level="warning")
    if recommending is not None:
        recommending.close()
