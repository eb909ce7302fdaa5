"""Today's events as cases: what each user had before them, and what they took."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from store.data.growing.reading import KEY, read_options_of
from store.data.prepare import Prepared, prepare
from store.data.readers import ReadOptions, read
from store.data.splits import NO_TIME, Part, Split

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store

History = NDArray[np.int64]


@dataclass(frozen=True)
class Cases:
    """Users of today whose lists can be made.

    Attributes
    ----------
    users
        Ids.
    histories
        Items of the model that each had before, oldest first; at least one.
    targets
        Items of the model that each took, once each.
    sizes
        Distinct items that each took, those the model lacks included.
    interactions, users_today, unknown_items, without_history
        Events, users with any, events on items that the model lacks, and users without a history
        that the model can read, who have no case.
    taken
        item_ix in the store of every event on an item that the store has.
    """

    users: list[str]
    histories: list[History]
    targets: list[History]
    sizes: NDArray[np.int64]
    interactions: int
    users_today: int
    unknown_items: int
    without_history: int
    taken: NDArray[np.int64]


def read_events(store: Store, events: Any, options: ReadOptions | None = None) -> Prepared:
    """Read a file of events as the store's data were read.

    Raises
    ------
    DataError
        If the file cannot be used.
    """
    return prepare(read(events, read_options_of(store.meta(KEY, {}), options)), split=Split("none"))


def cases_of(
    dataset: Dataset, model_items: dict[str, int], events: Prepared | None, *, keep_seen: bool
) -> Cases:
    """What users had before today's events, and what they took.

    Parameters
    ----------
    dataset
        The store's. Where it holds the events already, they are left out of histories by their
        times.
    model_items
        Item id → item_ix of the model.
    events
        Today's; None takes the test part of the store.
    keep_seen
        Whether an item that a user had may be a target.
    """
    column = np.array([model_items.get(item, -1) for item in dataset.item_ids] or [-1])
    users: list[str] = []
    histories, targets, sizes, taken = [], [], [], []
    number = unknown = silent = 0
    today = _of_test_part(dataset) if events is None else _of_events(dataset, events)
    for user, before, ids in today:
        numbers = np.array([model_items.get(item, -1) for item in ids], dtype=np.int64)
        number += len(ids)
        unknown += int((numbers < 0).sum())
        taken += [dataset.item_index[item] for item in ids if item in dataset.item_index]
        history = column[before].astype(np.int64)
        history = history[history >= 0]
        wanted = np.unique(numbers[numbers >= 0])
        size = len(set(ids))
        if not keep_seen:
            seen = np.isin(wanted, history)
            wanted, size = wanted[~seen], size - int(seen.sum())
        if len(history) == 0:
            silent += 1
        elif size:
            users.append(user)
            histories.append(history)
            targets.append(wanted)
            sizes.append(size)
    return Cases(
        users,
        histories,
        targets,
        np.array(sizes, dtype=np.int64),
        number,
        len(today),
        unknown,
        silent,
        np.array(taken, dtype=np.int64),
    )


Today = list[tuple[str, NDArray[np.integer[Any]], list[str]]]
"""User id, item_ix in the store of before, ids of the items of today."""


def _of_test_part(dataset: Dataset) -> Today:
    found: Today = []
    for row, user in enumerate(dataset.user_ids):
        part = slice(int(dataset.indptr[row]), int(dataset.indptr[row + 1]))
        test = dataset.parts[part] == Part.TEST
        if test.any():
            items = dataset.items[part]
            found.append((user, items[~test], [dataset.item_ids[ix] for ix in items[test]]))
    return found


def _of_events(dataset: Dataset, events: Prepared) -> Today:
    found: Today = []
    for place, user in enumerate(events.user_ids):
        span = slice(int(events.indptr[place]), int(events.indptr[place + 1]))
        ids = [events.item_ids[ix] for ix in events.items[span]]
        before: NDArray[np.integer] = np.empty(0, dtype=np.int64)
        if user in dataset.user_index:
            row = dataset.user_index[user]
            own = slice(int(dataset.indptr[row]), int(dataset.indptr[row + 1]))
            times, first = dataset.timestamps[own], int(events.timestamps[span].min())
            earlier = np.ones(len(times), dtype=bool)
            if first != NO_TIME and (times != NO_TIME).all():
                earlier = times < first
            before = dataset.items[own][earlier]
        found.append((user, before, ids))
    return found


def name_of(events: Any) -> str:
    """How the events are called in a report."""
    return Path(events).name if isinstance(events, (str, Path)) else "frame"
