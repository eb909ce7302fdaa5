"""Forecasts of steps of which not everything is known before the step that goes before."""

from __future__ import annotations

from dataclasses import replace

from profiler.asking.forecast import Forecast, Range

UNLIKE = (
    "A hint as long as hints are: it stands in for one that is not written yet, for its length."
)
"""Stands in a question for a hint that is not known yet: no stored answer is that of one."""


def widened(low: Forecast, most: Forecast, one_round: Forecast, rounds: float) -> Forecast:
    """A forecast that may come to more than what is known now.

    Parameters
    ----------
    low, most
        What is asked for certain, and all that may be asked of what is known.
    one_round
        One list for each case.
    rounds
        How many such rounds may come on top, none of which is known yet.
    """

    def sum_of(certain: Range, known: Range, each: Range) -> Range:
        upper = known.most + rounds * each.most
        return Range(certain.low, certain.expected, max(upper, certain.most))

    both = low.usd is not None and most.usd is not None and one_round.usd is not None
    seconds = low.seconds and most.seconds and one_round.seconds
    return replace(
        low,
        subjects=most.subjects,
        stored=most.stored,
        calls=sum_of(low.calls, most.calls, one_round.calls),
        tokens_in=sum_of(low.tokens_in, most.tokens_in, one_round.tokens_in),
        tokens_out=sum_of(low.tokens_out, most.tokens_out, one_round.tokens_out),
        usd=sum_of(low.usd, most.usd, one_round.usd) if both else None,  # type: ignore[arg-type]
        seconds=sum_of(low.seconds, most.seconds, one_round.seconds) if seconds else None,  # type: ignore[arg-type]
    )
