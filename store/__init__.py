"""The store: one SQLite file that holds a data set, its interests and where each came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

from store.moved import old_names
from store.version import __version__ as __version__

if TYPE_CHECKING:
    from store.data.dataset import Dataset as Dataset
    from store.data.readers.read import read as read
    from store.errors import DataError as DataError
    from store.errors import StoreError as StoreError
    from store.errors import UserError as UserError
    from store.store import Store as Store
    from store.store import open_store as open_store
    from store.views.export import frame as frame

__distribution__ = "interest-profiler"  # read by store/installation.py

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "data.dataset": ["Dataset"],
        "data.readers.read": ["read"],
        "errors": ["DataError", "StoreError", "UserError"],
        "store": ["Store", "open_store"],
        "views.export": ["frame"],
    },
)

old_names(
    {
        "store.prepare": "store.data.prepare",
        "store.readers": "store.data.readers",
        "store.sample": "store.data.sample",
    }
)
