"""The kept order of the catalogue: table ``listing``, so that a page of it needs no counting.

Triggers take the mark ``listing`` from the table ``meta`` whenever something changes that the order
rests on. Builds and imports write the table anew; :func:`listing_updates` carries it over a change
of few interests. Readers use it while the mark is there and count everything where it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, bindparam, text

from store.db.statements import statement

_MARK = "INSERT OR REPLACE INTO meta (key, value) VALUES ('listing', 'true')"

# Each group that somebody in use belongs to, with the users it reaches; ONLY narrows it to :leads.
_FILL = (
    "WITH g AS MATERIALIZED (SELECT n.interest_id, n.subject_id, s.user_ix, "
    "coalesce(n.canonical_id, n.interest_id) AS lead FROM interests n "
    "JOIN subjects s USING (subject_id) WHERE s.active ONLY), "
    "reached AS (SELECT lead, count(*) AS users FROM ("
    "SELECT g.lead, m.user_ix FROM g JOIN memberships m USING (subject_id) "
    "UNION SELECT g.lead, a.user_ix FROM g JOIN assignments a USING (interest_id) "
    "UNION SELECT lead, user_ix FROM g WHERE user_ix IS NOT NULL) GROUP BY lead) "
    "INSERT INTO listing (interest_id, pinned, users, label) "
    "SELECT t.lead, l.pinned AND s.active, coalesce(r.users, 0), l.label "
    "FROM (SELECT DISTINCT lead FROM g) t JOIN interests l ON l.interest_id = t.lead "
    "JOIN subjects s ON s.subject_id = l.subject_id LEFT JOIN reached r ON r.lead = t.lead"
)
_FILL_ALL = text(_FILL.replace("ONLY", ""))
_FILL_FEW = text(
    _FILL.replace(
        "ONLY",
        "AND (n.interest_id IN :leads OR n.canonical_id IN :leads) "
        "AND coalesce(n.canonical_id, n.interest_id) IN :leads",
    )
).bindparams(bindparam("leads", expanding=True))
_CLEAR_FEW = text("DELETE FROM listing WHERE interest_id IN :leads").bindparams(
    bindparam("leads", expanding=True)
)
_LEADS = text(
    "SELECT DISTINCT coalesce(canonical_id, interest_id) FROM interests WHERE interest_id IN :ids"
).bindparams(bindparam("ids", expanding=True))
_PAGE = text(
    "SELECT interest_id FROM listing ORDER BY pinned DESC, users DESC, label, interest_id "
    "LIMIT :limit"
)


def is_kept(connection: Connection) -> bool:
    """Whether the table holds the order as it is now."""
    found = connection.execute(statement("SELECT 1 FROM meta WHERE key = 'listing'")).scalar()
    return found is not None


def first(connection: Connection, limit: int) -> list[int] | None:
    """The first interests of the catalogue in order, or ``None`` where the order is not kept."""
    if not is_kept(connection):
        return None
    return list(connection.execute(_PAGE, {"limit": limit}).scalars())


def write_order(connection: Connection) -> None:
    """Count every group and keep the order, unless it is kept already."""
    if is_kept(connection):
        return
    connection.execute(statement("DELETE FROM listing"))
    connection.execute(_FILL_ALL)
    connection.execute(statement(_MARK))


@contextmanager
def listing_updates(connection: Connection) -> Iterator[Callable[[Iterable[int]], None]]:
    """Carry the order over a change of few interests within one transaction.

    Yields ``touch(interests)``: to be called with every interest whose group changes, before the
    change for those that are there then and after it for those that came. Where the order was not
    kept, nothing is done.
    """
    kept = is_kept(connection)
    leads: set[int] = set()

    def touch(interests: Iterable[int]) -> None:
        ids = list(interests)
        if kept and ids:
            leads.update(ids)
            leads.update(connection.execute(_LEADS, {"ids": ids}).scalars())

    yield touch
    if kept:
        values = {"leads": sorted(leads)}
        connection.execute(_CLEAR_FEW, values)
        connection.execute(_FILL_FEW, values)
        connection.execute(statement(_MARK))
