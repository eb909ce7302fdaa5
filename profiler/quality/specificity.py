"""Specificity: does the evidence of an interest stand out among distractors, by its words?

After GISTBench (Meta, 2026), where a judge looks for the backing items among fifty; here the
encoder's cosine between the interest's text and the items' texts takes the place of the judge.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from store.store import Store

SHOWN = 50
"""Items an interest is told from, its own among them."""

BACKING = 5
"""Most evidence items looked for; the first, which are the most typical."""

MAX_INTERESTS = 5_000
"""Interests measured; of more, a seeded sample."""


def specificity(store: Store, seed: int = 0) -> dict[str, list[float | None]]:
    """Share of each interest's evidence among the items nearest to its text.

    Of an interest, up to :data:`BACKING` evidence items are hidden among random items of the
    catalogue that its subject was not shown; as many as were hidden are picked by cosine.

    Returns
    -------
    dict
        ``found`` for each interest, ``shuffled``, the same with the text of another subject's
        interest, ``chance``, and ``found minus shuffled``. Empty lists where no interest has
        evidence with text and enough other items exist.
    """
    ids, texts = store.vectors.interests()
    items = store.vectors.items()
    catalogue = store.interests.catalogue()
    shown = {s.subject_id: s.items for s in store.subjects.load(states=("ok",))}
    rows = np.flatnonzero(np.isin(catalogue.subject_ids, list(shown)) & (len(ids) > 0))
    rng = np.random.default_rng(seed)
    if len(rows) > MAX_INTERESTS:
        rows = np.sort(rng.choice(rows, MAX_INTERESTS, replace=False))
    with_text = np.flatnonzero(np.any(items != 0, axis=1))
    is_own = np.zeros(len(items), dtype=bool)
    foreign = _foreign(rows, catalogue.subject_ids, rng)
    result: dict[str, list[float | None]] = {
        name: [] for name in ("found", "shuffled", "chance", "found minus shuffled")
    }
    for row, other in zip(rows.tolist(), foreign.tolist(), strict=True):
        start, stop = catalogue.indptr[row : row + 2].tolist()
        backing = [i for i in catalogue.items[start:stop].tolist() if items[i].any()][:BACKING]
        own = np.asarray(shown[int(catalogue.subject_ids[row])], dtype=np.int64)
        is_own[own] = True
        apart = with_text[~is_own[with_text]]
        is_own[own] = False
        needed = SHOWN - len(backing)
        if not backing or len(apart) < needed:
            continue
        mixed = np.concatenate([backing, rng.choice(apart, needed, replace=False)])
        found = _picked(texts[row], items[mixed], len(backing))
        shuffled = _picked(texts[other], items[mixed], len(backing))
        values = (found, shuffled, len(backing) / SHOWN, found - shuffled)
        for name, value in zip(result, values, strict=True):
            result[name].append(value)
    return result


def _picked(text: NDArray[np.float32], items: NDArray[np.float32], backing: int) -> float:
    """Share of the first ``backing`` items among the as many nearest to the text.

    The backing items stand first, so equal cosines are ranked against them.
    """
    order = np.argsort(-(items @ text)[::-1], kind="stable")
    places = len(items) - 1 - order[:backing]
    return float(np.mean(places < backing))


def _foreign(
    rows: NDArray[np.int64], subjects: Sequence[int] | NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each row one of another subject; the row itself where there is only one subject."""
    owners = np.asarray(subjects)[rows]
    mixed = rng.permutation(len(rows))
    partner = np.empty(len(rows), dtype=np.int64)
    partner[mixed] = np.roll(mixed, 1)
    for place in np.flatnonzero(owners[partner] == owners).tolist():
        apart = np.flatnonzero(owners != owners[place])
        partner[place] = rng.choice(apart) if len(apart) else place
    return rows[partner]
