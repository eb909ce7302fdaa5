"""A running mean of the weights, which is steadier than the weights of any one step.

After step t a weight of the mean moves towards the model's by
``1 - min(decay, (1 + t) / (10 + t))``, so that the mean forgets the fresh weights soon. Only the
mean is evaluated and kept; training goes on from the model's own weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

PREFIX = "average."


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """The mean of a model's parameters, to be told of each step by ``update_parameters(model)``.

    Parameters
    ----------
    model : nn.Module
        With its fresh weights, which the mean starts from.
    decay : float
        Above 0 and below 1.
    """

    @torch.no_grad()
    def follow(
        means: tuple[Tensor, ...] | list[Tensor],
        own: tuple[Tensor, ...] | list[Tensor],
        taken: Tensor | int,
    ) -> None:
        step = int(taken)
        torch._foreach_lerp_(means, own, 1 - min(decay, (1 + step) / (10 + step)))

    mean = AveragedModel(model, multi_avg_fn=follow)
    mean.n_averaged.fill_(1)  # of the fresh weights; at 0 the first step would replace them
    return mean


def tensors(mean: AveragedModel) -> dict[str, Tensor]:
    """What a checkpoint must hold of a mean."""
    return {f"{PREFIX}{name}": value.detach() for name, value in mean.module.named_parameters()}


@torch.no_grad()
def restore(mean: AveragedModel, stored: dict[str, Tensor], step: int) -> None:
    """Take a mean as it was after a step from a checkpoint's tensors."""
    for name, value in mean.module.named_parameters():
        value.copy_(stored[f"{PREFIX}{name}"])
    mean.n_averaged.fill_(step + 1)
