"""Why subjects are quarantined, as status and build say it."""

from __future__ import annotations

from pathlib import Path

from store.views.status import summarise
from store.views.subjects.reasons import alike, in_words, quarantine_reasons
from tests.asking_store import make_store


def test_reasons_that_differ_in_ids_and_numbers_are_one() -> None:
    reasons = {
        "interest 1 names ids that were not shown: 'a'": 2,
        "interest 2 names ids that were not shown: 'b'": 3,
        "cut off after 2000 tokens": 1,
    }
    assert dict(alike(reasons)) == {
        "interest N names ids that were not shown: '…'": 5,
        "cut off after 2000 tokens": 1,
    }


def test_the_three_commonest_are_said() -> None:
    said = in_words({"a": 1, "b": 5, "c": 2, "d": 4, "e": 1})
    assert said == "5 × b; 4 × d; 2 × c; 2 × another reason"


def test_status_names_the_causes(tmp_path: Path) -> None:
    # A user had to look into the database to learn why nothing was usable.
    with make_store(tmp_path / "s.db", 4) as store:
        for subject in store.subjects.load()[:3]:
            store.subjects.set_state(
                subject.subject_id, "quarantined", f"rate_limited: {subject.subject_id} calls"
            )
        assert quarantine_reasons(store) == {"rate_limited: N calls": 3}
        assert summarise(store).quarantined == {"rate_limited: N calls": 3}
