"""Show, explain, compare and the catalogue: every path, and an honest nothing."""

from __future__ import annotations

import pytest

from store.errors import StoreError
from store.store import open_store
from store.upkeep.duplicates import merge_duplicates
from store.views.interests.catalogue import list_interests, list_single_interests
from store.views.interests.explanation import THRESHOLD, explain_item
from store.views.subjects.exemplar_comparison import compare_user
from store.views.subjects.users import show_user
from tests.reading_store import HISTORIES, PAPER, PENS, REFILLS, SHREDDING, fill


@pytest.fixture
def store(tmp_path):
    with open_store(fill(tmp_path / "s.db")) as opened:
        yield opened


def test_show_has_every_path_and_the_history_backwards(store):
    for user, items in HISTORIES.items():
        document = show_user(store, user)
        assert [item.item_id for item in document.history] == items[::-1]
        for group in (document.exemplar, *document.synthetic_users):
            for interest in group.interests:
                for item in interest.evidence:
                    assert item.touched == (item.item_id in items)
    document = show_user(store, "customer-ada")
    assert [i.strength for i in document.exemplar.interests] == pytest.approx([2 / 3, 1 / 3])
    assert [i.label for i in document.synthetic_users[0].interests] == [REFILLS.label]
    assert show_user(store, "customer-dee").synthetic_users == []
    assert [i.label for i in show_user(store, "customer-bob").own] == [
        PENS.label,
        SHREDDING.label,
    ]


def test_an_explanation_is_proof_first_then_nearness(store):
    found = explain_item(store, "customer-ada", "pen")
    assert [(p.label, p.is_evidence) for p in found.interests] == [
        (PENS.label, True),
        (REFILLS.label, True),
    ]
    near = explain_item(store, "customer-dee", "oil", threshold=0.0).interests
    assert [p.through for p in near] == ["exemplar"]
    assert near[0].path_similarity == 0.5
    assert near[0].response_id == 2


def test_nothing_stored_is_said_plainly(store):
    found = explain_item(store, "customer-dee", "pen")
    assert found.interests == []
    assert found.why.startswith("nothing stored explains this")
    assert explain_item(store, "customer-dee", "pen", threshold=-1.0).why == "found"
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM memberships")
    found = explain_item(store, "customer-dee", "shred")
    assert "no stored interest is this user's" in found.why


def test_an_item_without_a_vector_is_explained_by_proof_only(store):
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM vectors")
    proven = explain_item(store, "customer-dee", "shred").interests
    assert [(p.is_evidence, p.similarity) for p in proven] == [(True, 0.0)]
    assert explain_item(store, "customer-dee", "tape").interests == []
    assert 0 < THRESHOLD < 1


def test_unknown_names_are_named(store):
    for call, words in (
        (lambda: show_user(store, "x'y"), 'no user "x\'y"'),
        (lambda: explain_item(store, "customer-ada", "none"), "no item 'none'"),
        (lambda: compare_user(store, "none"), "no user 'none'"),
    ):
        with pytest.raises(StoreError, match=words):
            call()


def test_a_user_without_exemplar_cannot_be_compared(store):
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM memberships")
    with pytest.raises(StoreError, match="belongs to no exemplar yet"):
        compare_user(store, "customer-ada")


def test_the_exemplar_itself_adds_only_what_it_was_not_asked_about(store):
    document = compare_user(store, "customer-cyd")
    assert document.exemplar.is_user
    assert document.items.exemplar_adds == []
    assert {i.item_id for i in document.items.only_user} == {"pen", "note"}, "held out"


def test_the_catalogue_counts_each_user_once(store):
    apart = {e.label: e.users for e in list_single_interests(store)}
    # Shredding: cyd and dee through the exemplar, bob by its own history.
    assert apart == {PENS.label: 3, PAPER.label: 3, SHREDDING.label: 3, REFILLS.label: 3}
    merge_duplicates(store)
    grouped = {e.label: e for e in list_interests(store)}
    assert set(grouped) == {PENS.label, PAPER.label, SHREDDING.label}
    assert grouped[PENS.label].users == 3
    assert [m.label for m in grouped[PENS.label].merged] == [REFILLS.label]
    assert grouped[PENS.label].evidence == 2
    assert len(list_interests(store, limit=2)) == 2


def test_a_canonical_interest_out_of_use_lends_its_name(store):
    merge_duplicates(store)
    with store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE subjects SET active = 0 WHERE name = 'exemplar:customer-ada'"
        )
    found = {e.label: e for e in list_interests(store)}
    assert [m.label for m in found[PENS.label].merged] == [REFILLS.label]
    assert PAPER.label not in found


def test_an_item_without_a_vector_is_said_not_to_be_compared(store):
    """Fault: an item that came later was said to be near to none of the user's interests."""
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM vectors")
    found = explain_item(store, "customer-ada", "oil")
    assert found.interests == []
    assert "has no text vector" in found.sentence
    assert "`profiler build`" in found.why
