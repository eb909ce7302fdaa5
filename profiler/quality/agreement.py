"""Agreement of two groupings of the same items: which measures, and over which subjects.

Pairwise F1 rewards lumping: where people put most items together, one group for all is hard to
beat. AMI and kappa are zero for one group and for chance, so they lead; F1 is shown beside what the
same groups reach when their items are shuffled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from profiler.quality import measures
from profiler.quality.measures import Membership

SHUFFLES = 20
"""Draws of the shuffled control; the spread of their mean is a quarter of one draw's."""


def pair_kappa(found: Membership, truth: Membership) -> float | None:
    """Cohen's kappa of "do two items share a group?" over the pairs of labelled items.

    0 for chance and for one group, 1 for the same pairs. None where the truth puts all pairs
    together or all apart: then nothing but chance agreement can be told.
    """
    together, true = measures.shared_pairs(found, truth)
    if not len(true) or true.all() or not true.any():
        return None
    agreed = float(np.mean(together == true))
    chance = together.mean() * true.mean() + (1 - together.mean()) * (1 - true.mean())
    return float((agreed - chance) / (1 - chance))


def clustering_ami(found: Membership, truth: Membership) -> float | None:
    """AMI over the items that the truth puts in exactly one group.

    An item in several found groups counts for the first. None where fewer than two groups of the
    truth remain.
    """
    once = truth.sum(axis=1) == 1
    names = np.argmax(truth[once], axis=1)
    if len(np.unique(names)) < 2:
        return None
    ours = measures.labels_of(found[once])
    return measures.adjusted_mutual_information(ours.tolist(), names.tolist())


def shuffled_f1(found: Membership, truth: Membership, seed: int = 0) -> float:
    """Mean pairwise F1 of the found groups with their labelled items shuffled, sizes kept."""
    labelled = truth.any(axis=1)
    groups, known = found[labelled], truth[labelled]
    rng = np.random.default_rng(seed)
    draws = [
        measures.pairwise_f1(groups[rng.permutation(len(groups))], known).f1
        for _ in range(SHUFFLES)
    ]
    return float(np.mean(draws))


def made_one_group(truth: Membership) -> bool:
    """Whether the truth puts all pairs of its labelled items together."""
    _, true = measures.shared_pairs(truth, truth)
    return bool(true.all())


def compare(found: Membership, truth: Membership) -> dict[str, float | None]:
    """All measures of agreement of one subject; None where a measure is not defined.

    ``left_out`` is the share of labelled items in no found group: the others count each as a group
    of its own. ``hungarian_accuracy`` is defined only where no item is in two groups.
    """
    labelled = truth.any(axis=1)
    pairs, bcubed = measures.pairwise_f1(found, truth), measures.extended_bcubed(found, truth)
    shuffled = shuffled_f1(found, truth)
    flat = max(found.sum(axis=1).max(initial=0), truth.sum(axis=1).max(initial=0)) <= 1
    accuracy = None
    if flat and labelled.any():
        left, right = (measures.labels_of(g[labelled]).tolist() for g in (found, truth))
        accuracy = measures.hungarian_accuracy(left, right)
    return {
        "ami": clustering_ami(found, truth),
        "pair_kappa": pair_kappa(found, truth),
        "pairwise_f1": pairs.f1,
        "pairwise_f1_shuffled": shuffled,
        "pairwise_f1_gain": pairs.f1 - shuffled,
        "bcubed_precision": bcubed.precision,
        "bcubed_recall": bcubed.recall,
        "bcubed_f1": bcubed.f1,
        "hungarian_accuracy": accuracy,
        "left_out": float(np.mean(~found[labelled].any(axis=1))) if labelled.any() else None,
    }


def columns(
    rows: Sequence[Mapping[str, float | None]],
) -> dict[str, list[float | None]]:
    """The rows of all subjects as one list for each measure; empty without rows."""
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
