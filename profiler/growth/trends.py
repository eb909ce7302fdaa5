"""Interests through time: when each was first and last shown, and whether it comes or goes.

An event shows an interest where somebody whom its subject is or stands for takes an item of its
evidence. Events count half after each half-life, so that an interest has a weight at any time: the
weight at the end of the data is compared with that of one half-life before, and its growth with the
growth of all events. Only what training may see counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from store.data.splits import NO_TIME, Part
from store.errors import UserError

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store

What = Literal["emerged", "grew", "steady", "shrank", "faded"]
DAY = 86_400
GREW = 1.5
"""Growth against that of all events, from which an interest grew; its inverse: it shrank."""
SPANS = 10
"""The half-life where none is said: so many fit into the time that the data span."""


@dataclass(frozen=True)
class Trend:
    """An interest through time; near-duplicates count as one.

    Attributes
    ----------
    interest_id, label
        Which.
    first, last
        Days of its first and last event, such as ``2024-05-31``.
    events
        How many show it.
    weight, weight_before
        Of its events at the end of the data, and one half-life before that.
    growth
        Quotient of both over that of all events; None where there was none before.
    what
        ``emerged``: no event is older than a half-life. ``faded``: none is younger. ``grew`` or
        ``shrank``: by half as much again as all events. Else ``steady``.
    """

    interest_id: int
    label: str
    first: str
    last: str
    events: int
    weight: float
    weight_before: float
    growth: float | None
    what: What


@dataclass(frozen=True)
class Trends:
    """All interests through time.

    Attributes
    ----------
    until
        Day of the last event.
    half_life_days
        Days after which an event counts half.
    interests
        Those with any event, what came and went first, the heaviest first.
    without_events
        Interests that no event with a time shows.
    """

    until: str | None
    half_life_days: float
    interests: list[Trend]
    without_events: int


def trends(store: Store, *, half_life_days: float | None = None) -> Trends:
    """Look at when the interests of a store were shown.

    Parameters
    ----------
    store
        An open store; it is only read.
    half_life_days
        Days after which an event counts half; None takes a tenth of the time that the data span.

    Raises
    ------
    UserError
        If the data have no times, or the half-life is not above 0.
    """
    dataset = store.datasets.load()
    events = _events(dataset)
    if not len(events):
        raise UserError(f"the data of {store.path} have no times, so nothing comes or goes")
    times = events["time"].to_numpy()
    end, begin = int(times.max()), int(times.min())
    half: float = (end - begin) / SPANS if half_life_days is None else half_life_days * DAY
    if half_life_days is None:
        half = max(half, 1.0)
    if not 0 < half < float("inf"):
        raise UserError(f"half_life={half_life_days:g}: give a number of days above 0")
    events = events.with_columns(
        _weight(end, half).alias("weight"), _weight(end - half, half).alias("weight_before")
    )
    now, earlier = (float(events[name].to_numpy().sum()) for name in ("weight", "weight_before"))
    crowd = now / max(earlier, 1e-300)
    found = _of_interests(store, events)
    labels = _labels(store)
    listed = [
        Trend(
            lead,
            labels[lead],
            _day(first),
            _day(last),
            number,
            weight,
            before,
            None if before == 0 else weight / before / crowd,
            _what(weight, before, crowd, young=last > end - half),
        )
        for lead, first, last, number, weight, before in found.iter_rows()
    ]
    order: list[What] = ["emerged", "grew", "faded", "shrank", "steady"]
    listed.sort(key=lambda one: (order.index(one.what), -max(one.weight, one.weight_before)))
    return Trends(_day(end), half / DAY, listed, len(labels) - len(listed))


def _what(weight: float, before: float, crowd: float, *, young: bool) -> What:
    if before == 0:
        return "emerged"
    if not young:
        return "faded"
    growth = weight / before / crowd
    return "grew" if growth >= GREW else "shrank" if growth <= 1 / GREW else "steady"


def _events(dataset: Dataset) -> pl.DataFrame:
    """Events with a time that training may see: number, user, item, time."""
    lengths = np.diff(dataset.indptr)
    seen = (dataset.parts == Part.TRAIN) & (dataset.timestamps != NO_TIME)
    return pl.DataFrame(
        {
            "event": np.flatnonzero(seen),
            "user": np.repeat(np.arange(dataset.n_users), lengths)[seen],
            "item": dataset.items[seen].astype(np.int64),
            "time": dataset.timestamps[seen],
        }
    )


def _weight(at: float, half: float) -> pl.Expr:
    """Weight of each event at a time: nothing before it happened, then halved by each half-life."""
    age = (at - pl.col("time")) / half
    return pl.when(age >= 0).then(pl.lit(0.5).pow(age)).otherwise(0.0)


def _of_interests(store: Store, events: pl.DataFrame) -> pl.DataFrame:
    """First and last time, number and weights of the events that show each group of interests."""
    catalogue = store.interests.catalogue()
    sizes = np.diff(catalogue.indptr)
    evidence = pl.DataFrame(
        {
            "lead": np.repeat(catalogue.leads, sizes),
            "subject": np.repeat(catalogue.subject_ids, sizes),
            "item": catalogue.items.astype(np.int64),
        }
    )
    members = pl.DataFrame(
        store.subjects.members(), schema={"subject": pl.Int64, "user": pl.Int64}, orient="row"
    )
    shown = events.join(members, on="user").join(evidence, on=["subject", "item"])
    return (
        shown.unique(["lead", "event"])
        .group_by("lead")
        .agg(
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.len(),
            pl.col("weight").sum(),
            pl.col("weight_before").sum(),
        )
        .sort("lead")
    )


def _labels(store: Store) -> dict[int, str]:
    """Labels of the interests that stand for a group."""
    catalogue = store.interests.catalogue()
    named = dict(zip(catalogue.ids.tolist(), catalogue.labels, strict=True))
    return {lead: named.get(lead, "") for lead in catalogue.leads.tolist()}


def _day(second: int) -> str:
    return datetime.fromtimestamp(second, tz=UTC).date().isoformat()
