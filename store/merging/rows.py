"""Rows of an attached store into the first one, table by table, with numbers of the first.

What most tables need follows from the schema: a column that points to a numbered row gets that
row's new number, and a row that is there already, by the table's own key, stays. The few tables of
which only some rows are taken say which.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    Connection,
    FromClause,
    Insert,
    Integer,
    alias,
    column,
    insert,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.selectable import NamedFromClause

from store.db.driver import driver_connection
from store.merging.layout import Layout, layouts
from store.merging.numbers import NUMBERED, count_fresh, drop_map, number_rows

Tell = Callable[[str, int, int], None]

MADE_ANEW = {"meta", "edits", "disputes", "item_users", "listing", "seals", "leases"}
"""Tables that follow from others, that other modules join, or that are no other store's."""
NOT_CARRIED = {"import_subjects", "import_members", "import_leads", "interaction_parts"}
"""What lets an import be undone, which it cannot be in the joined store; files outside a store."""
ITEM_LISTS = {
    ("responses", "shown"),
    ("questions", "shown"),
    ("cases", "history"),
    ("cases", "candidates"),
    ("rankings", "items"),
}
"""Columns that hold a JSON list of item_ix."""

_ALSO_REFERS = {"assignment_items": {"user_ix": "users", "interest_id": "interests"}}
_WHICH = {
    "interactions": "o.user_ix IN (SELECT old FROM temp.arriving)",
    "subject_items": "o.subject_id IN (SELECT old FROM temp.taken)",
    # A user whom both stores know stays with the exemplar of the first.
    "memberships": "NOT (o.user_ix IN (SELECT old FROM temp.placed) AND EXISTS (SELECT 1 "
    "FROM other.subjects k WHERE k.subject_id = o.subject_id AND k.kind = 'exemplar'))",
    "evidence": "o.interest_id IN (SELECT old FROM temp.of_interests WHERE fresh)",
    "far_labels": "o.interest_id IN (SELECT old FROM temp.of_interests WHERE fresh)",
    "assignments": "o.user_ix IN (SELECT old FROM temp.unassigned)",
    "assignment_items": "o.user_ix IN (SELECT old FROM temp.unassigned)",
    "answer_parents": "m_parent_id.new < m_response_id.new",
}
_INSTEAD = {
    ("runs", "status"): "CASE o.status WHEN 'running' THEN 'interrupted' ELSE o.status END",
    ("subjects", "name"): "CASE WHEN o.name LIKE 'synthetic:renewed-%' "
    "THEN 'synthetic:renewed-' || m_subject_id.new ELSE o.name END",
    ("batches", "name"): "CASE WHEN EXISTS (SELECT 1 FROM main.batches b WHERE b.name = o.name) "
    "THEN o.name || '-' || m_batch_id.new ELSE o.name END",
}
_ITEM_LIST = (
    "(SELECT json_group_array(new) FROM (SELECT i.new FROM json_each(o.<column>) e "
    "JOIN temp.of_items i ON i.old = e.value ORDER BY e.key))"
)

_SETS = (
    "CREATE TEMP TABLE arriving AS SELECT m.old, m.new FROM temp.of_users m WHERE NOT EXISTS "
    "(SELECT 1 FROM main.interactions x WHERE x.user_ix = m.new)",
    "CREATE TEMP TABLE unassigned AS SELECT m.old, m.new FROM temp.of_users m WHERE NOT EXISTS "
    "(SELECT 1 FROM main.assignments a WHERE a.user_ix = m.new)",
    "CREATE TEMP TABLE placed AS SELECT m.old, m.new FROM temp.of_users m WHERE EXISTS "
    "(SELECT 1 FROM main.memberships x JOIN main.subjects s ON s.subject_id = x.subject_id "
    "WHERE x.user_ix = m.new AND s.kind = 'exemplar' AND s.active)",
    # Subjects whose interests are the other store's: the first does not know them, or has not
    # asked about them yet.
    "CREATE TEMP TABLE taken AS SELECT m.old, m.new, m.fresh FROM temp.of_subjects m "
    "JOIN other.subjects o ON o.subject_id = m.old LEFT JOIN main.subjects s "
    "ON s.subject_id = m.new WHERE m.fresh OR (NOT EXISTS (SELECT 1 FROM main.interests n "
    "WHERE n.subject_id = m.new) AND (EXISTS (SELECT 1 FROM other.interests n "
    "WHERE n.subject_id = m.old) OR (s.state = 'pending' AND o.state <> 'pending')))",
    "CREATE TEMP TABLE of_interests (old INTEGER PRIMARY KEY, new INTEGER NOT NULL, "
    "fresh INTEGER NOT NULL)",
    "INSERT INTO temp.of_interests SELECT o.interest_id, (SELECT coalesce(max(interest_id), 0) "
    "FROM main.interests) + row_number() OVER (ORDER BY o.interest_id), 1 FROM other.interests o "
    "WHERE o.subject_id IN (SELECT old FROM temp.taken)",
    "INSERT INTO temp.of_interests SELECT o.interest_id, min(n.interest_id), 0 "
    "FROM other.interests o JOIN temp.of_subjects s ON s.old = o.subject_id "
    "JOIN main.interests n ON n.subject_id = s.new AND n.text_digest = o.text_digest "
    "WHERE o.subject_id NOT IN (SELECT old FROM temp.taken) GROUP BY o.interest_id",
    # Answers about a subject whose former interests an import keeps lead to that subject.
    "INSERT OR IGNORE INTO temp.of_subjects SELECT i.kept_id, m.new, 0 "
    "FROM other.import_subjects i JOIN temp.of_subjects m ON m.old = i.subject_id "
    "WHERE i.kept_id IS NOT NULL",
    "DELETE FROM main.subject_items WHERE subject_id IN (SELECT new FROM temp.taken)",
)
_SET_NAMES = ("arriving", "unassigned", "placed", "taken")
_AFTERWARDS = (
    "UPDATE main.subjects SET (state, reason, details, run_id) = (SELECT o.state, o.reason, "
    "o.details, r.new FROM temp.taken m JOIN other.subjects o ON o.subject_id = m.old "
    "LEFT JOIN temp.of_runs r ON r.old = o.run_id WHERE m.new = subjects.subject_id) "
    "WHERE subject_id IN (SELECT new FROM temp.taken WHERE NOT fresh)",
    "UPDATE main.subjects SET active = 1 WHERE NOT active AND subject_id IN (SELECT m.new "
    "FROM temp.of_subjects m JOIN other.subjects o ON o.subject_id = m.old WHERE o.active)",
    "UPDATE main.subjects SET size = (SELECT count(*) FROM main.memberships m "
    "WHERE m.subject_id = subjects.subject_id) WHERE kind = 'exemplar' AND active "
    "AND EXISTS (SELECT 1 FROM main.memberships m WHERE m.subject_id = subjects.subject_id)",
    "UPDATE main.task_subjects SET state = 'ok', reason = NULL WHERE state <> 'ok' AND "
    "task_subject_id IN (SELECT m.new FROM temp.of_task_subjects m JOIN other.task_subjects o "
    "ON o.task_subject_id = m.old WHERE o.state = 'ok')",
    "DELETE FROM main.item_users",
    "INSERT INTO main.item_users (item_ix, users, training) SELECT item_ix, "
    "count(DISTINCT user_ix), count(DISTINCT CASE WHEN part = 0 THEN user_ix END) "
    "FROM main.interactions GROUP BY item_ix",
    "DELETE FROM main.leases",
)


def take_over(connection: Connection, tell: Tell) -> dict[str, int]:
    """Copy every row that the first store does not have; return how many came, by table.

    Parameters
    ----------
    connection
        A write transaction on the first store, with the other attached as ``other``. No conflict
        stands between them.
    tell
        Progress.
    """
    driver = driver_connection(connection)
    driver.execute("PRAGMA defer_foreign_keys = ON")
    for place, one in enumerate(NUMBERED):
        tell("comparing the stores", place, len(NUMBERED))
        number_rows(driver, one)
    for step in _SETS:
        driver.execute(step)
    copied = [one for one in layouts().values() if one.name not in MADE_ANEW | NOT_CARRIED]
    for place, layout in enumerate(copied):
        tell("taking over rows", place, len(copied))
        connection.execute(copy_of(layout))
    for step in _AFTERWARDS:
        driver.execute(step)
    tell("taking over rows", len(copied), len(copied))
    return {name: count_fresh(driver, name) for name in _mapped_tables()}


def drop_maps(connection: Connection) -> None:
    """Remove the maps, so that the next store can be taken over."""
    driver = driver_connection(connection)
    for name in _mapped_tables():
        drop_map(driver, name)
    for name in _SET_NAMES:
        driver.execute("DROP TABLE temp.<name>".replace("<name>", name))


def copy_of(layout: Layout) -> Insert:
    """The statement that copies a table's rows, with the numbers of the first store."""
    mapped = _mapped_tables()
    refers = layout.refers | _ALSO_REFERS.get(layout.name, {})
    if layout.name in mapped and layout.number:
        refers = refers | {layout.number: layout.name}
    names = [
        name for name in layout.columns if name != layout.number or layout.name in mapped
    ]  # the rows of the others are numbered as they come
    theirs = alias(table(layout.name, *map(column, layout.columns), schema="other"), "o")
    joined: FromClause = theirs
    cells: list[ColumnElement[object]] = []
    for name in names:
        if refers.get(name) in mapped:
            numbers = _map(refers[name], f"m_{name}")
            joined = joined.outerjoin(numbers, numbers.c.old == theirs.c[name])
            cells.append(numbers.c.new)
        else:
            cells.append(_cell(layout.name, name, theirs.c[name]))
    rows = select(*cells).select_from(joined)
    if layout.name in mapped and layout.number:
        rows = rows.where(literal_column(f"m_{layout.number}.fresh"))
    elif layout.number:
        rows = rows.order_by(theirs.c[layout.number])
    if layout.name in _WHICH:
        rows = rows.where(text(_WHICH[layout.name]))
    ours = insert(table(layout.name, *map(column, layout.columns), schema="main"))
    if layout.name not in mapped:  # what the first store has stays
        ours = ours.prefix_with("OR IGNORE")
    return ours.from_select(names, rows)


def _mapped_tables() -> list[str]:
    return [*(one.table for one in NUMBERED), "interests"]


def _map(table_name: str, name: str) -> NamedFromClause:
    """The map of a table under another name: a row may point to several rows of it."""
    columns = [column(one, Integer) for one in ("old", "new", "fresh")]
    return alias(table("of_" + table_name, *columns, schema="temp"), name)


def _cell(table_name: str, name: str, as_it_is: ColumnElement[object]) -> ColumnElement[object]:
    """A column that points to no numbered row."""
    if (table_name, name) in ITEM_LISTS:
        return literal_column(_ITEM_LIST.replace("<column>", name))
    instead = _INSTEAD.get((table_name, name))
    return as_it_is if instead is None else literal_column(instead)
