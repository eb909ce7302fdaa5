"""Steam in the published layout: lines of Python literals, made here."""

from __future__ import annotations

import gzip

import pytest

from store.data.readers import ReadOptions, read

REVIEWS = """\
{u'username': u'Chaos Elf', u'hours': 0.1, u'products': 41, u'product_id': u'725280', u'page_order': 0, u'date': u'2017-12-17', u'text': u'it\\'s \\u2665', u'early_access': False, u'page': 1}
{u'username': u'Ann', u'hours': 51.1, u'product_id': u'725280', u'date': u'2017-12-18', u'text': u'ok', u'early_access': True}
{u'username': u'Ann', u'hours': 2.0, u'product_id': u'10', u'date': u'2016-01-02', u'user_id': u'765', u'text': u'', u'early_access': False}
"""  # noqa: E501
GAMES = """\
{u'publisher': u'K', u'genres': [u'Action', u'Massively Multiplayer'], u'app_name': u'Lost Kitty', u'title': u'Lost Kitty', u'tags': [u'2D'], u'specs': [u'Single-player'], u'price': 4.99, u'early_access': False, u'id': u'725280', u'developer': u'K'}
{u'app_name': u'Old one', u'tags': [u'FPS', u'Classic'], u'specs': [], u'price': 'Free To Play', u'id': u'10'}
{u'app_name': u'Old one', u'tags': [], u'specs': [], u'id': u'10'}
{u'app_name': u'No id', u'specs': []}
"""  # noqa: E501


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "steam_reviews.json.gz").write_bytes(gzip.compress(REVIEWS.encode()))
    (tmp_path / "steam_games.json.gz").write_bytes(gzip.compress(GAMES.encode()))
    return tmp_path


def test_reviews_and_games(folder):
    """Fault: items that the publication has twice, or without an id, made it unusable."""
    raw = read(folder)
    assert (raw.format, raw.problems) == ("steam", [])
    assert raw.interactions.select("user_id", "item_id", "timestamp").rows() == [
        ("Chaos Elf", "725280", 1513468800),
        ("Ann", "725280", 1513555200),
        ("Ann", "10", 1451692800),
    ]
    assert raw.items.select("item_id", "title", "categories").rows() == [
        ("725280", "Lost Kitty", ["Action", "Massively Multiplayer"]),
        ("10", "Old one", ["FPS", "Classic"]),
    ]
    assert '"developer":"K"' in raw.items["extra"][0]
    assert any("2 rows without an id or of an item" in note for note in raw.notes)


def test_hours_choose_rows(folder):
    assert read(folder, ReadOptions(minimum=("hours=2",))).interactions.height == 2
    raw = read(folder, ReadOptions(keep=("early_access=True",)))
    assert raw.interactions["user_id"].to_list() == ["Ann"]


def test_owned_games_are_ordered_by_the_minutes_played(tmp_path):
    (tmp_path / "australian_users_items.json").write_text(
        "{'user_id': '76561', 'items_count': 2, 'steam_id': '76561', 'user_url': 'u', 'items': "
        "[{'item_id': '10', 'item_name': 'Counter', 'playtime_forever': 600, 'playtime_2weeks': 0},"
        " {'item_id': '20', 'item_name': \"Day's End\", 'playtime_forever': 6,"
        " 'playtime_2weeks': 6}]}\n"
    )
    raw = read(tmp_path)
    assert raw.problems == []
    assert raw.interactions.select("item_id", "timestamp", "position").rows() == [
        ("20", None, 0),
        ("10", None, 1),
    ]
    assert dict(raw.items.select("item_id", "title").rows())["20"] == "Day's End"
    assert any("has no times" in note for note in raw.notes)
    few = read(tmp_path, ReadOptions(minimum=("playtime_forever=60",)))
    assert few.interactions["item_id"].to_list() == ["10"]


def test_a_line_that_is_no_object_is_named(folder):
    with gzip.open(folder / "steam_reviews.json.gz", "at") as file:
        file.write("{broken\n")
    assert [(one.file, one.row) for one in read(folder).problems] == [("steam_reviews.json.gz", 4)]
