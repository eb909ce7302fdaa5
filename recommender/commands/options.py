"""Options of ``recommender``: each is declared once, those that belong together as one group."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from recommender.choices import Part, SeenItems
from store.console.options import option
from store.errors import StoreError, UserError

Model = Annotated[Path, typer.Argument(help="The model folder.", show_default=False)]
ModelStore = Annotated[
    Path | None,
    option("The store file.", "--store", default="the one the model was trained on"),
]
User = Annotated[str | None, option("A user of the store.", "--user")]
History = Annotated[
    str | None,
    option(
        "Item ids joined by commas, oldest first, for a user never seen; an id that holds a comma "
        "stands in double quotes: 'I1,\"lamp, brass\"'.",
        "--history",
    ),
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:N.")]
Settings = Annotated[
    list[str] | None,
    option(
        "Any other setting, such as model.k=8, model.length=100, eimf.gamma=0.05, "
        "ldmi.assignment=sinkhorn, crowd.negatives=groups, loss.negatives=512, "
        "training.bf16=true. May be repeated.",
        "--set",
        metavar="PART.NAME=VALUE",
    ),
]


@dataclass(frozen=True)
class LengthOptions:
    """How long a model is trained."""

    HEADING: ClassVar[str] = "Length of the training"

    epochs: Annotated[int | None, option("Maximum number of epochs.", default="by model")] = None
    steps: Annotated[
        int | None, option("Maximum number of optimiser steps.", default="by model")
    ] = None


@dataclass(frozen=True)
class LoopOptions(LengthOptions):
    """The loop of one training."""

    HEADING: ClassVar[str] = "Training loop"

    batch_size: Annotated[int | None, option("Users in a batch.", default="128")] = None
    learning_rate: Annotated[float | None, option("Learning rate.", "--lr", default="0.001")] = None
    patience: Annotated[
        int | None,
        option("Stop after this many evaluations without an improvement.", default="by model"),
    ] = None
    evaluate_every: Annotated[
        int | None, option("Steps between evaluations.", default="by model")
    ] = None
    seed: Annotated[int | None, option("Random seed.", default="0")] = None


@dataclass(frozen=True)
class ProtocolOptions:
    """What is measured on."""

    HEADING: ClassVar[str] = "Protocol"

    part: Annotated[Part, typer.Option(help="Which held-out targets.")] = "test"
    seen: Annotated[
        SeenItems,
        typer.Option(
            help="Items the user already has: as the split's protocol says, keep or remove."
        ),
    ] = "protocol"

    @property
    def keep_seen(self) -> bool | None:
        """Whether items the user already has stay candidates; ``None`` leaves it to the split."""
        return None if self.seen == "protocol" else self.seen == "keep"


def require_model(folder: Path) -> None:
    """Refuse a folder without a model at once, before what works with models is imported.

    Raises
    ------
    UserError
        Where the folder holds no whole model.
    """
    if not (folder / "manifest.json").is_file():
        raise UserError(
            f"no model at {folder}: manifest.json is missing; train with --out {folder}"
        )


def require_store(path: Path | None) -> None:
    """Refuse a store that is not there at once.

    Raises
    ------
    StoreError
        Where no file is there.
    """
    if path is not None and not path.exists():
        raise StoreError(f"no store at {path}; make one with: profiler build DATA --store {path}")
