"""verify finds what was changed behind the program's back; backup is a store of its own."""

from __future__ import annotations

import random
import sqlite3

import numpy as np
import pytest

from store.data.prepare import prepare
from store.data.readers import read
from store.digests import text_digest
from store.errors import UserError
from store.store import open_store
from store.tables.ledger import NewResponse, Prompt
from store.tables.subjects import SubjectRow
from store.upkeep.backup import back_up
from store.upkeep.verify import verify


class Interest:
    def __init__(self, label, evidence):
        self.label, self.description, self.evidence = label, "described", evidence


@pytest.fixture
def path(tmp_path):
    """A store with every kind of row."""
    import polars as pl

    log = pl.DataFrame(
        {
            "user_id": [f"u{u}" for u in range(6) for _ in range(5)],
            "item_id": [f"i{(u * 3 + k) % 11}" for u in range(6) for k in range(5)],
            "timestamp": [1_000 + k for _ in range(6) for k in range(5)],
        }
    )
    path = tmp_path / "s.db"
    with open_store(path, create=True) as store:
        store.datasets.save(prepare(read(log)), "frames")
        run = store.runs.start("build", {})
        dataset = store.datasets.load()
        items = dataset.history(0).tolist()
        row = SubjectRow("exemplar", "exemplar:u0", 0, items, members=[0, 1, 2])
        store.subjects.choose("exemplar", [row], run)
        subject = store.subjects.load()[0].subject_id
        prompt = Prompt(
            [{"role": "user", "content": "pens (i1)"}], {"type": "object"}, "t", "s256:t"
        )
        response = store.responses.add(
            NewResponse(
                *("s256:r", prompt, subject, run, "openai:m", '{"interests": []}'),
                shown=items,
                reasoning="pens, so ink",
            )
        )
        found = [Interest("Pens", [dataset.item_ids[items[0]]]), Interest("Ink", [])]
        store.interests.save(subject, found, source="openai:m", response_id=response)
        texts = store.interests.catalogue().texts
        vectors = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
        store.vectors.put("m", [text_digest(t) for t in texts], vectors)
        assert verify(store)[1] == []
    return path


# Every stored payload: what a bit flip or an edit by hand could hit.
PAYLOADS = [
    ("responses", "raw_text"),
    ("responses", "shown"),
    ("responses", "model"),
    ("reasoning", "reasoning"),
    ("prompts", "messages"),
    ("prompts", "schema"),
    ("interests", "label"),
    ("interests", "description"),
    ("vectors", "vector"),
    ("items", "item_id"),
    ("users", "user_id"),
]


def tampered(path, table, column, rng):
    """Change one byte of one cell, as something outside this program would."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for trigger in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f'DROP TRIGGER "{trigger[0]}"')
    key = "digest" if table in ("prompts", "vectors") else "rowid"
    rows = connection.execute(f"SELECT {key}, {column} FROM {table}").fetchall()
    row_key, value = rng.choice(rows)
    data = bytearray(value if isinstance(value, bytes) else value.encode())
    others = {other for _, other in rows}
    changed = value
    while changed in others:  # ids are unique: an edit SQLite refuses is no edit
        edited = bytearray(data)
        edited[rng.randrange(len(data))] ^= 1 << rng.randrange(5)
        changed = bytes(edited) if isinstance(value, bytes) else edited.decode("utf-8", "replace")
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (changed, row_key))
    connection.commit()
    connection.close()


@pytest.mark.parametrize(("table", "column"), PAYLOADS)
def test_every_edit_of_a_payload_is_found(path, tmp_path, table, column):
    rng = random.Random(f"{table}.{column}")
    for trial in range(3):
        copy = tmp_path / f"copy{trial}.db"
        with open_store(path) as store:
            back_up(store, copy)
        tampered(copy, table, column, rng)
        with open_store(copy) as store:
            assert verify(store)[1], f"{table}.{column}, trial {trial}"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM items WHERE item_ix = 0",
        "DELETE FROM users WHERE user_ix = 1",
        "DELETE FROM subjects",
        "DELETE FROM responses",
        "DELETE FROM prompts",
        "UPDATE interactions SET part = 0 WHERE part = 3",
        "DELETE FROM subject_items WHERE position = 0",
    ],
)
def test_deleted_parents_and_moved_targets_are_found(path, statement):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.create_function("seal", -1, lambda *values: "x")
    connection.execute(statement)
    connection.commit()
    connection.close()
    with open_store(path) as store:
        assert verify(store)[1]


def test_a_response_cannot_be_changed(path):
    with open_store(path) as store, pytest.raises(Exception, match="kept as it came"):  # noqa: SIM117
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE responses SET raw_text = 'better'")


def test_a_client_without_the_seal_function_can_read_but_not_write(path):
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT label FROM interests").fetchall()
        with pytest.raises(sqlite3.OperationalError, match="seal"):
            connection.execute("UPDATE interests SET label = 'x'")


def test_backup_is_a_sound_store_and_never_overwrites(path, tmp_path):
    with open_store(path) as store:
        with store.write() as connection:  # a writer at work
            connection.exec_driver_sql("UPDATE subjects SET size = 99")
            back_up(store, tmp_path / "b.db")
        with pytest.raises(UserError, match="exists already"):
            back_up(store, tmp_path / "b.db")
    with open_store(tmp_path / "b.db") as copy:
        assert verify(copy)[1] == []
        assert copy.subjects.load()[0].size == 3


@pytest.mark.parametrize("table", ["responses", "interests", "vectors"])
def test_a_sealed_row_that_was_deleted_behind_our_back_is_missed(path, table):
    """Mutant: seals without a row not looked at."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute(f"DELETE FROM {table}")
    connection.commit()
    connection.close()
    with open_store(path) as store:
        gone = [fault for fault in verify(store)[1] if fault.endswith(" is gone")]
    assert any(fault.startswith(f"{table[:-1]} ") for fault in gone)


def told(path, *statements):
    """What verify says of a store after changes that no trigger saw."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    with open_store(path) as store:
        return [fault for fault in verify(store)[1] if "trigger" not in fault]


def test_an_empty_store_has_no_fault(tmp_path):
    """Mutant: no users taken for users that are not numbered from 0."""
    with open_store(tmp_path / "s.db", create=True) as store:
        assert verify(store)[1] == []


@pytest.mark.parametrize(("table", "number", "last"), [("users", 6, 5), ("items", 11, 10)])
def test_numbers_with_gaps_are_told(path, table, number, last):
    """Mutant: the check of numbers left out; arrays are indexed by them."""
    column = f"{table[:-1]}_ix"
    faults = told(path, f"UPDATE {table} SET {column} = 99 WHERE {column} = {last}")
    assert f"{table} are not numbered from 0 to {last}" in faults
    faults = told(path, f"UPDATE {table} SET {column} = {last} WHERE {column} = 99")
    assert not [fault for fault in faults if "numbered" in fault]


@pytest.mark.parametrize(("column", "value"), [("schema", "{"), ("messages", "[]")])
def test_a_prompt_that_was_changed_is_named(path, column, value):
    """Mutant: what is no JSON taken for sound."""
    with sqlite3.connect(path) as connection:
        (digest,) = connection.execute("SELECT digest FROM prompts").fetchone()
    connection.close()
    faults = told(path, f"UPDATE prompts SET {column} = '{value}'")
    assert f"prompt {digest} does not hash to its address" in faults


def test_the_interest_and_the_item_of_a_fault_are_named(path):
    """Mutants: another column of the row named."""
    with sqlite3.connect(path) as connection:
        (item,) = connection.execute(
            "SELECT max(item_ix) FROM items WHERE item_ix NOT IN "
            "(SELECT item_ix FROM subject_items)"
        ).fetchone()
    connection.close()
    faults = told(
        path,
        f"UPDATE evidence SET item_ix = {item} WHERE interest_id = 1",
        "UPDATE interests SET label = 'Other' WHERE interest_id = 2",
    )
    assert f"interest 1 cites item {item}, which its subject lacks" in faults
    assert "interest 2: its text and its text digest differ" in faults
    assert "interest 2 was changed after it was written" in faults


def test_what_cannot_be_read_is_a_fault_in_the_words_of_sqlite(path):
    """Mutants: a traceback, or the whole statement, for a column that is gone or broken JSON."""
    faults = told(path, "UPDATE meta SET value = '{' WHERE key = 'content_digest'")
    (fault,) = [one for one in faults if one.startswith("not everything could be read: ")]
    assert "'content_digest' is no JSON" in fault
    faults = told(path, "ALTER TABLE evidence RENAME COLUMN item_ix TO other")
    (fault,) = [one for one in faults if one.startswith("not everything could be read: ")]
    assert fault == "not everything could be read: no such column: e.item_ix"


def test_answers_that_follow_from_later_ones_are_named_in_order(path):
    """Mutants: one of the two answers named twice."""
    faults = told(path, "INSERT INTO answer_parents (response_id, parent_id) VALUES (1, 7)")
    assert "answer 1 is said to follow from the later answer 7" in faults
