"""``recommender serve``: the production service, lists and explanations over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from recommender.commands.options import Model, ModelStore, require_model, require_store
from store.console.options import option

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(
    model: Model,
    source: Annotated[
        str | None,
        option(
            "Read histories and explanations from a database that profiler publish wrote, "
            "postgresql://USER@HOST/DATABASE. No store is opened.",
            "--from",
            metavar="ADDRESS",
        ),
    ] = None,
    store: ModelStore = None,
    host: Annotated[str, option("Address to listen on.", default="127.0.0.1")] = "127.0.0.1",
    port: Annotated[int, option("Port to listen on.", min=1, max=65_535, default="8770")] = 8770,
    token_file: Annotated[
        Path | None,
        option("File with the token of all requests; needed to serve other machines."),
    ] = None,
    batch: Annotated[
        int, option("Maximum number of requests in one pass of the model.", min=1, default="64")
    ] = 64,
    waiting: Annotated[
        int, option("Maximum number of waiting requests.", min=1, default="1000")
    ] = 1000,
) -> None:
    """Serve lists and explanations to other programs, for users and for raw histories.

    POST /v1/recommend, POST /v1/explain, GET /health, GET /metrics, GET /openapi.json. SIGTERM ends
    the service after the requests that it has begun are answered. No language model is loaded.

    $ recommender serve models/remi
    $ recommender serve models/remi --from postgresql://shop@db.example.org/shop --port 9000
    """
    require_model(model)
    require_store(store)
    from store.errors import UserError

    if source is not None and store is not None:
        raise UserError("`store` and --from exclude each other: users come from one place")
    token = _token(token_file)
    if token is None and host not in LOOPBACK:
        raise UserError(
            f"{host} can be reached by others: name a file with a token (--token-file), or leave "
            "the service on 127.0.0.1 behind a proxy of yours"
        )
    try:
        from recommender.server.run import run
    except ImportError as error:
        raise UserError(
            f"the service needs {error.name}; install it with: pip install "
            "'interest-profiler[serve]'"
        ) from error

    run(model, source, store, host=host, port=port, token=token, batch=batch, waiting=waiting)


def _token(file: Path | None) -> str | None:
    from store.errors import UserError

    if file is None:
        return None
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"token_file {file} cannot be read: {error}") from error
    if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
        raise UserError(
            f"token_file {file} holds no token: at least 16 letters and digits without spaces"
        )
    return token
