"""MIND in its published layout, made here."""

from __future__ import annotations

import pytest

from store.data.check import inspect
from store.data.prepare import prepare
from store.data.readers import ReadOptions, read

BEHAVIORS = """\
2\tU7\t11/12/2019 6:11:30 PM\tN3 N1\tN4-1 N5-0 N6-1
1\tU7\t11/11/2019 9:05:58 AM\tN3 N1\tN2-1 N5-0
3\tU8\t11/13/2019 12:00:01 AM\t\tN3-1 N4-0
"""
NEWS = """\
N1\tlifestyle\tlifestyleroyals\tThe "Brands" Queen\tShop, please.\thttps://x/AA.html\t[]\t[]
N2\tnews\tnewsworld\tSecond\t\thttps://x/AB.html\t[{"Label": "A"}]\t[]
N3\tsports\tfootball_nfl\tThird\t"Quoted" end\thttps://x/AC.html\t[]\t[]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "behaviors.tsv").write_text(BEHAVIORS)
    (tmp_path / "news.tsv").write_text(NEWS)
    (tmp_path / "entity_embedding.vec").write_text("Q1\t0.1\n")
    return tmp_path


def test_history_then_clicks_by_time(folder):
    """Fault: a history counted once an impression; 11/12 was read as the 11th of December."""
    raw = read(folder)
    assert (raw.format, raw.problems) == ("mind", [])
    rows = raw.interactions.sort("user_id", "position")
    assert rows.select("user_id", "item_id", "timestamp").rows() == [
        ("U7", "N3", None),
        ("U7", "N1", None),
        ("U7", "N2", 1573463158),
        ("U7", "N4", 1573582290),
        ("U7", "N6", 1573582290),
        ("U8", "N3", 1573603201),
    ]
    assert inspect(raw).without_time == 2
    prepared = prepare(raw, split="none")
    first = [prepared.item_ids[one] for one in prepared.items[: prepared.indptr[1]]]
    assert first == ["N3", "N1", "N2", "N4", "N6"]


def test_clicks_alone(folder):
    raw = read(folder, ReadOptions(keep=("kind=click",)))
    assert raw.interactions["timestamp"].null_count() == 0
    assert raw.interactions.height == 4


def test_news(folder):
    items = read(folder).items
    assert items.select("item_id", "title", "categories").rows()[:2] == [
        ("N1", 'The "Brands" Queen', ["lifestyle", "lifestyleroyals"]),
        ("N2", "Second", ["news", "newsworld"]),
    ]
    assert '"abstract":"Shop, please."' in items["extra"][0]
    assert "url" not in items["extra"][0]
