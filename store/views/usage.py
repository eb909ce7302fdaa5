"""What a model's answers took so far: tokens by template, and how often it was asked again."""

from __future__ import annotations

from dataclasses import dataclass

from store.db.statements import statement
from store.db.transactions import Transactions
from store.views.shared.row import Row

_USAGE = statement(
    "SELECT p.template AS template, length(p.messages) AS characters, r.tokens_in AS tokens_in, "
    "r.tokens_out AS tokens_out FROM responses r JOIN prompts p ON p.digest = r.prompt_digest "
    "WHERE r.model = :model AND r.tokens_in > 0 AND r.tokens_out > 0 "
    "ORDER BY r.response_id DESC LIMIT :most"
)
_PURPOSES = statement(
    "SELECT a.purpose, count(*) FROM attempts a JOIN responses r USING (response_id) "
    "WHERE r.model = :model GROUP BY a.purpose"
)
_LATENCY = statement(
    "SELECT avg(latency_s) FROM (SELECT latency_s FROM responses WHERE model = :model "
    "AND latency_s IS NOT NULL ORDER BY response_id DESC LIMIT :most)"
)


@dataclass(frozen=True)
class AnswerUsage(Row):
    """Size of one prompt, in characters of the messages as stored, and tokens of its answer."""

    template: str
    characters: int
    tokens_in: int
    tokens_out: int


def answer_usage(store: Transactions, model: str, *, most: int = 2000) -> list[AnswerUsage]:
    """Return what a model's latest answers took, the newest first.

    Only answers to prompts that the store holds and whose tokens the service told.

    Parameters
    ----------
    model
        ``PROVIDER:MODEL``.
    most
        Largest number of answers.
    """
    with store.read() as connection:
        rows = connection.execute(_USAGE, {"model": model, "most": most}).mappings()
        return [AnswerUsage(**row) for row in rows]


def answer_purposes(store: Transactions, model: str) -> dict[str, int]:
    """Return how many of a model's answers were first ones, corrections and longer ones."""
    with store.read() as connection:
        rows = connection.execute(_PURPOSES, {"model": model})
        return {purpose: int(number) for purpose, number in rows}


def usual_latency(store: Transactions, model: str, *, most: int = 200) -> float | None:
    """Return the mean seconds of a model's latest answered calls, None where none was timed.

    Parameters
    ----------
    model
        ``PROVIDER:MODEL``.
    most
        Largest number of answers.
    """
    with store.read() as connection:
        found = connection.execute(_LATENCY, {"model": model, "most": most}).scalar()
        return None if found is None else float(found)
