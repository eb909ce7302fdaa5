"""A running mean of the weights, which is steadier than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

PREFIX = "average."


class Average:
    """Exponential moving average of a model's parameters.

    After step t a weight moves towards the model's by ``1 - min(decay, (1 + t) / (10 + t))``, so
    that the mean forgets the fresh weights soon. Only this mean is evaluated and kept; training
    goes on from the model's own weights.

    Parameters
    ----------
    model : nn.Module
    decay : float
        0 (off: the model itself is evaluated) … below 1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay = model, decay
        self.mean = {name: p.detach().clone() for name, p in self._parameters()}

    def _parameters(self) -> list[tuple[str, nn.Parameter]]:
        return list(self.model.named_parameters()) if self.decay else []

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow the model after step number ``step``, 1 for the first."""
        parameters = self._parameters()
        if not parameters:
            return
        towards = 1 - min(self.decay, (1 + step) / (10 + step))
        means = [self.mean[name] for name, _ in parameters]
        torch._foreach_lerp_(means, [p.detach() for _, p in parameters], towards)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model has the mean weights inside, and its own again afterwards."""
        own = {name: p.detach().clone() for name, p in self._parameters()}
        self._put(self.mean)
        try:
            yield
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, values: dict[str, Tensor]) -> None:
        for name, parameter in self._parameters():
            parameter.copy_(values[name])

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint must hold of it."""
        return {f"{PREFIX}{name}": value for name, value in self.mean.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take the mean from a checkpoint's tensors."""
        for name, value in self.mean.items():
            value.copy_(tensors[f"{PREFIX}{name}"])
