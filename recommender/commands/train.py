"""``recommender train``: a model from a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from recommender.backbones.registry import BACKBONES, DEFAULT
from recommender.choices import InterestSource
from recommender.commands.options import Device, LoopOptions, Settings, require_store
from recommender.objectives.registry import OBJECTIVES
from store.console.options import Json, StoreFile, given, grouped, option
from store.console.progress import EVERY_S
from store.errors import UserError
from store.suggestions import did_you_mean

if TYPE_CHECKING:
    from recommender.base.config_checks import SettingValues


@grouped
def train(
    store: StoreFile,
    out: Annotated[Path, option("Folder the model is written to.")],
    loop: LoopOptions,
    backbone: Annotated[
        str | None,
        option(
            f"The model: {', '.join(BACKBONES.built_in)}, or one that another package adds.",
            default=DEFAULT,
        ),
    ] = None,
    align: Annotated[
        str | None,
        option("Alignment with the interests: eimf, ldmi, eimf,ldmi or none.", default="eimf"),
    ] = None,
    objective: Annotated[
        list[str] | None,
        option(
            f"Add an auxiliary loss: {', '.join(OBJECTIVES.built_in)}, or one that another "
            "package adds. May be repeated.",
            metavar="NAME",
        ),
    ] = None,
    crowd: Annotated[
        bool, option("Add the contrastive loss on items of one interest.", "--crowd")
    ] = False,
    interests: Annotated[
        InterestSource | None,
        option(
            "A user's interests: those of the exemplar, or from the catalogue.",
            default="exemplar",
        ),
    ] = None,
    text_start: Annotated[
        bool, option("Start item vectors from item texts.", "--text-start")
    ] = False,
    text: Annotated[
        str | None,
        option(
            "Texts of items that are read: title, categories, card, next, joined by commas.",
            default="what the build encoded",
        ),
    ] = None,
    blend: Annotated[
        bool,
        option(
            "Put the texts beside the trained model; validation users decide how much they count.",
            "--blend",
        ),
    ] = False,
    cold: Annotated[
        float | None,
        option(
            "Hide this share of the items from training; new items get vectors from their texts.",
            min=0,
            max=0.9,
        ),
    ] = None,
    loss: Annotated[
        str | None, option("full, sampled, interest-aware or gbce.", default="by model")
    ] = None,
    set_: Settings = None,
    device: Device = "cpu",
    resume: Annotated[bool, option("Continue the interrupted run in --out.", "--resume")] = False,
    overwrite: Annotated[
        bool, option("Replace the model or stopped run in --out.", "--overwrite")
    ] = False,
    json: Json = False,
) -> None:
    """Train a recommender; the best model on the validation part is kept.

    $ recommender train --store shop.db --out models/remi
    $ recommender train --store shop.db --out models/sasrec --backbone sasrec --align none
    """
    require_store(store)
    require_backbone(backbone)
    from store.console import note, print_json, say, show_progress

    with ExitStack() as beginning:  # it ends when the training begins, which has lines of its own
        tell = beginning.enter_context(show_progress(quiet=json))
        tell("starting", 0, 0)  # what is imported next takes seconds
        from recommender.api import train as run
        from recommender.base import distributed
        from recommender.evaluation.validation import LAST
        from recommender.recipes.recipe import make_recipe
        from recommender.recipes.specs import join_training, refuse_idle, split_settings

        first = distributed.first_process()
        tells = first and not json
        parts = join_training(split_settings(set_ or []), **vars(loop))
        parts["training"].setdefault("seed", 0)
        recipe: SettingValues = {
            **given(
                backbone=backbone,
                align=align,
                interests=interests,
                loss=loss,
                text=text,
                cold=cold,
            ),
            "objectives": tuple(objective or ()),
            "crowd": crowd,
            "text_start": text_start,
            "blend": blend,
            **parts,
        }
        refuse_idle(make_recipe(**recipe))
        tell("reading the store", 0, 0)

        def begun(line: str) -> None:
            beginning.close()
            note(line)

        result = run(
            store,
            out,
            resume=resume,
            overwrite=overwrite,
            device=device,
            progress=reporter() if tells else False,
            say=begun if tells else None,
            **recipe,
        )
    distributed.leave()
    if not first:
        return
    fit = result.fit
    document: dict[str, object] = {
        "model": str(out),
        "backbone": result.model.name,
        "steps": fit.steps,
        "best_step": fit.best_step,
        "seconds": round(fit.seconds, 3),
        "reason": fit.reason,
        "valid": fit.metrics,
    }
    if result.texts is not None:
        document["texts beside"] = result.texts.to_json()
    if json:
        print_json(document)
        return
    learned = getattr(result.model, "base", result.model)  # beside the texts, where they are
    named = learned.name if learned is result.model else f"{learned.name} with the texts beside it"
    if learned.trains_on == "none":
        say(f"{out}: {named}, counted")
    else:
        best = f"best at step {fit.best_step} of {fit.steps} ({fit.reason})"
        say(f"{out}: {named}, {best}")
    measured = {name: value for name, value in fit.metrics.items() if name != LAST}
    figures = ", ".join(f"{name} {value:.4f}" for name, value in measured.items())
    say(f"validation: {figures or 'nothing is held back, so the last weights are kept'}")
    if result.texts is not None:
        for line in text_lines(result.texts):
            say(line)


def text_lines(chosen: Any) -> list[str]:
    """How much texts count beside what was learned, as validation users had it."""
    lines = []
    if chosen.recall is not None:
        lines.append(
            f"texts beside it: share {chosen.share:g} of the spread, recall@50 {chosen.recall:.4f}"
        )
    if chosen.cold_recall is not None:
        lines.append(
            f"new items: share {chosen.cold_share:g}, penalty {chosen.penalty:g}, "
            f"recall@50 {chosen.cold_recall:.4f} as if every item was new"
        )
    return lines


def reporter() -> Callable[[Any], None]:
    """Prints how the run stands: at each evaluation, and where nothing was said for a while."""
    said = time.monotonic()

    def report(state: Any) -> None:
        nonlocal said
        if state.metrics is None and time.monotonic() - said < EVERY_S:
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


def require_backbone(name: str | None) -> None:
    """Refuse a backbone that no registry has, before torch is imported.

    Raises
    ------
    UserError
        Naming those that there are.
    """
    if name is None or name in BACKBONES:
        return
    near = did_you_mean(name, BACKBONES)
    raise UserError(f"no backbone {name!r}{near or '; there are ' + ', '.join(BACKBONES)}")
