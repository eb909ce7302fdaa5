"""The quality view: for each question one sentence, one figure and one plain rule.

What was hidden comes first, because it is the only test that the interests cannot have been made to
pass. "Not measured" is a state of its own and never counts as passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from profiler.reporting.checks.hidden_events import (
    hidden_events,
    next_event,
    percent,
    recommendations,
)
from profiler.reporting.shared.contract import Check, State

if TYPE_CHECKING:
    from profiler.reporting.checks.measuring import Measured
    from profiler.reporting.shared.vocabulary import Vocabulary


def run_checks(measured: Measured, words: Vocabulary) -> list[Check]:
    """Judge what was measured; nothing without interests."""
    if not measured.interests:
        return []
    every: list[Callable[[Measured, Vocabulary], Check | None]] = [
        next_event,
        hidden_events,
        recommendations,
        _grounded,
        _coverage,
        _closeness,
        _distinct,
        _repetition,
        _stability,
    ]
    return [found for check in every if (found := check(measured, words)) is not None]


def _grounded(m: Measured, w: Vocabulary) -> Check | None:
    if m.grounded is None:
        return None
    return Check(
        id="grounded",
        name="Backed by histories",
        state="good" if m.grounded >= 0.99 else "watch" if m.grounded >= 0.9 else "weak",
        value=m.grounded,
        sentence=f"Every interest names {w.items} that were really in the history read."
        if m.grounded >= 0.9995
        else f"{percent(1 - m.grounded)} of interests name no {w.item} of the history read, or "
        "others besides.",
        rule="Good from 99% of interests, weak below 90%.",
        kind="share",
        good=0.99,
        weak=0.9,
    )


def _coverage(m: Measured, w: Vocabulary) -> Check | None:
    c = m.coverage
    if c.median is None:
        return None
    return Check(
        id="coverage",
        name=f"Accounts for known {w.events}",
        state="good" if c.median >= 0.8 else "watch" if c.median >= 0.6 else "weak",
        value=c.median,
        sentence=f"For the typical {w.person}, interests account for {percent(c.median)} of known "
        f"{w.events}; for {c.below_half:,} of {c.users:,} {w.people}, for less than half. "
        "This flatters: interests were chosen to account for these.",
        rule=f"Median share of known {w.events} that one of the {w.person}'s interests accounts "
        f"for. Good from 80%, weak below 60%. The test is what was hidden.",
        kind="histogram",
        of=f"share of known {w.events}",
        histogram=c.histogram,
    )


def _closeness(m: Measured, w: Vocabulary) -> Check | None:
    if not m.closeness.users:
        return None
    share = m.closeness.close / m.closeness.users
    return Check(
        id="near",
        name=f"{w.people[:1].upper()}{w.people[1:]} near their representative",
        state="good" if share >= 0.9 else "watch" if share >= 0.7 else "weak",
        value=share,
        sentence=f"{m.closeness.close:,} of {m.closeness.users:,} {w.people} and the one asked "
        f"about in their place {w.resemble}.",
        rule=f"Likeness of the two histories at least 0.7. Good from 90% of {w.people}, weak "
        "below 70%.",
        kind="share",
        good=0.9,
        weak=0.7,
    )


def _distinct(m: Measured, w: Vocabulary) -> Check | None:
    if m.distinct is None:
        return None
    state: State = "good" if m.distinct < 0.45 else "watch" if m.distinct < 0.65 else "weak"
    said = {
        "good": "are clearly different from each other",
        "watch": "overlap in places",
        "weak": "say much the same",
    }[state]
    return Check(
        id="distinct",
        name=f"Interests of one {w.person} differ",
        state=state,
        value=m.distinct,
        sentence=f"The interests of one answer {said}.",
        rule="Mean likeness of the words of the interests of one answer (0 unrelated, 1 the same). "
        "Good below 0.45, weak from 0.65.",
        kind="scale",
        good=0.45,
        weak=0.65,
    )


def _repetition(m: Measured, w: Vocabulary) -> Check | None:
    share = 1 - m.interests / m.written
    return Check(
        id="repetition",
        name=f"Little repetition across {w.people}",
        state="good" if share < 0.2 else "watch" if share < 0.5 else "weak",
        value=share,
        sentence=f"{m.written - m.interests:,} of {m.written:,} interests say what another says "
        f"and were merged with it; {m.interests:,} are left and counted here.",
        rule="Merged where their words are at least 0.85 alike, or by hand. Good below 20%, weak "
        "from 50%: much repetition means that more was asked than was learned.",
        kind="share",
        good=0.2,
        weak=0.5,
    )


def _stability(m: Measured, w: Vocabulary) -> Check | None:
    return Check(
        id="stability",
        name="Same answer twice",
        state="unknown",
        value=None,
        sentence="Not measured: nobody asked a second time.",
        rule="Build a second store and run: profiler evaluate --store A --against B",
        kind="none",
    )
