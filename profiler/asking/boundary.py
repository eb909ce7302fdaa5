"""The secret of a store from which the boundary around item texts is made."""

from __future__ import annotations

import secrets

from store.store import Store

KEY = "boundary_key"


def boundary_key(store: Store) -> bytes:
    """Random bytes of this store, made on first use; with them requests stay the same on resume."""
    known = store.meta(KEY)
    if known is None:
        with store.write():
            known = store.meta(KEY)
            if known is None:
                known = secrets.token_hex(16)
                store.set_meta(**{KEY: known})
    return bytes.fromhex(known)
