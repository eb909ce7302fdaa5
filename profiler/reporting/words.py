"""Words of interests: what counts as one, and which tell a group of labels from the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

LEAST_SHARE = 0.2
"""A word names a group only if it is this frequent against the group's first word (our choice)."""

_WORD = re.compile(r"[^\W\d_][\w'’-]*\w")

_SILENT = """
a all also an and any appreciates are as at be both buys by can drawn enjoy enjoys etc favors
favours for from has have in including interest interested interests into is it item items its
keep keeps like like-minded likes look looking looks love loved loves made make makes making
many more need needs of often on or other over part people person prefers such take takes than
that the their them these they this those to up use used user uses various vol vs want wanted
wants was watch watches well who with without would you your
"""
STOP_WORDS = frozenset(_SILENT.split())


def words_of(text: str) -> list[str]:
    """Words of a text in lower case, without the ones that say nothing."""
    found = (match.group(0).lower() for match in _WORD.finditer(text))
    return [word for word in found if word not in STOP_WORDS]


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
