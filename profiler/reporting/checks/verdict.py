"""What all checks together say, how far to trust a list, and what nothing here can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from profiler.reporting.checks.hidden_events import percent
from profiler.reporting.shared.contract import Check, State, Verdict

if TYPE_CHECKING:
    from profiler.reporting.checks.model_scores import ModelScore
    from profiler.reporting.shared.vocabulary import Vocabulary


def verdict(checks: Sequence[Check]) -> Verdict:
    """What all checks together say.

    Weak if interests are not grounded or more than two checks are weak; to be watched if one is
    weak or more than two are to be watched; else good.
    """
    by: dict[State, list[Check]] = {"good": [], "watch": [], "weak": [], "unknown": []}
    for check in checks:
        by[check.state].append(check)
    measured = len(checks) - len(by["unknown"])
    if not measured:
        return Verdict(state="unknown", text="Nothing has been measured yet.", rest="", open=[])
    grounded = any(check.id == "grounded" for check in by["good"])
    state: State = "good"
    if not grounded or len(by["weak"]) > 2:
        state = "weak"
    elif by["weak"] or len(by["watch"]) > 2:
        state = "watch"
    return Verdict(
        state=state,
        text=_VERDICTS[state],
        rest=f"{len(by['good'])} of {measured} checks pass",
        open=[check.id for check in [*by["weak"], *by["watch"]]],
    )


_VERDICTS: dict[State, str] = {
    "good": "Fit for use: what is said here rests on real histories and holds up.",
    "watch": "Good for exploring; read the marked checks before acting on it.",
    "weak": "Treat as a draft: important checks fail.",
}


def limits(words: Vocabulary, *, offline: bool) -> list[str]:
    """What none of it can tell."""
    found = [
        f"Whether the {words.people} themselves would agree. Nobody asked them.",
        f"Why somebody has a {words.item}. An interest is a reading of a history, not a reason.",
        f"Much about {words.people} with a short history.",
        "Whether a recommendation changes what people do. That takes an experiment with them.",
    ]
    if offline:
        said = "How a language model would word it: these interests were grouped by shared words."
        found.insert(2, said)
    return found


def how_sure(score: ModelScore | None, words: Vocabulary) -> str:
    """One sentence on how far to trust a list; empty without a model's figures."""
    if score is None:
        return ""
    beside = ""
    if score.popularity is not None:
        beside = f"; {words.best_sellers} for everybody: {percent(score.popularity)}"
    margin = "" if score.margin is None else f" ± {100 * score.margin:.1f}"
    return (
        f"A hidden {words.event} is among the first {score.k} for {100 * score.value:.1f}{margin}% "
        f"of {words.people}{beside}."
    )
