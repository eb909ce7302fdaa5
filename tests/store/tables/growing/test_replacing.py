"""Ids of interests stay while the answer stays.

Fault behind these tests: every answer gave new ids, so that what a person had disputed came back
under another number.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prompts.answer import Interest
from store.errors import StoreError
from store.store import Store, open_store
from store.upkeep.verify import verify
from tests.reading_store import fill


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(fill(tmp_path / "shop.db")) as opened:
        yield opened


def interest(label: str, items: list[str], description: str = "Likes them.") -> Interest:
    return Interest(label=label, description=description, evidence=items)


def ids(store: Store) -> dict[str, int]:
    found = store.interests.catalogue()
    return dict(zip(found.labels, found.ids.tolist(), strict=True))


def first(store: Store) -> tuple[int, list[str]]:
    subject = store.subjects.load(kinds=("exemplar",))[0]
    names = store.datasets.load().item_ids
    return subject.subject_id, [names[item] for item in subject.items]


def save(store: Store, subject: int, *interests: Interest) -> dict[str, int]:
    store.interests.save(subject, interests, source="openai:m", response_id=None)
    assert verify(store)[1] == []
    return ids(store)


def test_an_interest_of_the_same_label_keeps_its_id_with_new_words_and_items(store: Store) -> None:
    subject, items = first(store)
    before = save(store, subject, interest("Pens", items[:1]), interest("Ink", items[1:2]))
    after = save(
        store, subject, interest("Paper", items[:1]), interest("PENS", items[1:2], "Now others.")
    )
    assert after["PENS"] == before["Pens"]
    assert after["Paper"] not in before.values()  # not even the number of one that went
    assert "Ink" not in after
    (kept,) = [one for one in store.interests.of_subject(subject) if one.label == "PENS"]
    assert (kept.description, kept.evidence) == ("Now others.", items[1:2])


def test_two_interests_of_one_label_stay_two(store: Store) -> None:
    subject, items = first(store)
    save(store, subject, interest("Pens", items[:1]), interest("Pens", items[1:2]))
    store.interests.save(
        subject,
        [interest("Pens", items[:1]), interest("Pens", items[1:2])],
        source="openai:m",
        response_id=None,
    )
    assert len(store.interests.of_subject(subject)) == 2


def test_an_answer_that_cites_what_was_not_shown_changes_nothing(store: Store) -> None:
    subject, items = first(store)
    before = save(store, subject, interest("Pens", items[:1]))
    with pytest.raises(StoreError, match="not among its items"):
        save(store, subject, interest("Pens", items[:1]), interest("Ink", ["no such item"]))
    assert ids(store) == before
    assert store.interests.of_subject(subject)[0].evidence == items[:1]
