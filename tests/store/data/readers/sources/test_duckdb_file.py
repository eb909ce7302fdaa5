"""DuckDB files: tables, queries, and what is refused."""

from __future__ import annotations

import pytest

from store.data.readers import ReadOptions, read
from store.errors import DataError

duckdb = pytest.importorskip("duckdb", reason="pip install 'interest-profiler[duckdb]'")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("duckdb") / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE events (user_id HUGEINT, item_id VARCHAR, timestamp TIMESTAMPTZ,"
            " kind ENUM('buy', 'look'), lasted INTERVAL);"
            "INSERT INTO events VALUES"
            " (7, '007', '2014-01-31 17:05:00.25+01', 'buy', INTERVAL 1 DAY),"
            " (7, 'pen', '2014-01-31 18:00Z', 'look', NULL);"
            "CREATE TABLE items (item_id VARCHAR, title VARCHAR, categories VARCHAR[]);"
            "INSERT INTO items VALUES ('007', 'Käse', ['Food', 'Cheese, old']);"
            "CREATE SCHEMA old; CREATE TABLE old.none_yet (user_id INT);"
        )
    return path


COLUMNS = "SELECT user_id, item_id, timestamp, kind FROM events"


def test_a_query_and_a_table_of_items(file):
    """Fault: whole numbers of 128 bits became fractions, and lists one category."""
    raw = read(f"duckdb:{file}", ReadOptions(query=COLUMNS, items_table="items"))
    assert raw.problems == []
    assert raw.interactions.select("user_id", "item_id", "timestamp", "nanosecond").rows() == [
        ("7", "007", 1391184300, 250_000_000),
        ("7", "pen", 1391191200, 0),
    ]
    assert raw.items.row(0)[:3] == ("007", "Käse", ["Food", "Cheese, old"])
    assert raw.source == f"duckdb:{file} (a query, items: table items)"


def test_columns_are_chosen_as_in_files(file):
    raw = read(f"duckdb:///{str(file).lstrip('/')}", ReadOptions(query=COLUMNS, keep=("kind=buy",)))
    assert raw.interactions["item_id"].to_list() == ["007"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"query": "DELETE FROM events"}, "one query that only reads"),
        ({"query": "SELECT 1; SELECT 2"}, "one query that only reads"),
        ({"query": "COPY (SELECT 1) TO 'stolen.csv'"}, "one query that only reads"),
        ({"query": "SELECT nobody FROM events"}, "nobody"),
        ({"query": "SELEC"}, "cannot be read"),
        ({"table": "event"}, "did you mean 'events'.*its tables are"),
        ({"table": "old.none_yet"}, "gives no rows"),
        ({"table": "events"}, "a column is of a type that cannot be read"),
        ({}, "name what to read with `table` or `query`; its tables are events"),
        ({"table": "events", "format": "csv"}, "leave `format` out"),
    ],
)
def test_what_cannot_be_read(file, options, said):
    """Fault: COPY wrote a file although the database was opened for reading only."""
    with pytest.raises(DataError, match=said):
        read(f"duckdb:{file}", ReadOptions(**options))


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(DataError, match="no such DuckDB file"):
        read(f"duckdb:{tmp_path / 'none.duckdb'}", ReadOptions(table="events"))
    (tmp_path / "text.duckdb").write_text("user_id,item_id\n" * 1000)
    with pytest.raises(DataError, match="check that it is a DuckDB file"):
        read(f"duckdb:{tmp_path / 'text.duckdb'}", ReadOptions(table="events"))


def test_tables_are_for_databases(tmp_path):
    """Fault: `table` was ignored where the source is a file."""
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\na,b,1391184300\n")
    with pytest.raises(DataError, match=r"table=events: log\.csv is no database"):
        read(tmp_path / "log.csv", ReadOptions(table="events"))
    with pytest.raises(DataError, match="items are read from a database together"):
        read(tmp_path / "log.csv", ReadOptions(items="duckdb:x.duckdb"))
