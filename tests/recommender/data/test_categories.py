"""Categories as numbers."""

from __future__ import annotations

from recommender.data.categories import category_codes


def test_category_codes_tell_items_without_category_apart() -> None:
    codes = category_codes([("x", "y"), ("y", "x"), (), ()]).tolist()
    assert codes[1] == codes[2]
    assert len(set(codes[2:])) == 3
