"""RetailRocket in its published layout, made here."""

from __future__ import annotations

import pytest

from store.data.readers import ReadOptions, read


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "events.csv").write_text(
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
        "1433222276276,257597,transaction,356475,4000\n"
    )
    (tmp_path / "item_properties_part1.csv").write_text(
        "timestamp,itemid,property,value\n1435460400000,355908,categoryid,1338\n"
        "1441508400000,355908,888,1116713 960601 n277.200\n"
    )
    (tmp_path / "item_properties_part2.csv").write_text(
        "timestamp,itemid,property,value\n1431226800000,355908,categoryid,9\n"
        "1431226800000,356475,categoryid,231\n"
    )
    (tmp_path / "category_tree.csv").write_text(
        "categoryid,parentid\n1338,1278\n1278,378\n378,\n231,232\n232,231\n"
    )
    return tmp_path


def test_events_and_the_last_category(folder):
    """Fault: the second part of the properties was not read; an older category won."""
    raw = read(folder)
    assert (raw.format, raw.problems) == ("retailrocket", [])
    assert raw.interactions.select("user_id", "item_id", "timestamp", "nanosecond").rows() == [
        ("257597", "355908", 1433221332, 117_000_000),
        ("257597", "356475", 1433222276, 276_000_000),
    ]
    assert dict(raw.items.select("item_id", "categories").rows()) == {
        "355908": ["378", "1278", "1338"],
        "356475": ["232", "231"],
    }
    assert any("no titles" in note for note in raw.notes)
    assert any("keep=event=" in note or "keep='event=" in note for note in raw.notes)


def test_transactions_alone(folder):
    raw = read(folder, ReadOptions(keep=("event=transaction",)))
    assert raw.interactions["item_id"].to_list() == ["356475"]


def test_events_of_another_shop_are_no_retailrocket(tmp_path):
    (tmp_path / "events.csv").write_text("user_id,item_id,timestamp\na,b,1433221332\n")
    assert read(tmp_path / "events.csv").format == "csv"
