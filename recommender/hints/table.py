"""Stored trials as arrays: what each hint gained on each case, and what the case looked like.

Re2LLM trains in 500,000 steps with a call each. At temperature 0 there are only as many different
calls as cases times hints, and these are stored: the rest is look-ups in this table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from store.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from store.store import Store
    from store.tables.tasks.cases import Case
    from store.tables.tasks.hints import Hint, Trial

TASK = "recommendation"
LATEST = 20
"""Items of a history that a list is judged by, the latest ones."""
OFFLINE = "offline"


@dataclass(frozen=True)
class TrialTable:
    """What each choice gained on each case.

    Attributes
    ----------
    source
        The model whose lists these are.
    hints
        The hints in the order of the choices 1, 2, …; choice 0 is no hint.
    cases
        Names of the cases.
    contexts
        Means of the text vectors of the latest items, float32 ``[cases, d]``.
    base
        NDCG of the target without a hint, ``[cases]``.
    gains
        NDCG with each choice minus that without a hint, ``[cases, 1 + hints]``; NaN where a list
        has no usable answer. The first column is zero.
    """

    source: str
    hints: tuple[Hint, ...]
    cases: tuple[str, ...]
    contexts: NDArray[np.float32]
    base: NDArray[np.float64]
    gains: NDArray[np.float64]

    def rows(self, chosen: NDArray[np.int64]) -> TrialTable:
        """The table of some of the cases."""
        names = tuple(self.cases[row] for row in chosen.tolist())
        return TrialTable(
            self.source,
            self.hints,
            names,
            self.contexts[chosen],
            self.base[chosen],
            self.gains[chosen],
        )


def load_table(store: Store, source: str | None = None) -> TrialTable:
    """The trials of one model's lists.

    Parameters
    ----------
    store
        With trials that ``profiler reflect`` made.
    source
        Whose lists; None is the language model with most trials, or the stand-in where no model
        was asked.

    Raises
    ------
    UserError
        There are no trials, none of that model, or no hint was tried.
    """
    trials = store.hints.trials(TASK)
    if not trials:
        raise UserError(f"{store.path} has no trials of hints; run: profiler reflect")
    counts = Counter(one.source for one in trials)
    if source is None:
        source = max(counts, key=lambda name: (name != OFFLINE, counts[name], name))
    if source not in counts:
        known = ", ".join(sorted(counts))
        raise UserError(f"no lists of {source!r} were tried with hints; there are those of {known}")
    tried = {one.hint_id for one in trials if one.source == source}
    active = store.hints.load("ranking", ("active",))
    hints = tuple(one for one in active if one.hint_id in tried)
    table = _filled([one for one in trials if one.source == source], hints, _cases(store), store)
    if not len(table.cases) or not hints:
        raise UserError(
            f"no hint was tried with lists of {source!r}; run: profiler reflect --llm {source}"
        )
    return table


def context_of(item_vectors: NDArray[np.float32], history: Sequence[int]) -> NDArray[np.float32]:
    """What a list is judged by: the mean of the text vectors of the latest items, ``[d]``."""
    latest = list(history)[-LATEST:]
    if not latest:
        return np.zeros(item_vectors.shape[1], dtype=np.float32)
    mean: NDArray[np.float32] = item_vectors[latest].mean(0)
    return mean


def _cases(store: Store) -> dict[str, Case]:
    numbers = [one.nomination_id for one in store.cases.nominations()]
    return {case.name: case for number in numbers for case in store.cases.load(number)}


def _filled(
    trials: Sequence[Trial], hints: tuple[Hint, ...], cases: dict[str, Case], store: Store
) -> TrialTable:
    column = {one.hint_id: place for place, one in enumerate(hints, start=1)}
    words = {one.hint_id: one.text_digest for one in hints}
    plain = {one.subject: one for one in trials if one.hint_id is None and one.subject in cases}
    names = tuple(plain)
    row = {name: place for place, name in enumerate(names)}
    base = np.array([plain[name].score for name in names], dtype=np.float64)
    gains = np.full((len(names), 1 + len(hints)), np.nan)
    gains[:, 0] = 0.0
    for one in trials:
        # A hint that was edited is another one until it is tried again.
        if one.subject in row and one.hint_id in column and words[one.hint_id] == one.text_digest:
            place = row[one.subject]
            same = one.template_digest == plain[one.subject].template_digest
            gains[place, column[one.hint_id]] = one.score - base[place] if same else np.nan
    vectors = store.vectors.items()
    contexts = [context_of(vectors, cases[name].history) for name in names]
    matrix = np.stack(contexts) if contexts else np.zeros((0, vectors.shape[1]), np.float32)
    return TrialTable(trials[0].source, hints, names, matrix, base, gains)
