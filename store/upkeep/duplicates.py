"""Near-duplicate interests under one canonical label, with lineage kept.

Nothing is deleted: an interest that says what another says points to it with ``canonical_id``. The
one that stands for a group has none. Groups are stars, not chains: every member is near its
canonical interest, so a group cannot drift. What people merged or pinned by hand is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from store.digests import json_digest
from store.tables.listing import write_order

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from store.store import Store

THRESHOLD = 0.85
"""Least cosine of two interests' text vectors that counts as saying the same (our choice; see
docs/reading.md for what it merges on Amazon Office)."""

MOST_TEXTS = 50_000
"""Different texts compared by meaning; in a larger catalogue only equal texts are merged."""

_BLOCK = 512

_ROWS = (
    "SELECT n.interest_id, n.text_digest, n.label, n.pinned, n.canonical_id, "
    "(SELECT count(*) FROM memberships m WHERE m.subject_id = n.subject_id) + "
    "(SELECT count(*) FROM assignments a WHERE a.interest_id = n.interest_id) AS reach, "
    "EXISTS (SELECT 1 FROM evidence e WHERE e.interest_id = n.interest_id) AS proven "
    "FROM interests n JOIN subjects s USING (subject_id) WHERE s.active"
)
# What a merge by hand moved: the interest itself and those that stood under it and went along.
_BY_HAND = (
    "SELECT n.interest_id, n.canonical_id FROM edits e, json_each(json_insert("
    "json_extract(e.payload, '$.followers'), '$[#]', json_extract(e.payload, '$.interest'))) m "
    "JOIN interests n ON n.interest_id = m.value "
    "WHERE e.kind = 'merge' AND e.undone_at IS NULL "
    "AND n.canonical_id = json_extract(e.payload, '$.into')"
)


@dataclass(frozen=True)
class _Row:
    interest_id: int
    text_digest: str
    label: str
    pinned: bool
    canonical_id: int | None
    reach: int
    proven: bool


def merge_duplicates(store: Store, threshold: float = THRESHOLD) -> int:
    """Point each near-duplicate to the interest that stands for it.

    Interests are taken pinned ones first, then by how many users they reach, then by label; each
    joins the nearest canonical interest whose cosine is at least ``threshold`` or becomes one.
    The result depends on the stored texts and vectors only.

    Parameters
    ----------
    store
        The store; a build calls this once its interests are encoded. Interests whose text has no
        vector are merged with equal texts only.
    threshold
        Cosine in (0, 1].

    Returns
    -------
    int
        Interests that point to another one.
    """
    with store.write() as connection:
        rows = _rows(connection)
        by_hand = {int(row[0]): int(row[1]) for row in connection.exec_driver_sql(_BY_HAND)}
        if store.meta("merged_digest") == _state(store, rows, by_hand, threshold):
            write_order(connection)
            return sum(row.canonical_id is not None for row in rows)
        free = [row for row in rows if row.interest_id not in by_hand]
        leads = set(by_hand.values()) | {row.interest_id for row in rows if row.pinned}
        found = by_hand | _groups(store, _ordered(free, leads), leads, threshold)
        changed = [
            (found.get(row.interest_id), row.interest_id)
            for row in rows
            if found.get(row.interest_id) != row.canonical_id
        ]
        if changed:
            connection.exec_driver_sql(
                "UPDATE interests SET canonical_id = ? WHERE interest_id = ?", changed
            )
        rows = _rows(connection)
        store.set_meta(merged_digest=_state(store, rows, by_hand, threshold))
        write_order(connection)
    return sum(row.canonical_id is not None for row in rows)


def _rows(connection: Connection) -> list[_Row]:
    found = connection.exec_driver_sql(_ROWS + " ORDER BY n.interest_id")
    return [_Row(r[0], r[1], r[2], bool(r[3]), r[4], r[5], bool(r[6])) for r in found]


def _state(store: Store, rows: Sequence[_Row], by_hand: dict[int, int], threshold: float) -> str:
    facts = [[r.interest_id, r.text_digest, r.pinned, r.canonical_id, r.reach] for r in rows]
    return json_digest([store.meta("encoder"), threshold, sorted(by_hand.items()), facts])


def _ordered(rows: Sequence[_Row], leads: set[int]) -> list[_Row]:
    """Leads first; imported words without evidence last, so that they stand for nothing proven."""
    return sorted(
        rows,
        key=lambda r: (r.interest_id not in leads, not r.proven, -r.reach, r.label, r.interest_id),
    )


def _groups(
    store: Store, rows: Sequence[_Row], leads: set[int], threshold: float
) -> dict[int, int]:
    """From interest to the one that stands for it; ``rows`` come in order, leads first."""
    first: dict[str, int] = {}
    found: dict[int, int] = {}
    unique: list[_Row] = []
    for row in rows:
        lead = first.setdefault(row.text_digest, row.interest_id)
        if row.interest_id in leads or lead == row.interest_id:
            unique.append(row)
        else:
            found[row.interest_id] = lead
    near = _near(store, unique, leads, threshold) if len(unique) <= MOST_TEXTS else {}
    return near | {interest: near.get(lead, lead) for interest, lead in found.items()}


def _near(store: Store, rows: Sequence[_Row], leads: set[int], threshold: float) -> dict[int, int]:
    vectors = store.vectors.of_interests([(row.interest_id, row.text_digest) for row in rows])
    rows = [row for row in rows if row.interest_id in vectors]
    if not rows:
        return {}
    matrix = np.stack([vectors[row.interest_id] for row in rows])
    fixed = np.array([row.interest_id in leads for row in rows])
    stands_for = _leaders(matrix, fixed, threshold)
    return {
        row.interest_id: rows[lead].interest_id
        for number, (row, lead) in enumerate(zip(rows, stands_for.tolist(), strict=True))
        if lead != number
    }


def _leaders(
    matrix: NDArray[np.float32], fixed: NDArray[np.bool_], threshold: float
) -> NDArray[np.int64]:
    """Row that stands for each row of unit vectors ``[n, d]``; ``fixed`` rows stand for themselves.

    Greedy leader clustering in the order given, in blocks so that most of it is one product.
    """
    stands_for = np.arange(len(matrix))
    leaders: list[int] = []
    for start in range(0, len(matrix), _BLOCK):
        block = matrix[start : start + _BLOCK]
        before = np.array(leaders, dtype=np.int64)
        known = block @ matrix[before].T if len(before) else np.zeros((len(block), 0), np.float32)
        within = block @ block.T
        fresh: list[int] = []
        for row in range(len(block)):
            cosines = np.concatenate([known[row], within[row, fresh]])
            best = int(cosines.argmax()) if len(cosines) else -1
            if best >= 0 and cosines[best] >= threshold and not fixed[start + row]:
                joined = before[best] if best < len(before) else start + fresh[best - len(before)]
                stands_for[start + row] = joined
            else:
                fresh.append(row)
        leaders += [start + row for row in fresh]
    return stands_for
