"""Exports hold what the store holds, in three formats; Datasette opens the store ready to use."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import polars as pl
import pytest

from store.errors import UserError
from store.store import open_store
from store.tables.tasks.cards import Card
from store.views.datasette import QUERIES, write_metadata
from store.views.export import TABLES, export_store
from tests.reading_store import SHREDDING, fill


@pytest.fixture
def store(tmp_path):
    (tmp_path / "in").mkdir()
    with open_store(fill(tmp_path / "in" / "s.db")) as opened:
        with opened.write() as connection:
            connection.exec_driver_sql(
                "UPDATE items SET title = '=cmd, \"quoted\"\nline <script>' WHERE item_id = 'pen'"
            )
        yield opened


def expected(store):
    with store.read() as connection:
        return {
            name: [dict(row) for row in connection.exec_driver_sql(query).mappings()]
            for name, query in TABLES.items()
        }


def test_all_formats_hold_the_same_rows(store, tmp_path):
    store.cards.save([Card(0, "Writes.", ("ink", "paper"), "openai:m", "d")])
    rows = expected(store)
    assert {name: len(found) for name, found in rows.items()} == {
        "interests": 4,
        "evidence": 6,
        "user_interests": 13,
        "assignments": 2,
        "cards": 1,
        "descriptions": 0,
    }
    for kind in ("jsonl", "csv", "parquet"):
        written = export_store(store, tmp_path / kind, kind)
        assert [one["rows"] for one in written] == [len(found) for found in rows.values()]
        assert len(list((tmp_path / kind).iterdir())) == len(TABLES)
    for name, found in rows.items():
        with (tmp_path / "jsonl" / f"{name}.jsonl").open() as file:
            assert [json.loads(line) for line in file] == found
        assert pl.read_parquet(tmp_path / "parquet" / f"{name}.parquet").to_dicts() == found
        with (tmp_path / "csv" / f"{name}.csv").open(newline="") as file:
            texts = [{k: "" if v is None else str(v) for k, v in row.items()} for row in found]
            assert list(csv.DictReader(file)) == texts


def test_nothing_is_overwritten_and_links_are_not_followed(store, tmp_path):
    out = tmp_path / "out"
    export_store(store, out, "csv")
    with pytest.raises(UserError, match="exists already"):
        export_store(store, out, "csv")
    (tmp_path / "victim").write_text("mine")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "interests.jsonl").symlink_to(tmp_path / "victim")
    with pytest.raises(UserError, match="exists already"):
        export_store(store, linked, "jsonl")
    assert (tmp_path / "victim").read_text() == "mine"
    with pytest.raises(UserError, match="one of jsonl, csv, parquet"):
        export_store(store, tmp_path / "x", "xlsx")
    with pytest.raises(UserError, match="cannot make the folder"):
        export_store(store, tmp_path / "victim" / "x", "csv")


def test_metadata_is_written_once_and_every_query_runs(store, tmp_path):
    document = write_metadata(store, tmp_path / "metadata.json")
    assert json.loads((tmp_path / "metadata.json").read_text()) == document
    assert set(document["databases"]["s"]["queries"]) == set(QUERIES)
    with pytest.raises(UserError, match="exists already"):
        write_metadata(store, tmp_path / "metadata.json")
    with pytest.raises(UserError, match="no folder"):
        write_metadata(store, tmp_path / "none" / "metadata.json")


@pytest.fixture
def served(store, tmp_path):
    """Datasette itself on the loopback, opened with the metadata; yields its address."""
    pytest.importorskip("datasette")
    write_metadata(store, tmp_path / "metadata.json")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "datasette", "serve", str(store.path), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "-m", str(tmp_path / "metadata.json")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"HOME": str(tmp_path)},
    )
    try:
        for _ in range(300):
            try:
                get(f"http://127.0.0.1:{port}/-/versions.json")
                break
            except OSError:
                assert process.poll() is None, process.stderr.read().decode()
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def get(address):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=20) as answer:
        return json.load(answer)


def test_datasette_answers_every_named_query(store, served):
    interest = next(r for r in expected(store)["interests"] if r["label"] == SHREDDING.label)
    values = {
        "user": "customer-dee",
        "interest": interest["interest_id"],
        "item": "shred",
        "words": 'shredding "unbalanced AND',
    }
    rows = {}
    for name in QUERIES:
        query = urllib.parse.urlencode(values | {"_shape": "array"})
        rows[name] = get(f"{served}/s/{name}.json?{query}")
    assert [r["label"] for r in rows["interests_of_user"]] == [SHREDDING.label]
    assert len(rows["users_of_interest"]) == 3
    assert [r["item_id"] for r in rows["evidence_of_interest"]] == ["shred", "oil"]
    assert rows["interests_of_item"][0]["label"] == SHREDDING.label
    assert rows["search_interests"] == []
    assert len(rows["history_of_user"]) == 4
    assert rows["answer_behind_interest"][0]["model"] == "openai:m"
    assert rows["what_it_cost"][0]["cost_usd"] == pytest.approx(0.03)
    assert rows["what_is_missing"] == []
    found = get(f"{served}/s/search_interests.json?words=shredding&_shape=array")
    assert [row["label"] for row in found] == [SHREDDING.label]
    with pytest.raises(urllib.error.HTTPError):
        get(f"{served}/s.json?sql=DELETE+FROM+interests")


def test_a_spreadsheet_takes_no_text_for_a_formula(store, tmp_path):
    """A title such as ``=HYPERLINK(…)`` of a shop was once live in the file."""
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE interests SET label = '=1+1' WHERE interest_id = 1")
    export_store(store, tmp_path, "csv", spreadsheet_safe=True)
    with (tmp_path / "interests.csv").open(newline="") as file:
        rows = {row["interest_id"]: row for row in csv.DictReader(file)}
    assert rows["1"]["label"] == "'=1+1"
    assert float(rows["1"]["strength"]) >= 0
    with pytest.raises(UserError, match="`spreadsheet_safe` is for csv"):
        export_store(store, tmp_path / "two", "jsonl", spreadsheet_safe=True)


def test_gistbench_cites_only_what_a_user_is_known_to_have(store, tmp_path):
    """Held-out items cited as evidence would make the benchmark's figures too good."""
    written = export_store(store, tmp_path / "g", "gistbench")
    assert [one["rows"] for one in written] == [12, 4]
    log = pl.read_csv(tmp_path / "g" / "engagements.csv", infer_schema=False)
    assert log.columns == [
        "user_id", "object_id", "object_text", "interaction_type", "interaction_time",
    ]  # fmt: skip
    assert set(log["interaction_type"]) == {"implicit_positive"}
    assert log["interaction_time"][0] == "1970-01-01T00:16:40+00:00"
    known = {user: set(rows["object_id"]) for (user,), rows in log.group_by("user_id")}
    assert known["customer-ada"] == {"pen", "refill", "note"}
    with (tmp_path / "g" / "interests.jsonl").open() as file:
        rows = [json.loads(line) for line in file]
    assert list(rows[0]) == ["user_id", "name", "item_ids", "evidence_excerpt", "brief_rationale"]
    for row in rows:
        assert row["item_ids"]
        assert set(row["item_ids"]) <= known[row["user_id"]]
        assert row["brief_rationale"].endswith(f"an interest in {row['name']}.")
    own = {(row["user_id"], row["name"]): row["item_ids"] for row in rows}
    assert own["customer-cyd", SHREDDING.label] == ["oil", "shred"]
    assert own["customer-bob", "Gel pens and refills"] == ["pen"]


def test_a_format_that_does_not_exist_is_named(store, tmp_path):
    with pytest.raises(UserError, match="`format` 'yaml': one of jsonl, csv, parquet, gistbench"):
        export_store(store, tmp_path / "g", "yaml")
