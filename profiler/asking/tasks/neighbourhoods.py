"""Users and items as neighbours of each other: who is read for whom, layer by layer, by a seed.

Only training interactions are read. A neighbour is chosen by a digest of the seed and both ids, so
a sample stays the same as long as the neighbourhood does, whatever else the data get.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from profiler.choices import Who
from prompts.items import clean_text, estimate_tokens
from store.data.dataset import item_text
from store.digests import json_digest
from store.tables.tasks.descriptions import Description, Node, Parent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from store.data.dataset import Dataset
    from store.store import Store

NEIGHBOURS = 14
MAX_TEXT = 600
"""Characters of a description, and of a text that a question quotes."""
TEXT_TOKENS = 200
"""Tokens of a text that a question quotes, by :func:`prompts.items.estimate_tokens`."""
RECENT = 10
"""Titles that describe a user before any description, the most recent ones."""


@dataclass(frozen=True)
class Quoted:
    """The texts of one question: the subject's own, and those of its neighbours.

    Attributes
    ----------
    node, layer
        Whom it is about, and the layer that is asked for.
    texts
        Own text first, then one for each neighbour; each fits :data:`TEXT_TOKENS`.
    parents
        Whose texts these are, in the same order.
    neighbours
        Users of an item, items of a user, in the same order.
    answers
        Numbers of the answers that they were read from.
    """

    node: Node
    layer: int
    texts: tuple[str, ...]
    parents: tuple[Parent, ...]
    neighbours: tuple[Node, ...]
    answers: tuple[int, ...]

    @property
    def digest(self) -> str:
        """Of the texts in their order: a description of another one is stale."""
        return json_digest(list(self.texts))


class Neighbourhoods:
    """The graph of users and items, and what is said of each so far.

    Parameters
    ----------
    store
        With the data of a build; texts are read now.
    who
        Whose histories count: those of exemplars, or of all users.
    neighbours
        Most neighbours that are read for one user or item.
    seed
        Of the sample where there are more.
    """

    def __init__(
        self, store: Store, who: Who = "exemplars", neighbours: int = NEIGHBOURS, seed: int = 0
    ) -> None:
        self._store, self._most, self._seed = store, neighbours, seed
        self.data: Dataset = store.datasets.load()
        self.descriptions = store.descriptions.load()
        self._cards = store.cards.load()
        exemplars = [one for one in store.subjects.load(kinds=("exemplar",)) if one.state == "ok"]
        self._subjects = {one.user_ix: one.subject_id for one in exemplars}
        self._users = self._chosen(who)
        self._raw: dict[Node, str] = {}

    @cached_property
    def of(self) -> dict[Node, tuple[Node, ...]]:
        """Neighbours that are read, of every user and item that has any."""
        indptr, items = self._visible
        every: dict[Node, list[Node]] = {}
        for user in self._users:
            mine: Node = ("user", user)
            row = items[indptr[user] : indptr[user + 1]].tolist()
            for item in dict.fromkeys(row):
                theirs: Node = ("item", item)
                if self.raw(theirs):
                    every.setdefault(mine, []).append(theirs)
                if self.raw(mine):
                    every.setdefault(theirs, []).append(mine)
        return {node: self._sample(node, every[node]) for node in sorted(every)}

    def name(self, node: Node) -> str:
        """``item:ITEM_ID`` or ``user:USER_ID``."""
        kind, number = node
        ids: Sequence[str] = self.data.user_ids if kind == "user" else self.data.item_ids
        return f"{kind}:{ids[number]}"

    def raw(self, node: Node) -> str:
        """The text of layer 0, empty where nothing is known.

        Of an item: title, categories and card. Of a user: the labels of the interests that are
        stored of them as an exemplar, else the titles of the most recent training items.
        """
        if node not in self._raw:
            self._raw[node] = self._raw_text(node)
        return self._raw[node]

    def _raw_text(self, node: Node) -> str:
        kind, number = node
        if kind == "item":
            card = self._cards.get(number)
            own = item_text(self.data.titles[number], self.data.categories[number])
            return ": ".join(part for part in (own, card.card if card else "") if part)
        labels = self._labels(number)
        return "; ".join(labels or self._titles(number))

    def text(self, node: Node, layer: int) -> str:
        """What is said of a user or an item at a layer, or at the highest one below it."""
        found = self._description(node, layer)
        return self.raw(node) if found is None else found.text

    def quoted(self, node: Node, layer: int) -> Quoted:
        """The texts that the question about a node quotes: those of the layer below."""
        read = (node, *self.of[node])
        below = [self._description(one, layer - 1) for one in read]
        return Quoted(
            node=node,
            layer=layer,
            texts=tuple(_fitting(self.text(one, layer - 1)) for one in read),
            parents=tuple(
                Parent(node=one) if found is None else Parent(found.task_subject_id)
                for one, found in zip(read, below, strict=True)
            ),
            neighbours=read[1:],
            answers=tuple(sorted(self._answers(read, below))),
        )

    def _answers(self, read: Sequence[Node], below: Sequence[Description | None]) -> Iterator[int]:
        for (kind, number), found in zip(read, below, strict=True):
            card = self._cards.get(number) if kind == "item" else None
            behind = found or card
            if behind is not None and behind.response_id is not None:
                yield behind.response_id

    def _description(self, node: Node, layer: int) -> Description | None:
        above = (self.descriptions.get((node, one)) for one in range(layer, 0, -1))
        return next((one for one in above if one is not None), None)

    def _chosen(self, who: Who) -> list[int]:
        if who == "all":
            return list(range(self.data.n_users))
        active = self._store.subjects.load(kinds=("exemplar",))
        return sorted(one.user_ix for one in active if one.user_ix is not None)

    def _sample(self, node: Node, neighbours: Sequence[Node]) -> tuple[Node, ...]:
        if len(neighbours) <= self._most:
            return tuple(neighbours)
        mine = self.name(node)
        order = sorted(neighbours, key=lambda one: json_digest([self._seed, mine, self.name(one)]))
        kept = set(order[: self._most])
        return tuple(one for one in neighbours if one in kept)

    def _labels(self, user: int) -> list[str]:
        subject = self._subjects.get(user)
        if subject is None:
            return []
        return [one.label for one in self._store.interests.of_subject(subject)]

    def _titles(self, user: int) -> list[str]:
        indptr, items = self._visible
        row = items[indptr[user] : indptr[user + 1]].tolist()
        last = list(dict.fromkeys(reversed(row)))[:RECENT]
        names = (item_text(self.data.titles[ix], self.data.categories[ix], "title") for ix in last)
        return [name for name in names if name]

    @cached_property
    def _visible(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        return self.data.visible()


def _fitting(text: str) -> str:
    """A text as one line that takes at most :data:`TEXT_TOKENS`."""
    line = clean_text(text, MAX_TEXT)
    while estimate_tokens(line) > TEXT_TOKENS:
        line = line[: len(line) * 9 // 10].rstrip() + "…"
    return line
