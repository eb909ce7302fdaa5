"""Re-check every row of a store, its schema and its file."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from store.data.interest import interest_text
from store.db.json_cells import damaged_cells
from store.db.schema import schema_faults
from store.digests import json_digest, text_digest
from store.errors import StoreError
from store.tables import texts
from store.tables.datasets import content_digest
from store.tables.histories.door import Histories, item_users

if TYPE_CHECKING:
    from store.store import Store

# Sealed columns, in the order the triggers of migration 2 take them.
_SEALED = {
    "response": "SELECT CAST(response_id AS TEXT), seal(request_digest, prompt_digest, model, "
    "base_url, method, params, shown, raw_text, refusal, finish_reason, tokens_in, tokens_out, "
    "cost_usd, created_at) FROM responses",
    "interest": "SELECT CAST(interest_id AS TEXT), seal(label, description, source, text_digest) "
    "FROM interests",
    "vector": "SELECT model || ' ' || digest, seal(dim, vector) FROM vectors",
    "card": "SELECT CAST(item_ix AS TEXT), seal(card, next, source, template_digest, text_digest) "
    "FROM cards",
    "case": "SELECT CAST(case_id AS TEXT), seal(digest, teacher, user_ix, history, target_ix, "
    "candidates) FROM cases",
    "ranking": "SELECT CAST(ranking_id AS TEXT), seal(case_id, source, forced, items, "
    "template_digest) FROM rankings",
    "description": "SELECT CAST(task_subject_id AS TEXT), seal(layer, text, source, "
    "template_digest, parents_digest) FROM descriptions",
    "hint": "SELECT CAST(hint_id AS TEXT), seal(purpose, text, source, task_subject_id) FROM hints",
    "trial": "SELECT CAST(trial_id AS TEXT), seal(hint_id, task_subject_id, source, text_digest, "
    "rank, score, response_id) FROM hint_trials",
    "reasoning": "SELECT CAST(response_id AS TEXT), seal(reasoning) FROM reasoning",
}
_UNCOUNTABLE = ("reasoning",)


def verify(store: Store) -> tuple[dict[str, int], list[str]]:
    """Re-hash and re-check every row.

    Returns
    -------
    checked, faults
        Rows looked at by table, and one plain sentence for each fault.
    """
    checked: dict[str, int] = {}
    with store.read() as connection:
        faults = [*schema_faults(connection), *_structure(connection)]
        try:
            faults += _rows(store, connection, checked)
        except (DBAPIError, sqlite3.Error, StoreError) as error:  # rows that cannot be read at all
            cause = error.orig if isinstance(error, DBAPIError) else error
            faults.append(f"not everything could be read: {cause}")
    return checked, faults


def _rows(store: Store, connection: Connection, checked: dict[str, int]) -> list[str]:
    """Faults of rows; ``checked`` counts what was looked at."""
    counts, faults = _seals(connection)
    checked |= counts
    for check in (_prompts, _texts, _grounding, _states, _tasks):
        name, number, wrong = check(connection)
        checked[name] = number
        faults += wrong
    damaged = damaged_cells(connection)
    if not damaged:
        faults += _rankings(connection)
    faults += _numbers(connection)
    faults += [f"{cell} is not the JSON it must be" for cell in damaged]
    expected = store.meta("content_digest")
    if expected is not None:
        histories = Histories(connection)
        checked["interactions"], _ = histories.count()
        faults += histories.faults()
        columns = histories.all() if histories.place == "store" else None
        if content_digest(connection, columns) != expected:
            faults.append("items, users or interactions differ from what was built")
        elif columns is not None and item_users(columns) != _counted(connection):
            faults.append("the numbers of users of items differ from the interactions")
    return faults


def _counted(connection: Connection) -> list[tuple[int, int, int]]:
    query = "SELECT item_ix, users, training FROM item_users ORDER BY item_ix"
    return [tuple(row) for row in connection.exec_driver_sql(query)]


def _structure(connection: Connection) -> list[str]:
    answers = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    faults = [f"integrity: {answer}" for answer in answers if answer != "ok"]
    for table, rowid, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        faults.append(f"{table} row {rowid} points to a row of {parent} that is gone")
    return faults


def _seals(connection: Connection) -> tuple[dict[str, int], list[str]]:
    checked: dict[str, int] = {}
    faults: list[str] = []
    for kind, query in _SEALED.items():
        query_seals = text("SELECT key, digest FROM seals WHERE kind = :kind")
        sealed = {row[0]: row[1] for row in connection.execute(query_seals, {"kind": kind})}
        rows = connection.exec_driver_sql(query).all()
        checked[kind if kind in _UNCOUNTABLE else f"{kind}s"] = len(rows)
        for key, digest in rows:
            if sealed.pop(key, None) != digest:
                faults.append(f"{kind} {key} was changed after it was written")
        faults += [f"{kind} {key} is gone" for key in sealed]
    return checked, faults


def _prompts(connection: Connection) -> tuple[str, int, list[str]]:
    rows = connection.exec_driver_sql(
        "SELECT digest, template, template_digest, messages, schema FROM prompts"
    ).all()
    faults = [
        f"prompt {row[0]} does not hash to its address"
        for row in rows
        if not _hashes(row[0], row[3], row[4])
    ]
    return "prompts", len(rows), faults + texts.ownerless(connection)


def _hashes(digest: str, messages: str, schema: str) -> bool:
    try:
        content: Any = {"messages": json.loads(messages), "schema": json.loads(schema)}
    except ValueError:
        return False
    return json_digest(content) == digest


def _texts(connection: Connection) -> tuple[str, int, list[str]]:
    rows = connection.exec_driver_sql(
        "SELECT interest_id, label, description, text_digest FROM interests"
    ).all()
    faults = [
        f"interest {row[0]}: its text and its text digest differ"
        for row in rows
        if text_digest(interest_text(row[1], row[2])) != row[3]
    ]
    return "interest texts", len(rows), faults


def _grounding(connection: Connection) -> tuple[str, int, list[str]]:
    number = connection.exec_driver_sql("SELECT count(*) FROM evidence").scalar_one()
    foreign = connection.exec_driver_sql(
        "SELECT n.interest_id, e.item_ix FROM evidence e JOIN interests n USING (interest_id) "
        "WHERE NOT EXISTS (SELECT 1 FROM subject_items s "
        "WHERE s.subject_id = n.subject_id AND s.item_ix = e.item_ix)"
    ).all()
    faults = [f"interest {row[0]} cites item {row[1]}, which its subject lacks" for row in foreign]
    return "evidence", int(number), faults


def _rankings(connection: Connection) -> list[str]:
    """Rankings hold candidates of their case, each once; the target only where it was forced."""
    foreign = connection.exec_driver_sql(
        "SELECT DISTINCT r.ranking_id FROM rankings r JOIN cases c USING (case_id), "
        "json_each(r.items) i WHERE i.value NOT IN (SELECT value FROM json_each(c.candidates)) "
        "AND NOT (r.forced AND i.value = c.target_ix) ORDER BY 1"
    ).scalars()
    faults = [f"ranking {one} has an item that was no candidate" for one in foreign]
    twice = connection.exec_driver_sql(
        "SELECT r.ranking_id FROM rankings r, json_each(r.items) i GROUP BY r.ranking_id, i.value "
        "HAVING count(*) > 1"
    ).scalars()
    return faults + [f"ranking {one} has an item twice" for one in twice]


def _numbers(connection: Connection) -> list[str]:
    """Users and items are numbered from 0 without gaps: arrays are indexed by these numbers."""
    faults = []
    for table, query in (
        ("users", "SELECT count(*), min(user_ix), max(user_ix) FROM users"),
        ("items", "SELECT count(*), min(item_ix), max(item_ix) FROM items"),
    ):
        number, low, high = connection.exec_driver_sql(query).one()
        if number and (low, high) != (0, number - 1):
            faults.append(f"{table} are not numbered from 0 to {number - 1}")
    return faults


def _states(connection: Connection) -> tuple[str, int, list[str]]:
    number = connection.exec_driver_sql("SELECT count(*) FROM subjects").scalar_one()
    torn = connection.exec_driver_sql(
        "SELECT name FROM subjects s WHERE state <> 'ok' AND EXISTS "
        "(SELECT 1 FROM interests n WHERE n.subject_id = s.subject_id) AND state = 'quarantined'"
    ).scalars()
    return "subjects", int(number), [f"{name} is quarantined but has interests" for name in torn]


def _tasks(connection: Connection) -> tuple[str, int, list[str]]:
    """States of tasks fit what is kept, and no answer follows from a later one."""
    number = connection.exec_driver_sql("SELECT count(*) FROM task_subjects").scalar_one()
    torn = connection.exec_driver_sql(
        "SELECT name FROM task_subjects s WHERE task = 'cards' AND state = 'ok' AND NOT EXISTS "
        "(SELECT 1 FROM cards c WHERE c.item_ix = s.item_ix)"
    ).scalars()
    faults = [f"{name} is said to have a card and has none" for name in torn]
    unranked = connection.exec_driver_sql(
        "SELECT name FROM task_subjects s WHERE task = 'rank' AND kind = 'case' AND state = 'ok' "
        "AND NOT EXISTS (SELECT 1 FROM rankings r JOIN cases c USING (case_id) "
        "WHERE 'case:' || substr(c.digest, -12) = substr(s.name, 1, 17))"
    ).scalars()
    faults += [f"{name} is said to be ranked and is not" for name in unranked]
    torn = connection.exec_driver_sql(
        "SELECT name FROM task_subjects s WHERE task = 'layers' AND state = 'ok' AND NOT EXISTS "
        "(SELECT 1 FROM descriptions d WHERE d.task_subject_id = s.task_subject_id)"
    ).scalars()
    faults += [f"{name} is said to have a description and has none" for name in torn]
    backward = connection.exec_driver_sql(
        "SELECT response_id, parent_id FROM answer_parents WHERE parent_id >= response_id"
    ).all()
    faults += [
        f"answer {row[0]} is said to follow from the later answer {row[1]}" for row in backward
    ]
    return "task subjects", int(number), faults
