"""Interactions in the order of time, user by user; repeats and what is cut off histories."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from store.data.natural_order import natural_order
from store.data.splits import NO_TIME
from store.errors import DataError

Int64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Log:
    """Interactions as numbers, ordered by user and time, before filtering.

    Attributes
    ----------
    user_ids, item_ids
        Distinct ids in natural order, which ``users`` and ``items`` number.
    users, items, times
        ``[interactions]``; times are unix seconds or ``NO_TIME``.
    repeated
        Bool ``[interactions]``: the one before is the same in every respect.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: npt.NDArray[np.uint32]
    items: npt.NDArray[np.uint32]
    times: Int64
    repeated: Mask

    @property
    def repeats(self) -> int:
        """Interactions that repeat another one."""
        return int(np.count_nonzero(self.repeated))

    def only(self, keep: Mask) -> Log:
        """Return the interactions that a mask keeps; ids keep their numbers."""
        return replace(
            self,
            users=self.users[keep],
            items=self.items[keep],
            times=self.times[keep],
            repeated=self.repeated[keep],
        )


def order(interactions: pl.DataFrame) -> Log:
    """Number the ids and put each user's interactions in time order.

    Fractions of a second count. Ties in time are broken by position, then by item id. A user with
    an interaction of unknown time is ordered by position alone. Repeated interactions are all kept.
    """
    user_ids = natural_order(interactions["user_id"].unique().to_list())
    item_ids = natural_order(interactions["item_id"].unique().to_list())
    users = interactions["user_id"].cast(pl.Enum(user_ids)).to_physical().to_numpy()
    items = interactions["item_id"].cast(pl.Enum(item_ids)).to_physical().to_numpy()
    times = interactions["timestamp"].fill_null(NO_TIME).to_numpy()
    positions = interactions["position"].fill_null(NO_TIME).to_numpy()
    untimed = np.zeros(len(user_ids), dtype=bool)
    untimed[users[times == NO_TIME]] = True
    first = np.where(untimed[users], positions, times)
    keys = [times, items, positions, first, users]
    if "nanosecond" in interactions.columns:
        parts = interactions["nanosecond"].fill_null(0).to_numpy()
        keys = [parts, *keys[:3], np.where(untimed[users], 0, parts), *keys[3:]]
    by = np.lexsort(keys)
    repeats = np.zeros(len(by), dtype=bool)
    repeats[1:] = np.logical_and.reduce([key[by[1:]] == key[by[:-1]] for key in keys])
    return Log(user_ids, item_ids, users[by], items[by], times[by], repeats)


def trim(
    log: Log, *, drop_repeats: bool = False, max_history: int | None = None
) -> tuple[Log, list[str]]:
    """Leave out repeats, and what is earlier than the latest interactions of a user.

    Parameters
    ----------
    max_history
        Interactions of a user to keep, at most; None for all.

    Returns
    -------
    log
        What remains.
    notes
        How much was left out, as sentences.

    Raises
    ------
    DataError
        ``max_history`` is less than 1.
    """
    notes = []
    if drop_repeats and log.repeats:
        notes.append(f"{log.repeats:,} interactions that repeat another one exactly are left out")
        log = log.only(~log.repeated)
    if max_history is None:
        return log, notes
    if max_history < 1:
        raise DataError(f"max_history is {max_history}; keep at least 1 interaction of a user")
    ends = np.cumsum(np.bincount(log.users, minlength=len(log.user_ids)))
    early = ends[log.users] - np.arange(len(log.users)) > max_history
    cut = len(np.unique(log.users[early]))
    if cut:
        notes.append(
            f"{int(early.sum()):,} interactions of {cut:,} users are left out, all but the latest"
            f" {max_history:,} of each"
        )
    return log.only(~early), notes
