"""Whether titles look English."""

from __future__ import annotations

import polars as pl
import pytest

from store.data.languages import language_notes

ENGLISH = ["Kettle", "Yoga mat", "Trail shoes", "Running belt", "Coffee grinder", "WHITE HEART 1"]
TURKISH = ["Çay bardağı", "Kışlık mont", "Kadın ayakkabısı", "Ahşap kaşık", "Işıklı saat"]


def test_an_english_shop_is_not_sent_to_another_encoder() -> None:
    """Where case is ignored Python takes i for the Turkish ı: every title with an i was foreign."""
    assert language_notes(pl.Series(ENGLISH)) == []


@pytest.mark.parametrize("titles", [TURKISH, [title.upper() for title in TURKISH]])
def test_other_languages_are_noted(titles: list[str]) -> None:
    assert "do not look English" in language_notes(pl.Series(titles))[0]
