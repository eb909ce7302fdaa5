"""A served list in the order of a language model that is given the hint which fits the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recommender.hints.chooser import KeptHint, load_chooser
from recommender.hints.table import context_of
from store.errors import UserError

if TYPE_CHECKING:
    from recommender.serving.results import Recommendation
    from recommender.serving.service import Service
    from store.recommending import Reranking

CANDIDATES = 50
"""Items of the model's list that are put in order (Re2LLM)."""


@dataclass(frozen=True)
class HintedList:
    """A list, and how it came about.

    Attributes
    ----------
    items
        The list; each item keeps the model's score.
    hint
        The hint that was given, or none.
    reranked
        Whether it is in the language model's order.
    stored
        Whether the answer was in the store.
    problem
        Why it is the plain list; empty where it is not.
    """

    items: list[Recommendation]
    hint: KeptHint | None
    reranked: bool
    stored: bool
    problem: str


def hint_for(service: Service, user: str) -> KeptHint | None:
    """The hint that the chooser of a model's folder gives for a user.

    Raises
    ------
    UserError
        There is no chooser or no store, or the store's text vectors are of another encoder.
    """
    chooser = load_chooser(service.folder)
    if service.store is None:
        raise UserError(f"hints need the store: {service.without_store}")
    encoder = service.store.vectors.encoder()
    if encoder != chooser.facts.encoder:
        raise UserError(
            f"the chooser of hints reads vectors of {chooser.facts.encoder}, and the store has "
            f"those of {encoder}; learn it anew: recommender hints train {service.folder}"
        )
    history = service.store.datasets.training_items(user) or []
    return chooser.hint_for(context_of(service.store.vectors.items(), history))


def reranked_list(
    plain: Sequence[Recommendation],
    user: str,
    k: int,
    hint: KeptHint | None,
    language_model: Reranking,
) -> HintedList:
    """The first ``k`` of a plain list in the order of a language model.

    What it names comes first; the rest follows as it stood. Where it gives no usable answer in time
    the plain list is served.
    """
    said = None if hint is None else (hint.hint_id, hint.text)
    found = language_model.rerank(user, [one.item_id for one in plain[:CANDIDATES]], said)
    by_id = {one.item_id: one for one in plain}
    first = [by_id[item] for item in found.items]
    rest = [one for one in plain if one.item_id not in set(found.items)]
    items = [replace(one, rank=place) for place, one in enumerate([*first, *rest][:k], start=1)]
    return HintedList(items, hint, not found.problem, found.stored, found.problem)
