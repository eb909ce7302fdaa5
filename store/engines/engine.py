"""The engine that does work over users: functions ask :func:`current` and need not know which.

A piece of work is a function of a module, what all pieces share, and the piece itself. It returns
arrays and writes nothing, so it may be done anywhere, and again: the store has one writer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

from store.errors import UserError

Shared = TypeVar("Shared")
Piece = TypeVar("Piece")
Result = TypeVar("Result")

RAY = "ray"


class Engine(Protocol):
    """Whoever does pieces of work."""

    @property
    def name(self) -> str:
        """What it is, for messages."""

    @property
    def elsewhere(self) -> bool:
        """Whether pieces are done outside this process, so that they are worth cutting small."""

    def each(
        self,
        work: Callable[[Shared, Piece], Result],
        shared: Shared,
        pieces: Iterable[Piece],
    ) -> Iterator[Result]:
        """Do ``work(shared, piece)`` for each piece; results come in the order of the pieces.

        Parameters
        ----------
        work
            A function of a module, not a closure: workers import it.
        shared
            What every piece needs; sent once.
        pieces
            What differs.

        Raises
        ------
        UserError
            If pieces cannot be done, such as where workers die again and again; and what ``work``
            raises.
        """


class OneProcess:
    """Work in this process, one piece after another."""

    name = "one process"
    elsewhere = False

    def each(
        self, work: Callable[[Shared, Piece], Result], shared: Shared, pieces: Iterable[Piece]
    ) -> Iterator[Result]:
        """Do the pieces as their results are asked for."""
        for piece in pieces:
            yield work(shared, piece)


_current: ContextVar[Engine] = ContextVar("engine", default=OneProcess())  # noqa: B039 - no state


def current() -> Engine:
    """The engine of this thread's work: this process, unless :func:`working_on` says another."""
    return _current.get()


@contextmanager
def working_on(on: str | None) -> Iterator[Engine]:
    """Let work inside the block be done by another engine.

    Parameters
    ----------
    on
        None is this process; ``ray`` starts a cluster on this machine; ``ray:ADDRESS`` joins one,
        such as ``ray:auto`` or ``ray:ray://HOST:10001``.

    Raises
    ------
    UserError
        If the name is unknown, Ray is not installed, or the cluster cannot be reached.
    """
    if on is None:
        yield current()
        return
    name, _, address = on.partition(":")
    if name != RAY:
        raise UserError(f"on={on}: give ray, or ray:ADDRESS of a cluster, such as ray:auto")
    from store.engines.on_ray import RayEngine

    with RayEngine.started(address or None) as engine, engine_set(engine):
        yield engine


@contextmanager
def engine_set(engine: Engine) -> Iterator[None]:
    """Make an engine the current one inside the block."""
    token = _current.set(engine)
    try:
        yield
    finally:
        _current.reset(token)


def spans(rows: int, step: int) -> list[tuple[int, int]]:
    """Consecutive ranges of at most ``step`` rows."""
    return [(start, min(rows, start + step)) for start in range(0, rows, step)]
