"""Labels that their evidence does not bear out: grounded and nonsense at once.

An answer may cite only what was shown and still give it a name that has nothing to do with it. So
the items of an interest are compared with its words by the store's encoder: where they are hardly
nearer to the words than any items of the catalogue, the label is flagged. It is a flag, not a
verdict; nothing is refused by it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from store.store import Store
from store.upkeep.far_labels import brought, keep_far_labels

FAR = 0.8
"""Share of the catalogue that must be farther from an interest's words than its items are on
average. Of a large model's 1,273 interests of Office .2 % are below it, and 71 % of the same labels
when each subject's are exchanged among its interests (``benchmarks/bench_far_labels.py``)."""
SAMPLE = 2_000
"""Items of the catalogue that are compared; of more, as many evenly spaced ones."""
TOGETHER = 500


def flag_far_labels(store: Store) -> int:
    """Look at all encoded interests that nobody brought, and keep which of them are far.

    Returns
    -------
    int
        How many are.
    """
    catalogue = store.interests.catalogue()
    ids, words = store.vectors.interests()
    items = store.vectors.items()
    places = np.searchsorted(catalogue.ids, ids)
    spans = [(catalogue.indptr[row], catalogue.indptr[row + 1]) for row in places.tolist()]
    evidence = [catalogue.items[start:stop] for start, stop in spans]
    found = closeness(words, evidence, items)
    words_of_people = brought(store)
    far = {
        int(interest): round(float(share), 6)
        for interest, share in zip(ids.tolist(), found.tolist(), strict=True)
        if share < FAR and interest not in words_of_people
    }
    keep_far_labels(store, far)
    return len(far)


def closeness(
    words: NDArray[np.float32],
    evidence: list[NDArray[np.int32]],
    items: NDArray[np.float32],
) -> NDArray[np.float64]:
    """For each interest, the share of the catalogue that is farther from its words than its items.

    Parameters
    ----------
    words
        float32 ``[n, d]``, unit rows: the vector of each interest's label and description.
    evidence
        Rows of ``items`` for each interest.
    items
        float32 ``[items, d]``, unit rows, zero where an item has no text.

    Returns
    -------
    float64 ``[n]``
        1 where no item of an interest has text: nothing is known of it.
    """
    with_text = np.any(items != 0, axis=1)
    sample = items[with_text]
    sample = sample[:: max(1, -(-len(sample) // SAMPLE))]
    found = np.ones(len(words))
    if not len(sample):
        return found
    for start in range(0, len(words), TOGETHER):
        near = np.sort(words[start : start + TOGETHER] @ sample.T, axis=1)
        for row, others in enumerate(near, start):
            own = evidence[row][with_text[evidence[row]]]
            if len(own):
                mean = float((items[own] @ words[row]).mean())
                found[row] = np.searchsorted(others, mean) / len(others)
    return found
