"""A backbone with fresh weights, by its name."""

from __future__ import annotations

import torch

from recommender.backbones.base import Backbone
from recommender.backbones.registry import BACKBONES, COMPOSED
from recommender.base.config_checks import checked
from store.errors import UserError


def create(name: str, n_items: int, *, seed: int = 0, **config: object) -> Backbone:
    """Make a model with fresh weights.

    Parameters
    ----------
    name : str
        One of :data:`~recommender.backbones.registry.BACKBONES`.
    n_items : int
        Number of items V.
    seed : int
        Decides the fresh weights; the global random state is left as it was.
    **config
        Settings of the model's ``Config``.

    Raises
    ------
    UserError
        For an unknown model or setting, or one out of range.
    """
    kind = (COMPOSED if name in COMPOSED else BACKBONES).get_known(name)
    settings = checked(kind.Config, config, f"backbone {name!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return kind(n_items, settings)
        except ValueError as problem:
            if n_items < 1:
                raise
            raise UserError(f"backbone {name!r}: {problem}") from None
        except RuntimeError as problem:  # such as the allocator's
            first = str(problem).splitlines()[0]
            raise UserError(f"backbone {name!r} cannot be made so: {first}") from None
