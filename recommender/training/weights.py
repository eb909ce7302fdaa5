"""What the training loop does with weights: optimise, copy, check that they are finite."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from recommender.training.settings import Settings


def make_optimiser(parameters: list[nn.Parameter], settings: Settings) -> torch.optim.Optimizer:
    """Fused Adam; with weight decay, AdamW."""
    kind = torch.optim.AdamW if settings.weight_decay else torch.optim.Adam
    return kind(
        parameters,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def copy_of(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Every tensor of the modules' states, as ``module.name``, in memory of its own."""
    return {
        f"{prefix}.{name}": value.detach().clone()
        for prefix, module in modules.items()
        for name, value in module.state_dict().items()
    }


def all_finite(model: nn.Module) -> bool:
    """Whether every parameter is a number."""
    return all(bool(torch.isfinite(p).all()) for p in model.parameters())
