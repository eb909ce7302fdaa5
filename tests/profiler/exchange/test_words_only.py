"""Words without evidence can be imported as such; nothing takes them for proven.

Once there was no way in for interests that somebody had written without naming items.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cli
from profiler.exchange.interests import import_interests
from profiler.exchange.save_interests import cover_again
from store.errors import DataError
from store.store import open_store
from store.upkeep.verify import verify
from store.views.interests.explanation import explain_item
from tests.reading_store import fill


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fill(tmp_path / "s.db")


def put(tmp_path: Path, **more: Any) -> Path:
    words = {"label": "Writes every day", "description": "Keeps a diary by hand."} | more
    proven = {"label": "Pens", "evidence": ["pen"]}
    row = {"user_id": "customer-ada", "interests": [words, proven]}
    (tmp_path / "words.jsonl").write_text(json.dumps(row), "utf-8")
    return tmp_path / "words.jsonl"


@pytest.mark.parametrize("more", [{}, {"evidence": []}])
def test_words_are_taken_where_they_are_asked_for(path: Path, tmp_path: Path, more: Any) -> None:
    with open_store(path) as store:
        without = import_interests(store, put(tmp_path, **more), name="n", dry_run=True)
        assert dict(without.counts.dropped_interests) == {"no evidence left": 1}
        taken = import_interests(store, put(tmp_path, **more), name="n", words_only=True)
        assert (taken.interests, taken.counts.words_only) == (2, 1)
        assert verify(store)[1] == []


def test_evidence_that_is_not_the_users_is_still_no_word(path: Path, tmp_path: Path) -> None:
    with open_store(path) as store:
        file = put(tmp_path, evidence=["no such item"])
        found = import_interests(store, file, name="n", words_only=True, dry_run=True)
        assert dict(found.counts.dropped_interests) == {"no evidence left": 1}
        (tmp_path / "w.jsonl").write_text(
            json.dumps({"user_id": "customer-ada", "interests": [{"label": "A"}]})
        )
        with pytest.raises(DataError, match="no row can be used"):
            import_interests(store, tmp_path / "w.jsonl", name="n")


def test_words_prove_and_explain_nothing(path: Path, tmp_path: Path, capsys: Any) -> None:
    with open_store(path) as store:
        import_interests(store, put(tmp_path), name="n", words_only=True)
        encoder = store.vectors.encoder()
        catalogue = store.interests.catalogue()
        missing = store.vectors.missing(encoder, catalogue.text_digests)
        near = {"Writes every day": (0.8, 0.6, 0), "Pens": (1, 0, 0)}  # both near the item
        named = dict(zip(catalogue.text_digests, catalogue.labels, strict=True))
        vectors = np.array([near[named[digest]] for digest in missing], dtype=np.float32)
        store.vectors.put(encoder, missing, vectors)
        cover_again(store)
        catalogue = store.interests.catalogue()
        words = int(catalogue.ids[catalogue.labels.index("Writes every day")])
        indptr, rows = store.interests.of_users("catalogue")
        assert words not in catalogue.ids[rows].tolist()
        assert len(indptr) == len(store.datasets.load().user_ids) + 1
        explained = explain_item(store, "customer-ada", "pen", limit=9)
        assert words not in [one.interest_id for one in explained.interests]
        assert "Pens" in [one.label for one in explained.interests]

    def profiler(*args: str) -> str:
        assert cli.run(cli.profiler_app, "profiler", [*args, "--store", str(path)]) == 0
        return str(capsys.readouterr().out)

    assert "Writes every day (imported words; no item proves it)" in profiler(
        "show", "customer-ada", "-k", "0"
    )
    assert "nothing: imported words" in profiler("search", "diary")
    profiler("export", "--out", str(tmp_path / "out"))
    lines = (tmp_path / "out" / "interests.jsonl").read_text("utf-8").splitlines()
    marked = {one["label"]: one["proven"] for one in map(json.loads, lines)}
    assert (marked["Writes every day"], marked["Pens"]) == (0, 1)
    page = tmp_path / "r.html"
    profiler("report", "--out", str(page))
    text = page.read_text("utf-8")
    assert "Imported words; no item proves this interest." in text
