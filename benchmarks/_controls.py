"""Controls for what interests are worth: stores whose interests are somebody else's, or no words.

Both start from a copy of the store with a chat model's answers and keep everything else of it: the
same subjects, the same number of interests for each, the same items and text vectors of items.

* ``permuted``: every user is given the exemplar of a random other user whose history is about as
  long. A gain that stays has nothing to do with whose interests they are.
* ``clusters``: the interests of a subject become k-means clusters of its items' text vectors, as
  many as the model found, and an interest's vector is the mean of its items'. A gain that stays
  needs neither a model's words nor its groups.
"""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans

STRATA = 10
"""Users are permuted within so many parts of equal size, by the length of their histories."""


def permuted(llm: Path, path: Path, seed: int = 0) -> None:
    """Write a copy of a store in which users have changed their exemplars."""
    shutil.copyfile(llm, path)
    with sqlite3.connect(path) as connection:
        lengths = dict(
            connection.execute("SELECT user_ix, count(*) FROM interactions GROUP BY user_ix")
        )
        users = np.array(sorted(lengths, key=lambda user: (lengths[user], user)))
        rng = np.random.default_rng(seed)
        given = np.concatenate([rng.permutation(part) for part in np.array_split(users, STRATA)])
        other = dict(zip(users.tolist(), given.tolist(), strict=True))
        rows = connection.execute(
            "SELECT m.user_ix, m.subject_id, m.similarity FROM memberships m "
            "JOIN subjects s USING (subject_id) WHERE s.kind = 'exemplar'"
        ).fetchall()
        connection.execute(
            "DELETE FROM memberships WHERE subject_id IN "
            "(SELECT subject_id FROM subjects WHERE kind = 'exemplar')"
        )
        connection.executemany(
            "INSERT INTO memberships (user_ix, subject_id, similarity) VALUES (?, ?, ?)",
            [(other[user], subject, similarity) for user, subject, similarity in rows],
        )
    connection.close()


def clusters(llm: Path, path: Path, seed: int = 0) -> None:
    """Write a copy of a store in which interests are clusters of their subjects' items."""
    from store.data.interest import interest_text
    from store.digests import text_digest
    from store.store import open_store

    shutil.copyfile(llm, path)
    with open_store(path) as store:
        ids = store.datasets.load().item_ids
        vectors, model = store.vectors.items(), store.vectors.encoder()
        counts = np.bincount(store.interests.catalogue().subject_ids)
        digests, means = [], []
        for subject in store.subjects.load(states=("ok",)):
            items = np.array([item for item in subject.items if vectors[item].any()], dtype=int)
            k = min(int(counts[subject.subject_id]), len(items))
            if k == 0:
                continue
            groups = KMeans(k, n_init=4, random_state=seed).fit_predict(vectors[items])
            made = []
            for group in np.unique(groups):
                members = items[groups == group]
                label = f"cluster {subject.subject_id}-{group}"
                made.append(_Cluster(label, [ids[item] for item in members]))
                digests.append(text_digest(interest_text(label, "")))
                means.append(vectors[members].mean(0))
            store.interests.save(
                subject.subject_id, made, source="import:clusters", response_id=None
            )
        unit = np.stack(means) / np.linalg.norm(np.stack(means), axis=1, keepdims=True)
        store.vectors.put(model, digests, unit.astype(np.float32))


@dataclass(frozen=True)
class _Cluster:
    """An interest that is only a group of items."""

    label: str
    evidence: list[str]
    description: str = ""
