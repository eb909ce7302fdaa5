"""Numbers of an attached store's rows as numbers of ours: one map for each numbered table.

A map has a row for each row of the other store (``old``, ``new``, ``fresh``). A row that both have,
told by what it holds and not by its number, is mapped to ours; every other row gets the next free
number. So a second merge of the same store adds nothing.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Numbered:
    """A table whose rows others point to, or that has nothing else to tell its rows by.

    Attributes
    ----------
    table, key
        Names.
    same
        SQL condition: row ``n`` of the first store is row ``o`` of the other.
    which
        SQL condition: the rows of the other store that are taken over at all.
    before
        The number before the first.
    """

    table: str
    key: str
    same: str
    which: str = "1"
    before: int = 0

    def filled(self, template: str) -> str:
        """A statement about this table."""
        names = {
            "<table>": self.table,
            "<key>": self.key,
            "<same>": self.same,
            "<which>": self.which,
            "<before>": str(self.before),
        }
        for name, value in names.items():
            template = template.replace(name, value)
        return template


_NUMBERING = (
    "CREATE TEMP TABLE of_<table> (old INTEGER PRIMARY KEY, new INTEGER NOT NULL, "
    "fresh INTEGER NOT NULL)",
    "INSERT INTO temp.of_<table> SELECT o.<key>, min(n.<key>), 0 FROM other.<table> o "
    "JOIN main.<table> n ON <same> WHERE <which> GROUP BY o.<key>",
    "INSERT INTO temp.of_<table> SELECT o.<key>, "
    "(SELECT coalesce(max(<key>), <before>) FROM main.<table>) + row_number() "
    "OVER (ORDER BY o.<key>), 1 FROM other.<table> o "
    "WHERE (<which>) AND o.<key> NOT IN (SELECT old FROM temp.of_<table>)",
)
_FRESH = "SELECT count(*) FROM temp.of_<table> WHERE fresh"
_DROP = "DROP TABLE temp.of_<table>"

# Names of synthetic users that lost a member count their store's rows: told by their items then.
_SAME_ITEMS = (
    "(SELECT group_concat(item_id, char(31)) FROM (SELECT i.item_id FROM main.subject_items s "
    "JOIN main.items i ON i.item_ix = s.item_ix WHERE s.subject_id = n.subject_id "
    "ORDER BY s.position)) IS "
    "(SELECT group_concat(item_id, char(31)) FROM (SELECT i.item_id FROM other.subject_items s "
    "JOIN other.items i ON i.item_ix = s.item_ix WHERE s.subject_id = o.subject_id "
    "ORDER BY s.position))"
)
_USER_KNOWN = "(o.user_ix IS NULL OR o.user_ix IN (SELECT old FROM temp.of_users))"
# What an import keeps of a subject's former interests is no subject of its own.
_NO_COPY = (
    "o.subject_id NOT IN (SELECT kept_id FROM other.import_subjects WHERE kept_id IS NOT NULL)"
)
NUMBERED = (
    Numbered("items", "item_ix", "n.item_id = o.item_id", before=-1),
    Numbered(
        "users", "user_ix", "n.user_id = o.user_id AND NOT n.forgotten", "NOT o.forgotten", -1
    ),
    Numbered(
        "runs",
        "run_id",
        "n.kind = o.kind AND n.config_digest = o.config_digest AND n.started_at = o.started_at",
    ),
    Numbered(
        "subjects",
        "subject_id",
        f"n.name = o.name AND (o.name NOT LIKE 'synthetic:renewed-%' OR {_SAME_ITEMS})",
        f"{_USER_KNOWN} AND {_NO_COPY}",
    ),
    Numbered(
        "task_subjects", "task_subject_id", "n.task = o.task AND n.name = o.name", _USER_KNOWN
    ),
    Numbered(
        "responses",
        "response_id",
        "n.request_digest = o.request_digest AND n.created_at = o.created_at "
        "AND n.model = o.model AND n.raw_text = o.raw_text",
    ),
    Numbered(
        "attempts",
        "attempt_id",
        "n.request_digest = o.request_digest AND n.started_at = o.started_at "
        "AND n.purpose = o.purpose AND n.outcome = o.outcome AND n.latency_s IS o.latency_s",
    ),
    Numbered("batches", "batch_id", "n.name = o.name AND n.provider_id IS o.provider_id"),
    Numbered("cases", "case_id", "n.digest = o.digest", _USER_KNOWN),
    Numbered("nominations", "nomination_id", "n.digest = o.digest"),
    Numbered(
        "hints",
        "hint_id",
        "n.purpose = o.purpose AND n.text = o.text AND n.source = o.source "
        "AND n.made_at = o.made_at",
    ),
    Numbered("data_versions", "version", "n.made_at = o.made_at AND n.read_digest = o.read_digest"),
)
"""Tables with maps, each after those that its conditions read; interests have one of their own."""


def number_rows(driver: sqlite3.Connection, one: Numbered) -> None:
    """Make the map of a table."""
    for template in _NUMBERING:
        driver.execute(one.filled(template))


def count_fresh(driver: sqlite3.Connection, table: str) -> int:
    """How many rows of a table the first store does not have."""
    return int(driver.execute(_FRESH.replace("<table>", table)).fetchone()[0])


def drop_map(driver: sqlite3.Connection, table: str) -> None:
    """Remove a map, so that the next store can be taken over."""
    driver.execute(_DROP.replace("<table>", table))
