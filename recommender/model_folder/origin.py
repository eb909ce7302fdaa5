"""The store a model was trained on."""

from __future__ import annotations

from pathlib import Path

from store.errors import UserError


def store_path(text: str | None, remembered: str | None) -> Path:
    """The store a model works on: the one given, or the one it was trained on.

    Raises
    ------
    UserError
        Where neither is known, or the remembered one is not there.
    """
    if text:
        return Path(text)
    if not remembered:
        raise UserError("this model does not remember its store; give --store PATH")
    if not Path(remembered).is_file():
        raise UserError(
            f"{remembered}, the store this model was trained on, is not there; give --store PATH"
        )
    return Path(remembered)
