"""Names for groups of interests: the words that tell their labels from those of other groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from profiler.words import words_of

LEAST_SHARE = 0.2
"""A word names a group only if it is this frequent against the group's first word (our choice)."""


def name_groups(labels: Sequence[str], groups: Sequence[int], most: int = 2) -> dict[int, str]:
    """Name each group by the words frequent in its labels and rare in the others.

    A word scores its count in the group times the share of all its uses that fall there
    (class-based tf-idf in its plainest form; our choice). Ties go by the alphabet. A name that
    another group already has gets a further word, and where none is left a number.

    Parameters
    ----------
    labels, groups
        Label and group of each interest.
    most
        Words in a name.
    """
    counts: dict[int, Counter[str]] = {group: Counter() for group in sorted(set(groups))}
    for label, group in zip(labels, groups, strict=True):
        counts[group].update(set(words_of(label)))
    total = sum(counts.values(), Counter[str]())
    names: dict[int, str] = {}
    for group, own in counts.items():
        ranked = sorted(own, key=lambda word: (-(own[word] ** 2) / total[word], word))
        common = [word for word in ranked if own[word] >= LEAST_SHARE * own[ranked[0]]]
        names[group] = _unused(common, most, names.values(), group)
    return names


def _unused(ranked: Sequence[str], most: int, taken: Iterable[str], group: int) -> str:
    known = set(taken)
    for length in range(most, len(ranked) + 1):
        name = ", ".join(ranked[:length])
        if name not in known:
            return name
    name = ", ".join(ranked[:most]) or "unnamed"
    return f"{name} ({group + 1})" if name in known else name
