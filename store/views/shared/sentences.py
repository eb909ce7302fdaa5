"""The one sentence that says why: which items speak for it, and which interest they show.

Every program says it by the same rule (:mod:`recommender.serving.reasons`): a colon stands only
where the items named raised the score and show the interest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.recommending import Tier

NO_HISTORY = "The model does not look at the history"
NO_CAUSE = "No item of the history speaks for it"


def listed(titles: Sequence[str]) -> str:
    """Titles in one phrase: ``“A”, “B” and “C”``."""
    quoted = [f"“{title}”" for title in titles]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def reason_sentence(
    tier: Tier,
    because: Sequence[str],
    label: str | None,
    *,
    reads_history: bool = True,
    stored: bool = True,
) -> str:
    """Say why an item is recommended.

    Parameters
    ----------
    tier
        What may be claimed.
    because
        Titles of the items that speak for it; none where no item does.
    label
        The interest; None where none fits.
    reads_history
        Whether the model looks at histories at all.
    stored
        Whether there are stored interests to compare with.

    Returns
    -------
    str
        Such as ``Because of “A” and “B”: an interest in C.``
    """
    cause = (
        f"Because of {listed(because)}" if because else NO_CAUSE if reads_history else NO_HISTORY
    )
    if tier == "shows" and because:
        return f"{cause}: an interest in {label}."
    if label is not None:
        return f"{cause}; it fits the interest in {label}."
    return f"{cause}; none of the stored interests fits it." if stored else f"{cause}."


def interest_sentence(because: Sequence[str], label: str) -> str:
    """Say what shows an interest of a person: ``Because of “A” and “B”: an interest in C.``"""
    if not because:
        return f"An interest in {label}."
    return f"Because of {listed(because)}: an interest in {label}."
