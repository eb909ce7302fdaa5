"""Sizes and overlaps of interests: users reached, and evidence that two interests share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from store.store import Store

BARS = 20
PAIRS = 15
MOST_COMPARED = 5_000


@dataclass(frozen=True)
class Bar:
    """One interest: users and evidence, and the bar's width in percent of the longest."""

    interest_id: int
    label: str
    users: int
    evidence: int
    width: float


@dataclass(frozen=True)
class Pair:
    """Two interests of different groups that cite the same items."""

    first: int
    first_label: str
    second: int
    second_label: str
    shared: int
    jaccard: float


@dataclass(frozen=True)
class Sizes:
    """Largest interests, closest pairs, and how many interests were compared."""

    bars: list[Bar]
    pairs: list[Pair]
    compared: int
    of: int


def sizes_and_overlaps(store: Store, grouped: list[dict[str, Any]]) -> Sizes:
    """Return the largest of the grouped interests and the pairs that share most evidence."""
    largest = sorted(grouped, key=lambda e: (-e["users"], -e["evidence"], e["interest_id"]))[:BARS]
    longest = max((entry["users"] for entry in largest), default=0) or 1
    bars = [
        Bar(e["interest_id"], e["label"], e["users"], e["evidence"], 100 * e["users"] / longest)
        for e in largest
    ]
    pairs, compared = _pairs(store)
    return Sizes(bars, pairs, min(compared, MOST_COMPARED), compared)


def _pairs(store: Store) -> tuple[list[Pair], int]:
    """Pairs by shared evidence; interests merged under one label or named alike are not news."""
    from scipy.sparse import csr_array

    catalogue = store.interests.catalogue()
    n = min(len(catalogue.ids), MOST_COMPARED)
    if not n:
        return [], 0
    stop = int(catalogue.indptr[n])
    items = catalogue.items[:stop]
    shape = (n, int(items.max(initial=0)) + 1)
    cites = csr_array((np.ones(stop, np.int32), items, catalogue.indptr[: n + 1]), shape=shape)
    shared = (cites @ cites.T).tocoo()
    a, b, both = shared.row, shared.col, shared.data
    lead = _leads(store, catalogue.ids[:n].tolist())
    known: dict[str, int] = {}
    name = np.array([known.setdefault(label.casefold(), len(known)) for label in catalogue.labels])
    keep = (a < b) & (both > 1) & (lead[a] != lead[b]) & (name[a] != name[b])
    a, b, both = a[keep], b[keep], both[keep]
    sizes = np.diff(catalogue.indptr[: n + 1])
    jaccard = both / np.maximum(sizes[a] + sizes[b] - both, 1)
    order = np.lexsort((b, a, -jaccard, -both * jaccard))[:PAIRS]
    labels, ids = catalogue.labels, catalogue.ids
    pairs = [
        Pair(
            int(ids[a[i]]),
            labels[a[i]],
            int(ids[b[i]]),
            labels[b[i]],
            int(both[i]),
            float(jaccard[i]),
        )
        for i in order
    ]
    return pairs, len(catalogue.ids)


def _leads(store: Store, ids: list[int]) -> np.ndarray:
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT interest_id, coalesce(canonical_id, interest_id) FROM interests"
        ).all()
    lead = {row[0]: row[1] for row in rows}
    return np.array([lead[one] for one in ids], dtype=np.int64)
