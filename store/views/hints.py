"""Hints for people: what each says, where it is from, and what it gained where it was tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.views.shared.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from store.store import Store
    from store.tables.tasks.hints import Hint, Purpose, Status, Trial

TASKS: dict[Purpose, str] = {"ranking": "recommendation", "profiling": "profiling"}
"""Task whose answers try the hints of a purpose."""


@dataclass(frozen=True)
class HintRow(Row):
    """A hint and what it gained.

    Attributes
    ----------
    hint_id, text, status, reason, pinned
        As they stand in the store.
    source, learned_from
        Who wrote it, and the case that it was learned from.
    trials
        Cases that it was tried on with the words that it has now, and that were asked without a
        hint, too.
    gain
        Mean score with it minus without it; None where it was not tried.
    better, worse
        On how many cases the score rose and fell.
    """

    hint_id: int
    text: str
    status: str
    reason: str | None
    pinned: bool
    source: str
    learned_from: str | None
    trials: int
    gain: float | None
    better: int
    worse: int


def hint_rows(store: Store, purpose: Purpose, statuses: Sequence[Status]) -> list[HintRow]:
    """Hints of a purpose: the pinned ones first, then by what they gained."""
    trials = store.hints.trials(TASKS[purpose])
    plain = {_place(one): one.score for one in trials if one.hint_id is None}
    rows = [_row(one, trials, plain) for one in store.hints.load(purpose, statuses)]
    return sorted(
        rows, key=lambda one: (not one.pinned, one.gain is None, -(one.gain or 0), one.hint_id)
    )


def _place(trial: Trial) -> tuple[str, str, str]:
    return trial.subject, trial.source, trial.template_digest


def _row(hint: Hint, trials: Iterable[Trial], plain: dict[tuple[str, str, str], float]) -> HintRow:
    gains = [
        one.score - plain[_place(one)]
        for one in trials
        if one.hint_id == hint.hint_id
        and one.text_digest == hint.text_digest
        and _place(one) in plain
    ]
    return HintRow(
        hint_id=hint.hint_id,
        text=hint.text,
        status=hint.status,
        reason=hint.reason,
        pinned=hint.pinned,
        source=hint.source,
        learned_from=hint.learned_from,
        trials=len(gains),
        gain=sum(gains) / len(gains) if gains else None,
        better=sum(gain > 0 for gain in gains),
        worse=sum(gain < 0 for gain in gains),
    )
