"""A file of rankings: checked as a run's answers are, stored beside those of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cli
from profiler.exchange.rankings import import_rankings
from profiler.rank import rank_cases
from store.errors import DataError, LeakageError
from store.store import open_store
from store.upkeep.verify import verify
from tests.ranking_store import case_of, nominated_store


def row(user: int, *items: int, **more: object) -> str:
    name = f"s{user}-i"
    return json.dumps({"case": case_of(user).name, "ranking": [f"{name}{i}" for i in items]} | more)


def write(folder: Path, *lines: str) -> Path:
    file = folder / "mine.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_what_is_accepted_is_stored_beside_other_rankings(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 4) as store:
        rank_cases(store, None)
        file = write(
            tmp_path,
            row(1, 8, 7, 6),
            row(1, 3, 4, 5),  # the case stands there twice
            row(2, 3, 4, 11),  # held out, so no candidate
            row(2, 3, 3, 4),
            row(2, 3, 4),
            row(3, 3, 4, 5, mood="x"),
            '{"case": "case:unknown", "ranking": []}',
            '{"case": 3, "ranking": []}',
            "{",
        )
        found = import_rankings(store, file, name="mine")
        assert (found.rows, found.stored, found.changed) == (9, 1, 1)
        assert dict(found.dropped) == {
            "repeated case": 1,
            "unknown case": 1,
            "not accepted": 3,
            "unreadable": 3,
        }
        assert import_rankings(store, file, name="mine").changed == 0
        sources = {one.source for one in store.rankings.load([2])}
        assert sources == {"offline", "import:mine"}
        (brought,) = store.rankings.load(source="import:mine")
        assert (brought.items, brought.response_id) == ((20, 19, 18), None)
        assert verify(store)[1] == []


def test_a_dry_run_stores_nothing_and_an_empty_file_is_refused(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 2) as store:
        file = write(tmp_path, row(1, 8, 7, 6))
        assert import_rankings(store, file, name="mine", dry_run=True).changed == 1
        assert store.rankings.load() == []
        with pytest.raises(DataError, match="no ranking of a nominated case"):
            import_rankings(store, write(tmp_path, row(1, 8)), name="mine")


def test_cases_that_the_split_hides_now_are_refused(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 2) as store:
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE interactions SET part = 3")
        with pytest.raises(LeakageError):
            import_rankings(store, write(tmp_path, row(1, 8, 7, 6)), name="mine")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nominated_store(tmp_path / "s.db", 2).close()
    file = write(tmp_path, row(1, 8, 7, 6), "{")
    words = ["import-rankings", str(file), "--store", str(tmp_path / "s.db")]
    assert cli.run(cli.profiler_app, "profiler", words) == 0
    assert "rankings stored\t1" in capsys.readouterr().out
    assert cli.run(cli.profiler_app, "profiler", [*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 0
    with open_store(tmp_path / "s.db") as store:
        assert store.rankings.load()[0].source == "import:mine"
