"""Interests through time, against weights counted by hand.

Fault behind these tests: an interest of five years ago looked as fresh as one of yesterday.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import cli
from profiler.growth.trends import DAY, trends
from store.data.prepare import prepare
from store.data.readers import read
from store.errors import UserError
from store.store import Store, open_store
from store.tables.subjects import SubjectRow
from tests.reading_store import Interest

WHEN = {
    "old": [0, 1, 2],  # nothing in the last ten days
    "fresh": [95, 97, 99],  # nothing before them
    "rising": [80, 92, 94, 96, 98],
    "same": [*range(0, 101, 2)],
}


@pytest.fixture
def timed(tmp_path: Path) -> Store:
    """One exemplar and a member; an interest for each kind of item, events on given days."""
    rows = [
        ("a" if place % 2 else "b", kind, day * DAY)
        for kind, days in WHEN.items()
        for place, day in enumerate(days)
    ]
    # whom no subject stands for: the crowd as a whole is steady
    rows += [("stranger", "old", day * DAY) for day in range(101) for _ in range(20)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    store = open_store(tmp_path / "s.db", create=True)
    store.datasets.save(prepare(read(log), split="none"), "frames")
    run = store.runs.start("build", {})
    data = store.datasets.load()
    users, items = data.user_index, data.item_index
    shown = [items[kind] for kind in WHEN]
    row = SubjectRow("exemplar", "exemplar:a", users["a"], shown, members=[users["a"], users["b"]])
    store.subjects.choose("exemplar", [row], run)
    interests = [Interest(kind, f"Likes {kind}.", [kind]) for kind in WHEN]
    store.interests.save(1, [*interests, Interest("never", "?", [])], source="m", response_id=None)
    return store


def test_what_comes_and_goes_with_first_and_last_evidence(timed: Store) -> None:
    found = trends(timed, half_life_days=10)
    by_label = {one.label: one for one in found.interests}
    assert {name: one.what for name, one in by_label.items()} == {
        "old": "faded",
        "fresh": "emerged",
        "rising": "grew",
        "same": "steady",
    }
    assert found.without_events == 1
    assert found.until == "1970-04-11"
    old, rising = by_label["old"], by_label["rising"]
    assert (old.first, old.last, old.events) == ("1970-01-01", "1970-01-03", 3)
    assert rising.weight == pytest.approx(sum(2 ** (-(100 - day) / 10) for day in WHEN["rising"]))
    assert rising.weight_before == pytest.approx(2 ** (-(90 - 80) / 10))
    assert by_label["fresh"].growth is None
    assert [one.what for one in found.interests][:2] == ["emerged", "grew"]


def test_growth_is_against_that_of_all_events(timed: Store) -> None:
    # Every event counts twice as often as one half-life before: nothing grows by that.
    found = {one.label: one for one in trends(timed, half_life_days=10).interests}
    events = [day for days in WHEN.values() for day in days] + list(range(101)) * 20
    now = sum(2 ** (-(100 - day) / 10) for day in events)
    then = sum(2 ** (-(90 - day) / 10) for day in events if day <= 90)
    same = found["same"]
    assert same.growth == pytest.approx(same.weight / same.weight_before / (now / then))


def test_the_command_and_what_it_refuses(timed: Store, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["trends", "--store", str(timed.path)]
    timed.close()
    assert cli.run(cli.profiler_app, "profiler", [*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["half_life_days"] == pytest.approx(10)
    assert cli.run(cli.profiler_app, "profiler", arguments) == 0
    assert "1 emerged, 1 grew, 1 faded" in capsys.readouterr().out
    assert cli.run(cli.profiler_app, "profiler", [*arguments, "--half-life", "0"]) == 2
    assert "half-life" in capsys.readouterr().err


def test_data_without_times_have_no_trends(tmp_path: Path) -> None:
    log = pl.DataFrame({"user_id": ["a"], "item_id": ["1"], "position": [1]})
    with open_store(tmp_path / "s.db", create=True) as store:
        store.datasets.save(prepare(read(log), split="none"), "frames")
        with pytest.raises(UserError, match="have no times"):
            trends(store)
