"""A person's recommendations with their reasons, and the lists without one interest or another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from profiler.reporting.shared.contract_people import (
    PersonInterest,
    Reason,
    Recommendations,
    Steered,
)
from store.errors import UserError

if TYPE_CHECKING:
    from profiler.reporting.people.scene import Scene
    from profiler.reporting.shared.item_titles import ItemTitles
    from store.recommending import ReasonedItem

LENGTH = 6
STEERED = 6
"""Interests of a person that can be switched off in a file; the explorer takes any of them."""

MOST_PARTS = 5


def recommend_to(
    scene: Scene, user: int, interests: Sequence[PersonInterest], titles: ItemTitles
) -> Recommendations | None:
    """The plain list and one list for each of the widest interests switched off.

    None without a model; a note instead of a list where the model cannot serve the person.
    """
    if scene.model is None:
        return None
    name = scene.dataset.user_ids[user]
    try:
        plain = scene.model.recommend(name, LENGTH)
        off = {
            one.i: scene.model.recommend(name, LENGTH, without=[int(scene.atlas.groups.ids[one.i])])
            for one in interests[:STEERED]
        }
    except UserError as problem:
        return Recommendations(reasons=[], items=[], steered=[], note=str(problem))
    every = list(dict.fromkeys([*plain, *(item for items in off.values() for item in items)]))
    reasons = scene.model.reasons(name, every)
    place = {item: row for row, item in enumerate(every)}
    bought = {int(item) for item in scene.hidden_items(user)}
    return Recommendations(
        reasons=[reason_of(scene, one, bought, titles) for one in reasons],
        items=[place[item] for item in plain],
        steered=[
            Steered(i=i, items=[place[item] for item in items], changed=items != plain)
            for i, items in off.items()
        ],
    )


def reason_of(scene: Scene, one: ReasonedItem, bought: set[int], titles: ItemTitles) -> Reason:
    """An item of a list as the page shows it; ``bought`` are the person's hidden items."""
    number = scene.dataset.item_index
    helped = [(item, part) for item, part in one.parts if part > 0]
    place = scene.place(one.interest_id)
    return Reason(
        item=titles.number(number[one.item_id]),
        score=round(one.score, 3),
        how=one.how,
        tier=one.tier if place >= 0 else "none",
        because=[titles.number(number[item]) for item in one.because],
        i=place,
        similarity=None if one.similarity is None else round(one.similarity, 2),
        parts=[(titles.number(number[item]), round(part, 3)) for item, part in helped[:MOST_PARTS]],
        rest=round(sum(part for _, part in helped[MOST_PARTS:]), 3),
        against=round(sum(part for _, part in one.parts if part <= 0), 3),
        base=round(one.base, 3),
        bought=number[one.item_id] in bought,
    )
