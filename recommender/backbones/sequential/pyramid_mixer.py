"""Pyramid Mixer: behaviours mixed by dense layers at several time scales (SIGIR'25 industry)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.kernels.dropout import Dropout


class PyramidMixerConfig(BackboneConfig):
    """Settings of :class:`PyramidMixer`.

    Attributes
    ----------
    length : int
        Rounded up inside to a multiple of ``2 ** (levels - 1)``.
    levels : int
        Time scales; from one to the next two neighbouring behaviours become one.
    dropout : float
        After each dense layer.
    """

    length: int = Field(32, ge=1)
    levels: int = Field(3, ge=1, le=8)
    dropout: float = Field(0.1, ge=0, lt=1)


class Mixer(nn.Module):
    """``norm(x + f(x))`` across behaviours, then across features."""

    def __init__(self, places: int, d: int, dropout: float) -> None:
        super().__init__()
        self.across_places = nn.Sequential(
            nn.Linear(places, 2 * places), nn.GELU(), nn.Linear(2 * places, places)
        )
        self.across_features = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        self.norm_places, self.norm_features = nn.LayerNorm(d), nn.LayerNorm(d)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """``[B, P, d]`` and which places hold something, ``[B, P, 1]``, to the same shape."""
        mixed = self.across_places((x * present).transpose(1, 2)).transpose(1, 2)
        x = self.norm_places(x + self.dropout(mixed))
        out: Tensor = self.norm_features(x + self.dropout(self.across_features(x)))
        return out * present


class PyramidMixer(Backbone):
    """Dense layers across behaviours and across features, on ever coarser time scales.

    The history stands at the end of a window of fixed length, so that a place means a distance from
    now. Level by level it is mixed, averaged over the places that hold something and halved: two
    neighbouring behaviours side by side become one through a dense layer. The user's vector is a
    dense layer over the levels. We had the abstract only, so this is our reading; of its features
    of a behaviour the item alone is taken, because it is all that a served history holds.
    """

    name = "pyramid_mixer"
    Config = PyramidMixerConfig
    config: PyramidMixerConfig

    def __init__(self, n_items: int, config: PyramidMixerConfig) -> None:
        super().__init__(n_items, config)
        d, unit = config.d, 2 ** (config.levels - 1)
        self.window = -(-config.length // unit) * unit
        self.positions = nn.Parameter(torch.empty(self.window, d).normal_(std=0.02))
        self.mixers = nn.ModuleList(
            Mixer(self.window // 2**level, d, config.dropout) for level in range(config.levels)
        )
        self.merges = nn.ModuleList(nn.Linear(2 * d, d) for _ in range(config.levels - 1))
        self.out = nn.Linear(config.levels * d, d)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """One vector from all levels."""
        x, present = self._at_the_end(history, vectors)
        levels = []
        for level, mixer in enumerate(self.mixers):
            x = mixer(x, present)
            levels.append(x.sum(1) / present.sum(1).clamp(min=1))
            if level < len(self.merges):
                pairs = x.reshape(len(x), -1, 2 * self.d)
                present = present.view(len(x), -1, 2).amax(2, keepdim=True)
                x = self.merges[level](pairs) * present
        user: Tensor = self.out(torch.cat(levels, 1))
        return Encoded(user[:, None], vectors)

    def _at_the_end(self, history: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """The history moved to the end of the window, ``[B, W, d]``, and which places it fills."""
        lengths = (history > 0).sum(1, keepdim=True)
        place = torch.arange(self.window, device=history.device)
        source = place - (self.window - lengths)
        present = (source >= 0)[:, :, None].to(vectors.dtype)
        index = source.clamp(0, history.shape[1] - 1)[:, :, None].expand(-1, -1, self.d)
        return (vectors.gather(1, index) + self.positions) * present, present
