"""What was run on a store: commands, models asked, calls that failed, subjects left unanswered."""

from __future__ import annotations

import json
from dataclasses import dataclass

from store.db.statements import statement
from store.db.transactions import Transactions
from store.views.shared.row import Row

_MODELS = statement(
    "SELECT model, count(*) AS answers, sum(tokens_in) AS tokens_in, sum(tokens_out) "
    "AS tokens_out, sum(cost_usd) AS cost_usd, group_concat(DISTINCT method) AS methods "
    "FROM responses GROUP BY model ORDER BY answers DESC, model"
)
_TEMPLATES = statement("SELECT DISTINCT template FROM prompts ORDER BY template")
_ATTEMPTS = statement(
    "SELECT outcome, count(*) FROM attempts WHERE outcome <> 'answered' GROUP BY outcome "
    "ORDER BY outcome"
)
_RUNS = statement(
    "SELECT run_id, kind, started_at, finished_at, status, config FROM runs "
    "ORDER BY run_id DESC LIMIT :most"
)
_UNANSWERED = statement(
    "SELECT name, user_ix, kind, state, reason, size FROM subjects WHERE active AND state <> 'ok' "
    "ORDER BY size DESC, name LIMIT :most"
)
_SOURCES = statement(
    "SELECT source, count(*) FROM interests JOIN subjects USING (subject_id) WHERE active "
    "GROUP BY source ORDER BY 2 DESC, 1"
)


@dataclass(frozen=True)
class ModelAsked(Row):
    """A model and what its answers took; None where no answer tells."""

    model: str
    methods: str | None
    answers: int
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None


@dataclass(frozen=True)
class RunRow(Row):
    """A command that wrote; times are UTC in ISO 8601."""

    run_id: int
    kind: str
    started_at: str
    finished_at: str | None
    status: str
    config: dict[str, object]


@dataclass(frozen=True)
class Unanswered(Row):
    """A subject in use without usable interests; ``size`` is the number of its members."""

    name: str
    user_ix: int | None
    kind: str
    state: str
    reason: str | None
    size: int


@dataclass(frozen=True)
class Activity(Row):
    """Everything that was run.

    Attributes
    ----------
    sources
        Interests in use by where they come from: ``offline``, models, ``import:NAME``.
    models, templates
        Who was asked, by number of answers; by which templates.
    failed_calls
        Number of calls without an answer by outcome.
    runs
        The latest, the newest first.
    unanswered
        Subjects without interests, the largest first.
    """

    sources: dict[str, int]
    models: list[ModelAsked]
    templates: list[str]
    failed_calls: dict[str, int]
    runs: list[RunRow]
    unanswered: list[Unanswered]


def activity(store: Transactions, *, most_runs: int = 10, most_unanswered: int = 20) -> Activity:
    """What was run on a store, from its own records.

    Parameters
    ----------
    most_runs, most_unanswered
        How many runs and subjects without interests are listed.
    """
    with store.read() as connection:
        runs = connection.execute(_RUNS, {"most": most_runs}).mappings()
        unanswered = connection.execute(_UNANSWERED, {"most": most_unanswered}).mappings()
        return Activity(
            sources={row[0]: int(row[1]) for row in connection.execute(_SOURCES)},
            models=[ModelAsked(**row) for row in connection.execute(_MODELS).mappings()],
            templates=list(connection.execute(_TEMPLATES).scalars()),
            failed_calls={row[0]: row[1] for row in connection.execute(_ATTEMPTS)},
            runs=[RunRow(**{**row, "config": json.loads(row["config"])}) for row in runs],
            unanswered=[Unanswered(**row) for row in unanswered],
        )
