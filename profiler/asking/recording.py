"""Keeping what a conversation ended with, and answers in it that were not accepted."""

from __future__ import annotations

from typing import Any

from profiler.asking.conversation import Ending, Quarantined, Rejected, Step
from profiler.asking.plan import Questions
from profiler.asking.task import Answered
from profiler.shown import ShownSubject
from store.errors import ForgottenError
from store.store import Store


def record_rejected(store: Store, rejected: Rejected) -> None:
    """Record that an answer is not accepted, and why."""
    detail = {"kind": rejected.error.kind, "errors": list(rejected.error.errors)}
    store.responses.settle(rejected.response.response_id, rejected.outcome, detail)


def record_accepted(store: Store, accepted: Answered[Any]) -> None:
    """Record that an answer is accepted, with what was mended and repaired."""
    store.responses.settle(accepted.response.response_id, "ok", accepted.reading.detail)


def record_before(store: Store, step: Step) -> None:
    """Record what came of the answer before a step."""
    if step.rejected is not None:
        record_rejected(store, step.rejected)
    if step.accepted is not None:
        record_accepted(store, step.accepted)


def record_ending(questions: Questions, subject: ShownSubject, ending: Ending) -> None:
    """Keep what a conversation ended with, in one transaction."""
    store, task = questions.store, questions.task
    last = ending.last.response if isinstance(ending, Quarantined) else ending.response
    with store.write():
        if store.responses.get(last.response_id) is None:
            raise ForgottenError(f"{subject.name} was forgotten meanwhile")
        if isinstance(ending, Quarantined):
            record_rejected(store, ending.last)
            task.quarantine(store, subject, ending.reason)
        else:
            task.keep(store, subject, ending.answers)
            before = [one.response.response_id for one in ending.answers[:-1]]
            store.tasks.add_parents(last.response_id, [*before, *task.parents(store, subject)])
            record_accepted(store, ending.answers[-1])
