"""Why subjects are quarantined: like reasons counted together, the commonest first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from store.db.statements import statement

if TYPE_CHECKING:
    from store.store import Store

SHOWN = 3
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBER = re.compile(r"\b\d[\d,.]*\b")
_REASONS = statement(
    "SELECT coalesce(reason, 'no reason is recorded') AS reason, count(*) FROM subjects "
    "WHERE active AND state = 'quarantined' GROUP BY reason"
)


def quarantine_reasons(store: Store) -> Counter[str]:
    """How many subjects are quarantined for which reason; what differs in ids and numbers is one.

    Returns
    -------
    Counter
        By reason; quoted texts stand as ``'…'`` and numbers as ``N`` where reasons differ in them.
    """
    with store.read() as connection:
        found = Counter({row[0]: int(row[1]) for row in connection.execute(_REASONS)})
    return alike(found)


def alike(reasons: Mapping[str, int]) -> Counter[str]:
    """Count reasons together that differ in quoted texts and numbers alone."""
    forms: dict[str, Counter[str]] = {}
    for reason, number in reasons.items():
        form = _NUMBER.sub("N", _QUOTED.sub("'…'", reason))
        forms.setdefault(form, Counter())[reason] += number
    return Counter(
        {
            form if len(ones) > 1 else next(iter(ones)): sum(ones.values())
            for form, ones in forms.items()
        }
    )


def in_words(reasons: Mapping[str, int]) -> str:
    """The three commonest reasons with their numbers, as one line."""
    common = Counter(reasons).most_common()
    said = [f"{number} × {reason}" for reason, number in common[:SHOWN]]
    rest = sum(number for _, number in common[SHOWN:])
    return "; ".join([*said, *([f"{rest} × another reason"] if rest else [])])
