"""Databases and addresses as data of commands: one line for every error, no password anywhere."""

from __future__ import annotations

import json
import sqlite3

import pytest

import cli

SECRET = "w0rd"


def profiler(*words) -> int:
    return cli.run(cli.profiler_app, "profiler", list(map(str, words)))


@pytest.fixture
def shop(postgres):
    """A database of forty users with ten items each."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres.url()) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bought AS SELECT 'u' || u AS who, (u % 4) * 10 + i AS what,"
            " timestamp '2014-01-31' + (u * 100 + i) * interval '1 hour' AS at"
            " FROM generate_series(1, 40) u, generate_series(0, 9) i"
        )
        connection.execute(
            "CREATE TABLE IF NOT EXISTS wares AS SELECT i AS what, 'Thing ' || i AS title,"
            " ARRAY['Kind ' || i / 10] AS categories FROM generate_series(0, 39) i"
        )
    return postgres.url()


COLUMNS = ["--user-column", "who", "--item-column", "what", "--time-column", "at"]
TABLES = ["--table", "bought", "--items-table", "wares", *COLUMNS]


def test_no_password_is_printed_or_stored(shop, tmp_path, capfd):
    """Fault: the command that check proposes, or the store, held the password."""
    assert SECRET in shop
    assert profiler("check", shop, *TABLES) == 0
    out, err = capfd.readouterr()
    assert "next: profiler build postgresql://ana@127.0.0.1:" in out
    assert "--table bought --items-table wares" in out
    assert SECRET not in out + err
    assert profiler("check", shop, *TABLES, "--json") == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["interactions"] == 400
    assert SECRET not in out + err
    path = tmp_path / "s.db"
    assert profiler("build", shop, *TABLES, "--store", path, "--dry-run") == 0
    out, err = capfd.readouterr()
    assert "40 users, 40 items, 400 interactions" in out
    assert SECRET not in out + err
    assert "ana" not in out
    with sqlite3.connect(path) as store:
        assert not [line for line in store.iterdump() if SECRET in line or "ana:" in line]
        ((source,),) = store.execute("SELECT value FROM meta WHERE key = 'source'")
    assert source.endswith('/postgres (table bought, items: table wares)"')


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--table", "bougt"], "did you mean 'bought'"),
        (["--query", "DELETE FROM bought"], "only reads"),
        ([], "name what to read with --table or --query"),
        (["--query", "SELECT * FROM bought WHERE false"], "gives no rows"),
        (["--table", "bought", "--layout", "hm"], "leave --format out"),
    ],
)
def test_one_line_and_exit_code_2(shop, capfd, words, said):
    """Fault: errors named parameters of the library, or a traceback followed."""
    assert profiler("check", shop, *words) == 2
    err = capfd.readouterr().err
    assert said in err
    assert len([line for line in err.splitlines() if line.startswith("profiler: ")]) == 1
    assert "Traceback" not in err
    assert SECRET not in err


def test_a_wrong_column_is_proposed(shop, capfd):
    assert profiler("check", shop, "--table", "bought") == 2
    out = capfd.readouterr().out
    assert "bought has the columns who, what, at" in out
    assert SECRET not in out
