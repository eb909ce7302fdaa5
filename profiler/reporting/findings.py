"""What the page opens with: a few sentences in plain words, each computed from the data.

Every figure is one that a query on the store gives, and every noun that has a place on the map
leads there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from profiler.reporting.shared.contract import Phrase
from store.suggestions import enumerated

if TYPE_CHECKING:
    from profiler.reporting.checks.facts import Closeness, Coverage, HiddenFit, Pair
    from profiler.reporting.checks.measuring import Measured
    from profiler.reporting.map.atlas import Atlas
    from profiler.reporting.map.groups import Groups
    from profiler.reporting.map.themes import Themes
    from profiler.reporting.shared.vocabulary import Vocabulary

LARGEST = 5


@dataclass(frozen=True)
class Missing:
    """What the store lacks.

    Attributes
    ----------
    unanswered
        Subjects without usable interests.
    untitled
        Items without a title.
    model
        Whether a trained model was given.
    hidden
        Whether anything is hidden, to test interests on.
    """

    unanswered: int
    untitled: int
    model: bool
    hidden: bool


def tell_findings(
    atlas: Atlas, pairs: Sequence[Pair], measured: Measured, missing: Missing, words: Vocabulary
) -> list[list[Phrase]]:
    """The sentences, in the order in which they are read.

    A phrase names an interest by its place in ``atlas.groups``, those that most people show first:
    it is the same on the map.
    """
    groups, themes, people = atlas.groups, atlas.themes, measured.people
    if not len(groups):
        return [_nothing(people, words)]
    found = [_widest(groups, people, words)]
    if pairs:
        found.append(_pair(pairs[0], themes, words))
    said = _covered(measured.coverage, measured.hidden, words)
    if measured.closeness.users:
        said += " " + _borrowed(measured.closeness, words)
    found.append([Phrase(text=said)])
    lacking = _missing(measured.coverage, missing, words)
    return [*found, [Phrase(text=lacking)]] if lacking else found


def lower(label: str) -> str:
    """A label inside a sentence: a capital at its start goes unless it is a name's."""
    plain = label[:1].isupper() and label[1:2].islower()
    return label[:1].lower() + label[1:] if plain else label


def _nothing(people: int, words: Vocabulary) -> list[Phrase]:
    text = (
        f"Nobody has been asked yet, so there are no interests to show. The data holds "
        f"{_count(people, words.person, words.people)}."
    )
    return [Phrase(text=text)]


def _widest(groups: Groups, people: int, words: Vocabulary) -> list[Phrase]:
    name = Phrase(text=lower(groups.labels[0]), interest=0)
    if len(groups) == 1:
        return [
            Phrase(text="There is one interest so far: "),
            name,
            Phrase(text=f", shown by {int(groups.own[0]):,} of {people:,} {words.people}."),
        ]
    found = [
        Phrase(text=f"The interest that most {words.people} show is "),
        name,
        Phrase(
            text=f": {int(groups.own[0]):,} of {people:,} ({_share(int(groups.own[0]), people)}). "
        ),
    ]
    others = range(1, min(3, len(groups)))
    for place in others:
        label = groups.labels[place]
        found += [
            Phrase(text=" and ") if place == 2 else Phrase(text=""),
            Phrase(text=label if place == 1 else lower(label), interest=place),
            Phrase(text=f" ({_share(int(groups.own[place]), people)})"),
        ]
    return [*_said(found), Phrase(text=" follow." if len(others) > 1 else " follows.")]


def _pair(pair: Pair, themes: Themes, words: Vocabulary) -> list[Phrase]:
    names = themes.parts.names
    return [
        Phrase(text="Less expected: "),
        Phrase(text=lower(names[pair.a]), part=pair.a),
        Phrase(text=" and "),
        Phrase(text=lower(names[pair.b]), part=pair.b),
        Phrase(
            text=f" go together. {pair.together:,} {words.people} show both, {pair.lift:.1f} times "
            f"as many as chance would bring together among {words.people} with as many "
            f"{words.events}."
        ),
    ]


def _covered(covered: Coverage, hidden: HiddenFit | None, words: Vocabulary) -> str:
    if hidden is not None:
        return (
            f"Of {hidden.events:,} {words.events} that nobody was shown, {100 * hidden.fit:.0f}% "
            f"fit an interest of the same {words.person}; of those of somebody else, "
            f"{100 * hidden.others:.0f}% would."
        )
    whole = sum(covered.histogram[9:])
    return (
        f"Interests account for at least 90% of the known {words.events} of "
        f"{_share(whole, covered.users)} of {words.people}; nothing was hidden to test them on."
    )


def _borrowed(close: Closeness, words: Vocabulary) -> str:
    if close.close >= 0.9 * close.users:
        return (
            f"{_share(close.close, close.users)} of {words.people} and the one asked about in "
            f"their place {words.resemble}."
        )
    return (
        f"Only {_share(close.close, close.users)} of {words.people} and the one asked about in "
        f"their place {words.resemble}, so trust interests that own {words.events} show over "
        "borrowed ones."
    )


def _missing(covered: Coverage, missing: Missing, words: Vocabulary) -> str:
    found = []
    if missing.unanswered:
        found.append(
            f"{_count(missing.unanswered, 'question', 'questions')} without a usable answer"
        )
    if covered.without:
        found.append(
            f"{_count(covered.without, words.person, words.people)} whose history shows no stored "
            "interest"
        )
    if missing.untitled:
        found.append(f"titles of {_count(missing.untitled, words.item, words.items)}")
    if not missing.hidden:
        found.append(f"hidden {words.events} to test the interests on")
    if not missing.model:
        found.append("a trained model, so nothing is recommended")
    if not found:
        return ""
    return f"What is missing: {enumerated(found, 'and')}."


def _said(phrases: Sequence[Phrase]) -> list[Phrase]:
    return [phrase for phrase in phrases if phrase.text]


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _share(part: int, whole: int) -> str:
    share = part / max(whole, 1)
    return "under 1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"
