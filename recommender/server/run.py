"""Running the service: what it opens, where it listens, how it ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from recommender.server.app import make_app
from recommender.server.batching import Batcher
from recommender.server.metrics import Metrics
from recommender.server.sources import PublishedSource, Source, StoreSource
from store.console import say, show_progress
from store.errors import UserError

if TYPE_CHECKING:
    from types import FrameType

GRACE_S = 30
"""Seconds that requests at work have to end in."""


def open_source(model: Path, address: str | None, store: Path | None) -> Source:
    """A model with what is known of users and items beside it.

    Parameters
    ----------
    model
        The model folder.
    address
        Of a published database; None takes the store.
    store
        The store; None takes the one the model was trained on.

    Raises
    ------
    UserError
        If the model, the store or the database cannot be opened.
    """
    if address is None:
        return StoreSource(model, store)
    try:
        from store.publishing.reader import PublishedDatabase
    except ImportError as error:
        raise UserError(
            f"--from needs {error.name}; install it with: pip install 'interest-profiler[postgres]'"
        ) from error
    database = PublishedDatabase(address)
    try:
        return PublishedSource(model, database)
    except BaseException:
        database.close()
        raise


def run(
    model: Path,
    address: str | None,
    store: Path | None,
    *,
    host: str,
    port: int,
    token: str | None,
    batch: int,
    waiting: int,
) -> None:
    """Serve until SIGTERM or Ctrl-C; requests at work are answered first.

    Parameters
    ----------
    model, address, store
        As for :func:`open_source`.
    host, port
        Where it listens.
    token
        What requests must show; None asks for none.
    batch, waiting
        Requests in a pass of the model, and requests that may wait.

    Raises
    ------
    UserError
        If something cannot be opened, or the port is taken.
    """
    with show_progress() as tell:
        tell("loading the model", 0, 0)
        source = open_source(model, address, store)
    metrics = Metrics()
    names = frozenset(f"{name}:{port}" for name in (host, "localhost", "127.0.0.1", "[::1]"))
    try:
        with Batcher(source.model, metrics.batched, batch=batch, waiting=waiting) as batcher:
            app = make_app(
                source, batcher, metrics, token=token, hosts=None if token is not None else names
            )
            config = uvicorn.Config(
                app,
                host=host,
                port=port,
                log_level="warning",
                timeout_graceful_shutdown=GRACE_S,
            )
            _serve(uvicorn.Server(config), f"http://{host}:{port}")
    finally:
        source.close()


def _serve(server: uvicorn.Server, address: str) -> None:
    """Run a server until a signal ends it; that is no error."""
    ready = threading.Thread(target=_tell_when_ready, args=(server, address), daemon=True)
    ready.start()
    with _ending(server):
        try:
            server.run()
        except SystemExit as error:  # uvicorn has logged why
            raise UserError(f"{address}: cannot listen there; is the port taken?") from error


def _tell_when_ready(server: uvicorn.Server, address: str) -> None:
    while not server.started and not server.should_exit:
        threading.Event().wait(0.02)
    if server.started:
        say(f"{address}  (SIGTERM or Ctrl-C ends it)")


@contextmanager
def _ending(server: uvicorn.Server) -> Iterator[None]:
    """Let signals end the server and nothing else: uvicorn would raise them again afterwards."""

    @contextmanager
    def capture() -> Iterator[None]:
        yield

    def end(number: int, frame: FrameType | None) -> None:
        server.handle_exit(number, frame)

    server.capture_signals = capture  # type: ignore[method-assign]
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, end) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)
