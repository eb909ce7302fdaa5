"""Folders of a comparison's models: which recipe each was trained with, and training into them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from recommender.api import train
from recommender.base.config_checks import SettingValues
from recommender.model_folder.artefacts import load_model
from recommender.model_folder.claim import claimed
from recommender.training import checkpoint
from store.errors import InterruptedRunError, UserError
from store.files import whole_file
from store.store import Store

MARK, BEGUN = "recipe.json", "recipe-begun.json"
"""In the folder of a model: the address of what it was trained with, or is being trained with."""


def folder_of(usual: Path, address: str) -> Path:
    """Where a model of this address is or goes: beside one of another address, never over it."""
    held = _address_in(usual / MARK) or _address_in(usual / BEGUN)
    return usual if held in (None, address) else usual.with_name(f"{usual.name}-{address[-8:]}")


def is_trained(folder: Path, address: str) -> bool:
    """Whether a folder holds a model, whole and undamaged, of this address."""
    if _address_in(folder / MARK) != address:
        return False
    try:
        load_model(folder)
    except UserError:
        return False
    return True


def _address_in(mark: Path) -> str | None:
    try:
        return str(json.loads(mark.read_text("utf-8"))) if mark.is_file() else None
    except ValueError:  # a write that was cut off
        return None


def train_into(
    folder: Path,
    store: Store | str | Path,
    name: str,
    settings: SettingValues,
    address: str,
    device: str,
    say: Callable[[str], None] | None,
) -> None:
    """Train one model, from where a stopped training of the same address was.

    The mark comes last, so that a stopped training is not taken for a whole one.
    """
    tell = say or (lambda line: None)
    begun = _address_in(folder / BEGUN) == address and (folder / checkpoint.NAME).is_file()
    which = f"{name}, seed {settings['training']['seed']}"
    tell(f"{'resuming' if begun else 'training'} {which}")
    with claimed(folder):  # another comparison may be training in it
        (folder / MARK).unlink(missing_ok=True)
        if not begun:
            (folder / checkpoint.NAME).unlink(missing_ok=True)
        with whole_file(folder / BEGUN) as partial:
            partial.write_text(json.dumps(address), "utf-8")
    try:
        result = train(store, folder, resume=begun, overwrite=not begun, device=device, **settings)
    except InterruptedRunError as stop:
        done = str(stop).partition(";")[0]
        raise InterruptedRunError(f"{which}: {done}; the same comparison goes on there") from None
    except UserError as problem:
        raise type(problem)(f"{which}: {problem}") from None
    (folder / BEGUN).rename(folder / MARK)
    shown = ", ".join(f"{key} {value:.4f}" for key, value in result.fit.metrics.items())
    tell(f"  {result.fit.steps} steps in {result.fit.seconds:.0f} s; validation {shown}")
