"""The exact state of a training run in one file: a resumed run continues bit by bit on CPU.

The file is safetensors: weights, the optimiser's moments, the objectives' weights, the best of both
so far and the random state; counters stand as JSON in its header. It is replaced in one step, so a
kill leaves the old state or the new one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from recommender.base.library_paths import plain_path
from recommender.base.tensors import write_tensors
from recommender.training.settings import Settings
from store.errors import UserError

NAME = "checkpoint.safetensors"


@dataclass
class Counters:
    """Where a run stands; saved with each checkpoint."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float | None = None
    best_step: int = 0
    best_metrics: dict[str, float] = field(default_factory=dict)
    waited: int = 0
    seconds: float = 0.0
    evaluated: int = -1
    """The step of the last evaluation."""


def pack(
    modules: dict[str, nn.Module], optimiser: torch.optim.Optimizer, best: dict[str, Tensor]
) -> dict[str, Tensor]:
    """All tensors of a run by name."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in modules.items():
        tensors |= {f"{prefix}.{name}": value for name, value in module.state_dict().items()}
    for index, parameter in enumerate(_parameters(optimiser)):
        for name, value in optimiser.state.get(parameter, {}).items():
            tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value)
    tensors |= {f"best.{name}": value for name, value in best.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def unpack(
    tensors: dict[str, Tensor], modules: dict[str, nn.Module], optimiser: torch.optim.Optimizer
) -> dict[str, Tensor]:
    """Put everything back where :func:`pack` took it from; returns the best weights."""
    for prefix, module in modules.items():
        module.load_state_dict(under(f"{prefix}.", tensors))
    for index, parameter in enumerate(_parameters(optimiser)):
        moments = under(f"optimiser.{index}.", tensors)
        if moments:
            optimiser.state[parameter] = {
                name: value.to(parameter.device) for name, value in moments.items()
            }
    torch.set_rng_state(tensors["random.cpu"])
    if torch.cuda.is_available() and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"])
    return under("best.", tensors)


def write(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write the file in one step."""
    write_tensors(path, tensors, {"facts": json.dumps(facts)})


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and counters of a file.

    Raises
    ------
    UserError
        Where the file is absent or damaged.
    """
    if not path.is_file():
        raise UserError(
            f"nothing to resume: {path} does not exist; train without --resume, "
            "with --overwrite where the folder holds a model"
        )
    try:
        with plain_path(path) as plain, safe_open(plain, framework="pt") as file:
            facts = json.loads(file.metadata()["facts"])
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as problem:
        raise UserError(
            f"{path} is not a readable checkpoint ({problem}); delete it and train with --overwrite"
        ) from None


def refuse_other(folder: Path, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Refuse to continue a run with other settings or data.

    A setting of the training that the run's release did not have yet had its default.

    Raises
    ------
    UserError
        That names the first difference.
    """
    for name in sorted(mine.keys() | theirs.keys()):
        now, then = mine.get(name), theirs.get(name, _default(name))
        if now != then:
            raise UserError(
                f"cannot resume {folder}: {name} is {now!r} now and was {then!r}; put it back, "
                "or begin anew with --overwrite"
            )


def _default(name: str) -> object:
    """Default of a setting of the training, by its name among the facts of a run."""
    part, _, setting = name.partition(".")
    known = Settings.model_fields.get(setting) if part == "training" else None
    return None if known is None else known.default


def _parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
