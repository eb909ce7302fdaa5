"""The chooser of hints as it is kept in a model's folder: one file, ``hints.safetensors``.

It says for a history which hint a language model is given, or that it is given none. What it is and
the words of its hints stand in the file's header as JSON, so that a kill leaves no half of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from recommender.base.library_paths import plain_path
from recommender.base.tensors import write_tensors
from recommender.choices import ChooserMethod
from recommender.hints.bandits import choose
from recommender.hints.features import Features
from store.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "hints.safetensors"


class KeptHint(BaseModel):
    """A hint as it was when the chooser learned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hint_id: int
    text: str


class Facts(BaseModel):
    """What the header of the file says.

    Attributes
    ----------
    format
        1.
    method, settings
        How it was learned.
    source
        The language model whose lists it learned from.
    encoder
        Whose text vectors it reads.
    hints
        In the order of the choices 1, 2, …; choice 0 is no hint.
    cases
        How many cases it learned from.
    figures
        What it gained on cases that it had not seen, beside its controls.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    method: ChooserMethod
    settings: dict[str, Any] = {}
    source: str
    encoder: str
    hints: list[KeptHint]
    cases: int
    figures: dict[str, Any] = {}


@dataclass(frozen=True)
class Chooser:
    """Which hint a list is asked for with.

    Attributes
    ----------
    facts
        What it is and how it was learned.
    features
        From text vectors to what it reads.
    layers
        Of a bandit the weights ``[choices, features]`` and their covariances; of PPO the actor's
        three pairs of weight and bias.
    """

    facts: Facts
    features: Features
    layers: tuple[NDArray[np.float64], ...] = field(default=())

    def choices(self, contexts: NDArray[np.float32]) -> NDArray[np.int64]:
        """The choice for each context ``[n, d]``: 0 is no hint."""
        return choices_of(self.layers, self.features.of(contexts))

    def hint_for(self, context: NDArray[np.float32]) -> KeptHint | None:
        """The hint for one context ``[d]``, or none."""
        choice = int(self.choices(context[None])[0])
        return None if choice == 0 else self.facts.hints[choice - 1]


def choices_of(
    layers: tuple[NDArray[np.float64], ...], features: NDArray[np.float64]
) -> NDArray[np.int64]:
    """What a bandit's estimates or an actor's layers choose for each row of features."""
    if len(layers) == 2:
        return choose(layers[0], layers[1], features)
    out = features
    for place in range(0, len(layers), 2):
        out = out @ layers[place].T + layers[place + 1]
        out = np.tanh(out) if place + 2 < len(layers) else out
    return np.asarray(out.argmax(axis=1), dtype=np.int64)


def save_chooser(folder: Path, chooser: Chooser) -> None:
    """Write a chooser beside a model, in one step."""
    tensors = {
        "mean": torch.from_numpy(chooser.features.mean.copy()),
        "directions": torch.from_numpy(np.ascontiguousarray(chooser.features.directions)),
    }
    for place, layer in enumerate(chooser.layers):
        tensors[f"layer.{place}"] = torch.from_numpy(np.ascontiguousarray(layer))
    write_tensors(folder / NAME, tensors, {"facts": chooser.facts.model_dump_json()})


def load_chooser(folder: Path) -> Chooser:
    """Read the chooser of a model's folder, which may come from anybody.

    Raises
    ------
    UserError
        There is none, or its files are damaged or do not fit each other.
    """
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"{folder} has no chooser of hints; run: recommender hints train {folder}")
    try:
        with plain_path(path) as plain, safe_open(plain, framework="pt") as file:
            facts = Facts.model_validate(json.loads((file.metadata() or {})["facts"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        layers = tuple(
            tensors[f"layer.{place}"].double().numpy() for place in range(len(tensors) - 2)
        )
        features = Features(tensors["mean"].float().numpy(), tensors["directions"].float().numpy())
        _refuse_misfits(facts, features, layers)
    except (OSError, ValueError, KeyError, ValidationError, SafetensorError) as problem:
        raise UserError(
            f"the chooser of hints in {folder} cannot be read: {problem}; learn it anew: "
            f"recommender hints train {folder}"
        ) from problem
    return Chooser(facts, features, layers)


def _refuse_misfits(
    facts: Facts, features: Features, layers: tuple[NDArray[np.float64], ...]
) -> None:
    """Shapes that do not follow from each other would fail, or choose what is not there."""
    if features.mean.ndim != 1 or features.directions.shape[:1] != features.mean.shape:
        raise ValueError("mean and directions have other shapes than they must have")
    if len(layers) != (6 if facts.method == "ppo" else 2):
        raise ValueError(f"{facts.method} has other layers than these {len(layers)}")
    arrays: list[NDArray[Any]] = [*layers, features.mean, features.directions]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("a value is no number")
    width = features.directions.shape[1] + 1
    if len(layers) == 2:
        choices = 1 + len(facts.hints)
        if [one.shape for one in layers] != [(choices, width), (choices, width, width)]:
            raise ValueError("weights and covariances have other shapes than they must have")
        return
    for weight in layers[::2]:
        if weight.ndim != 2 or weight.shape[1] != width:
            raise ValueError("a layer has another shape than the one before it asks for")
        width = weight.shape[0]
    pairs = zip(layers[::2], layers[1::2], strict=False)
    if not all(bias.shape == weight.shape[:1] for weight, bias in pairs):
        raise ValueError("a bias has another length than its layer")
    if width != 1 + len(facts.hints):
        raise ValueError(f"it chooses among {width}, and it has {len(facts.hints)} hints")
