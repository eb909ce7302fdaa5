"""``evaluate_store``: every measure of :mod:`profiler.quality` on the interests of a store."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profiler.quality import measures
from profiler.vectors.histories import history_vectors
from store.data.dataset import Dataset
from store.data.splits import Part
from store.errors import DataError, StoreError
from store.store import Store

Named = Mapping[str, Sequence[float | None]]
Values = Sequence[float | None] | Named

MAX_USERS = 5_000
"""Users ranked for predictive power; of more, a seeded sample."""


@dataclass(frozen=True)
class SubjectInterests:
    """The interests of one subject as item ids, with its row numbers in the catalogue."""

    name: str
    items: tuple[str, ...]
    evidence: list[set[str]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


def evaluate_store(
    store: Store,
    *,
    truth: Path | None = None,
    against: Store | None = None,
    k: int = 50,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure the interests of the active subjects of a store.

    Parameters
    ----------
    store
        With interests.
    truth
        JSON file ``{"items": {item id: group or list of groups}}``: known groups of items.
    against
        Another store over the same items, for stability: subjects of equal name are compared.
    k
        Length of the rankings of predictive power.
    seed
        Of the sample of users where there are more than :data:`MAX_USERS`.

    Returns
    -------
    dict
        JSON values: ``subjects``, ``interests``, ``groundedness``, ``coverage``,
        ``distinctness``, ``agreement`` (with ``truth``), ``stability`` (with ``against``),
        ``predictive_power`` (where the split holds targets back). A mean over nothing is null.
        ``intervals`` repeats the structure with a 95 % bootstrap interval (low, high) of each
        mean: over subjects, of predictive power over users.

    Raises
    ------
    StoreError
        If a store has no interests, or the two have no subject in common.
    DataError
        If the truth cannot be read.
    """
    subjects = _subjects(store)
    report: dict[str, Any] = {
        "subjects": len(subjects),
        "interests": sum(len(subject.evidence) for subject in subjects),
        "groundedness": _groundedness(subjects),
    }
    measured: dict[str, Values] = {
        "coverage": [measures.coverage(_matrix(subject)) for subject in subjects],
        "distinctness": _distinctness(store, subjects),
    }
    compared: dict[str, Named] = {}
    if truth is not None:
        compared["agreement"] = _agreement(subjects, read_truth(truth))
    if against is not None:
        compared["stability"] = _stability(subjects, _subjects(against))
    measured |= compared
    recall = ranked(store, k=k, seed=seed)
    if recall is not None:
        measured["predictive_power"] = recall
    intervals = {}
    for name, values in measured.items():
        report[name], intervals[name] = _summary(values)
    if recall is None:
        report["predictive_power"] = None
    else:
        report["predictive_power"] |= {"k": k, "users": len(recall["popularity"])}
    for name, columns in compared.items():
        report[name]["subjects"] = len(next(iter(columns.values()), []))
    return {**report, "intervals": intervals}


def _summary(values: Values) -> tuple[Any, Any]:
    """Mean, and interval of the mean, of numbers or of each of several named lists of them."""
    if isinstance(values, Mapping):
        pairs = {name: _summary(one) for name, one in values.items()}
        return {n: mean for n, (mean, _) in pairs.items()}, {n: i for n, (_, i) in pairs.items()}
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if not len(known):
        return None, None
    return float(known.mean()), list(measures.bootstrap_interval(known))


def read_truth(path: Path) -> dict[str, frozenset[str]]:
    """Known groups of each item, from a JSON file.

    Raises
    ------
    DataError
        If the file is missing, is not JSON or has no ``items``.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = document["items"].items()
        return {
            str(item): frozenset(groups if isinstance(groups, list) else [str(groups)])
            for item, groups in entries
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f'{path}: not a truth file ({type(error).__name__}); it should hold {{"items": '
            '{"ITEM ID": "GROUP"}}}'
        ) from error


def ranked(store: Store, *, k: int = 50, seed: int = 0) -> dict[str, list[float | None]] | None:
    """Recall@k of each user's held-out items by interest texts alone, beside two baselines.

    An item is scored by its nearest interest: ``exemplar`` uses the interests of the user's
    exemplar (EIMF), ``catalogue`` those that cover its own history. A user without interests finds
    nothing. Baselines: cosine to the mean of the history's item vectors, and popularity.

    Returns
    -------
    dict or None
        Recall@k of every user by ranking, and the differences of the two from the two baselines
        (``catalogue minus popularity``); None where nothing is held back.
    """
    dataset = store.datasets.load()
    targets = dataset.select((Part.VALID, Part.TEST))
    users = np.flatnonzero(np.diff(targets[0]) > 0)
    if not len(users):
        return None
    if len(users) > MAX_USERS:
        rng = np.random.default_rng(seed)
        users = np.sort(rng.choice(users, MAX_USERS, replace=False))
    items, seen = store.vectors.items(), dataset.known()
    found = {
        name: measures.recall_at_k(score, users, seen, targets, k)
        for name, score in _rankings(store, dataset, items).items()
    }
    for ours in ("exemplar", "catalogue"):
        for baseline in ("history_mean", "popularity"):
            found[f"{ours} minus {baseline}"] = found[ours] - found[baseline]
    return {name: recall.tolist() for name, recall in found.items()}


def _rankings(
    store: Store, dataset: Dataset, items: NDArray[np.float32]
) -> Mapping[str, Callable[[NDArray[np.int64]], NDArray[np.float32]]]:
    _, interests = store.vectors.interests()
    means = history_vectors(items, *dataset.known())
    popularity = np.bincount(dataset.visible()[1], minlength=dataset.n_items).astype(np.float32)

    def by_interests(csr: tuple[NDArray[np.int64], NDArray[np.int64]]) -> Any:
        def score(users: NDArray[np.int64]) -> NDArray[np.float32]:
            rows = [csr[1][csr[0][user] : csr[0][user + 1]] for user in users.tolist()]
            used = np.unique(np.concatenate(rows))
            scores = interests[used] @ items.T if len(used) else np.zeros((0, len(items)))
            nothing = np.full(len(items), -np.inf, dtype=np.float32)
            return np.stack(
                [scores[np.searchsorted(used, r)].max(axis=0) if len(r) else nothing for r in rows]
            )

        return score

    return {
        "exemplar": by_interests(store.interests.of_users("exemplar")),
        "catalogue": by_interests(store.interests.of_users("catalogue")),
        "history_mean": lambda users: means[users] @ items.T,
        "popularity": lambda users: np.tile(popularity, (len(users), 1)),
    }


def _subjects(store: Store) -> list[SubjectInterests]:
    """Active subjects that have interests, with shown items and evidence as item ids."""
    catalogue = store.interests.catalogue()
    if not len(catalogue.ids):
        raise StoreError(f"{store.path} holds no interests; run profiler build first")
    ids = store.datasets.load().item_ids
    found = {
        subject.subject_id: SubjectInterests(
            subject.name, tuple(ids[item] for item in subject.items)
        )
        for subject in store.subjects.load(states=("ok",))
    }
    for row, subject_id in enumerate(catalogue.subject_ids.tolist()):
        subject = found.get(subject_id)
        if subject is not None:
            start, stop = catalogue.indptr[row : row + 2].tolist()
            subject.evidence.append({ids[item] for item in catalogue.items[start:stop].tolist()})
            subject.rows.append(row)
    return [subject for subject in found.values() if subject.rows]


def _matrix(subject: SubjectInterests) -> measures.Membership:
    return measures.membership(subject.evidence, list(dict.fromkeys(subject.items)))


def _groundedness(subjects: Sequence[SubjectInterests]) -> float | None:
    """Share of interests that name evidence, all of it among the items shown."""
    return _mean(
        float(bool(evidence) and evidence <= set(subject.items))
        for subject in subjects
        for evidence in subject.evidence
    )


def _distinctness(store: Store, subjects: Sequence[SubjectInterests]) -> Named:
    _, vectors = store.vectors.interests()
    return {
        "text_cosine": [measures.mean_pairwise_cosine(vectors[one.rows]) for one in subjects],
        "evidence_overlap": [measures.evidence_overlap(_matrix(one)) for one in subjects],
    }


def _agreement(subjects: Sequence[SubjectInterests], truth: Mapping[str, frozenset[str]]) -> Named:
    """Agreement with known groups, over subjects whose items show at least two of them."""
    rows = []
    for subject in subjects:
        items = [item for item in dict.fromkeys(subject.items) if truth.get(item)]
        names = sorted({name for item in items for name in truth[item]})
        if len(names) < 2:
            continue
        known = measures.membership([[i for i in items if n in truth[i]] for n in names], items)
        rows.append(compare(measures.membership(subject.evidence, items), known))
    return _columns(rows)


def _stability(subjects: Sequence[SubjectInterests], others: Sequence[SubjectInterests]) -> Named:
    by_name = {subject.name: subject for subject in others}
    common = [(s, by_name[s.name]) for s in subjects if s.name in by_name]
    if not common:
        raise StoreError("the two stores have no subject in common; nothing to compare")
    rows = []
    for one, other in common:
        items: list[Hashable] = list(dict.fromkeys(i for i in one.items if i in set(other.items)))
        second = measures.membership(other.evidence, items)
        rows.append(compare(measures.membership(one.evidence, items), second))
    return _columns(rows)


def compare(found: measures.Membership, truth: measures.Membership) -> dict[str, float | None]:
    """All measures of agreement; AMI and accuracy only where no labelled item has two groups."""
    pairs, bcubed = measures.pairwise_f1(found, truth), measures.extended_bcubed(found, truth)
    row: dict[str, float | None] = {
        "pairwise_f1": pairs.f1,
        "bcubed_precision": bcubed.precision,
        "bcubed_recall": bcubed.recall,
        "bcubed_f1": bcubed.f1,
        "ami": None,
        "hungarian_accuracy": None,
    }
    labelled = truth.any(axis=1)
    flat = max(found.sum(axis=1).max(initial=0), truth.sum(axis=1).max(initial=0)) <= 1
    if flat and labelled.any():
        left, right = (measures.labels_of(g[labelled]).tolist() for g in (found, truth))
        row["ami"] = measures.adjusted_mutual_information(left, right)
        row["hungarian_accuracy"] = measures.hungarian_accuracy(left, right)
    return row


def _columns(rows: Sequence[Mapping[str, float | None]]) -> Named:
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return float(np.mean(known)) if known else None
