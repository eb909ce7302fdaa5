"""The store a model was trained on, as its folder remembers it.

The folder may come from somebody else, so what it names is read and nothing else: no file is made,
changed or brought up to date that the user did not name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from store.db.location import path_of
from store.errors import UserError
from store.store import Store, open_store


def open_origin(folder: Path, remembered: Any) -> Store:
    """Open, to read only, the store that a model folder remembers.

    Parameters
    ----------
    folder
        The model folder; a relative path counts from there, or else from the current folder.
    remembered
        What the manifest has as ``training.store``.

    Raises
    ------
    UserError
        Where nothing is remembered, it is not there, or it is no store.
    """
    if not isinstance(remembered, str) or not remembered:
        raise UserError("this model does not remember its store; give --store PATH")
    named = path_of(remembered)
    places = (folder / named, named)
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise UserError(
            f"{remembered}, the store this model was trained on, is not there; give --store PATH"
        )
    return open_store(path, read_only=True)
