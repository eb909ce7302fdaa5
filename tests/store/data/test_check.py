"""What check finds, on data where every number is known."""

from __future__ import annotations

import polars as pl

from store.data.check import fact_rows, inspect, lines
from store.data.readers import read

LOG = pl.DataFrame(
    {
        "user_id": ["u", "u", "u", "u", "v", "w", "w", "w"],
        "item_id": ["a", "b", "b", "c", "a", "d", "e", "f"],
        "timestamp": [0, 86_400, 86_400, 86_400, 5, None, 7, 8],
        "position": [0, 1, 1, 2, 0, 0, 1, 2],
    }
)
ITEMS = pl.DataFrame({"item_id": ["a", "b", "c", "z"], "title": ["A", None, "C", "Z"]})


def test_counts():
    report = inspect(read((LOG, ITEMS)))
    assert (report.users, report.items, report.interactions) == (3, 6, 8)
    assert (report.first_time, report.last_time) == ("1970-01-01 00:00:00", "1970-01-02 00:00:00")
    assert report.without_time == 1
    assert report.history_lengths == [1, 1, 3, 4, 4, 4]
    assert report.short_histories == 1
    assert report.ties == 3
    assert report.repeats == 1
    assert (report.untitled.count, report.untitled.first) == (1, ["b"])
    assert (report.absent.count, report.absent.first) == (3, ["d", "e", "f"])
    assert report.unused == 1
    assert report.problems == []


def test_words():
    raw = read((LOG, ITEMS))
    facts = dict(fact_rows(inspect(raw)))
    assert facts["items not in the item file (kept)"] == "3: d, e, f"
    assert facts["items without a title (kept)"] == "1: b"
    assert lines(raw, inspect(raw))[-1] == "no problems found; nothing was written"


def test_without_items_and_without_times():
    raw = read(LOG.drop("timestamp"))
    report = inspect(raw)
    assert report.first_time is None
    assert report.without_time == 8
    assert dict(fact_rows(report))["items without a title (kept)"] == "6: no item file"


def test_problems_end_the_words():
    raw = read(LOG.with_columns(user_id=pl.lit(None, dtype=pl.String)))
    report = inspect(raw)
    assert report.problem_counts == {"missing value": 8}
    assert report.history_lengths == []
    assert report.problems[0]["row"] == 1
    assert lines(raw, report)[-1] == "8 problems: build refuses this source"


def test_real_gaps(shared_data):
    beauty = inspect(read(shared_data / "amazon-beauty"))
    assert (beauty.untitled.count, beauty.without_time, beauty.absent.count) == (7, 287, 0)
    small = inspect(read(shared_data / "ml-latest-small"))
    assert (small.unused, small.first_time) == (18, "1996-03-29 18:36:55")
