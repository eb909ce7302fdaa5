"""Settings of a training run, and what it reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from store.errors import InterruptedRunError, UserError

Reason = Literal["finished", "patience", "interrupted", "diverged"]


class Settings(BaseModel):
    """How to train.

    Attributes
    ----------
    epochs, steps
        Whichever is reached first ends the run; an epoch shows every training user once.
    evaluate_every
        Steps between evaluations; None evaluates after each epoch.
    evaluate_first
        Measure the model before the first step, too: it is kept where nothing later is better.
    patience
        Evaluations without a better ``monitor`` before the run ends.
    positions
        Train on "one" random target per user or on "all" positions; None is the model's own way.
    at_least
        With one target: the shortest history, where a user has that many items (4 in ComiRec).
    window
        With all positions: the "last" window of a long history or a "random" one.
    ahead
        With all positions: the target is drawn from the next so many items; 1 is the next item.
    average
        Decay of a running mean of the weights, which is then what is evaluated and kept; 0: none.
    consistency
        Weight of the divergence between two passes of dropout (R-Drop); 0 makes one pass. Only for
        losses over all items.
    auxiliary_steps
        Auxiliary losses are added in the first so many steps only, and the recommendation loss is
        trained alone after them; None: always. What belongs to the model itself stays.
    clip
        Largest norm of the gradient; None does not clip.
    bf16, compile
        Run the step under bfloat16 autocast, which pays on a GPU; on a processor it was level at
        best (docs/benchmarks.md). Compile it.
    tensorboard
        Write losses and metrics for TensorBoard too, into the folder of the run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(200, ge=0)
    steps: int | None = Field(None, ge=0)
    batch_size: int = Field(128, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    evaluate_every: int | None = Field(None, ge=1)
    evaluate_first: bool = False
    patience: int = Field(20, ge=1)
    monitor: str = "recall@50"
    seed: int = Field(0, ge=0, lt=2**63)
    positions: Literal["one", "all"] | None = None
    at_least: int = Field(4, ge=1)
    window: Literal["last", "random"] = "random"
    ahead: int = Field(1, ge=1)
    average: float = Field(0.0, ge=0, lt=1)
    consistency: float = Field(0.0, ge=0)
    auxiliary_steps: int | None = Field(None, ge=1)
    clip: float | None = Field(None, gt=0)
    bf16: bool = False
    compile: bool = False
    tensorboard: bool = False


@dataclass
class FitResult:
    """What a run came to; the model holds the best weights seen.

    Attributes
    ----------
    metrics : dict
        Metrics of the best evaluation.
    reason : str
        Why the run ended: finished, patience, interrupted or diverged.
    detail : str
        For interrupted and diverged: where, and what to do next.
    """

    metrics: dict[str, float]
    best_step: int
    steps: int
    epochs: int
    seconds: float
    reason: Reason
    detail: str = ""

    def figures(self) -> dict[str, int | float | str]:
        """What a trace tells of the run: its metrics, steps and end."""
        found: dict[str, int | float | str] = {**self.metrics, "steps": self.steps}
        found |= {"epochs": self.epochs, "end": self.reason}
        return {f"interest_profiler.{name}": value for name, value in found.items()}

    def raise_if_stopped(self) -> None:
        """Report an interruption or a divergence, after the caller has saved the best model.

        Raises
        ------
        InterruptedRunError
            Where the user stopped the run.
        UserError
            Where the loss stopped being a number.
        """
        if self.reason == "interrupted":
            raise InterruptedRunError(self.detail)
        if self.reason == "diverged":
            raise UserError(self.detail)
