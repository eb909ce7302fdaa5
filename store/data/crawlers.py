"""Users with a share of a log that no person has: crawlers, tests, tills, shared accounts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FEW_USERS = 20
"""With fewer users nothing can be said about what is usual."""

TIMES = 20
"""A history this many times as long as that of nine users in ten is no person's; in the public
data sets of ratings and reviews the longest has less than 15 times (our choice)."""

SHARE = 0.05
LONG = 1000


def beyond_a_person(lengths: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Find the users that are hardly persons.

    Parameters
    ----------
    lengths
        ``[users]``, interactions of each.

    Returns
    -------
    bool ``[users]``
        Whether a history is ``TIMES`` as long as the 90th percentile, and has at least ``SHARE``
        of all interactions or ``LONG`` of them.
    """
    if len(lengths) < FEW_USERS:
        return np.zeros(len(lengths), dtype=bool)
    usual = float(np.quantile(lengths, 0.9, method="lower"))
    long = (lengths >= SHARE * lengths.sum()) | (lengths >= LONG)
    return np.asarray((lengths >= TIMES * usual) & long)


def crawler_notes(user_ids: Sequence[str], lengths: npt.NDArray[np.integer]) -> list[str]:
    """Sentences on users that are hardly persons; empty where there are none."""
    found = np.flatnonzero(beyond_a_person(lengths))
    if not len(found):
        return []
    longest = found[np.argsort(-lengths[found], kind="stable")][:3]
    shown = ", ".join(
        f"{user_ids[user]!r} ({lengths[user]:,}, {lengths[user] / lengths.sum():.0%} of all)"
        for user in longest.tolist()
    )
    return [
        f"{len(found):,} users have more interactions than a person has, such as {shown}: crawlers,"
        " tests or shared accounts; they are kept, but are no exemplars; max_history would cut"
        " their histories"
    ]
