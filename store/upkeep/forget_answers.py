"""Remove the answers that a user caused, and those whose questions quoted one of these."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from store.db.driver import driver_connection
from store.db.statements import statement
from store.tables.texts import caused_answers, caused_task_subjects

_KEEP = "CREATE TEMP TABLE gone (response_id INTEGER PRIMARY KEY)"
_KEEP_ONE = "INSERT INTO temp.gone VALUES (?)"
_ASKED = "CREATE TEMP TABLE asked (task_subject_id INTEGER PRIMARY KEY)"
_ASKED_ONE = "INSERT INTO temp.asked VALUES (?)"
# What stands in for a model counts who has what together, so its answers about items rest on every
# user; they cost nothing and are made anew.
_COLLECT_OFFLINE = statement(
    "INSERT OR IGNORE INTO temp.gone SELECT response_id FROM responses "
    "WHERE model = 'offline' AND subject_id IS NULL AND task_subject_id IS NULL"
)
_CALLS = (
    "(subject_id IN :ids OR task_subject_id IN (SELECT task_subject_id FROM temp.asked) "
    "OR response_id IN (SELECT response_id FROM temp.gone))"
)
_RELEASE = statement(
    "DELETE FROM leases WHERE request_digest IN "
    "(SELECT request_digest FROM attempts WHERE CALLS)".replace("CALLS", _CALLS),
    "ids",
)
_EMPTY = statement(
    "UPDATE attempts SET error = NULL, response_id = NULL, request_digest = 'forgotten' "
    "WHERE CALLS".replace("CALLS", _CALLS),
    "ids",
)
# What quotes an answer of the stand-in goes with it.
_COLLECT_MADE_OF_IT = (
    "WITH RECURSIVE caused (n) AS (SELECT response_id FROM temp.gone UNION "
    "SELECT p.response_id FROM answer_parents p JOIN caused ON caused.n = p.parent_id) "
    "INSERT OR IGNORE INTO temp.gone SELECT n FROM caused"
)
_MADE_OF_IT = (
    "UPDATE task_subjects SET state = 'pending', reason = NULL WHERE task_subject_id IN "
    "(SELECT task_subject_id FROM temp.asked)",
    "UPDATE task_subjects SET state = 'pending', reason = NULL WHERE task_subject_id IN "
    "(SELECT task_subject_id FROM responses WHERE response_id IN "
    "(SELECT response_id FROM temp.gone))",
    "UPDATE task_subjects SET state = 'pending', reason = NULL WHERE task = 'cards' AND item_ix IN "
    "(SELECT item_ix FROM cards WHERE response_id IN (SELECT response_id FROM temp.gone))",
    "DELETE FROM cards WHERE response_id IN (SELECT response_id FROM temp.gone)",
    "DELETE FROM teacher_hints WHERE response_id IN (SELECT response_id FROM temp.gone)",
    "DELETE FROM rankings WHERE response_id IN (SELECT response_id FROM temp.gone)",
    "DELETE FROM descriptions WHERE response_id IN (SELECT response_id FROM temp.gone) "
    "OR task_subject_id IN (SELECT task_subject_id FROM temp.asked)",
    "DELETE FROM questions WHERE task_subject_id IN (SELECT task_subject_id FROM temp.asked)",
    "DELETE FROM batch_rows WHERE task_subject_id IN (SELECT task_subject_id FROM temp.asked)",
    "UPDATE interests SET response_id = NULL WHERE response_id IN "
    "(SELECT response_id FROM temp.gone)",
)
_REMOVE = "DELETE FROM responses WHERE response_id IN (SELECT response_id FROM temp.gone)"
_UNQUOTE = statement("DELETE FROM task_subject_parents WHERE user_ix = :user")
_OWN = statement("DELETE FROM task_subjects WHERE user_ix = :user")
_SHOWN_BESIDE = statement("DELETE FROM task_subject_users WHERE user_ix = :user")
_CASES = statement("DELETE FROM cases WHERE user_ix = :user")


def remove_caused(connection: Connection, subjects: Sequence[int], user_ix: int) -> dict[str, int]:
    """Remove answers about subjects and about a user, and every answer made of one of these.

    What was kept of an answer that goes is asked for again: its subject is pending.

    Returns
    -------
    dict
        Number of ``answers`` removed; ``task subjects`` where a task had asked about the user, and
        ``cases`` where a nomination had taken one of the user's history.
    """
    connection.exec_driver_sql(_KEEP)
    connection.exec_driver_sql(_ASKED)
    asked = [(number,) for number in caused_task_subjects(connection, [user_ix])]
    driver_connection(connection).executemany(_ASKED_ONE, asked)
    gone = [(number,) for number in caused_answers(connection, subjects, [user_ix])]
    driver_connection(connection).executemany(_KEEP_ONE, gone)
    connection.execute(_COLLECT_OFFLINE)
    connection.exec_driver_sql(_COLLECT_MADE_OF_IT)
    connection.execute(_RELEASE, {"ids": list(subjects)})
    connection.execute(_EMPTY, {"ids": list(subjects)})
    for step in _MADE_OF_IT:
        connection.exec_driver_sql(step)
    removed = connection.exec_driver_sql(_REMOVE).rowcount
    connection.execute(_UNQUOTE, {"user": user_ix})
    own = connection.execute(_OWN, {"user": user_ix}).rowcount
    connection.execute(_SHOWN_BESIDE, {"user": user_ix})
    cases = connection.execute(_CASES, {"user": user_ix}).rowcount
    connection.exec_driver_sql("DROP TABLE temp.gone")
    connection.exec_driver_sql("DROP TABLE temp.asked")
    counts = {"answers": int(removed)} | ({"task subjects": int(own)} if own else {})
    return counts | ({"cases": int(cases)} if cases else {})
