"""Lists of many users, made here or by the workers of an engine, in the order of the users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from recommender.serving.service import BATCH, Service
from store.engines.engine import current, spans

_PIECE = 4 * BATCH
"""Users that one worker is given at once: whole batches, so that the same numbers come out."""


class _Asked(NamedTuple):
    """What a worker needs to make lists: the model, its store, and how long the lists are."""

    model: Path
    store: Path | None
    k: int
    filter_seen: bool


def lists_of(
    service: Service, users: Sequence[str] | None, k: int, *, filter_seen: bool = True
) -> Iterator[dict[str, list[Any]]]:
    """Recommendations of many users as columns, block by block; all known users by default.

    Workers load the model and read the store themselves, so both lie where they can be read.

    Parameters
    ----------
    service
        The model at work.
    users
        Their ids.
    k
        Length of the lists.
    filter_seen
        Leave out items that a history holds.

    Raises
    ------
    UserError
        If the model has no store.
    """
    engine = current()
    if not engine.elsewhere:
        yield from service.batch(users, k, filter_seen=filter_seen)
        return
    chosen = service.users() if users is None else list(users)
    path = None if service.store is None else Path(service.store.path).resolve()
    asked = _Asked(service.folder.resolve(), path, k, filter_seen)
    pieces = (chosen[start:stop] for start, stop in spans(len(chosen), _PIECE))
    for blocks in engine.each(_lists, asked, pieces):
        yield from blocks


def _lists(asked: _Asked, users: list[str]) -> list[dict[str, list[Any]]]:
    service = _service_of(asked.model, asked.store)
    return list(service.batch(users, asked.k, filter_seen=asked.filter_seen))


@lru_cache(maxsize=1)
def _service_of(model: Path, store: Path | None) -> Service:
    """A worker's own copy of the model, which it keeps for the next piece."""
    return Service(model, store=store)
