"""A causal language model as the refiner of soft tokens; its own weights stay as they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import AutoModel

from recommender.backbones.coded.refiners import left_aligned
from store.errors import UserError


class LanguageModelRefiner(nn.Module):
    """A language model between two dense layers.

    Parameters
    ----------
    folder : str
        Where the model lies, with its weights as safetensors. Nothing is fetched, and no code of
        the folder is run.
    d : int
        Width of the tokens.

    Raises
    ------
    UserError
        If the folder holds no such model.
    """

    def __init__(self, folder: str, d: int) -> None:
        super().__init__()
        try:
            model = AutoModel.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
        except (OSError, ValueError) as problem:
            raise UserError(
                f"language_model {folder!r} cannot be read: {str(problem).splitlines()[0]}"
            ) from None
        self.model = model.float().requires_grad_(False)
        width = self.model.config.hidden_size
        self.into = nn.Linear(d, width)
        self.out = nn.Linear(width, d)

    def train(self, mode: bool = True) -> LanguageModelRefiner:
        """Switch the layers around the model; the model itself never drops anything."""
        super().train(mode)
        self.model.eval()
        return self

    def forward(self, tokens: Tensor, there: Tensor) -> Tensor:
        """Read the tokens, ``[B, T, d]`` to the same shape; missing ones are seen by nobody."""
        order, back = left_aligned(there)
        aligned = tokens.gather(1, order[:, :, None].expand(-1, -1, tokens.shape[2]))
        hidden = self.model(
            inputs_embeds=self.into(aligned), attention_mask=there.gather(1, order).long()
        ).last_hidden_state
        read: Tensor = self.out(hidden)
        return torch.gather(read, 1, back[:, :, None].expand(-1, -1, read.shape[2]))
