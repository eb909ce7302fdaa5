"""Search by words, by items and by meaning; what cannot be read is one plain message."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.errors import UserError
from store.store import open_store
from store.upkeep.duplicates import merge_duplicates
from store.views.interests.catalogue import list_interests
from store.views.interests.search import search
from store.views.shared.near_names import like_words
from tests.reading_store import PAPER, PENS, REFILLS, SHREDDING, fill, unit


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(fill(tmp_path_factory.mktemp("search") / "s.db")) as opened:
        yield opened


def labels(hits):
    return [hit.label for hit in hits]


def test_words_of_labels_weigh_more_than_those_of_descriptions(store):
    assert labels(search(store, "gel pens"))[:2] == [PENS.label, REFILLS.label]
    assert labels(search(store, "confidential")) == [SHREDDING.label]


def test_items_lead_to_the_interests_they_prove(store):
    (hit,) = search(store, "cross-cut")
    assert hit.label == SHREDDING.label
    assert "items" in hit.by
    assert [item.item_id for item in hit.evidence] == ["shred", "oil"]


def test_a_hit_counts_what_the_catalogue_counts(tmp_path):
    # Made by search and catalogue that gave one interest 73 and 125 users.
    with open_store(fill(tmp_path / "s.db")) as opened:
        assert PENS.label in labels(search(opened, "gel pens"))
        assert REFILLS.label in labels(search(opened, "gel pens"))
        merge_duplicates(opened)
        listed = {one.interest_id: one for one in list_interests(opened)}
        hits = search(opened, "gel pens")
        assert REFILLS.label not in labels(hits)
        assert hits[0].label == PENS.label
        assert len(hits[0].subjects) == 2
        for hit in search(opened, "pens OR paper OR shredding"):
            assert hit.users == listed[hit.interest_id].users
        assert labels(search(opened, "refillable"))[0] == PENS.label


def test_meaning_brings_what_shares_no_word(store):
    found = {hit.label: hit.by for hit in search(store, "refillable")}
    assert "meaning" in found[PENS.label]
    assert SHREDDING.label not in found
    hits = search(store, "xylophone", vector=unit((0, 0.1, 1)))
    assert labels(hits) == [PAPER.label]
    assert hits[0].by == ["meaning"]
    assert search(store, "xylophone") == []


def test_operators_work_and_wildcards_of_like_do_not(store):
    assert labels(search(store, "recycled NOT pens"))[0] == PAPER.label
    assert labels(search(store, '"gel pens" AND refill*'))
    assert search(store, "_") == search(store, "100%") == []


@pytest.mark.parametrize("query", ['"', "a AND", "NEAR(", "(", "x:y", "*", "^"])
def test_syntax_errors_name_the_query_and_a_way_out(store, query):
    with pytest.raises(UserError, match="use plain words"):
        search(store, query)


@pytest.mark.parametrize("query", ["", "  ", "%", "-", "…"])
def test_queries_without_words_are_refused(store, query):
    with pytest.raises(UserError, match="word"):
        search(store, query)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_is_answered_or_refused_plainly(store, query):
    try:
        hits = search(store, query, limit=3)
    except UserError:
        return
    assert len(hits) <= 3
    assert all(hit.by and hit.evidence for hit in hits)


def test_a_word_that_is_not_stored_brings_those_like_it(store):
    with store.read() as connection:
        assert like_words(connection, "shreding papper") == "; did you mean 'shredding paper'?"
        assert like_words(connection, "xylophone") == ""


def test_more_hits_only_extend_the_ranking(store):
    everything = labels(search(store, "pens OR paper OR shredding", limit=10))
    assert len(everything) == 4
    assert np.all([labels(search(store, "pens OR paper OR shredding", limit=10)) == everything])


def test_common_words_give_way_to_rarer_ones(store, monkeypatch):
    everything = labels(search(store, "gel paper"))
    assert SHREDDING.label in everything
    # each of the words is common then
    monkeypatch.setattr(
        "store.views.interests.search._COMMON", 1
    )  # each of the words is common then
    assert search(store, "gel shredding")[0].label == SHREDDING.label, "the rarer word decides"
    both = search(store, "gel pens")  # no word is rare: all of them, unranked, labels first
    assert labels(both)[:2] == [PENS.label, REFILLS.label]
    assert labels(search(store, "gel OR paper"))[:1] == [PENS.label]
    with pytest.raises(UserError, match="use plain words"):
        search(store, "gel AND")


def test_a_large_store_compares_only_neighbours_of_the_hits(store, monkeypatch):
    monkeypatch.setattr("store.views.interests.search._MOST_VECTORS", 1)
    found = {hit.label: hit.by for hit in search(store, "refillable")}
    assert "meaning" in found[PENS.label], "both are proven by the pen"
    assert SHREDDING.label not in found
