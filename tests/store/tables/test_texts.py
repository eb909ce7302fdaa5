"""The list of columns with a user's words knows every text column, and forgetting relies on it."""

from __future__ import annotations

import pytest

from store.errors import StoreError
from store.store import open_store
from store.tables import texts
from store.upkeep import forget
from store.upkeep.edits import rename
from store.upkeep.verify import verify
from tests.reading_store import fill, rows_of


@pytest.fixture
def store(tmp_path):
    with open_store(fill(tmp_path / "s.db")) as opened:
        yield opened


def subject(store, name):
    return next(row["subject_id"] for row in rows_of(store, "subjects") if row["name"] == name)


def test_every_text_column_of_the_schema_is_listed(store):
    query = (
        "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c "
        "WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' "
        "AND c.type = 'TEXT'"
    )
    with store.read() as connection:
        schema = {(table, column) for table, column in connection.exec_driver_sql(query)}
    listed = [(one.table, column) for one in texts.USER_TEXTS for column in one.columns]
    listed += [(table, column) for table, columns in texts.NAMES for column in columns]
    listed += [(t, column) for t, columns in texts.NOT_A_USERS.items() for column in columns]
    assert sorted(listed) == sorted(schema)


def test_what_a_subject_caused(store):
    ada = subject(store, "exemplar:customer-ada")
    with store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE attempts SET error = 'of ada' WHERE subject_id = ?", (ada,)
        )
    with store.read() as connection:
        found = texts.of_subjects(connection, [ada])
        other = texts.of_subjects(connection, [subject(store, "exemplar:customer-cyd")])
    assert found["subjects.name"] == ["exemplar:customer-ada"]
    assert found["attempts.error"] == ["of ada"]
    assert len(found["prompts.messages"]) == len(found["responses.raw_text"]) == 1
    assert "customer-ada" in found["prompts.messages"][0]
    assert not set(found["interests.label"]) & set(other["interests.label"])
    assert "attempts.error" not in other


def test_an_edit_outlives_its_interest_and_is_found(store):
    # A label that somebody gave an interest stayed in `edits` once the interest was replaced.
    ada = subject(store, "exemplar:customer-ada")

    rename(
        store, rows_of(store, "interests")[0]["interest_id"], "Pens that ada-of-hill-street buys"
    )
    store.interests.save(ada, [], source="openai:m", response_id=None)
    forget.forget_user(store, "customer-ada")
    assert rows_of(store, "edits") == []
    assert b"ada-of-hill-street" not in store.path.read_bytes()


def test_a_column_that_forgetting_overlooks_undoes_it(store, monkeypatch):
    monkeypatch.setattr(forget, "_remove_answers", lambda *_: {})
    with pytest.raises(StoreError, match=r"nothing is changed: (responses|prompts)\."):
        forget.forget_user(store, "customer-ada")
    assert "exemplar:customer-ada" in [row["name"] for row in rows_of(store, "subjects")]
    assert verify(store)[1] == []


def test_a_prompt_that_belongs_to_nobody_is_a_fault(store):
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE attempts SET response_id = NULL")
        connection.exec_driver_sql("UPDATE interests SET response_id = NULL")
        connection.exec_driver_sql("DELETE FROM responses")
    assert verify(store)[1] == ["3 rows of prompts belong to nobody"]
