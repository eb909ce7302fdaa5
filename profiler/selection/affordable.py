"""How many exemplars a sum of money pays for, by the forecast of asking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profiler.asking.forecast import forecast
from profiler.asking.options import AskingOptions
from profiler.llm.port import ChatPort
from prompts import Template
from store.errors import UserError
from store.store import Store
from store.tables.subjects import Subject

# Users whose questions are rendered for the first guess: enough for a mean within a few per cent.
_SAMPLE = 500


@dataclass(frozen=True)
class DollarLimit:
    """A sum for asking about exemplars.

    Attributes
    ----------
    usd
        Dollars that the expected cost of asking may not exceed.
    cost
        Expected dollars of asking about users with these items.
    """

    usd: float
    cost: Callable[[Sequence[Sequence[int]]], float]

    def first_count(self, histories: Sequence[NDArray[np.integer]]) -> int:
        """How many users of mean cost the sum pays for, one at least; ``histories`` of all users.

        The users chosen may cost more or less than the mean: see :meth:`fewer`.
        """
        places = np.linspace(0, len(histories) - 1, min(_SAMPLE, len(histories))).astype(int)
        shown = [histories[place].tolist() for place in places]
        mean = self.cost(shown) / len(shown)
        if mean == 0:
            raise UserError(
                f"asking costs nothing by the price table, so ${self.usd:g} sets no number of "
                "exemplars; give --exemplars or --share instead"
            )
        return max(1, min(len(histories), int(self.usd / mean)))

    def fewer(self, count: int, cost: float) -> int | None:
        """A smaller number where ``count`` exemplars are expected to cost too much, else None.

        Raises
        ------
        UserError
            If the sum does not even pay for one.
        """
        if cost <= self.usd:
            return None
        if count == 1:
            raise UserError(
                f"${self.usd:g} does not pay for one exemplar: asking about it is expected to "
                f"cost ${cost:.6f}; raise --exemplars-usd or take a cheaper model"
            )
        return max(1, min(count - 1, int(count * self.usd / cost)))


def dollar_limit(
    usd: float,
    store: Store,
    port: ChatPort | None,
    template: Template,
    options: AskingOptions,
) -> DollarLimit:
    """A limit whose costs are those that a dry run would print as expected.

    Raises
    ------
    UserError
        If no model is asked, or its price is unknown.
    """
    if port is None:
        raise UserError(
            "--exemplars-usd needs --llm PROVIDER:MODEL: the offline extractor costs nothing; "
            "give --exemplars or --share instead"
        )
    if options.prices.at(port.base_url).of(port.name) is None:
        raise UserError(
            f"--exemplars-usd: the price of {port.name} is unknown; name it in a price table "
            "(--prices FILE), or give --exemplars or --share instead"
        )

    def cost(items: Sequence[Sequence[int]]) -> float:
        subjects = [_imagined(number, owned) for number, owned in enumerate(items)]
        found = forecast(store, subjects, port, template=template, options=options)
        return 0.0 if found.usd is None else found.usd.expected

    return DollarLimit(usd, cost)


def _imagined(number: int, items: Sequence[int]) -> Subject:
    """A subject that is not in the store (yet), for the forecast alone."""
    return Subject(
        subject_id=-1 - number,
        kind="exemplar",
        name=f"exemplar:{number}",
        user_ix=None,
        state="pending",
        reason=None,
        size=len(items),
        active=True,
        details={},
        items=tuple(items),
    )
