"""Encoding what answers of any task brought, for the commands that bring answers in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profiler.vectors.encoding import Encoder
    from store.store import Store


def encode_answers(store: Store, encoder: Encoder | None) -> None:
    """Encode interests, cards and descriptions that are not encoded yet.

    Parameters
    ----------
    store
        Whose words are encoded.
    encoder
        The store's own; None where it has no text vectors.
    """
    from profiler.describe import encode_cards
    from profiler.exchange.save_interests import encode_imported
    from profiler.layers import encode_descriptions

    encode_imported(store, encoder)
    for encode in (encode_cards, encode_descriptions):
        encode(store, encoder, lambda step, done, total: None)
