"""A published copy is the store's, whole, and of the living alone; each target is held to the same.

Faults looked for: a second publish that writes again, a person who stays in the copy after they
were forgotten, half a version seen by readers, a password in a message.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import cli
from store.errors import StoreError, UserError
from store.publishing import publish as publishing
from store.publishing.address import PublishError, read_address
from store.publishing.publish import publish
from store.publishing.rows import Material
from store.publishing.tables import TABLES
from store.store import open_store
from store.upkeep.edits import dispute, rename
from store.upkeep.forget import forget_user
from store.views.interests.explanation import explain_item
from tests.postgres_server import PASSWORD, PostgresServer
from tests.reading_store import PENS, fill

KINDS = ("postgresql", "duckdb", "parquet")
LISTS = [
    ("customer-ada", 1, "shred", 0.5, 0),
    ("customer-bob", 1, "shred", 0.4, 0),
    ("customer-bob", 2, "note", 0.3, 1),
    ("customer-eve", 1, "refill", 0.2, 0),
    ("nobody", 1, "pen", 0.1, 0),
    ("customer-eve", 2, "no such item", 0.1, 0),
]


@dataclass
class Place:
    """A target, and how a test looks into it."""

    url: str
    query: Callable[[str], list[tuple[Any, ...]]]
    files: Callable[[], bytes]

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        found = self.query(f"SELECT {columns} FROM {table}")
        return sorted((tuple(map(_plain, row)) for row in found), key=repr)

    def written(self) -> object:
        """What a publish that writes would change."""
        if self.url.startswith("postgresql"):
            return [
                self.query(f"SELECT xmin::text, ctid::text FROM {name}")
                for name in ("publication", *(one.name for one in TABLES))
            ]
        return self.files()

    def holds(self, words: str) -> list[str]:
        """Tables that hold a text."""
        return [one.name for one in TABLES if words in repr(self.rows(one.name))]


def _plain(value: Any) -> Any:
    return value.to_list() if isinstance(value, pl.Series) else value


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("made") / "a.db")


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    columns = ["user_id", "rank", "item_id", "score", "interest"]
    file = tmp_path / "lists.parquet"
    pl.DataFrame(LISTS, schema=columns, orient="row").write_parquet(file)
    return file


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "postgresql":
        yield from in_postgres(request.getfixturevalue("postgres"), tmp_path.name)
    elif request.param == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        file = tmp_path / "out.duckdb"

        def ask(query: str) -> list[tuple[Any, ...]]:
            with duckdb.connect(file, read_only=True) as connection:
                connection.execute("USE interest_profiler")
                return list(connection.execute(query).fetchall())

        yield Place(f"duckdb:{file}", ask, file.read_bytes)
    else:
        folder = tmp_path / "out"

        def read(query: str) -> list[tuple[Any, ...]]:
            columns, table = query.removeprefix("SELECT ").split(" FROM ")
            frame = pl.read_parquet(folder / "current" / f"{table}.parquet")
            return (frame if columns == "*" else frame.select(columns.split(", "))).rows()

        def files() -> bytes:
            found = [one for one in folder.rglob("*.parquet") if not one.is_symlink()]
            return b"".join(repr(pl.read_parquet(one).rows()).encode() for one in found)

        yield Place(f"parquet:{folder}", read, files)


def in_postgres(server: PostgresServer, name: str) -> Iterator[Place]:
    database = "d" + "".join(filter(str.isalnum, name)).lower()[:50]
    server.run(f"CREATE DATABASE {database}")
    oid = server.run(f"SELECT oid FROM pg_database WHERE datname = '{database}'")[0][0]

    def ask(query: str) -> list[tuple[Any, ...]]:
        schema = query.replace(" FROM ", " FROM interest_profiler.")
        return server.run(schema.replace("*", "x.*") + " x", database)

    def files() -> bytes:
        server.run("CHECKPOINT")
        folder = server.data / "base" / str(oid)
        return b"".join(one.read_bytes() for one in folder.iterdir())

    yield Place(server.url(database), ask, files)
    server.run(f"DROP DATABASE {database} WITH (FORCE)")


def counts(found: publishing.Publication) -> dict[str, tuple[int, int, int]]:
    return {one.table: (one.inserted, one.updated, one.deleted) for one in found.tables}


def test_the_copy_is_the_store_and_a_second_publish_writes_nothing(
    place: Place, path: Path, lists: Path
) -> None:
    first = publish(path, place.url, lists=lists)
    assert (first.version, first.changed) == (1, True)
    with open_store(path) as store, store.read() as connection:
        ask = connection.exec_driver_sql
        users = ask("SELECT user_id, through, interest_id, subject FROM user_interests").all()
        labels = ask("SELECT interest_id, label FROM interests").all()
    assert place.rows("user_interests", "user_id, through, interest_id, subject") == sorted(
        (tuple(row) for row in users), key=repr
    )
    assert place.rows("interests", "interest_id, label") == sorted(map(tuple, labels), key=repr)
    assert ("customer-bob", ["pen", "refill"]) in place.rows("histories")  # not what is held out
    assert [row[:3] for row in place.rows("lists")] == [row[:3] for row in LISTS[:4]]
    before = place.written()
    again = publish(path, place.url)
    assert (again.version, again.changed) == (1, False)
    assert place.written() == before


def test_only_what_changed_is_written(place: Place, path: Path, lists: Path) -> None:
    publish(path, place.url, lists=lists)
    with open_store(path) as store:
        rename(store, 1, "Writing")
        dispute(store, "customer-eve", 2)
    found = publish(path, place.url)
    assert found.version == 2
    changed = {name for name, numbers in counts(found).items() if any(numbers)}
    assert (
        {"interests", "user_interests"}
        <= changed
        <= {
            "interests",
            "user_interests",
            "explanations",
        }
    )
    if not place.url.startswith("parquet"):
        assert counts(found)["interests"] == (0, 1, 0)
        assert counts(found)["user_interests"] == (0, 0, 1)
    assert (1, "Writing") in place.rows("interests", "interest_id, label")


def test_who_was_forgotten_is_nowhere_after_the_next_publish(
    place: Place, path: Path, lists: Path
) -> None:
    publish(path, place.url, lists=lists)
    assert b"customer-ada" in place.files()  # else the search below would prove nothing
    assert PENS.label.encode() in place.files()
    with open_store(path) as store:
        forget_user(store, "customer-ada")
    found = publish(path, place.url)
    assert found.swept, found.left
    assert place.holds("customer-ada") == place.holds(PENS.label) == []
    assert place.rows("users", "user_id") == [
        (f"customer-{name}",) for name in ("bob", "cyd", "dee", "eve")
    ]
    assert b"customer-ada" not in place.files()
    assert PENS.label.encode() not in place.files()
    assert publish(path, place.url).changed is False


def test_items_that_only_a_forgotten_person_had_are_not_published(tmp_path: Path) -> None:
    from store.data.prepare import prepare
    from store.data.readers import read

    rows = [("u1", "common", 1), ("u2", "common", 1), ("u1", "private letter", 2)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    with open_store(tmp_path / "s.db", create=True) as store:
        store.datasets.save(prepare(read(log)), "frames")
        publish(store, f"parquet:{tmp_path / 'out'}")
        forget_user(store, "u1")
        publish(store, f"parquet:{tmp_path / 'out'}")
    items = pl.read_parquet(tmp_path / "out" / "current" / "items.parquet")
    assert items["item_id"].to_list() == ["common"]


def test_a_sweep_that_did_not_happen_is_made_up_for(
    place: Place, path: Path, lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(path, place.url, lists=lists)
    with open_store(path) as store:
        forget_user(store, "customer-ada")
    with monkeypatch.context() as patch:
        patch.setattr(
            type(publishing.open_target(read_address(place.url), path)),
            "sweep",
            lambda self: "killed",
        )
        assert publish(path, place.url).left == "killed"
    found = publish(path, place.url)
    assert (found.changed, found.swept) == (False, True)
    assert b"customer-ada" not in place.files()


@pytest.mark.parametrize("place", ["parquet"], indirect=True)
def test_explanations_say_what_profiler_explain_says(place: Place, path: Path, lists: Path) -> None:
    publish(path, place.url, lists=lists)
    said = {row[:2]: row[2] for row in place.rows("explanations", "user_id, item_id, sentence")}
    with open_store(path) as store:
        for user, _, item, *_ in LISTS[:4]:
            expected = explain_item(store, user, item)
            assert said.get((user, item)) == (expected.sentence if expected.interests else None)
    assert len(said) >= 3


def test_a_failure_in_the_middle_leaves_the_version_before(
    place: Place, path: Path, lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(path, place.url, lists=lists)
    with open_store(path) as store:
        rename(store, 1, "Writing")
        forget_user(store, "customer-cyd")

    def broken(self: Material) -> Iterator[Any]:
        yield "customer-bob", ["pen"]
        if self.digests_known:
            raise KeyboardInterrupt

    monkeypatch.setattr(Material, "_histories", broken)
    monkeypatch.setattr(Material, "digests_known", False, raising=False)
    digests = publishing._digests

    def then_broken(material: Material, tell: Any) -> Any:
        found = digests(material, tell)
        material.digests_known = True  # type: ignore[attr-defined]
        return found

    monkeypatch.setattr(publishing, "_digests", then_broken)
    with pytest.raises(KeyboardInterrupt):
        publish(path, place.url)
    assert (1, PENS.label) in place.rows("interests", "interest_id, label")
    assert "customer-cyd" in repr(place.rows("users"))
    monkeypatch.undo()
    assert publish(path, place.url).version == 2
    assert (1, "Writing") in place.rows("interests", "interest_id, label")


def test_a_dry_run_tells_and_leaves_nothing(place: Place, path: Path, lists: Path) -> None:
    found = publish(path, place.url, lists=lists, dry_run=True)
    assert (found.changed, found.dry_run, counts(found)["users"]) == (True, True, (5, 0, 0))
    assert publish(path, place.url, lists=lists, dry_run=True).version == 1
    address = read_address(place.url)
    if address.kind != "postgresql":
        assert not address.path.exists()


@pytest.mark.parametrize("place", ["parquet", "postgresql"], indirect=True)
def test_another_stores_tables_and_versions_are_left_alone(
    place: Place, path: Path, tmp_path: Path
) -> None:
    publish(path, place.url)
    other = fill(tmp_path / "other.db")
    with open_store(other) as store, store.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET started_at = 'another day'")
    with pytest.raises(UserError, match="of another store"):
        publish(other, place.url)
    assert publish(other, place.url, overwrite=True).version == 2
    with pytest.raises(UserError, match="of another store"):
        publish(path, place.url)


@pytest.mark.parametrize("place", ["parquet"], indirect=True)
def test_tables_of_a_later_program_are_left_alone(
    place: Place, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "SCHEMA_VERSION", 9)
        publish(path, place.url)
    with pytest.raises(PublishError, match=r"published tables of version 9 .* writes version 1"):
        publish(path, place.url)


def test_text_vectors_are_published_on_demand(place: Place, path: Path) -> None:
    if place.url.startswith("postgresql"):
        with pytest.raises(PublishError, match="has no pgvector"):
            publish(path, place.url, vectors=True)
        return
    publish(path, place.url, vectors=True)
    vectors = dict(place.rows("item_vectors"))
    assert vectors["pen"] == pytest.approx([1.0, 0.0, 0.0])
    assert publish(path, place.url).changed is False  # they stay without being asked for again


def test_vectors_reach_a_server_that_has_the_type(postgres: PostgresServer, path: Path) -> None:
    """No server here has pgvector: a type of its name that keeps the text stands in."""
    for place in in_postgres(postgres, "vectors"):
        database = place.url.rpartition("/")[2]
        for statement in (
            "CREATE TYPE vector",
            "CREATE FUNCTION vector_in(cstring) RETURNS vector "
            "LANGUAGE internal IMMUTABLE STRICT AS 'textin'",
            "CREATE FUNCTION vector_out(vector) RETURNS cstring "
            "LANGUAGE internal IMMUTABLE STRICT AS 'textout'",
            "CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out, "
            "TYPMOD_IN = varchartypmodin, LIKE = text)",
            "CREATE FUNCTION vector_eq(vector, vector) RETURNS boolean "
            "LANGUAGE internal IMMUTABLE STRICT AS 'texteq'",
            "CREATE OPERATOR = (LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_eq)",
        ):
            postgres.run(statement, database)
        publish(path, place.url, vectors=True)
        found = postgres.run(
            "SELECT item_id, vector::text FROM interest_profiler.item_vectors", database
        )
        assert dict(found)["pen"] == "[1,0,0]"


def test_full_text_is_searched_by_stems(postgres: PostgresServer, path: Path) -> None:
    for place in in_postgres(postgres, "words"):
        publish(path, place.url)
        found = postgres.run(
            "SELECT label FROM interest_profiler.interests "
            "WHERE search @@ websearch_to_tsquery('english', 'refills -shredder')",
            place.url.rpartition("/")[2],
        )
        assert sorted(found) == [("Gel pens and refills",), ("Refillable gel pens",)]


def test_a_second_publisher_is_refused(place: Place, path: Path) -> None:
    publish(path, place.url)
    if place.url.startswith("duckdb"):  # which two connections of one process share
        with pytest.raises(PublishError, match="is in use by another program"), held(path, place):
            publish(path, place.url)
        return
    address = read_address(place.url)
    with (
        publishing.open_target(address, path),
        pytest.raises(PublishError, match="another publisher is at work"),
    ):
        publish(path, place.url)


@contextmanager
def held(path: Path, place: Place) -> Iterator[None]:
    """Another process holds a DuckDB file."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    file = read_address(place.url).path
    with subprocess.Popen(
        [sys.executable, "-c", code, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            yield
        finally:
            other.kill()


def test_what_a_server_refuses_is_one_line_without_the_password(
    postgres: PostgresServer, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = "postgresql://ana:geheim42@127.0.0.1:1/shop"
    wrong = postgres.url().replace("pa%3Ass%2Fw0rd", "geheim42")
    nowhere = postgres.url("no_such_database")
    for url, said in ((away, "refused"), (wrong, "password authentication"), (nowhere, "exist")):
        arguments = ["publish", url, "--store", str(path)]
        assert cli.run(cli.profiler_app, "profiler", arguments) == 2
        printed = capsys.readouterr()
        told = [line for line in printed.err.splitlines() if said in line]
        assert len(told) == 1
        assert "geheim42" not in printed.err + printed.out
        assert PASSWORD not in printed.err + printed.out
    with open_store(path) as store:
        assert store.meta("published") is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("mysql://root:geheim42@host/shop", "no address of a target"),
        ("postgresql://ana:geh@im:42@host:x/shop", "cannot be read"),
        ("postgresql://ana:geheim42@host", "names no database"),
        ("shop.duckdb", "no address of a target"),
        ("duckdb:", "no address of a target"),
    ],
)
def test_addresses_that_are_none_are_not_repeated(typed: str, said: str) -> None:
    with pytest.raises(PublishError, match=said) as refused:
        read_address(typed)
    assert "geh" not in str(refused.value)


@pytest.mark.parametrize("place", ["parquet"], indirect=True)
def test_the_store_knows_where_it_was_published_but_no_password(
    place: Place, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = place.url
    arguments = ["publish", url, "--store", str(path), "--json"]
    assert cli.run(cli.profiler_app, "profiler", arguments) == 0
    shown = json.loads(capsys.readouterr().out)["target"]
    with open_store(path) as store:
        assert store.meta("published") == {shown: 1}
    assert b"w0rd" not in path.read_bytes()
    forget = ["forget", "customer-ada", "--store", str(path)]
    assert cli.run(cli.profiler_app, "profiler", forget) == 0
    assert f"until profiler publish is run again: {shown}" in capsys.readouterr().err
    assert cli.run(cli.profiler_app, "profiler", arguments[:-1]) == 0
    assert f"{shown}: version 2" in capsys.readouterr().out


def test_files_of_others_are_left_alone(path: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.tsv"  # was said to hold version 1, and stayed empty
    empty.touch()
    for url, said in (
        (f"duckdb:{empty}", "is no DuckDB file"),
        (f"duckdb:{path}", "is no DuckDB file"),
        (f"duckdb:{tmp_path}", "is a folder"),
        (f"parquet:{path}", "is a file"),
        (f"parquet:{tmp_path}", "which publish did not write"),
        (f"duckdb:{tmp_path / 'no' / 'such.duckdb'}", "no folder"),
    ):
        with pytest.raises(UserError, match=said):
            publish(path, url)
    with open_store(path) as store:
        assert store.meta("published") is None


def test_nobody_may_read_more_than_the_store(path: Path, tmp_path: Path) -> None:
    path.chmod(0o600)
    publish(path, f"duckdb:{tmp_path / 'x.duckdb'}")
    publish(path, f"parquet:{tmp_path / 'out'}")
    for one in (tmp_path / "x.duckdb", *(tmp_path / "out").rglob("*.parquet")):
        assert one.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"user_id": ["a"], "rank": [1]}, "has no column 'item_id'"),
        ({"user_id": ["a", "a"], "rank": [1, 1]}, "has place 1 of user 'a' twice"),
        ({"user_id": [None], "rank": [1]}, "empty cells"),
    ],
)
def test_lists_that_are_none_are_refused(
    frame: dict[str, Any], said: str, path: Path, tmp_path: Path
) -> None:
    file = tmp_path / "l.parquet"
    given = pl.DataFrame(frame)
    if "column" not in said:
        given = given.with_columns(item_id=pl.lit("pen"), score=pl.lit(0.5), interest=pl.lit(0))
    given.write_parquet(file)
    with pytest.raises(UserError, match=said):
        publish(path, f"parquet:{tmp_path / 'out'}", lists=file)


def test_one_moment_of_the_store_is_read(path: Path) -> None:
    with open_store(path) as store, open_store(path) as other:
        with store.snapshot():
            users = store.datasets.load().n_users
            other.set_meta(mark=1)
            assert store.meta("mark") is None
            assert store.datasets.load().n_users == users
            with pytest.raises(StoreError, match="one moment"):
                store.set_meta(mark=2)
        assert store.meta("mark") == 1
