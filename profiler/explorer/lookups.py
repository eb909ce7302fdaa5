"""Look-ups of the explorer over one store; what is kept in memory follows the store."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from profiler.explorer.answers import (
    Atlas,
    Hit,
    InterestAnswer,
    ListAnswer,
    PeopleAnswer,
    PersonAnswer,
    PersonRow,
    SearchAnswer,
    TracedOrigin,
)
from profiler.reporting.gather import Options, gather_light
from profiler.reporting.map.atlas import nearest
from profiler.reporting.people.describe import describe_person
from profiler.reporting.people.lists import LENGTH, reason_of
from profiler.reporting.people.origins import find_origins
from profiler.reporting.shared.item_titles import ItemTitles
from store.views.atlas import (
    evidence_of_groups,
    interests_of_subjects,
    shown_by,
    store_version,
)
from store.views.interests.search import find_interests

if TYPE_CHECKING:
    from profiler.reporting.people.scene import Scene
    from profiler.reporting.shared.contract import Report
    from store.store import Store

MOST_DRAWN = 50_000
MOST_PEOPLE = 60
MOST_HITS = 200
SHOWN_BY = 30


class OwnNumbers(ItemTitles):
    """Items keep the store's numbers, so that answers need not agree on any."""

    def number(self, item_ix: int) -> int:
        """Number of an item, noted."""
        return self._numbers.setdefault(int(item_ix), int(item_ix))

    def by_number(self) -> dict[int, str]:
        """Titles of the items that were named."""
        return {item: self.title(item) for item in self._numbers}


@dataclass(frozen=True)
class View:
    """Everything kept in memory for one state of the store."""

    version: str
    scene: Scene
    report: Report
    user_of: dict[str, int]
    most: list[int]
    folded: dict[int, str]
    """Name of each person without capitals, to look up what is typed."""
    labels: list[str]
    """Label of each dot without capitals."""


class Explorer:
    """Answers from one store, read as it is now.

    Parameters
    ----------
    store
        An open store.
    options
        What is shown, as in a report; nobody is sampled.
    by
        Who may change the store by hand on this page; None where nobody may.
    """

    def __init__(self, store: Store, options: Options, by: str | None = None) -> None:
        self._store = store
        self.by = by
        self._options = replace(options, people=0)
        self._lock = threading.RLock()
        self._view: View | None = None

    def view(self) -> View:
        """What is kept, made anew where the store has changed: ``forget`` reaches it, too."""
        version = store_version(self._store)
        with self._lock:
            if self._view is None or self._view.version != version:
                self._view = None  # a forgotten user's rows go before the new ones are read
                self._view = self._read(version)
            return self._view

    def _read(self, version: str) -> View:
        scene, report = gather_light(self._store, self._options, MOST_DRAWN)
        names = scene.names
        users = range(scene.dataset.n_users) if names.shown != "none" else range(0)
        known = {names.of(user): user for user in users if scene.is_there(user)}
        lengths = scene.dataset.indptr[1:] - scene.dataset.indptr[:-1]
        most = sorted(known.values(), key=lambda user: (-int(lengths[user]), user))
        folded = {user: name.casefold() for name, user in known.items()}
        labels = [label.casefold() for label in scene.atlas.groups.labels[: scene.atlas.drawn]]
        return View(version, scene, report, known, most, folded, labels)

    def atlas(self) -> Atlas:
        """The map with its findings."""
        report = self.view().report
        return Atlas(**dict(report), live=True, edit=self.by is not None, by=self.by or "")

    def interest(self, interest_id: int) -> InterestAnswer | None:
        """One interest on the map; None for any other."""
        view = self.view()
        scene, titles = view.scene, OwnNumbers(view.scene.dataset, view.scene.words.item)
        place = scene.place(interest_id)
        if place < 0:
            return None
        groups = scene.atlas.groups
        group = int(groups.ids[place])
        n = scene.atlas.drawn
        cosine = groups.vectors[:n] @ groups.vectors[place]
        cosine[place] = -1
        names = view.labels
        users = shown_by(self._store, group, SHOWN_BY)
        interests = view.report.interests
        return InterestAnswer(
            description=groups.descriptions[place],
            evidence=titles.numbers(evidence_of_groups(self._store, [group])[group]),
            near=nearest(cosine, names, {names[place]}, 6),
            first=interests.first[place],
            last=interests.last[place],
            some=[scene.names.of(user) for user in users] if view.user_of else [],
            traced=self._origin(scene, [group], titles),
            titles=titles.by_number(),
        )

    def person(self, name: str) -> PersonAnswer | None:
        """One person by the name on the page; None for an unknown one."""
        view = self.view()
        user = view.user_of.get(name)
        if user is None:
            return None
        titles = OwnNumbers(view.scene.dataset, view.scene.words.item)
        person = describe_person(view.scene, user, titles, {})
        subject, _ = view.scene.representative(user)
        of_subject = interests_of_subjects(self._store, [subject]).get(subject) or []
        first = of_subject[0][0] if of_subject else None
        origin = None if first is None else self._origin(view.scene, [first], titles)
        return PersonAnswer(person=person, origin=origin, titles=titles.by_number())

    def people(self, query: str) -> PeopleAnswer:
        """People whose name holds a text, else those who show an interest that holds it."""
        view = self.view()
        asked = query.strip().casefold()
        users = view.most
        if asked:
            users = [user for user in users if asked in view.folded[user]]
            users = users or self._who_show(view, query)
        return PeopleAnswer(people=[self._row(view, user) for user in users[:MOST_PEOPLE]])

    def list_for(self, name: str, without: Sequence[int], more: Sequence[int]) -> ListAnswer | None:
        """A person's list without some interests, or with more of some; None where unknown."""
        view = self.view()
        user, model = view.user_of.get(name), view.scene.model
        if user is None or model is None:
            return None
        user_id = view.scene.dataset.user_ids[user]
        plain = model.recommend(user_id, LENGTH)
        items = model.recommend(user_id, LENGTH, without=without, more=more)
        titles = OwnNumbers(view.scene.dataset, view.scene.words.item)
        hidden = {int(item) for item in view.scene.hidden_items(user)}
        reasons = [
            reason_of(view.scene, one, hidden, titles) for one in model.reasons(user_id, items)
        ]
        return ListAnswer(reasons=reasons, changed=items != plain, titles=titles.by_number())

    def search(self, query: str) -> SearchAnswer:
        """Interests by words, by what shows them and by meaning; people by name."""
        view = self.view()
        people: list[int] = []
        if re.fullmatch(r"\S{2,40}", query.strip()):
            asked = query.strip().casefold()
            people = [user for user, name in view.folded.items() if name.startswith(asked)][:3]
        return SearchAnswer(
            interests=self._hits(view, query),
            people=[self._row(view, user) for user in people],
        )

    def _hits(self, view: View, query: str) -> list[Hit]:
        words = re.findall(r"\w+", query)[:8]
        if not words:
            return []
        query = " AND ".join(f'"{word}"*' for word in words)
        found = find_interests(self._store, query, limit=MOST_HITS)
        place_of = {one: view.scene.place(one) for one in found}
        groups = view.scene.atlas.groups
        hits: dict[int, str | None] = {}
        unsaid: dict[int, int] = {}  # the words do not say why it was found; its items may
        for one, place in place_of.items():
            if place < 0 or place in hits:
                continue
            hits[place] = None
            said = f"{groups.labels[place]} {groups.descriptions[place]}".casefold()
            if not all(word.casefold() in said for word in words):
                unsaid[place] = one
        evidence, titles = (
            evidence_of_groups(self._store, list(unsaid.values())),
            view.scene.dataset.titles,
        )
        for place, one in unsaid.items():
            proof = (titles[item] or "" for item in evidence[one])
            hits[place] = next((t for t in proof if _holds(t, words)), None)
        return [Hit(i=place, proof=proof) for place, proof in hits.items()]

    def _who_show(self, view: View, query: str) -> list[int]:
        places = [hit.i for hit in self._hits(view, query)][:20]
        groups = view.scene.atlas.groups
        users = {u: None for p in places for u in groups.users_of_place(p).tolist()}
        return [user for user in users if view.scene.is_there(user)]

    def _row(self, view: View, user: int) -> PersonRow:
        indptr = view.scene.dataset.indptr
        return PersonRow(id=view.scene.names.of(user), events=int(indptr[user + 1] - indptr[user]))

    def _origin(self, scene: Scene, interests: Sequence[int], titles: OwnNumbers) -> TracedOrigin:
        found = find_origins(
            self._store,
            scene.atlas.groups,
            scene.atlas.drawn,
            interests,
            scene.names,
            titles,
        )
        row = found.rows[0]
        messages = found.questions[row.question[0]] if row.question else []
        return TracedOrigin(**dict(row), messages=messages)


def _holds(text: str, words: Sequence[str]) -> bool:
    """Whether a text has any of these words."""
    folded = text.casefold()
    return any(word.casefold() in folded for word in words)
