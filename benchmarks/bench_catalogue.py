"""Zero-training ranking test: how far do stored interests alone carry a held-out user?

Users are split as in ``user_split.tsv.gz``. A held-out user's first four fifths are its history,
the rest are targets; all items are ranked, seen ones removed; Recall@50 is averaged over users,
with a 95 % interval over users. Nothing is trained: no gradient, no fitted parameter. Settings
were chosen on the validation users, one setting for all data sets.

Rows:
  popularity        interactions of training users
  nearest own item  best cosine of a title to a title of the history
  exemplar          the paper's assignment: interest texts of the nearest exemplar
  two nearest       two nearest interests per item by evidence centroid, an item by its best
  catalogue, words  the user's catalogue interests; an item by its best blended similarity
  catalogue         the user's catalogue interests; an item by how much the training users who
                    have the same interests took it (their interactions are counted, not learnt)
  item kNN          control without interests: cosine of co-occurrence among training users
  shuffled          control: the same as catalogue, the evidence dealt out anew at random
  + own items       catalogue blended with the nearest own item: not the interests alone
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from _data import data_dir
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from profiler.assignment.cover_history import (
    CatalogueAssignment,
    assign_catalogue,
    blended_directions,
)

DATA = {"office": "amazon-office", "beauty": "amazon-beauty", "ml-1m": "ml-1m"}
TOP = 50
POPULARITY_DAMPING = 0.25
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """One data set: vectors, interests with evidence, training users, held-out users."""

    items: Floats
    texts: Floats
    evidence: tuple[Any, Any]
    exemplars: Floats  # mean title vector of the exemplar behind each interest
    train: csr_array
    train_csr: tuple[Any, Any]
    history: list[Any]
    targets: list[Any]

    @property
    def history_csr(self) -> tuple[Any, Any]:
        return np.cumsum([0, *map(len, self.history)]), np.concatenate(self.history)


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def encode(name: str, kind: str, texts: list[str], cache: Path) -> Floats:
    """Unit vectors of texts, kept as .npy under `cache`; zero rows for empty texts."""
    from profiler.vectors.encoding import load_encoder

    encoder = load_encoder()
    path = cache / f"{name}-{kind}-{encoder.name}-{len(texts)}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, encoder.encode(texts))
    return np.load(path, allow_pickle=False)


def load(name: str, part: str, cache: Path) -> Case:
    folder = data_dir(DATA[name])
    split = {row["user_id"]: row["split"] for row in rows(folder / "user_split.tsv.gz")}
    histories: dict[str, list[str]] = {}
    for row in rows(folder / "interactions.tsv.gz"):
        histories.setdefault(row["user_id"], []).append(row["item_id"])
    titles = {row["item_id"]: row["title"] for row in rows(folder / "items.tsv.gz")}
    ids = sorted({item for history in histories.values() for item in history})
    index = {item: ix for ix, item in enumerate(ids)}
    vectors = encode(name, "titles", [titles.get(item, "") for item in ids], cache)
    with gzip.open(data_dir(f"llm-interests-{name}") / "exemplars.jsonl.gz", "rt") as lines:
        asked = [json.loads(line) for line in lines]
    interests = [one for subject in asked for one in subject["interests"]]
    words = [f"{one['label']}. {one['description']}" for one in interests]
    proof = [[index[item] for item in one["evidence"]] for one in interests]
    means = [
        vectors[[index[item] for item in subject["shown_items"]]].mean(axis=0)
        for subject in asked
        for _ in subject["interests"]
    ]
    train = [[index[i] for i in h] for u, h in histories.items() if split[u] == "train"]
    held = [np.array([index[i] for i in h]) for u, h in histories.items() if split[u] == part]
    indptr = np.cumsum([0, *map(len, train)])
    flat = np.concatenate([np.array(history) for history in train])
    owns = csr_array((np.ones(len(flat), np.float32), flat, indptr), shape=(len(train), len(ids)))
    return Case(
        items=vectors,
        texts=encode(name, "interests", words, cache),
        evidence=(np.cumsum([0, *map(len, proof)]), np.concatenate([np.array(p) for p in proof])),
        exemplars=np.array(means, dtype=np.float32),
        train=owns,
        train_csr=(indptr, flat),
        history=[h[: int(0.8 * len(h))] for h in held],
        targets=[np.unique(h[int(0.8 * len(h)) :]) for h in held],
    )


def recall(scores: Floats, case: Case) -> NDArray[np.float64]:
    """Recall@50 of each held-out user; equal scores go to the lower item."""
    found = np.zeros(len(case.history))
    for user, (row, seen, target) in enumerate(
        zip(scores, case.history, case.targets, strict=True)
    ):
        row = row.astype(np.float64)
        row[seen] = -np.inf
        top = np.argsort(-row, kind="stable")[:TOP]
        found[user] = np.isin(target, top).mean()
    return found


def popularity(case: Case) -> Floats:
    counts = np.asarray(case.train.sum(axis=0)).ravel()
    return np.tile(counts.astype(np.float32), (len(case.history), 1))


def nearest_own_item(case: Case) -> Floats:
    return np.stack([(case.items @ case.items[seen].T).max(axis=1) for seen in case.history])


def exemplar_texts(case: Case) -> Floats:
    """The interests of the exemplar nearest by centred mean vector, an item by its best."""
    likeness = case.items @ case.texts.T
    centre = case.items.mean(axis=0)
    exemplars = case.exemplars - centre
    exemplars = exemplars / np.linalg.norm(exemplars, axis=1, keepdims=True)
    result = []
    for seen in case.history:
        close = exemplars @ (case.items[seen].mean(axis=0) - centre)
        result.append(likeness[:, close >= close.max() - 1e-6].max(axis=1))
    return np.stack(result)


def two_nearest(case: Case) -> Floats:
    """The rule of the earlier measurement, which the catalogue is to beat."""
    likeness = case.items @ blended_directions(case.items, case.texts, case.evidence, 0.0).T
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :2]
    return np.stack([likeness[:, np.unique(nearest[seen])].max(axis=1) for seen in case.history])


def assigned(case: Case, csr: tuple[Any, Any], **options: Any) -> CatalogueAssignment:
    return assign_catalogue(*csr, case.items, case.texts, case.evidence, **options)


def catalogue_words(case: Case, given: CatalogueAssignment, blend: float) -> Floats:
    """An item by its best similarity to one of the user's interests, weighted by their scores."""
    likeness = case.items @ blended_directions(case.items, case.texts, case.evidence, blend).T
    result = np.zeros((len(case.history), len(case.items)), np.float32)
    for user in range(len(case.history)):
        at = slice(given.indptr[user], given.indptr[user + 1])
        mine = given.interest_rows[at]
        if len(mine):
            weight = np.sqrt(given.scores[at] / given.scores[at].max())
            result[user] = (likeness[:, mine] * weight).max(axis=1)
    return result


def shares(given: CatalogueAssignment, weights: Any, n_interests: int) -> csr_array:
    """Users × interests, rows summing to 1."""
    shape = (len(given.indptr) - 1, n_interests)
    matrix = csr_array((weights, given.interest_rows, given.indptr), shape=shape)
    total = np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1e-12)
    return csr_array(diags_array(1 / total) @ matrix)


def affinity(case: Case, given: CatalogueAssignment) -> Floats:
    """Items × interests: how much training users with an interest took an item.

    A training user's share in an interest is the summed similarity of its own items; counts are
    divided by popularity to the power of 1/4 and by the square root of the interest's mass.
    """
    sums = np.add.reduceat(np.append(given.similarities, 0), given.item_indptr[:-1])
    members = shares(given, sums, len(case.texts))
    counts = np.asarray((case.train.T @ members).todense(), dtype=np.float32)
    mass = np.sqrt(np.asarray(members.sum(axis=0)).ravel() + 1e-9)
    owners = np.maximum(np.asarray(case.train.sum(axis=0)).ravel(), 1)
    return counts / mass / (owners**POPULARITY_DAMPING)[:, None]


def item_knn(case: Case) -> Floats:
    """Sum over the history of the cosine between the columns of two items."""
    owners = np.maximum(np.asarray(case.train.sum(axis=0)).ravel(), 1)
    columns = csr_array(case.train @ diags_array(1 / np.sqrt(owners)))
    indptr, items = case.history_csr
    shape = (len(case.history), len(case.items))
    seen = csr_array((np.ones(len(items)), items, indptr), shape=shape)
    return np.asarray(((seen @ columns.T) @ columns).todense(), dtype=np.float32)


def carried_by(case: Case, options: dict[str, Any]) -> tuple[Floats, CatalogueAssignment, float]:
    """Scores through the interests alone, the users' interests, seconds of assigning."""
    started = time.perf_counter()
    users = assigned(case, case.history_csr, **options)
    seconds = time.perf_counter() - started
    crowd = assigned(case, case.train_csr, **(options | {"recency": 1.0}))
    shared = shares(users, users.scores, len(case.texts))
    return (shared @ affinity(case, crowd).T).astype(np.float32), users, seconds


def shuffled(case: Case) -> Case:
    """The same interests by number and size, their evidence and words dealt out at random."""
    rng = np.random.default_rng(0)
    evidence = (case.evidence[0], rng.permutation(case.evidence[1]))
    return replace(case, evidence=evidence, texts=case.texts[rng.permutation(len(case.texts))])


def standard(scores: Floats) -> Floats:
    """Scores of each user with mean 0 and deviation 1, so that two can be added."""
    spread = scores.std(axis=1, keepdims=True)
    return (scores - scores.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-12)


def measure(case: Case, options: dict[str, Any]) -> dict[str, Any]:
    """Recall of every row of the table, and facts about the assignment."""
    carried, users, seconds = carried_by(case, options)
    own = nearest_own_item(case)
    tables = {
        "popularity": popularity(case),
        "nearest own item": own,
        "exemplar": exemplar_texts(case),
        "two nearest": two_nearest(case),
        "catalogue, words": catalogue_words(case, users, options.get("blend", 0.2)),
        "catalogue": carried,
        "item kNN": item_knn(case),
        "shuffled": carried_by(shuffled(case), options)[0],
        "+ own items": standard(carried) + 0.5 * standard(own),
    }
    return {
        "recall": {name: recall(scores, case) for name, scores in tables.items()},
        "interests": np.diff(users.indptr).mean(),
        "covered": users.covered.mean(),
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=("valid", "test"), default="test")
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--recency", type=float, default=0.9)
    parser.add_argument("--max-interests", type=int, default=12)
    parser.add_argument("--blend", type=float, default=0.2)
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "interest-profiler-vectors",
        help="where encoded titles are kept",
    )
    chosen = parser.parse_args()
    options = {
        "recency": chosen.recency,
        "max_interests": chosen.max_interests,
        "blend": chosen.blend,
    }
    print(f"Recall@{TOP} of {chosen.part} users; {options}")
    for name in chosen.data:
        case = load(name, chosen.part, chosen.cache)
        found = measure(case, options)
        print(
            f"\n{name}: {len(case.history)} users, {len(case.items)} items, {len(case.texts)} "
            f"interests; {found['interests']:.1f} interests a user cover {found['covered']:.1%} "
            f"of its items; assigned in {found['seconds']:.2f} s"
        )
        for row, values in found["recall"].items():
            margin = 1.96 * values.std() / np.sqrt(len(values))
            print(f"  {row:18} {values.mean():.3f} ± {margin:.3f}")


if __name__ == "__main__":
    main()
