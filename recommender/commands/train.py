"""``recommender train``: a model from a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from recommender.backbones.registry import BACKBONES
from recommender.commands.options import Device, LoopOptions, Settings, require_store
from recommender.commands.recipe_options import DistilOptions, RecipeOptions, TextOptions
from recommender.commands.training_lines import progress_line, training_document, training_lines
from store.console.options import Json, StoreFile, grouped, option
from store.console.progress import EVERY_S
from store.errors import UserError
from store.suggestions import did_you_mean

if TYPE_CHECKING:
    from recommender.base.config_checks import SettingValues
    from recommender.training.progress import Report


@grouped
def train(
    store: StoreFile,
    out: Annotated[Path, option("Folder the model is written to.")],
    recipe: RecipeOptions,
    texts: TextOptions,
    distil: DistilOptions,
    loop: LoopOptions,
    set_: Settings = None,
    device: Device = "cpu",
    start_from: Annotated[
        Path | None,
        option(
            "Go on from a trained model: its settings and weights, items matched by id; new ones "
            "start from their texts.",
            "--from",
        ),
    ] = None,
    resume: Annotated[bool, option("Continue the interrupted run in --out.", "--resume")] = False,
    overwrite: Annotated[
        bool, option("Replace the model or stopped run in --out.", "--overwrite")
    ] = False,
    json: Json = False,
) -> None:
    """Train a recommender; the best model on the validation part is kept.

    $ recommender train --store shop.db --out models/remi
    $ recommender train --store shop.db --out models/sasrec --backbone sasrec --align none
    $ recommender train --store shop.db --out models/today --from models/remi
    $ recommender train --store shop.db --out models/told --distil models/remi
    """
    require_store(store)
    require_backbone(recipe.backbone)
    from store.console import note, print_json, say, show_progress

    with ExitStack() as beginning:  # it ends when the training begins, which has lines of its own
        tell = beginning.enter_context(show_progress(quiet=json))
        tell("starting", 0, 0)  # what is imported next takes seconds
        from recommender.api import train as run
        from recommender.base import distributed
        from recommender.recipes.recipe import make_recipe
        from recommender.recipes.specs import join_training, refuse_idle, split_settings
        from recommender.warm.start import inherited

        first = distributed.first_process()
        tells = first and not json
        parts = join_training(split_settings(set_ or []), **vars(loop))
        begins = distil.begins(start_from)
        if begins is None:
            parts["training"].setdefault("seed", 0)
        values: SettingValues = {**recipe.settings(), **texts.settings(), **parts}
        values = distil.over(values)
        if begins is not None:
            values = inherited(begins, values)
        refuse_idle(make_recipe(**values))
        tell("reading the store", 0, 0)

        def begun(line: str) -> None:
            beginning.close()
            note(line)

        result = run(
            store,
            out,
            start_from=begins,
            resume=resume,
            overwrite=overwrite,
            device=device,
            progress=reporter() if tells else False,
            say=begun if tells else None,
            **values,
        )
    distributed.leave()
    if not first:
        return
    if json:
        print_json(training_document(result, out))
        return
    for line in training_lines(result, out):
        say(line)


def reporter() -> Callable[[Report], None]:
    """Prints how the run stands: at each evaluation, and where nothing was said for a while."""
    said = time.monotonic()

    def report(state: Report) -> None:
        nonlocal said
        if state.metrics is None and time.monotonic() - said < EVERY_S:
            return
        said = time.monotonic()
        note(progress_line(state))

    from store.console import note

    return report


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
