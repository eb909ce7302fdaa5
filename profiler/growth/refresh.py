"""Whom to ask again: the exemplars that drifted farthest, as far as a sum of money goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from profiler.asking.forecast import Forecast, forecast
from profiler.config import OFFLINE
from profiler.growth.drift import DRIFT, Drifted
from profiler.selection.choose import own_items
from store.errors import UserError

if TYPE_CHECKING:
    from profiler.asking.options import AskingOptions
    from profiler.llm.port import ChatPort
    from prompts import Template
    from store.data.dataset import Dataset
    from store.store import Store


@dataclass(frozen=True)
class RefreshOptions:
    """What counts as drifted, and what asking again may cost.

    Attributes
    ----------
    drift
        Drift from which somebody counts as moved or drifted, between 0 and 2.
    usd
        Dollars that asking again may be expected to cost; None asks nobody again. The offline
        extractor costs nothing and is asked about all who drifted.
    """

    drift: float = DRIFT
    usd: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.drift <= 2:
            raise UserError(f"drift={self.drift:g}: give a number from 0 to 2, such as {DRIFT:g}")
        if self.usd is not None and not 0 <= self.usd < float("inf"):
            raise UserError(f"refresh_usd={self.usd:g}: give a sum of dollars from 0 on")


@dataclass(frozen=True)
class Refresh:
    """Who drifted, who of them is asked again, and what that is expected to take."""

    drifted: list[Drifted]
    forecast: Forecast | None = None

    @property
    def usd(self) -> float | None:
        """Expected dollars; None where nobody is asked again or the price is unknown."""
        known = self.forecast and self.forecast.usd
        return known.expected if known else None


def choose_refresh(
    store: Store,
    dataset: Dataset,
    drifted: Sequence[Drifted],
    port: ChatPort,
    template: Template,
    options: AskingOptions,
    usd: float,
) -> Refresh:
    """Choose the exemplars that drifted farthest, as many as a sum is expected to pay for.

    Parameters
    ----------
    store, dataset, drifted
        The store, its data set, and who drifted, the farthest first.
    port, template, options
        How they would be asked about.
    usd
        Dollars that the expected cost may not exceed.

    Raises
    ------
    UserError
        If the price of the model is unknown.
    """
    if port.name == OFFLINE:
        return Refresh([replace(one, again=True) for one in drifted])
    if options.prices.at(port.base_url).of(port.name) is None:
        raise UserError(
            f"refresh_usd: the price of {port.name} is unknown; name it in a price table (prices)"
        )
    by_id = {one.subject_id: one for one in store.subjects.load(kinds=("exemplar",))}
    subjects = [
        replace(by_id[one.subject_id], state="pending", items=tuple(now_shown(dataset, one)))
        for one in drifted
    ]

    def cost(count: int) -> Forecast:
        return forecast(store, subjects[:count], port, template=template, options=options)

    low, high = 0, len(subjects)  # the largest number that is paid for lies between
    while low < high:
        middle = (low + high + 1) // 2
        found = cost(middle).usd
        low, high = (middle, high) if found and found.expected <= usd else (low, middle - 1)
    again = [replace(one, again=place < low) for place, one in enumerate(drifted)]
    return Refresh(again, cost(low) if low else None)


def ask_again(store: Store, dataset: Dataset, drifted: Sequence[Drifted]) -> None:
    """Make those pending who are to be asked again, with the items that they have now."""
    store.subjects.show_again(
        {one.subject_id: now_shown(dataset, one) for one in drifted if one.again}
    )


def now_shown(dataset: Dataset, one: Drifted) -> list[int]:
    """Items of an exemplar as a question would show them now."""
    items: list[int] = own_items(dataset, dataset.user_index[one.user]).tolist()
    return items
