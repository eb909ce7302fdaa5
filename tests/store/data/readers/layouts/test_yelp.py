"""The Yelp Open Dataset in its published layout, made here."""

from __future__ import annotations

import pytest

from store.data.readers import ReadOptions, read
from store.errors import DataError

REVIEW = "yelp_academic_dataset_review.json"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / REVIEW).write_text(
        '{"review_id":"r1","user_id":"mh_-eMZ6K5RLWhZyISBhwA","business_id":"XQfw","stars":3.0,'
        '"useful":0,"text":"If\\nyou","date":"2018-07-07 22:09:11"}\n'
        '{"review_id":"r2","user_id":"_7bHU","business_id":"tUF","stars":5.0,"date":"2012-01-03"}\n'
    )
    (tmp_path / "yelp_academic_dataset_business.json").write_text(
        '{"business_id":"XQfw","name":"Turning Point","city":"North Wales","state":"PA",'
        '"stars":3.0,"attributes":{"Noise":"u\'loud\'"},"categories":"Doctors, Health & Medical,'
        ' Restaurants","hours":null}\n'
        '{"business_id":"tUF","name":"Zaika","city":"Tucson","state":"AZ","stars":4,'
        '"categories":null}\n'
    )
    (tmp_path / "yelp_academic_dataset_user.json").write_text('{"user_id":"_7bHU","name":"A"}\n')
    return tmp_path


def test_reviews_and_businesses(folder):
    """Fault: `Health & Medical` was two categories, and none made the row a problem."""
    raw = read(folder)
    assert (raw.format, raw.problems) == ("yelp", [])
    assert raw.interactions.select("user_id", "item_id", "timestamp").rows() == [
        ("mh_-eMZ6K5RLWhZyISBhwA", "XQfw", 1531001351),
        ("_7bHU", "tUF", 1325548800),
    ]
    assert raw.items.select("title", "categories").rows() == [
        ("Turning Point", ["Doctors", "Health & Medical", "Restaurants"]),
        ("Zaika", []),
    ]
    assert '"city":"North Wales"' in raw.items["extra"][0]
    assert read(folder, ReadOptions(minimum=("stars=4",))).interactions.height == 1


def test_a_file_of_its_own_and_its_limit(folder):
    items = folder / "yelp_academic_dataset_business.json"
    raw = read(folder / REVIEW, ReadOptions(items=items))
    assert (raw.format, raw.items.height) == ("yelp", 2)
    with pytest.raises(DataError, match=r"review\.json holds more than 100 bytes"):
        read(folder / REVIEW, ReadOptions(max_bytes=100))
