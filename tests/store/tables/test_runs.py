"""A run is closed with how it ended, whatever ends it."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from store.errors import BudgetReachedError, DataError, InterruptedRunError
from store.store import Store, open_store


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "s.db", create=True) as opened:
        yield opened


def rows(store: Store) -> list[tuple[str, str, dict[str, int], bool]]:
    query = text("SELECT kind, status, stats, finished_at IS NOT NULL FROM runs ORDER BY run_id")
    with store.read() as connection:
        return [(r[0], r[1], json.loads(r[2]), bool(r[3])) for r in connection.execute(query)]


@pytest.mark.parametrize("status", ["done", "partial"])
def test_a_run_that_ends_by_itself(store, status):
    with store.runs.recording("build", {"seed": 1}, stats=lambda: {"late": 2}) as run:
        assert rows(store) == [("build", "running", {}, False)]
        run.status, run.stats = status, {"asked": 3}
    assert rows(store) == [("build", status, {"asked": 3, "late": 2}, True)]
    assert store.runs.config(run.run_id) == {"seed": 1}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InterruptedRunError("stopped"), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (BudgetReachedError("cap"), "budget"),
        (DataError("bad row"), "failed"),
        (RuntimeError("a fault"), "failed"),
        (SystemExit(1), "failed"),
    ],
)
def test_a_run_that_an_error_ends(store, error, status):
    def work():
        with store.runs.recording("retry", {}, stats=lambda: {"late": 1}) as run:
            run.stats = {"asked": 3}
            raise error

    with pytest.raises(type(error)):
        work()
    assert rows(store) == [("retry", status, {"asked": 3, "late": 1}, True)]


def test_what_ended_the_run_is_told_where_the_store_cannot_be_written_any_more(store):
    def work():
        with store.runs.recording("build", {}):
            with store.write() as connection:
                connection.exec_driver_sql("DROP TABLE runs")
            raise DataError("the cause")

    with pytest.raises(DataError, match="the cause"):
        work()


def test_inside_a_transaction_that_is_undone_no_run_is_left(store):
    with pytest.raises(DataError), store.write(), store.runs.recording("import", {}):
        raise DataError("bad row")
    assert rows(store) == []


def test_ways_of_calling_come_once_each_the_newest_first(store):
    for config in ({"a": 1}, {"a": 2}, {"a": 1}):
        store.runs.start("requests", config)
    store.runs.start("build", {"a": 9})
    assert store.runs.configs("requests") == [{"a": 1}, {"a": 2}]


def test_the_old_names_work_and_say_what_to_use(store):
    with pytest.warns(DeprecationWarning, match=r"runs\.recording"):
        run_id = store.start_run("build", {})
    with pytest.warns(DeprecationWarning, match=r"runs\.recording"):
        store.finish_run(run_id, "done", {"n": 1})
    assert rows(store) == [("build", "done", {"n": 1}, True)]
