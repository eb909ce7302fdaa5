"""The checks on what was hidden: the only ones that interests cannot have been made to pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from profiler.reporting.shared.contract import Bar, Check, State

if TYPE_CHECKING:
    from profiler.reporting.checks.measuring import Measured
    from profiler.reporting.shared.vocabulary import Vocabulary


def next_event(m: Measured, w: Vocabulary) -> Check | None:
    """Whether interests alone find what was hidden, beside two simple rankings."""
    if m.ranked is None:
        return Check(
            id="predict",
            name="Points at what comes next",
            state="unknown",
            value=None,
            sentence=f"Not measured: no {w.event} was hidden when the store was built.",
            rule="Build with --split leave-one-out to hide the latest of each history.",
            kind="none",
        )
    better = _interval(m.ranked["catalogue minus popularity"])
    as_good = _interval(m.ranked["catalogue minus history_mean"])
    state: State = "weak"
    if better[0] > 0:
        state = "good" if as_good[0] >= 0 else "watch"
    names = {
        "catalogue": "Interests",
        "history_mean": f"Average of past {w.events}",
        "exemplar": "Representative's interests",
        "catalogue_shuffled": f"Interests of another {w.person}",
        "popularity": w.best_sellers[:1].upper() + w.best_sellers[1:],
    }
    return Check(
        id="predict",
        name="Points at what comes next",
        state=state,
        value=_mean(m.ranked["catalogue"]),
        sentence=_next_sentence(better, as_good, w),
        rule=f"One {w.event} or more was hidden from each of {len(m.ranked['popularity']):,} "
        f"{w.people}. How often is it among the {m.k} of {m.items:,} {w.items} closest to the "
        "interests by their words? Good if clearly above what everybody takes and not clearly "
        f"below the average of past {w.events}; weak if not above what everybody takes.",
        kind="bars",
        of=f"found in first {m.k}",
        bars=[
            Bar(name=title, value=_mean(m.ranked[key]), low=low, high=high)
            for key, title in names.items()
            for low, high in [_interval(m.ranked[key])]
        ],
    )


def _next_sentence(better: tuple[float, float], as_good: tuple[float, float], w: Vocabulary) -> str:
    if better[0] <= 0:
        return (
            f"Interests alone do not clearly point at the hidden {w.event} better than "
            f"{w.best_sellers} do."
        )
    said = f"Interests alone point at the hidden {w.event} better than {w.best_sellers} do"
    if as_good[0] > 0:
        return f"{said}, and better than the average of past {w.events}."
    if as_good[1] >= 0:
        return f"{said}, but no better than the average of past {w.events}."
    return f"{said}, but worse than the average of past {w.events}."


def hidden_events(m: Measured, w: Vocabulary) -> Check | None:
    """Whether an interest of the same person fits what was hidden."""
    if m.hidden is None:
        return None
    h = m.hidden
    state: State = "good" if h.low >= 0.15 else "watch" if h.low > 0 else "weak"
    return Check(
        id="hidden",
        name=f"Covers {w.events} nobody was shown",
        state=state,
        value=h.fit,
        sentence=f"An interest of the same {w.person} fits {percent(h.fit)} of hidden {w.events}; "
        f"{percent(h.others)} of those hidden from somebody else fit as well.",
        rule=f"{h.events:,} hidden {w.events} of {h.users:,} {w.people}: one fits where its words "
        "and an interest's have a cosine of 0.55 or more. Good if the difference from other "
        f"{w.events} is clearly above 15 points, weak if it is not clearly above 0 "
        f"(95% interval {_points(h.low)} to {_points(h.high)}).",
        kind="bars",
        of="share that fits",
        bars=[
            Bar(name=f"Own hidden {w.events}", value=h.fit),
            Bar(name="Those of others", value=h.others),
        ],
    )


def recommendations(m: Measured, w: Vocabulary) -> Check | None:
    """Whether a trained model's lists hold what was hidden."""
    if not m.model:
        return None
    s = m.score
    if s is None or s.popularity is None:
        return Check(
            id="recommendations",
            name="Recommendations",
            state="unknown",
            value=None if s is None else s.value,
            sentence=f"The model has not been measured on hidden {w.events} beside "
            f"{w.best_sellers}.",
            rule="Run: recommender evaluate MODEL --json > MODEL/evaluation.json",
            kind="none",
        )
    low = s.value - (s.margin or 0)
    above = s.popularity + (s.popularity_margin or 0)
    state: State = "good" if s.margin and low > above else "watch" if s.value > above else "weak"
    compared = {
        "good": f"clearly above {w.best_sellers}",
        "watch": f"not clearly above {w.best_sellers}",
        "weak": f"not above {w.best_sellers}",
    }[state]
    note = " The model was trained on other data than the store holds now." if s.other_data else ""
    return Check(
        id="recommendations",
        name="Recommendations",
        state=state,
        value=s.value,
        sentence=f"A hidden {w.event} is among the first {s.k} recommendations for "
        f"{100 * s.value:.1f}% of {w.people}, {compared} ({100 * s.popularity:.1f}%).{note}",
        rule=f"{s.measure.capitalize()} at {s.k} among all {s.candidates or m.items:,} {w.items}"
        + (f", {s.users:,} {w.people}" if s.users else "")
        + f". Good if the 95% interval lies above {w.best_sellers}, weak if the mean does not.",
        kind="bars",
        of=f"found in first {s.k}",
        bars=[
            _bar("This model", s.value, s.margin),
            _bar(
                w.best_sellers[:1].upper() + w.best_sellers[1:], s.popularity, s.popularity_margin
            ),
        ],
    )


def _bar(name: str, value: float, margin: float | None) -> Bar:
    if margin is None:
        return Bar(name=name, value=value)
    return Bar(name=name, value=value, low=max(0.0, value - margin), high=value + margin)


def _known(values: Sequence[float | None]) -> np.ndarray:
    return np.array([0.0 if value is None else value for value in values], dtype=np.float64)


def _mean(values: Sequence[float | None]) -> float:
    return float(_known(values).mean())


def _interval(values: Sequence[float | None]) -> tuple[float, float]:
    from profiler.quality.measures import bootstrap_interval

    return bootstrap_interval(_known(values), draws=1_000)


def percent(share: float) -> str:
    """A share as people read it."""
    return "under 1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"


def _points(difference: float) -> str:
    return f"{100 * difference:+.0f} points"
