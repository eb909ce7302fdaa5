"""Why items have their scores: each split among the history, and what may be claimed of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from recommender.serving.attribution import Split, split_scores
from recommender.serving.reasons import Reason, find_reason
from recommender.serving.results import (
    Explanation,
    ItemPart,
    NamedInterest,
    NearInterest,
    Reasoning,
)
from store.views.shared.sentences import reason_sentence
from store.views.subjects.users import Item

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone
    from recommender.serving.words import StoredWords
    from store.views.interests.provenance import InterestOrigin


LIKE = 2
"""Items of the training that a new item is said to be like."""


@dataclass(frozen=True)
class Explained:
    """A score with what may be claimed of it.

    Attributes
    ----------
    split
        The score and what each place of the history gave.
    parts
        (item_ix, part of the score), each item once, largest first; empty where the model does
        not look at the history.
    reason
        Tier, items to name, and the interest.
    """

    split: Split
    parts: tuple[tuple[int, float], ...]
    reason: Reason


class Explainer:
    """Explanations of one model.

    Parameters
    ----------
    model
        In evaluation mode.
    item_ids, titles
        Of all items, by item_ix; no titles where there is no store.
    words
        The stored interests; None where there is no store.
    new
        Ids of items that no training saw, which have their vectors from their texts.
    """

    def __init__(
        self,
        model: Backbone,
        item_ids: Sequence[str],
        titles: Sequence[str | None] | None,
        words: StoredWords | None,
        new: Collection[str] = (),
    ) -> None:
        self._model, self._words = model, words
        self._ids, self._titles = item_ids, titles
        self._new = frozenset(new)

    def _like(self, item_ix: int) -> list[Item]:
        """For a new item, the two items of the training whose vectors are nearest to its own."""
        if self._ids[item_ix] not in self._new:
            return []
        table = self._unit_vectors
        cosines = table @ table[item_ix]
        trained = [ix for ix in cosines.argsort(descending=True).tolist() if self._is_trained(ix)]
        return [Item(self._ids[ix], self._title(ix)) for ix in trained[:LIKE]]

    def _is_trained(self, item_ix: int) -> bool:
        return self._ids[item_ix] not in self._new

    @cached_property
    def _unit_vectors(self) -> torch.Tensor:
        with torch.inference_mode():
            return torch.nn.functional.normalize(self._model.item_embeddings()[1:].float(), dim=1)

    def reasons(
        self, history: NDArray[np.integer[Any]], user_ix: int | None, items: Sequence[int]
    ) -> list[Explained]:
        """Split the score of each item and decide what may be claimed.

        Parameters
        ----------
        history
            item_ix, oldest first.
        user_ix
            Whose history it is; None for a raw one.
        items
            item_ix.

        Raises
        ------
        UserError
            For an empty history.
        """
        read = torch.from_numpy(np.asarray(history, dtype=np.int64) + 1)
        splits = split_scores(self._model, read, [item + 1 for item in items])
        fits = {} if self._words is None else self._words.fitting(history, user_ix, items)
        found = []
        for split, item in zip(splits, items, strict=True):
            parts = _by_item(split)
            found.append(Explained(split, parts, find_reason(parts, fits.get(item, []))))
        return found

    def explain(
        self, history: NDArray[np.integer[Any]], user_ix: int | None, items: Sequence[int]
    ) -> list[Explanation]:
        """Full explanations: the sentence, and the figures behind it; parameters as above."""
        explained = self.reasons(history, user_ix, items)
        ids = sorted({one.reason.fit.group for one in explained if one.reason.fit is not None})
        named = [] if self._words is None else self._words.origins(ids)
        origins = {origin.interest_id: origin for origin in named}
        return [self._explanation(one, user_ix, origins) for one in explained]

    def _explanation(
        self, explained: Explained, user_ix: int | None, origins: dict[int, InterestOrigin]
    ) -> Explanation:
        split = explained.split
        order = split.parts.argsort(descending=True, stable=True).tolist()
        history = split.history.tolist()
        near: tuple[list[NearInterest], str, str] = ([], "", "")
        if self._words is not None:
            near = self._words.nearest(split, user_ix)
        return Explanation(
            item_id=self._ids[split.item - 1],
            title=self._title(split.item - 1),
            score=split.score,
            interest=split.interest,
            interests=self._model.k,
            how=split.how,
            base=split.base,
            parts=[
                ItemPart(
                    item_id=self._ids[history[place] - 1],
                    title=self._title(history[place] - 1),
                    part=float(split.parts[place]),
                )
                for place in order
            ],
            reason=self._reasoning(explained, origins),
            semantic=near[0],
            compared_in=near[1],
            chosen_from=near[2],
            like=self._like(split.item - 1),
        )

    def _reasoning(self, explained: Explained, origins: dict[int, InterestOrigin]) -> Reasoning:
        reason, fit = explained.reason, explained.reason.fit
        because = [Item(self._ids[item], self._title(item)) for item in reason.because]
        named = None if fit is None else origins[fit.group]
        sentence = reason_sentence(
            reason.tier,
            [item.title or item.item_id for item in because],
            None if named is None else named.label,
            reads_history=explained.split.how != "none",
            stored=self._words is not None and self._words.catalogue is not None,
        )
        interest = None
        if named is not None and fit is not None:
            similarity = round(fit.similarity, 6)
            interest = NamedInterest(**vars(named), similarity=similarity, proven=fit.proven)
        return Reasoning(sentence, reason.tier, because, interest)

    def _title(self, item: int) -> str | None:
        return None if self._titles is None else self._titles[item]


def _by_item(split: Split) -> tuple[tuple[int, float], ...]:
    """Parts by item, largest first: an item may stand in a history twice."""
    if split.how == "none":
        return ()
    found: dict[int, float] = defaultdict(float)
    for number, part in zip(split.history.tolist(), split.parts.tolist(), strict=True):
        found[number - 1] += part
    return tuple(sorted(found.items(), key=lambda one: (-one[1], one[0])))
