"""Names for regions of the map, from the labels of the interests in them.

A name is a phrase of whole words that many labels of a region share and few elsewhere (class-based
tf-idf), at one edge of a label or of one of its parts: there stands what a phrase is about, first
in some languages and last in others. Where labels share no phrase, as in scripts without spaces,
the label in the middle of the region names it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from profiler.words import FUNCTION_WORDS, STOP_WORDS, WORD

LONGEST_PHRASE = 3
LONGEST_NAME = 42
"""Characters of a label that names a region; a longer one is cut at a word."""

_BREAK = re.compile(r"\s*[,;:/()|·–—&+]\s*|\s+-\s+")
_SPOKEN = 0.05
"""A language counts if so large a share of labels has a function word of it (our choice)."""

_LEAST_SHARE = 0.05
_SECOND = 0.34
"""A second phrase joins the name if it scores this much of the first (our choice)."""

_FEWEST_SHARED = 2

Phrase = tuple[str, ...]


def phrases(
    label: str, breaks: frozenset[str] = FUNCTION_WORDS["en"]
) -> dict[Phrase, tuple[str, bool]]:
    """Phrases at the edges of a label's parts: as written, and whether at the end of one.

    Parts end at marks and at the words in ``breaks``.
    """
    found: dict[Phrase, tuple[str, bool]] = {}
    for words in _parts(label, breaks):
        for length in range(1, min(LONGEST_PHRASE, len(words)) + 1):
            for chosen, at_end in ((words[-length:], True), (words[:length], False)):
                if _speaks(chosen):
                    key = tuple(_stem(word.casefold()) for word in chosen)
                    found.setdefault(key, (" ".join(chosen), at_end))
    return found


def name_regions(
    labels: Sequence[str], regions: NDArray[np.int64], middles: dict[int, int]
) -> dict[int, str]:
    """Name of each region.

    Parameters
    ----------
    labels, regions
        Label and region of each interest.
    middles
        For each region, the interest in its middle, whose label names it where phrases fail.

    Returns
    -------
    dict
        From region to name; no two are the same.
    """
    breaks = _function_words(labels)
    found = [phrases(label, breaks) for label in labels]
    total = Counter(phrase for one in found for phrase in one)
    ends = Counter(phrase for one in found for phrase, (_, at_end) in one.items() if at_end)
    spelled = _spellings(found, labels)
    names: dict[int, str] = {}
    for region in sorted(set(regions.tolist())):
        rows = np.flatnonzero(regions == region)
        counts = Counter(p for row in rows.tolist() for p in found[row])
        ranked = _ranked(counts, total, ends, len(rows))
        own = short_label(labels[middles[region]])
        names[region] = _unused(ranked, spelled, own, set(names.values()))
    return names


def short_label(label: str) -> str:
    """Cut a label at a word where it is too long for a name."""
    label = " ".join(label.split())
    if len(label) <= LONGEST_NAME:
        return label
    cut = label[: LONGEST_NAME + 1]
    return (cut[: cut.rfind(" ")] if " " in cut else cut[:LONGEST_NAME]).rstrip(" ,;:-") + "…"


def _function_words(labels: Sequence[str]) -> frozenset[str]:
    """Function words of English and of the languages that the labels seem to be in."""
    words = [{word.casefold() for word in WORD.findall(label)} for label in labels]
    english = FUNCTION_WORDS["en"]
    found = set(english)
    for own in FUNCTION_WORDS.values():
        telling = own - english
        if sum(bool(one & telling) for one in words) > _SPOKEN * len(words):
            found |= own
    return frozenset(found)


def _parts(label: str, breaks: frozenset[str]) -> list[list[str]]:
    parts: list[list[str]] = []
    for segment in _BREAK.split(label):
        parts.append([])
        for word in WORD.findall(segment):
            if word.casefold() in breaks:
                parts.append([])
            else:
                parts[-1].append(word)
    return [part for part in parts if part]


def _speaks(words: Sequence[str]) -> bool:
    known = [word.casefold() for word in words]
    alone = len(known) == 1 and len(known[0]) < 3 and known[0].isascii()
    return not alone and not any(word in STOP_WORDS for word in known)


def _stem(word: str) -> str:
    plural = len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if plural else word


def _spellings(
    found: Sequence[dict[Phrase, tuple[str, bool]]], labels: Sequence[str]
) -> dict[Phrase, str]:
    """How each phrase is written most often; inside a label a capital is a name's, as in "HP"."""
    inside: dict[str, Counter[str]] = defaultdict(Counter)
    for label in labels:
        for word in WORD.findall(label)[1:]:
            inside[word.casefold()][word] += 1
    usual = {word: counts.most_common(1)[0][0] for word, counts in inside.items()}
    written: dict[Phrase, Counter[str]] = defaultdict(Counter)
    for one in found:
        for phrase, (text, _) in one.items():
            words = [usual.get(word.casefold(), word) for word in text.split(" ")]
            written[phrase][" ".join(words)] += 1
    return {phrase: counts.most_common(1)[0][0] for phrase, counts in written.items()}


def _ranked(
    own: Counter[Phrase], total: Counter[Phrase], ends: Counter[Phrase], size: int
) -> list[tuple[Phrase, float]]:
    """Phrases of a region, best first; those that mostly begin a part count half."""
    least = max(_FEWEST_SHARED, _LEAST_SHARE * size)
    scored = [
        (
            phrase,
            count
            / size
            * (count / total[phrase]) ** 0.7
            * (1 + 0.7 * (len(phrase) - 1))
            * (0.5 + 0.5 * ends[phrase] / total[phrase]),
        )
        for phrase, count in own.items()
        if count >= least
    ]
    return sorted(scored, key=lambda one: (-one[1], one[0]))


def _unused(
    ranked: Sequence[tuple[Phrase, float]], spelled: dict[Phrase, str], own: str, taken: set[str]
) -> str:
    """One phrase or two, else the middle label; a further phrase or a number if that is taken."""
    chosen: list[Phrase] = []
    for phrase, score in ranked:
        if chosen and score < _SECOND * ranked[0][1]:
            break
        if len(chosen) < 2 and not any(_alike(phrase, other) for other in chosen):
            chosen.append(phrase)
    if not chosen:
        return _numbered(own, taken)
    name = _joined(chosen, spelled)
    for phrase, _ in ranked:
        if name not in taken:
            return name
        if not _alike(phrase, chosen[0]):
            name = _joined([chosen[0], phrase], spelled)
    return _numbered(name if name not in taken else own, taken)


def _alike(one: Phrase, other: Phrase) -> bool:
    return bool({word[:5] for word in one} & {word[:5] for word in other})


def _joined(chosen: Sequence[Phrase], spelled: dict[Phrase, str]) -> str:
    text = " & ".join(spelled[phrase] for phrase in chosen)
    return text[:1].upper() + text[1:]


def _numbered(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found
