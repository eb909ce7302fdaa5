"""``recommender train``: a model from a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from recommender.backbones.registry import BACKBONES, DEFAULT
from recommender.objectives.registry import OBJECTIVES

QUIET_S = 10.0
"""Between two evaluations a line is printed after so many seconds."""


def train(
    store: Annotated[Path, typer.Option(help="The store file to train on.")],
    out: Annotated[Path, typer.Option(help="Folder the model is written to.")],
    backbone: Annotated[
        str,
        typer.Option(
            help=f"The model: {', '.join(BACKBONES.built_in)}, or one that another package adds."
        ),
    ] = DEFAULT,
    align: Annotated[
        str, typer.Option(help="Alignment with the interests: eimf, ldmi, eimf,ldmi or none.")
    ] = "eimf",
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"Add an auxiliary loss: {', '.join(OBJECTIVES.built_in)}, or one that another "
            "package adds. May be repeated.",
        ),
    ] = None,
    crowd: Annotated[
        bool, typer.Option("--crowd", help="Add the contrastive loss on items of one interest.")
    ] = False,
    interests: Annotated[
        str, typer.Option(help="A user's interests: its exemplar's, or from the catalogue.")
    ] = "exemplar",
    text_start: Annotated[
        bool, typer.Option("--text-start", help="Start item vectors from item texts.")
    ] = False,
    loss: Annotated[
        str | None, typer.Option(help="full, sampled, interest-aware or gbce; by model.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Most passes over the users.")] = None,
    steps: Annotated[int | None, typer.Option(help="Most optimiser steps.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Users in a step; 128.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--lr", help="Step size; 1e-3.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Evaluations without a better one before it ends.")
    ] = None,
    evaluate_every: Annotated[
        int | None, typer.Option(help="Steps between evaluations; by model.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Decides everything random; 0.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PART.NAME=VALUE",
            help="Any other setting, such as model.k=8, model.length=100, eimf.gamma=0.05, "
            "ldmi.assignment=sinkhorn, crowd.negatives=groups, loss.negatives=512, "
            "training.bf16=true. May be repeated.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the interrupted run in --out.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the model or stopped run in --out.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train a recommender; the best model on the validation part is kept."""
    from recommender.api import train as run
    from recommender.base import distributed
    from recommender.evaluation.validation import LAST
    from recommender.recipes.recipe import make_recipe
    from recommender.recipes.specs import join_training, refuse_idle, split_settings
    from store.console import note, print_json, say

    first = distributed.first_process()
    tells = first and not json
    parts = join_training(
        split_settings(set_ or []),
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        evaluate_every=evaluate_every,
        seed=seed,
    )
    parts["training"].setdefault("seed", 0)
    recipe = {
        "backbone": backbone,
        "align": align,
        "objectives": tuple(objective or ()),
        "crowd": crowd,
        "interests": interests,
        "text_start": text_start,
        "loss": loss,
        **parts,
    }
    refuse_idle(make_recipe(**recipe))
    result = run(
        store,
        out,
        resume=resume,
        overwrite=overwrite,
        device=device,
        progress=reporter() if tells else None,
        say=note if tells else None,
        **recipe,
    )
    distributed.leave()
    if not first:
        return
    fit = result.fit
    document: dict[str, Any] = {
        "model": str(out),
        "backbone": result.model.name,
        "steps": fit.steps,
        "best_step": fit.best_step,
        "seconds": round(fit.seconds, 3),
        "reason": fit.reason,
        "valid": fit.metrics,
    }
    if json:
        print_json(document)
        return
    if result.model.trains_on == "none":
        say(f"{out}: {result.model.name}, counted")
    else:
        best = f"best at step {fit.best_step} of {fit.steps} ({fit.reason})"
        say(f"{out}: {result.model.name}, {best}")
    measured = {name: value for name, value in fit.metrics.items() if name != LAST}
    figures = ", ".join(f"{name} {value:.4f}" for name, value in measured.items())
    say(f"validation: {figures or 'nothing is held back, so the last weights are kept'}")


def reporter() -> Callable[[Any], None]:
    """Prints how the run stands: at each evaluation, and where nothing was said for a while."""
    said = time.monotonic()

    def report(state: Any) -> None:
        nonlocal said
        if state.metrics is None and time.monotonic() - said < QUIET_S:
            return
        said = time.monotonic()
        note(progress_line(state))

    from store.console import note

    return report


def progress_line(state: Any) -> str:
    """Step, losses, the monitored metric where it was just measured, its best, the rate."""
    from recommender.evaluation.validation import LAST

    terms = ", ".join(f"{term} {loss:.4f}" for term, loss in state.terms.items())
    parts = [f"step {state.step:,}, epoch {state.epoch + 1}{': ' if terms else ''}{terms}"]
    measured = state.monitor != LAST  # else nothing is held back to measure on
    if measured and state.metrics is not None:
        value = state.metrics[state.monitor]
        best = state.best if state.best is not None else value
        parts.append(f"{state.monitor} {value:.4f} (best {best:.4f})")
    elif measured and state.best is not None:
        parts.append(f"best {state.monitor} {state.best:.4f}")
    return "; ".join([*parts, f"{state.steps_per_second:.0f} steps/s"])
