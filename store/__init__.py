"""The store: one SQLite file that holds a data set, its interests and where each came from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.dataset import Dataset as Dataset
    from store.errors import DataError as DataError
    from store.errors import StoreError as StoreError
    from store.errors import UserError as UserError
    from store.exporting import frame as frame
    from store.readers import read as read
    from store.store import Store as Store
    from store.store import open_store as open_store

# Loaded on first use: importing the package must stay free for `--help`.
_HOME = {
    "Dataset": "store.dataset",
    "DataError": "store.errors",
    "StoreError": "store.errors",
    "UserError": "store.errors",
    "frame": "store.exporting",
    "read": "store.readers",
    "Store": "store.store",
    "open_store": "store.store",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'store' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
