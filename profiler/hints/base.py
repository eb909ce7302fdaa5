"""The base of hints: which of those that mended a case are taken into use, and how many.

Hints are compared in the order of the cases they come from, not in the order in which answers came
in: a run with eight calls at once and one that was stopped keep the same hints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from profiler.hints.novelty import Nearest, by_words
from store.tables.tasks.hints import PERSON

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.tasks.hints import Hint

LIMIT = 20
"""Hints in use; with the empty one that is 21 choices (Re2LLM)."""


def in_use(store: Store, source: str) -> list[Hint]:
    """Hints that a model's lists are asked for with: its own, and those that a person wrote."""
    hints = store.hints.load("ranking", ("active",))
    return [one for one in hints if one.source in (source, PERSON)]


def take_into_use(
    store: Store,
    cases: Sequence[str],
    source: str,
    *,
    limit: int = LIMIT,
    nearest: Nearest = by_words,
) -> list[Hint]:
    """Compare the hints that mended their case with the base, and take the new ones into use.

    Parameters
    ----------
    store
        With the hints.
    cases
        Names of the cases in their order.
    source
        Whose hints; every model has a base of its own.
    limit
        Most hints in use; those that a person pinned are not counted.
    nearest
        How a hint is compared with the base.

    Returns
    -------
    list of Hint
        All that are in use now.
    """
    place = {name: number for number, name in enumerate(cases)}
    with store.write():
        base = in_use(store, source)
        waiting = [one for one in store.hints.load("ranking", ("mends",)) if one.source == source]
        waiting.sort(key=lambda one: (place.get(one.learned_from or "", len(place)), one.hint_id))
        for hint in waiting:
            found = nearest(hint.text, [one.text for one in base])
            if found is not None:
                near = base[found[0]].hint_id
                reason = f"it says what hint {near} says (similarity {found[1]:.2f})"
                store.hints.set_status(hint.hint_id, "redundant", reason, near)
            elif sum(not one.pinned for one in base) >= limit:
                store.hints.set_status(hint.hint_id, "surplus", f"{limit} hints are in use")
            else:
                store.hints.set_status(hint.hint_id, "active")
                base.append(hint)
    return in_use(store, source)
