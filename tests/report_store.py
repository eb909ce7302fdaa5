"""A store large enough for a map: planted themes, people with habits, near-twins, hidden events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from store.data.interest import interest_text
from store.data.prepare import prepare
from store.data.readers import read
from store.data.splits import Split
from store.digests import text_digest
from store.recommending import ReasonedItem
from store.store import Store, open_store
from store.tables.subjects import SubjectRow
from store.upkeep.duplicates import merge_duplicates
from tests.reading_store import Interest

THEMES = {
    "Coffee": ("espresso machines", "filter coffee", "coffee grinders"),
    "Gardens": ("raised garden beds", "compost bins", "pruning shears"),
    "Trails": ("trail running shoes", "camping tents", "hiking poles"),
    "Music": ("vinyl records", "guitar strings", "studio headphones"),
}
STYLES = ("Compact", "Large", "Everyday", "Second-hand")
PEOPLE = 60
EVENTS = 14
DIMENSIONS = 24
DAY = 86_400
START = 1_400_000_000


def labels() -> list[str]:
    """Labels of the planted interests, those of a theme together."""
    return [f"{style} {part}" for parts in THEMES.values() for part in parts for style in STYLES]


def meaning(label: str) -> np.ndarray:
    """A vector near those of the same part, less near those of the same theme."""
    parts = [part for own in THEMES.values() for part in own]
    part = next(i for i, one in enumerate(parts) if label.casefold().endswith(one))
    vector = np.zeros(DIMENSIONS)
    vector[part // 3] = 1.0
    vector[4 + part] = 0.9
    seed = int.from_bytes(text_digest(label).encode()[-4:], "big")
    vector[16:] = 0.35 * np.random.default_rng(seed).normal(size=DIMENSIONS - 16)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def fill(path: Path, *, split: str = "leave-one-out", twins: int = 0) -> Path:
    """Make the store.

    Parameters
    ----------
    split
        How events are hidden.
    twins
        So many near-twins of the first interest, from further people.
    """
    import polars as pl

    known = labels()
    rng = np.random.default_rng(3)
    rows = []
    for person in range(PEOPLE):
        home = person % len(THEMES)
        for place in range(EVENTS):
            theme = home if rng.random() < 0.75 else int(rng.integers(len(THEMES)))
            at = theme * 12 + int(rng.integers(12))
            stamp = START + DAY * (EVENTS * person + 30 * place)
            rows.append((f"user{person:02}@example.com", f"item{at:02}-{place % 3}", stamp))
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    items = pl.DataFrame(
        {
            "item_id": [f"item{at:02}-{k}" for at in range(len(known)) for k in range(3)],
            "title": [f"{label}, model {k}" for label in known for k in "ABC"],
        }
    )
    with open_store(path, create=True) as store:
        store.datasets.save(prepare(read((log, items)), split=Split(split)), "shop of things")
        store.set_meta(
            encoder="m", item_text="title", history_vector="mean", boundary_key="00" * 16
        )
        run = store.runs.start("build", {"encoder": "m"})
        _encode(store)
        _ask(store, run, twins)
        _assign(store)
        merge_duplicates(store, 0.97)
        store.runs.finish(run, "done", {})
    return path


def _encode(store: Store) -> None:
    dataset = store.datasets.load()
    titles = [str(title) for title in dataset.titles]
    vectors = [meaning(title.partition(", ")[0]) for title in titles]
    store.vectors.put("m", [text_digest(title) for title in titles], np.stack(vectors))


def _ask(store: Store, run: int, twins: int) -> None:
    """Every interest comes from a person whose history holds one of its items."""
    dataset = store.datasets.load()
    known = labels()
    owners: dict[int, list[tuple[str, str]]] = {}
    for at, label in enumerate(known):
        for user in range(dataset.n_users):
            have = {dataset.item_ids[item] for item in dataset.history(user)}
            shown = [item for item in have if item.startswith(f"item{at:02}-")]
            if shown and len(owners.get(user, [])) < 5:
                owners.setdefault(user, []).append((label, sorted(shown)[0]))
                break
    chosen = sorted(owners)
    if twins:
        first = owners[chosen[0]][0]
        for number in range(twins):
            user = next(u for u in range(dataset.n_users) if u not in owners)
            item = next(iter(dataset.item_ids[i] for i in dataset.history(user)))
            owners[user] = [(f"{first[0]}", item)]
            del number
        chosen = sorted(owners)
    nearest = {user: chosen[user % len(chosen)] for user in range(dataset.n_users)}
    nearest |= {user: user for user in chosen}
    rows = [
        SubjectRow(
            "exemplar",
            f"exemplar:{dataset.user_ids[user]}",
            user,
            dataset.history(user).tolist(),
            members=[one for one, own in nearest.items() if own == user],
            similarities=[1.0 if one == user else 0.8 for one, o in nearest.items() if o == user],
        )
        for user in chosen
    ]
    store.subjects.choose("exemplar", rows, run)
    by_user = {subject.user_ix: subject for subject in store.subjects.load()}
    texts: dict[str, np.ndarray] = {}
    for user in chosen:
        interests = [
            Interest(label, f"Looks for {label.lower()}.", [item]) for label, item in owners[user]
        ]
        for one in interests:
            text = interest_text(one.label, one.description)
            texts[text_digest(text)] = meaning(one.label)
        store.interests.save(
            by_user[user].subject_id, interests, source="openai:m", response_id=None
        )
    store.vectors.put("m", list(texts), np.stack(list(texts.values())))


def _assign(store: Store) -> None:
    """Each person shows the interests whose own items are in the history."""
    dataset = store.datasets.load()
    catalogue = store.interests.catalogue()
    by_label: dict[str, int] = {}
    for interest, label in zip(catalogue.ids.tolist(), catalogue.labels, strict=True):
        by_label.setdefault(label, interest)
    indptr, ids, scores, item_indptr, items = [0], [], [], [0], []
    for user in range(dataset.n_users):
        history = dataset.history(user).tolist()
        of: dict[int, list[int]] = {}
        for item in dict.fromkeys(history):
            label = str(dataset.titles[item]).partition(", ")[0]
            if label in by_label:
                of.setdefault(by_label[label], []).append(item)
        for interest, own in sorted(of.items(), key=lambda one: (-len(one[1]), one[0])):
            ids.append(interest)
            scores.append(len(own) / len(history))
            items += own
            item_indptr.append(len(items))
        indptr.append(len(ids))
    store.interests.save_assignments(
        np.arange(dataset.n_users),
        np.array(indptr),
        np.array(ids),
        np.array(scores),
        np.array(item_indptr),
        np.array(items),
        np.full(len(items), 0.9),
    )


class Lists:
    """A model whose lists are known: the items nearest to what a person shows, none twice."""

    name = "planted"

    def __init__(self, store: Store) -> None:
        self.store = store
        self.data = store.datasets.load()
        self.vectors = store.vectors.items()
        catalogue = store.interests.catalogue()
        self.label = dict(zip(catalogue.ids.tolist(), catalogue.labels, strict=True))

    def recommend(
        self,
        user_id: str,
        k: int,
        *,
        without: Sequence[int] = (),
        more: Sequence[int] = (),
    ) -> list[str]:
        """The nearest items that are not in the history; never one of an interest that is off."""
        user = self.data.user_index[user_id]
        history = self.data.history(user)
        scores = self.vectors @ self.vectors[history].mean(axis=0)
        scores[history] = -np.inf
        for interest in without:
            scores -= 2 * (self.vectors @ meaning(self.label[interest]))
        for interest in more:
            scores += 2 * (self.vectors @ meaning(self.label[interest]))
        return [self.data.item_ids[item] for item in np.argsort(-scores, kind="stable")[:k]]

    def reasons(self, user_id: str, items: Sequence[str]) -> list[ReasonedItem]:
        """The first tier where the person has an item of the same interest, else none."""
        user = self.data.user_index[user_id]
        history = [self.data.item_ids[item] for item in self.data.history(user)]
        found = []
        for item in items:
            own = [one for one in history if one[:6] == item[:6]]
            label = str(self.data.titles[self.data.item_index[item]]).partition(", ")[0]
            interest = next((i for i, known in self.label.items() if known == label), None)
            tier = "shows" if own and interest else "fits" if interest else "none"
            found.append(
                ReasonedItem(
                    item_id=item,
                    score=1.5,
                    how="attention",
                    tier=tier,  # type: ignore[arg-type]
                    because=tuple((own or history)[:2]),
                    interest_id=interest,
                    similarity=0.8 if interest else None,
                    parts=((history[0], 1.0), (history[1], 0.75), (history[-1], -0.25)),
                    base=0.0,
                )
            )
        return found

    def close(self) -> None:
        """Nothing is open."""
