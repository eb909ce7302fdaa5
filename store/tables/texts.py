"""The columns that may hold what a user did, what was said of a user, or a user's id.

One list for all who must know: forgetting a user proves by it that nothing was left, the search
for traces takes from it what to look for and where the same text may rightly be, and ``verify``
looks for rows that lead to nobody. Every text column of the schema is either here or in
:data:`NOT_A_USERS`; a test holds new tables to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnClause,
    Connection,
    TextClause,
    bindparam,
    column,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    table,
    text,
)


@dataclass(frozen=True)
class UserTexts:
    """Text columns of one table and how its rows lead to a subject.

    Attributes
    ----------
    table, columns
        Names.
    of_subjects
        SQL condition: the rows that the subjects ``:ids`` or the users ``:users`` (user_ix) caused.
    renamed
        Whether a row may stay with other words once a user is forgotten, because others are part
        of the same subject.
    ownerless
        SQL condition: rows that lead to no subject, so that forgetting could not find them.
    """

    table: str
    columns: tuple[str, ...]
    of_subjects: str
    renamed: bool = False
    ownerless: str | None = None


_OF_SUBJECTS = "subject_id IN :ids"
# Subjects of tasks made of a user's history, those whose questions quote a user, and those whose
# questions quote what was answered about one of these, however far on.
_TASK_SUBJECTS = (
    "(WITH RECURSIVE asked (n) AS (SELECT task_subject_id FROM task_subjects "
    "WHERE user_ix IN :users "
    "UNION SELECT task_subject_id FROM task_subject_users WHERE user_ix IN :users "
    "UNION SELECT task_subject_id FROM task_subject_parents WHERE user_ix IN :users "
    "UNION SELECT q.task_subject_id FROM task_subject_parents q JOIN asked ON asked.n = q.parent_id"
    ") SELECT n FROM asked)"
)
_OF_TASKS = "task_subject_id IN " + _TASK_SUBJECTS
# Answers about them, and every answer whose question quoted one of these, however far on.
_RESPONSES = (
    "(WITH RECURSIVE caused (n) AS (SELECT response_id FROM responses WHERE subject_id IN :ids "
    "OR OF_TASKS "
    "UNION SELECT p.response_id FROM answer_parents p JOIN caused ON caused.n = p.parent_id) "
    "SELECT n FROM caused)"
).replace("OF_TASKS", _OF_TASKS)


def _with_answers(condition: str) -> str:
    """A condition with the answers that were caused in place of ``CAUSED``, and so on."""
    return condition.replace("CAUSED", _RESPONSES).replace("OF_TASKS", _OF_TASKS)


# What somebody edited by hand quotes the interest or the hint, and may outlive it.
_EDITED = (
    "CASE kind WHEN 'import' THEN 0 WHEN 'hint' THEN json_extract(payload, '$.hint') NOT IN "
    "(SELECT hint_id FROM hints EXCEPT "
    "SELECT hint_id FROM hints WHERE response_id IN CAUSED OR OF_TASKS) "
    "ELSE (NOT EXISTS (SELECT 1 FROM interests n WHERE n.interest_id = "
    "json_extract(payload, '$.interest')) OR EXISTS (SELECT 1 FROM interests n "
    "WHERE n.subject_id IN :ids AND n.interest_id IN (json_extract(payload, '$.interest'), "
    "json_extract(payload, '$.into')))) END"
)

USER_TEXTS = (
    UserTexts("subjects", ("name", "reason"), _OF_SUBJECTS, renamed=True),
    UserTexts("task_subjects", ("name",), "user_ix IN :users"),
    UserTexts("task_subjects", ("reason",), _OF_TASKS),
    UserTexts(
        "responses", ("raw_text", "refusal", "detail"), _with_answers("response_id IN CAUSED")
    ),
    UserTexts("reasoning", ("reasoning",), _with_answers("response_id IN CAUSED")),
    UserTexts(
        "attempts",
        ("error",),
        _with_answers("subject_id IN :ids OR response_id IN CAUSED OR OF_TASKS"),
    ),
    UserTexts(
        "prompts",
        ("messages",),
        _with_answers(
            "digest IN (SELECT prompt_digest FROM responses WHERE response_id IN CAUSED "
            "UNION SELECT prompt_digest FROM questions WHERE subject_id IN :ids OR OF_TASKS)"
        ),
        ownerless="digest NOT IN (SELECT prompt_digest FROM responses "
        "WHERE prompt_digest IS NOT NULL UNION SELECT prompt_digest FROM questions)",
    ),
    UserTexts("cards", ("card", "next"), _with_answers("response_id IN CAUSED")),
    UserTexts("teacher_hints", ("hints",), _with_answers("response_id IN CAUSED")),
    UserTexts("descriptions", ("text",), _OF_TASKS),
    UserTexts("hints", ("text", "reason"), _with_answers("response_id IN CAUSED OR OF_TASKS")),
    UserTexts("edits", ("payload",), _with_answers(_EDITED)),
    UserTexts("interests", ("label", "description"), _OF_SUBJECTS),
    UserTexts(
        "listing",
        ("label",),
        "interest_id IN (SELECT interest_id FROM interests WHERE subject_id IN :ids)",
    ),
)

NAMES = (("users", ("user_id",)), ("items", ("item_id", "title", "categories", "extra")))
"""What the data call users and items. A user's own id is what forgetting starts from."""

NOT_A_USERS = {
    "meta": ("key", "value"),
    "runs": ("kind", "config", "config_digest", "started_at", "finished_at", "status", "stats"),
    "users": ("split",),
    "vectors": ("model", "digest"),
    "subjects": ("kind", "state", "details"),
    "task_subjects": ("task", "kind", "state"),
    "cards": ("source", "template_digest", "text_digest"),
    "descriptions": ("source", "template_digest", "parents_digest"),
    "hints": ("purpose", "status", "source", "made_at"),
    "hint_trials": ("source", "text_digest", "template_digest"),
    "prompts": ("digest", "template", "template_digest", "schema"),
    "responses": (
        "request_digest",
        "prompt_digest",
        "model",
        "base_url",
        "method",
        "params",
        "shown",
        "finish_reason",
        "outcome",
        "created_at",
    ),
    "attempts": ("request_digest", "purpose", "outcome", "started_at"),
    "questions": ("request_digest", "prompt_digest", "shown"),
    "data_versions": ("kind", "source", "read_digest", "dataset_digest", "made_at"),
    "batches": ("name", "model", "base_url", "owner", "provider_id", "state", "made_at"),
    "batch_rows": ("request_digest", "outcome"),
    "interaction_parts": ("file", "digest"),
    "cases": ("digest", "teacher", "history", "candidates"),
    "nominations": ("digest", "teacher", "backbone", "policy", "settings", "made_at"),
    "teacher_hints": ("teacher", "source", "template_digest"),
    "rankings": ("source", "items", "template_digest"),
    "leases": ("request_digest", "owner"),
    "interests": ("source", "text_digest"),
    "edits": ("kind", "made_at", "undone_at", "made_by", "undone_by"),
    "seals": ("kind", "key", "digest"),
}
"""Text columns without a user's words: settings of runs, addresses, times, numbers of items."""


def of_subjects(
    connection: Connection, subjects: Sequence[int], users: Sequence[int] = ()
) -> dict[str, list[str]]:
    """Texts that subjects and users caused, by ``table.column``; only columns that hold some."""
    found: dict[str, list[str]] = {}
    for one in USER_TEXTS:
        for name in one.columns:
            texts_of: ColumnClause[str] = column(name)
            held = texts_of.is_not(None)
            rows = select(texts_of).select_from(table(one.table)).where(_caused(one), held)
            texts = list(connection.execute(rows, _bound(subjects, users)).scalars())
            if texts:
                found[f"{one.table}.{name}"] = texts
    return found


def caused_answers(
    connection: Connection, subjects: Sequence[int], users: Sequence[int]
) -> list[int]:
    """Numbers of the answers about subjects and users, and of all that were made of these."""
    one = next(one for one in USER_TEXTS if one.table == "responses")
    numbers: ColumnClause[int] = column("response_id")
    rows = select(numbers).select_from(table(one.table)).where(_caused(one))
    return list(connection.execute(rows, _bound(subjects, users)).scalars())


def caused_task_subjects(connection: Connection, users: Sequence[int]) -> list[int]:
    """Numbers of tasks' subjects about users, and of all whose questions quote these."""
    numbers: ColumnClause[int] = column("task_subject_id")
    condition = text(_OF_TASKS).bindparams(bindparam("users", expanding=True))
    rows = select(numbers).select_from(table("task_subjects")).where(condition)
    return list(connection.execute(rows, {"users": list(users)}).scalars())


def remaining(
    connection: Connection, subjects: Sequence[int], users: Sequence[int] = ()
) -> list[str]:
    """Columns, as ``table.column``, that still hold what is to be forgotten."""
    renamed = {one.table for one in USER_TEXTS if one.renamed}
    found = of_subjects(connection, subjects, users)
    return [name for name in found if name.partition(".")[0] not in renamed]


def remove_edits(connection: Connection, subjects: Sequence[int]) -> None:
    """Remove the changes by hand that quote an interest of these subjects."""
    one = next(one for one in USER_TEXTS if one.table == "edits")
    connection.execute(delete(table(one.table)).where(_caused(one)), _bound(subjects, ()))


def is_held(connection: Connection, words: str) -> bool:
    """Whether a stored row holds a text: one that forgetting has left, so rightly there.

    The settings of a run that wrote questions hold the templates, whose words prompts repeat.
    """
    places = [*NAMES, ("runs", ("config",)), *((one.table, one.columns) for one in USER_TEXTS)]
    rows = (
        select(literal(1))
        .select_from(table(name))
        .where(or_(*(func.instr(column(one), words) > 0 for one in columns)))
        for name, columns in places
    )
    return any(connection.execute(select(exists(one))).scalar_one() for one in rows)


def ownerless(connection: Connection) -> list[str]:
    """One sentence for each table with rows that forgetting a user could not find."""
    faults = []
    for one in USER_TEXTS:
        if one.ownerless is not None:
            query = select(func.count()).select_from(table(one.table)).where(text(one.ownerless))
            number = connection.execute(query).scalar_one()
            if number:
                faults.append(f"{number} rows of {one.table} belong to nobody")
    return faults


def _caused(one: UserTexts) -> TextClause:
    lists: list[BindParameter[Any]] = [bindparam(name, expanding=True) for name in ("ids", "users")]
    # Both are bound whether or not the condition reads them.
    return text("(" + one.of_subjects + ") AND (1 OR 0 IN :ids OR 0 IN :users)").bindparams(*lists)


def _bound(subjects: Sequence[int], users: Sequence[int]) -> dict[str, list[int]]:
    return {"ids": list(subjects), "users": list(users)}
