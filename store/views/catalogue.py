"""The catalogue of interests: each with whom it reaches, near-duplicates under one label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, text

from store.tables.listing import first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.store import Store

_PAGE = 1_000
"""Most entries taken from the kept order; more of them count everything at once."""

_ALL = (
    "SELECT n.interest_id, n.label, n.description, n.source, n.pinned, n.canonical_id, "
    "s.name AS subject, (SELECT count(*) FROM evidence e WHERE e.interest_id = n.interest_id) "
    "AS evidence FROM interests n JOIN subjects s USING (subject_id) WHERE s.active "
)
_OF_LEADS = text(
    _ALL + "AND (n.interest_id IN :leads OR n.canonical_id IN :leads) ORDER BY n.interest_id"
).bindparams(bindparam("leads", expanding=True))
_USERS_OF_LEADS = text(
    "SELECT interest_id, users FROM listing WHERE interest_id IN :leads"
).bindparams(bindparam("leads", expanding=True))
_REACH = "SELECT interest_id, count(*) FROM interest_users GROUP BY interest_id"
_REACH_OF_GROUPS = (
    "SELECT coalesce(n.canonical_id, n.interest_id) AS lead, count(DISTINCT r.user_ix) "
    "FROM interest_users r JOIN interests n USING (interest_id) GROUP BY lead"
)
# The view interest_users for one interest: SQLite does not carry the condition into its UNION.
_REACHED = """
WITH reached AS (
  SELECT m.user_ix FROM interests n JOIN memberships m ON m.subject_id = n.subject_id
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active WHERE n.interest_id = :interest
  UNION SELECT user_ix FROM assignments WHERE interest_id = :interest
  UNION SELECT s.user_ix FROM interests n
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active
  WHERE n.interest_id = :interest AND s.user_ix IS NOT NULL
)
SELECT u.user_id, count(*) OVER () FROM reached JOIN users u USING (user_ix)
ORDER BY u.user_ix LIMIT :limit"""
_EVIDENCE_OF_GROUP = text(
    "SELECT coalesce(n.canonical_id, n.interest_id) AS lead, count(DISTINCT e.item_ix) "
    "FROM evidence e JOIN interests n USING (interest_id) JOIN subjects s USING (subject_id) "
    "WHERE s.active AND (n.interest_id IN :leads OR n.canonical_id IN :leads) GROUP BY lead"
).bindparams(bindparam("leads", expanding=True))


def list_interests(
    store: Store, *, raw: bool = False, limit: int | None = None
) -> list[dict[str, Any]]:
    """Return interests of active subjects: pinned ones first, then by users reached, then label.

    Parameters
    ----------
    store
        The store.
    raw
        Show near-duplicates apart; otherwise one entry stands for each group.
    limit
        Most entries.

    Returns
    -------
    list of dict
        ``interest_id, label, description, source, subject, pinned, users, evidence`` (numbers of
        users and of items); with ``raw`` also ``canonical_id``, else ``merged``: id, label and
        subject of each interest that stands under this one.
    """
    with store.read() as connection:
        page = None if raw or limit is None or limit > _PAGE else first(connection, limit)
        if page is not None:
            entries = _page(connection, page)
        else:
            every = connection.exec_driver_sql(_ALL + "ORDER BY n.interest_id")
            rows = [dict(row) for row in every.mappings()]
            query = _REACH if raw else _REACH_OF_GROUPS
            reach = {row[0]: row[1] for row in connection.exec_driver_sql(query)}
            entries = _apart(rows, reach) if raw else _grouped(connection, rows, reach)
        entries.sort(key=lambda e: (not e["pinned"], -e["users"], e["label"], e["interest_id"]))
        entries = entries[:limit]
        if not raw:
            _count_evidence(connection, entries)
    return entries


def _page(connection: Connection, leads: list[int]) -> list[dict[str, Any]]:
    """The groups of ``leads`` alone, with the number of users from the kept order."""
    values = {"leads": leads}
    rows = [dict(row) for row in connection.execute(_OF_LEADS, values).mappings()]
    reach = {row[0]: row[1] for row in connection.execute(_USERS_OF_LEADS, values)}
    return _grouped(connection, rows, reach)


def reached(
    connection: Connection, interests: Sequence[int], limit: int = 5
) -> dict[int, dict[str, Any]]:
    """For each interest, how many users it reaches and the first few of them."""
    query = text(_REACHED)
    found = {}
    for interest in interests:
        rows = connection.execute(query, {"interest": interest, "limit": limit}).all()
        found[interest] = {
            "users": int(rows[0][1]) if rows else 0,
            "some_users": [row[0] for row in rows],
        }
    return found


def _apart(rows: list[dict[str, Any]], reach: dict[int, int]) -> list[dict[str, Any]]:
    return [
        {**row, "pinned": bool(row["pinned"]), "users": reach.get(row["interest_id"], 0)}
        for row in rows
    ]


def _grouped(
    connection: Connection, rows: list[dict[str, Any]], reach: dict[int, int]
) -> list[dict[str, Any]]:
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        lead = row.pop("canonical_id") or row["interest_id"]
        groups.setdefault(lead, []).append(row)
    return [_entry(connection, lead, group, reach) for lead, group in groups.items()]


def _entry(
    connection: Connection, lead: int, group: list[dict[str, Any]], reach: dict[int, int]
) -> dict[str, Any]:
    own = next((row for row in group if row["interest_id"] == lead), None)
    if own is None:  # the canonical interest is of a subject no longer in use; its name stays
        label = connection.execute(
            text("SELECT label FROM interests WHERE interest_id = :id"), {"id": lead}
        ).scalar_one()
        own = {**group[0], "interest_id": lead, "label": label}
    keys = ("interest_id", "label", "subject")
    merged = [{key: row[key] for key in keys} for row in group if row["interest_id"] != lead]
    return {**own, "pinned": bool(own["pinned"]), "users": reach.get(lead, 0), "merged": merged}


def _count_evidence(connection: Connection, entries: list[dict[str, Any]]) -> None:
    """Items that prove a group, each once."""
    by_lead = {entry["interest_id"]: entry for entry in entries if entry["merged"]}
    leads = list(by_lead)
    for start in range(0, len(leads), 5_000):
        found = connection.execute(_EVIDENCE_OF_GROUP, {"leads": leads[start : start + 5_000]})
        for lead, number in found:
            by_lead[lead]["evidence"] = number
