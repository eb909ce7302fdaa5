"""Labels whose items are no nearer to them than any others are flagged, and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import profiler
from profiler.config import BuildConfig
from profiler.exchange.save_interests import encode_imported
from profiler.quality.far_labels import closeness
from prompts.answer import Interest
from store.data.sample import write_sample
from store.store import Store, open_store
from store.upkeep.edits import rename
from store.upkeep.far_labels import far_labels
from store.upkeep.verify import verify
from store.views.status import summarise


def unit(rows: list[list[float]]) -> np.ndarray:
    found = np.array(rows, dtype=np.float32)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def test_closeness_is_the_share_of_the_catalogue_that_is_farther() -> None:
    items = unit([[1, 0], [0.9, 0.1], [0.5, 0.5], [0, 1], [0, 0]])
    words = unit([[1, 0], [0, 1], [1, 0], [1, 0]])
    evidence = [np.array(one, dtype=np.int32) for one in ([0], [0], [3, 4], [4])]
    assert closeness(words, evidence, items).tolist() == [0.75, 0.0, 0.0, 1.0]
    assert closeness(words, evidence, np.zeros((5, 2), np.float32)).tolist() == [1.0] * 4


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("far")
    write_sample(folder / "shop", users=60)
    config = BuildConfig(exemplars=3, synthetic_users=0)
    profiler.build(folder / "shop", folder / "s.db", config=config)
    return folder / "s.db"


def exchange(store: Store, source: str) -> int:
    """Give each interest of the first subject the words of the next one; return its id."""
    subject = next(
        one for one in store.subjects.load() if len(store.interests.of_subject(one.subject_id)) > 1
    )
    own = store.interests.of_subject(subject.subject_id)
    words = [*own[1:], own[0]]
    wrong = [
        Interest(label=said.label, description=said.description, evidence=kept.evidence)
        for said, kept in zip(words, own, strict=True)
    ]
    store.interests.save(subject.subject_id, wrong, source=source, response_id=None)
    encode_imported(store)
    return subject.subject_id


def test_exchanged_labels_are_flagged_and_counted_and_a_new_name_is_not(built: Path) -> None:
    """Fault: an answer that cited only what was shown was taken for a good one."""
    with open_store(built) as store:
        before = far_labels(store)
        exchange(store, "openai:m")
        far = far_labels(store)
        assert len(far) > len(before)
        status = summarise(store)
        assert status.interests["labels that their items do not bear out"] == len(far)
        assert verify(store)[1] == []
        one = next(iter(far))
        rename(store, one, "Another name")
        assert one not in far_labels(store)
        exchange(store, "import:hand")  # a person's word is no model's
        assert len(far_labels(store)) <= len(before)
