"""A real PostgreSQL server: what is read, what is refused, and that no password is shown."""

from __future__ import annotations

import pytest

from store.data.readers import ReadOptions, read
from store.data.readers.sources import database
from store.errors import DataError
from tests.postgres_server import PASSWORD

EVENTS = ReadOptions(user_column="who", item_column="what", time_column="at")


@pytest.fixture(scope="module")
def url(postgres):
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop")
    with psycopg.connect(postgres.url("shop")) as connection:
        connection.execute('CREATE SCHEMA "old data"')
        connection.execute(
            "CREATE TABLE events (who bigint, what text, at timestamptz, price numeric(8,2));"
            "CREATE TABLE empty_log (who bigint, what text, at timestamptz);"
            'CREATE TABLE "old data".log (who uuid, what text, at timestamp);'
            "CREATE TABLE goods (what text, name text, tags text[]);"
            "INSERT INTO events VALUES"
            "  (7, '007', '2014-01-31 17:05:00.25+01', 3.50), (7, 'pen', '2014-01-31 18:00Z', 12),"
            "  (8, '007', 'infinity', NULL), (NULL, 'pen', '2014-02-01', 1);"
            "INSERT INTO goods VALUES"
            "  ('007', 'Käse, alt', ARRAY['Food', 'Cheese, old']), ('pen', NULL, NULL);"
            'INSERT INTO "old data".log VALUES'
            "  ('6b1f3f5e-0000-4000-8000-000000000001', 'pen', '2014-01-31 17:05:00');"
        )
    return postgres.url("shop")


def test_a_table_with_its_types(url):
    """Fault: ids lost zeros, times their zone, and infinity ended the reading."""
    from dataclasses import replace

    raw = read(url, replace(EVENTS, table="events", items_table="goods", title_column="name",
                            categories_column="tags"))  # fmt: skip
    assert raw.interactions.select("user_id", "item_id", "timestamp", "nanosecond").rows() == [
        ("7", "007", 1391184300, 250_000_000),
        ("7", "pen", 1391191200, 0),
    ]
    assert raw.items.select("item_id", "title", "categories").rows() == [
        ("007", "Käse, alt", ["Food", "Cheese, old"]),
        ("pen", None, []),
    ]
    assert [(one.file, one.row, one.column) for one in raw.problems] == [
        ("events", 3, "at"),
        ("events", 4, "who"),
    ]
    assert raw.source.endswith("/shop (table events, items: table goods)")


def test_a_query_and_a_quoted_schema(url):
    raw = read(url, ReadOptions(query="SELECT who::text AS user_id, what AS item_id, at AS "
                                "timestamp FROM events WHERE price > 1 -- 100 % ;"))  # fmt: skip
    assert raw.interactions.height == 2
    raw = read(url, ReadOptions(table='"old data"."log"', user_column="who", item_column="what",
                                time_column="at"))  # fmt: skip
    assert raw.interactions.row(0)[0] == "6b1f3f5e-0000-4000-8000-000000000001"


def test_batches_give_the_same_as_one(url, monkeypatch):
    """Fault: rows were lost where a batch ends."""
    options = ReadOptions(
        query="SELECT n % 7 AS user_id, n AS item_id, n AS position FROM generate_series(1, 100) n"
    )
    whole = read(url, options).interactions
    monkeypatch.setattr("store.data.readers.sources.postgres.BATCH", 33)
    told = []
    again = read(url, options, progress=lambda step, done, total: told.append(done)).interactions
    assert again.equals(whole)
    assert told[-4:] == [33, 66, 99, 100]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("INSERT INTO events VALUES (1) RETURNING 1", "one query that only reads"),
        ("WITH gone AS (DELETE FROM events RETURNING *) SELECT * FROM gone", "only reads"),
        ("SELECT 1; COMMIT; DELETE FROM events", "only reads"),
        ("SELECT nextval('numbers')", "only reads"),
        ("SELECT nobody FROM events", 'column "nobody" does not exist'),
        ("SELECT 1/0 AS user_id", "division by zero"),
        ("SELECT * FROM events WHERE false", "gives no rows"),
        ("SELECT FROM WHERE", "syntax error"),
    ],
)
def test_what_writes_or_cannot_be_read_is_refused(url, query, said):
    """Fault: a query after a semicolon left the read-only transaction."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("CREATE SEQUENCE IF NOT EXISTS numbers")
    with pytest.raises(DataError, match=said):
        read(url, ReadOptions(query=query))
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (4,)


def test_what_is_missing_is_named(url, postgres):
    with pytest.raises(DataError, match=r"did you mean 'events'.*its tables are .*goods"):
        read(url, ReadOptions(table="event"))
    with pytest.raises(DataError, match=r"name what to read with `table` or `query`.*events"):
        read(url)
    with pytest.raises(DataError, match="both `table` and `query`"):
        read(url, ReadOptions(table="events", query="SELECT 1"))
    with pytest.raises(DataError, match="gives no rows"):
        read(url, ReadOptions(table="empty_log"))
    with pytest.raises(DataError, match=r"cannot connect to .*no_such.* does not exist"):
        read(postgres.url("no_such"), ReadOptions(table="events"))
    raw = read(url, ReadOptions(table="events"))
    assert {one.column for one in raw.problems} == {"user_id", "item_id", "timestamp"}


def test_no_password_is_shown(url, postgres):
    """Fault: messages of a driver quote the address they could not read."""
    wrong = postgres.url("shop").replace("w0rd", "wr0ng")
    for address in (
        wrong,
        url.replace("5", "x", 1).replace("127.0.0.1", "%zz"),
        "postgresql://a:pa%3Ass%2Fw0rd@h:p/x",
    ):
        with pytest.raises(DataError) as caught:
            read(address, ReadOptions(table="events"))
        chain = f"{caught.value} {caught.value.__cause__} {caught.value.__context__!r}"
        assert PASSWORD not in str(caught.value)
        assert "w0rd" not in str(caught.value)
        assert "wr0ng" not in str(caught.value)
        assert caught.value.__suppress_context__, chain


def test_a_result_that_is_too_large(url):
    with pytest.raises(DataError, match="more than 100 bytes; raise max_bytes"):
        read(url, ReadOptions(table="events", max_bytes=100))


def test_two_names_for_items(url):
    with pytest.raises(DataError, match="items are named twice"):
        read(url, ReadOptions(table="events", items_table="goods", items_query="SELECT 1"))
    assert database.Wanted("items", None, "SELECT 1").name == "items query"
