"""``profiler mcp``: the look-ups of a store for other agents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.console.options import option


def mcp(
    context: typer.Context,
    store: Annotated[Path, typer.Argument(help="The store file.")],
    model: Annotated[Path | None, option("Model folder, for the tool that recommends.")] = None,
    http: Annotated[
        bool, option("Serve over HTTP instead of standard input and output.", "--http")
    ] = False,
    host: Annotated[
        str, option("Where it listens, with --http.", default="127.0.0.1")
    ] = "127.0.0.1",
    port: Annotated[
        int, option("Where it listens, with --http.", min=0, max=65535, default="8766")
    ] = 8766,
) -> None:
    """Let other agents look things up in a store, by the Model Context Protocol; it only reads.

    Without --http the agent's own program starts this command and speaks to it over standard input
    and output. Results are capped, cleaned, and say what to cite.

    $ profiler mcp shop.db
    $ profiler mcp shop.db --model models/remi --http
    """
    import secrets

    from store.console import note
    from store.errors import UserError
    from store.store import open_store

    try:
        from profiler.answering.agent_server import make_http_app, make_server
    except ImportError as error:
        raise UserError(
            f"this command needs {error.name}; install it with: pip install "
            "'interest-profiler[mcp]'"
        ) from error

    open_model = getattr(context.obj, "open_model", None)
    recommending = open_model(model, store) if model is not None and open_model else None
    try:
        with open_store(store) as opened:
            server = make_server(opened, recommending)
            if not http:
                server.run("stdio")
                return
            import uvicorn

            token = secrets.token_urlsafe(18)
            names = {f"{name}:{port}" for name in (host, "localhost", "127.0.0.1")}
            if host not in ("127.0.0.1", "localhost", "::1"):
                note(f"listening on {host}: whoever has the token reads the store")
            note(f"http://{host}:{port}/mcp  Authorization: Bearer {token}  (Ctrl-C stops)")
            app = make_http_app(server, names, token)
            uvicorn.run(app, host=host, port=port, log_level="warning")
    finally:
        if recommending is not None:
            recommending.close()
