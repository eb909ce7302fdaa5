"""``evaluate_store``: every measure of :mod:`profiler.quality` on the interests of a store."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from profiler.quality import measures
from profiler.quality.agreement import columns, compare, made_one_group
from profiler.quality.attributes import attribute_prediction
from profiler.quality.predictive import ranked
from profiler.quality.specificity import specificity
from profiler.quality.steering import steerability
from profiler.quality.subjects import SubjectInterests, subjects_with_interests
from store.errors import DataError, StoreError
from store.store import Store

Named = Mapping[str, Sequence[float | None]]
Values = Sequence[float | None] | Named


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
        Of samples and of shuffled controls.

    Returns
    -------
    dict
        JSON values: ``subjects``, ``interests``; with ``truth``, ``agreement`` over subjects whose
        items belong to several groups and ``agreement_one_group`` over the others; ``specificity``,
        ``coverage``; where the split holds targets back ``predictive_power`` and
        ``attribute_prediction``; ``steerability``, ``groundedness``, ``distinctness``; with
        ``against``, ``stability``. A mean over nothing is null. ``intervals`` repeats the structure
        with a 95 % bootstrap interval (low, high) of each mean: over subjects, interests or users.

    Raises
    ------
    StoreError
        If a store has no interests, or the two have no subject in common.
    DataError
        If the truth cannot be read.
    """
    subjects = subjects_with_interests(store)
    recall, attributes = ranked(store, k=k, seed=seed), attribute_prediction(store, seed=seed)
    measured: dict[str, Values | None] = {
        **({} if truth is None else _agreement(subjects, read_truth(truth))),
        "specificity": specificity(store, seed),
        "coverage": [measures.coverage(subject.groups()) for subject in subjects],
        "predictive_power": recall,
        "attribute_prediction": attributes,
        "steerability": steerability(store, seed=seed),
        "groundedness": _groundedness(subjects),
        "distinctness": _distinctness(store, subjects),
    }
    if against is not None:
        measured["stability"] = _stability(subjects, subjects_with_interests(against))
    report: dict[str, Any] = {
        "subjects": len(subjects),
        "interests": sum(len(subject.evidence) for subject in subjects),
    }
    intervals: dict[str, Any] = {}
    for name, values in measured.items():
        report[name], intervals[name] = (None, None) if values is None else _summary(values)
    if recall is not None:
        report["predictive_power"] |= {"k": k, "users": len(recall["popularity"])}
    for name in ("agreement", "agreement_one_group", "stability"):
        values = measured.get(name)
        if isinstance(values, Mapping):
            report[name]["subjects"] = len(next(iter(values.values()), []))
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


def _groundedness(subjects: Sequence[SubjectInterests]) -> list[float | None]:
    """For each interest, whether it names evidence, all of it among the items shown."""
    return [
        float(bool(evidence) and evidence <= set(subject.items))
        for subject in subjects
        for evidence in subject.evidence
    ]


def _distinctness(store: Store, subjects: Sequence[SubjectInterests]) -> Named:
    _, vectors = store.vectors.interests()
    return {
        "text_cosine": [measures.mean_pairwise_cosine(vectors[one.rows]) for one in subjects],
        "evidence_overlap": [measures.evidence_overlap(one.groups()) for one in subjects],
    }


def _agreement(
    subjects: Sequence[SubjectInterests], truth: Mapping[str, frozenset[str]]
) -> dict[str, Values | None]:
    """Agreement with known groups: where they make several of a subject's items, and where one.

    Where the truth is one group, only pairwise F1 and what is left out say anything.
    """
    rows: dict[bool, list[dict[str, float | None]]] = {False: [], True: []}
    for subject in subjects:
        items = [item for item in dict.fromkeys(subject.items) if truth.get(item)]
        if len(items) < 2:
            continue
        names = sorted({name for item in items for name in truth[item]})
        known = measures.membership([[i for i in items if n in truth[i]] for n in names], items)
        rows[made_one_group(known)].append(compare(subject.groups(items), known))
    one = columns(rows[True])
    kept = ("pairwise_f1", "pairwise_f1_shuffled", "left_out")
    return {
        "agreement": columns(rows[False]),
        "agreement_one_group": {name: one[name] for name in kept if name in one},
    }


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
    return columns(rows)


def table_rows(
    report: dict[str, Any],
) -> Iterator[tuple[str, str, float | int | None, tuple[float, float] | None]]:
    """Rows of a report of :func:`evaluate_store`: measure, part, value and its 95 % interval."""
    intervals = report["intervals"]
    for name, value in report.items():
        if name == "intervals":
            continue
        found = intervals.get(name)
        for part, number in value.items() if isinstance(value, dict) else [("", value)]:
            between = found.get(part) if isinstance(found, dict) else found
            yield name, part, number, tuple(between) if between else None
