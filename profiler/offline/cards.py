"""Item cards without a language model: categories, and titles of what is chosen together.

It stands in where no model is asked, and it is the control of real cards: it says nothing that the
interactions and the item file do not hold.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from profiler.llm.port import Reply, Request
from profiler.offline.reply import StandIn, made_reply
from profiler.shown import ShownItem
from prompts.items import clean_text, shown_ids

if TYPE_CHECKING:
    from store.data.dataset import Dataset

VERSION = 1
NAMED = 3
LEAST_USERS = 2
"""Users who must have two items before one is named with the other."""
AHEAD = 3
"""What is wanted next is what stands among so many places after an item in training histories."""
TITLE = 80
CARD = 600


class OfflineCards(StandIn):
    """A :class:`profiler.llm.port.ChatPort` that asks nobody.

    Parameters
    ----------
    dataset
        Titles, categories and training interactions; what the split hides is not read.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @property
    def params(self) -> Mapping[str, Any]:
        """What changes an answer beside the request: the data."""
        return {"version": VERSION, "data": self._dataset.digest}

    async def ask(self, request: Request) -> Reply:
        """Answer from the items of the request; the messages are not read."""
        started = time.perf_counter()
        items = request.subject.items
        ids = shown_ids([item.item_id for item in items])
        cards = [self._card(name, item) for name, item in zip(ids, items, strict=True)]
        return made_reply({"cards": cards}, self.name, started)

    def _card(self, name: str, item: ShownItem) -> dict[str, Any]:
        together, after = self._counts
        kinds = ", ".join(clean_text(one, TITLE) for one in self._dataset.categories[item.item_ix])
        titles = "; ".join(self._titles(together, item.item_ix))
        said = ": ".join(part for part in (kinds, titles) if part)
        return {
            "id": name,
            "card": clean_text(said, CARD) or "–",
            "next": self._titles(after, item.item_ix),
        }

    def _titles(self, counts: sparse.csr_matrix, item: int) -> list[str]:
        """Titles of the items with the largest values of a row; of equal ones the more popular."""
        row = slice(int(counts.indptr[item]), int(counts.indptr[item + 1]))
        columns, values = counts.indices[row], counts.data[row]
        order = np.lexsort((columns, -values))
        names: Sequence[str | None] = self._dataset.titles
        found = [names[int(columns[place])] for place in order]
        return [clean_text(one, TITLE) for one in found if one][:NAMED]

    @cached_property
    def _counts(self) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
        """How alike items are by their users, and how many users took one soon after another."""
        indptr, items = self._dataset.visible()
        n = self._dataset.n_items
        users = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        owns = sparse.csr_matrix((np.ones(len(items)), (users, items)), shape=(len(indptr) - 1, n))
        owns.data[:] = 1.0
        both = (owns.T @ owns).tocoo()
        degree = np.maximum(both.diagonal(), 1.0)
        kept = (both.row != both.col) & (both.data >= LEAST_USERS)
        row, column = both.row[kept], both.col[kept]
        cosine = both.data[kept] / np.sqrt(degree[row] * degree[column])
        return sparse.csr_matrix((cosine, (row, column)), shape=(n, n)), self._after(users, items)

    def _after(self, users: np.ndarray[Any, Any], items: np.ndarray[Any, Any]) -> sparse.csr_matrix:
        n = self._dataset.n_items
        triples = []
        for step in range(1, AHEAD + 1):
            same = users[:-step] == users[step:]
            apart = items[:-step] != items[step:]
            keep = same & apart
            triples.append(np.stack([users[:-step][keep], items[:-step][keep], items[step:][keep]]))
        who, before, after = np.unique(np.concatenate(triples, axis=1), axis=1).astype(np.int64)
        del who  # one user counts once
        counts = sparse.csr_matrix((np.ones(len(before)), (before, after)), shape=(n, n))
        counts.sum_duplicates()
        counts.data[counts.data < LEAST_USERS] = 0
        counts.eliminate_zeros()
        return counts
