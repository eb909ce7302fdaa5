"""Labels and descriptions of groups of items: a category that fits, or whole phrases of titles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from profiler.asking.answers.grounding import normal_label
from profiler.asking.answers.sensitive import private_attribute
from profiler.offline.categories import CategoryIndex
from profiler.offline.phrases import Phrase, PhraseIndex, is_glued, without_year, year_of
from profiler.shown import ShownItem
from profiler.words import join_names, language_of
from prompts.items import clean_text

OTHER_LABEL = "Other items"
MAX_LABEL = 80
PHRASE_POWER = 0.5
TAGGED = 0.6
SECOND = 0.3
"""Share of a group's items that must have a tag for it to name the group, and to stand beside one
that does (our choice): a genre alone tells no group from another."""
DETAIL = 0.2
"""Least share of a group's items that have a category for the description to name it."""
ERA = 0.75
"""Share of a group's dated items that must lie in one decade to name it (our choice)."""
SERIES = 0.4
"""Share of a group's titles that must share a phrase for it to lead the tags (our choice)."""

_ARTICLE = re.compile(r"^(.+?), (The|A|An|Les|Le|La|El|Das|Der|Die|Il)\b")


@dataclass(frozen=True)
class Labels:
    """Names groups of one catalogue."""

    phrases: PhraseIndex
    categories: CategoryIndex

    def describe(
        self,
        members: Sequence[ShownItem],
        vectors: NDArray[np.float32],
        taken: set[str],
    ) -> tuple[str, str]:
        """Label and description of a group.

        Parameters
        ----------
        members
            Its items, the most typical first.
        vectors
            float32 ``[n, d]``, their centred vectors.
        taken
            Labels the subject's other interests have, in normal form; the new one differs.
        """
        group = _Group.of(self, members, vectors)
        spare = (f"{OTHER_LABEL} ({n})" for n in range(2, len(taken) + 3))
        wordings = chain(group.wordings(), spare)
        label = next(text for text in map(_tidy, wordings) if _usable(text, taken))
        return label, group.description(label)


@dataclass(frozen=True)
class _Group:
    titles: list[str]
    names: list[tuple[str, float]]
    phrases: list[Phrase]
    language: str
    kind: str
    broad: frozenset[str]
    era: str

    @classmethod
    def of(
        cls, labels: Labels, members: Sequence[ShownItem], vectors: NDArray[np.float32]
    ) -> _Group:
        titles = [item.title or "" for item in members]
        categories = [item.categories for item in members]
        centre = vectors.mean(axis=0)
        centre /= max(float(np.linalg.norm(centre)), 1e-9)
        texts = [title for title in titles if title] or [" ".join(c) for c in categories]
        return cls(
            titles,
            labels.categories.ranked(categories, centre),
            _ranked_phrases(labels.phrases, titles, centre),
            language_of(texts) if labels.phrases.language != "en" else _script(texts),
            labels.categories.kind,
            labels.categories.broad,
            _era(titles),
        )

    def wordings(self) -> Iterator[str]:
        """Wordings of the label, the best first."""
        yield from self._by_tags() if self.kind == "tags" else self._by_theme()
        names = [self._spoken(name) for name, _ in self.names]
        forms = self._forms()
        for form in forms:
            if names and _words(form) > 1 and _apart(form, names[0]):
                yield f"{form}, {names[0]}"
        yield from (self._joined(pair) for pair in _pairs(names))
        yield from (f"{names[0]}, {_short(title)}" for title in self.titles[:1] if names and title)
        yield from forms
        yield from (_short(title) for title in self.titles)
        yield from names
        yield OTHER_LABEL

    def _by_theme(self) -> Iterator[str]:
        """A fitting category of two words or more, or one word told closer by the titles."""
        narrow = [(self._spoken(n), share) for n, share in self.names if n not in self.broad]
        forms = self._forms()
        long = [form for form in forms if _words(form) > 1]
        if narrow:
            theme = narrow[0][0]
            if _words(theme) == 1:
                yield from (form for form in long if _ends_alike(form, theme))
            yield theme
            yield from (name for name, share in narrow[1:] if share >= TAGGED)
            yield from (f"{form}, {theme}" for form in long if _apart(form, theme))
            return
        if long:
            yield long[0]
            yield from (self._joined([long[0], form]) for form in forms if _apart(long[0], form))
        yield from (self._joined(pair) for pair in _pairs(forms))

    def _forms(self) -> list[str]:
        return [self._spoken(phrase.form) for phrase in self.phrases]

    def _by_tags(self) -> Iterator[str]:
        """What most items are tagged, led by a series of titles, told closer by era and titles."""
        tags = [name for name, share in self.names if share >= TAGGED][:2]
        tags += [name for name, share in self.names if SECOND <= share < TAGGED][: 2 - len(tags)]
        tags = tags or [name for name, _ in self.names[:2]]
        kinds = self._joined(tags)
        series = [p.form for p in self.phrases if p.share >= SERIES and _words(p.form) > 1]
        if series and kinds:
            yield self._joined([series[0], *tags])
        if len(tags) > 1:
            yield f"{kinds}, {self.era}" if self.era else kinds
        elif kinds and self.era:
            yield f"{kinds}, {self.era}"
        like = [_short(title) for title in self.titles if title][:2]
        if kinds and like:
            yield self._like(kinds, like[:1])
            yield self._like(kinds, like)

    def description(self, label: str) -> str:
        """One sentence: what the group mostly is, beside its label, and typical titles."""
        details = [
            self._spoken(name)
            for name, share in self.names
            if share > DETAIL and (name not in self.broad or self.kind == "tags")
        ]
        details = [detail for detail in details if _apart(detail, label)]
        details = details[: 1 if any(" & " in name for name, _ in self.names) else 2]
        titles = (title for title in dict.fromkeys(self.titles) if title)
        examples = list(dict.fromkeys(_short(title, 90) for title in islice(titles, 2)))
        mostly = self._joined(details)
        for shown in (examples, examples[:1], []):
            text = self._sentence(mostly, [example.rstrip(".") for example in shown])
            if text and private_attribute(text, self.titles) is None:
                return text
        return "Items of one kind." if self.language == "en" else f"{label}."

    def _sentence(self, mostly: str, examples: Sequence[str]) -> str:
        if self.language != "en":
            shown = f"({'; '.join(examples)})" if examples else ""
            return f"{mostly} {shown}".strip() + "." if mostly or shown else ""
        if not examples:
            return f"Mostly {mostly}." if mostly else ""
        named = join_names(examples)
        return f"Mostly {mostly}, such as {named}." if mostly else f"Among them {named}."

    def _like(self, kinds: str, titles: Sequence[str]) -> str:
        shown = self._joined(titles)
        return f"{kinds} like {shown}" if self.language == "en" else f"{kinds} ({shown})"

    def _spoken(self, name: str) -> str:
        """A category as one would say it: without the sign for "and"."""
        return join_names([part.strip() for part in name.split(" & ")], self.language)

    def _joined(self, names: Sequence[str]) -> str:
        return join_names(names, self.language)


def _ranked_phrases(
    index: PhraseIndex, titles: Sequence[str], centre: NDArray[np.float32]
) -> list[Phrase]:
    """Shared phrases, the best first: near the group and frequent in it; none of words taken."""
    found = index.shared(titles)
    score = {
        phrase.key: round(phrase.share**PHRASE_POWER * float(index.vector(phrase.key) @ centre), 6)
        for phrase in found
    }
    return sorted(found, key=lambda p: (-score[p.key], -len(p.key), p.key))


def _era(titles: Sequence[str]) -> str:
    """``1990s`` where most dated titles are of one decade; empty where fewer than two are dated."""
    years = [year for year in map(year_of, titles) if year is not None]
    if len(years) < 2:
        return ""
    decade, count = Counter(year // 10 * 10 for year in years).most_common(1)[0]
    return f"{decade}s" if count >= ERA * len(years) else ""


def _script(texts: Sequence[str]) -> str:
    """English, or the language of a script that English does not use."""
    if all(text.isascii() for text in texts):
        return "en"
    found = language_of(texts)
    return found if found in {"ar", "he", "hi", "ja", "ko", "ru", "th", "zh"} else "en"


def _short(title: str, limit: int = 60) -> str:
    """The first part of a title, up to a mark that closes it off; an article goes to its front."""
    text = _ARTICLE.sub(r"\2 \1", without_year(clean_text(title, limit)))
    for mark in (" - ", " – ", ", ", " ("):
        head = text.split(mark)[0]
        if len(head) >= 12:
            text = head
    return text


def _words(text: str) -> int:
    """Words of a text; without spaces between them, two characters count as one."""
    return len(text) // 2 if is_glued(text) else len(text.split())


def _stems(text: str) -> set[str]:
    return {word.casefold().rstrip("s,") for word in text.split()}


def _apart(one: str, other: str) -> bool:
    return _stems(one).isdisjoint(_stems(other))


def _ends_alike(phrase: str, word: str) -> bool:
    return phrase.split()[-1].casefold().rstrip("s") == word.casefold().rstrip("s")


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of the first few names that share no word, and together are short."""
    first = names[:5]
    for place, one in enumerate(first):
        for other in first[place + 1 :]:
            if _apart(one, other) and _words(one) + _words(other) <= 5:
                yield one, other


def _tidy(wording: str) -> str:
    label = clean_text(wording, MAX_LABEL).strip(" ,;:-&")
    return label[:1].upper() + label[1:]


def _usable(label: str, taken: set[str]) -> bool:
    return bool(label) and normal_label(label) not in taken and private_attribute(label) is None
