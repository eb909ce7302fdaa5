"""One person of a store: history, interests with proof, what was hidden, and its representative."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from profiler.reporting.people.lists import recommend_to
from profiler.reporting.people.word_sizes import compare_words
from profiler.reporting.shared.contract_people import HiddenEvent, Person, PersonInterest
from store.data.splits import Part
from store.views.atlas import OwnInterest, interests_of_subjects, own_interests
from store.views.interests.explanation import explain_item

if TYPE_CHECKING:
    from profiler.reporting.people.scene import Scene
    from profiler.reporting.shared.item_titles import ItemTitles


def describe_person(
    scene: Scene, user: int, titles: ItemTitles, origins: Mapping[int, int]
) -> Person:
    """Everything a page shows of one user.

    Parameters
    ----------
    scene
        The store.
    user
        user_ix.
    titles
        Numbers the items.
    origins
        Place of each subject in the page's list of origins.
    """
    own = own_interests(scene.store, user)
    subject, close = scene.representative(user)
    words = compare_words(scene.store, scene.dataset.user_ids[user])
    known = [int(item) for item in scene.dataset.history(user)]
    covered = {item for one in own for item, _ in one.items}
    interests = _interests(scene, own, len(known), titles)
    return Person(
        id=scene.names.of(user),
        events=int(scene.dataset.indptr[user + 1] - scene.dataset.indptr[user]),
        representative=origins.get(subject, -1),
        close=close,
        known=round(len(covered & set(known)) / max(len(set(known)), 1), 3),
        history=_history(scene, user, own, titles),
        interests=interests,
        hidden=[_fitted(scene, user, int(item), titles) for item in scene.hidden_items(user)],
        recommendations=recommend_to(scene, user, interests, titles),
        own_words=words[0],
        their_words=words[1],
        their_themes=_themes_of(scene, subject),
    )


def _history(
    scene: Scene, user: int, own: Sequence[OwnInterest], titles: ItemTitles
) -> list[tuple[int, int, int, int]]:
    """Events in order, each with the drawn interest that its item shows best."""
    best: dict[int, tuple[float, int]] = {}
    for one in own:
        place = scene.place(one.group)
        for item, similarity in one.items:
            if place >= 0 and (item not in best or similarity > best[item][0]):
                best[item] = (similarity, place)
    data, rows = scene.dataset, scene.rows(user)
    hides = data.parts[rows] >= int(Part.VALID)
    stamps = np.maximum(data.timestamps[rows], 0)
    return [
        (
            titles.number(int(item)),
            -1 if hidden else best.get(int(item), (0.0, -1))[1],
            int(hidden),
            int(stamp),
        )
        for item, hidden, stamp in zip(data.items[rows], hides, stamps, strict=True)
    ]


def _interests(
    scene: Scene, own: Sequence[OwnInterest], known: int, titles: ItemTitles
) -> list[PersonInterest]:
    found = [
        PersonInterest(
            i=scene.place(one.group),
            share=round(len(one.items) / max(known, 1), 3),
            fit=round(one.score, 3),
            items=titles.numbers(item for item, _ in one.items),
        )
        for one in own
        if scene.place(one.group) >= 0
    ]
    return sorted(found, key=lambda one: (-one.share, -one.fit, one.i))


def _fitted(scene: Scene, user: int, item: int, titles: ItemTitles) -> HiddenEvent:
    why = explain_item(scene.store, scene.dataset.user_ids[user], scene.dataset.item_ids[item])
    near = next((p for p in why.interests if scene.place(p.interest_id) >= 0), None)
    return HiddenEvent(
        item=titles.number(item),
        i=scene.place(near.interest_id) if near else -1,
        similarity=round(near.similarity, 2) if near else None,
        own=bool(near and near.through == "own"),
    )


def _themes_of(scene: Scene, subject: int) -> list[tuple[int, float]]:
    """Share of a representative's interests by theme."""
    if subject < 0:
        return []
    counts: dict[int, int] = defaultdict(int)
    for _, _, group in interests_of_subjects(scene.store, [subject])[subject]:
        place = scene.atlas.groups.index.get(group)
        if place is not None:
            counts[int(scene.atlas.themes.themes.of[place])] += 1
    whole = max(sum(counts.values()), 1)
    return [(theme, round(n / whole, 3)) for theme, n in sorted(counts.items())]
