"""The public verbs: train on a store, evaluate a model, recommend, explain.

Each takes an open store or a path, does its work in memory and returns plain results; the commands
of the same names only parse, call and print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from recommender.backbones.create import create
from recommender.backbones.text_start import start_from_text
from recommender.base import distributed
from recommender.base.config_checks import checked
from recommender.cold.finish import finish
from recommender.cold.hiding import hidden_items, without_items
from recommender.data.leakage import check_training
from recommender.data.semantics import describe
from recommender.data.sequences import Sequences
from recommender.evaluation.validation import make_evaluator
from recommender.measure import evaluate
from recommender.model_folder.claim import claimed, refuse_file
from recommender.model_folder.manifest import MANIFEST
from recommender.objectives.base import Material
from recommender.recipes.known import Known, read_known
from recommender.recipes.parts import (
    make_loss,
    make_objectives,
    training_settings,
)
from recommender.recipes.recipe import Recipe, make_recipe
from recommender.serving.results import Explanation, Recommendation
from recommender.serving.service import Service
from recommender.trained import TrainResult, save_trained, worth_keeping
from recommender.training import checkpoint
from recommender.training.loop import fit
from recommender.training.settings import Settings
from recommender.warm.start import Start, inherited
from store.console.progress import shown
from store.errors import UserError
from store.store import Store

if TYPE_CHECKING:
    from recommender.training.progress import Report
    from store.data.dataset import Dataset

__all__ = ["TrainResult", "evaluate", "explain", "recommend", "train"]

Say = Callable[[str], None]


def train(
    store: Store | str | Path,
    out: str | Path | None = None,
    *,
    start_from: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "cpu",
    progress: Callable[[Report], None] | bool = True,
    say: Say | None = None,
    stop: Callable[[], bool] | None = None,
    **settings: Any,
) -> TrainResult:
    """Train a recommender on a store.

    Parameters
    ----------
    store
        An open store, or its path.
    out
        Folder of the model; without one nothing is written.
    start_from
        Folder of a trained model to go on from: its settings, where ``settings`` give no others,
        and its weights, with items matched by their ids.
    resume
        Continue an interrupted run in ``out``.
    overwrite
        Replace the model or the stopped run that ``out`` holds.
    device
        ``cpu`` or ``cuda``; under torchrun each process takes the GPU of its local rank.
    progress
        True shows it on standard error, False does not; a callback is told how the run stands.
    say, stop
        Told a line of text; asked after each step whether to stop.
    **settings
        Of :class:`recommender.recipes.Recipe`: ``backbone="sasrec"``, ``align=("eimf",)``,
        ``crowd=False``, ``interests="exemplar"``, ``text_start=False``, ``model={"d": 64}``,
        ``training={"seed": 0}`` …

    Raises
    ------
    StoreError
        Before training, where the store lacks the interests an alignment needs.
    LeakageError
        Where the LLM was shown what the split hides.
    UserError
        For settings that do not exist, an empty training part, or a folder in use.
    InterruptedRunError
        After Ctrl-C; the best model so far is saved.
    """
    if start_from is not None:
        settings = inherited(start_from, settings)
    recipe, tell = make_recipe(**settings), say or (lambda text: None)
    device = distributed.own_device(device)
    if resume and overwrite:
        raise UserError("`resume` goes on with what `overwrite` would replace; give one of them")
    _refuse_no_steps(recipe)
    folder = None if out is None else Path(out)
    fresh = not (resume or overwrite)
    _refuse_unusable(folder, fresh)
    known = read_known(store, recipe)
    start = None if start_from is None else Start.of(start_from, store, recipe)
    _say_what_is_known(known, tell)
    with _held(folder, fresh) as writable:
        with _telling(progress, recipe) as told:
            result, learned = _train(recipe, known, start, folder, resume, device, told, stop)
        if writable is not None and worth_keeping(result):
            save_trained(writable, result, recipe, known, learned)
    result.fit.raise_if_stopped()
    return result


def _say_what_is_known(known: Known, tell: Say) -> None:
    """One line about the interests, one about the split and what a language model was shown."""
    if known.semantics is not None:
        tell(describe(known.semantics))
    if known.rankings is not None:
        tell(known.rankings.in_words())
    seen = f"{known.shown:,} items of histories shown, none of them held back"
    tell(f"split {known.dataset.split}; {seen}")


@contextmanager
def _held(folder: Path | None, fresh: bool) -> Iterator[Path | None]:
    """Hold the folder that this process writes the model into; None where it writes none."""
    if folder is None or not distributed.first_process():
        yield None
        return
    with claimed(folder):
        # Another training may have left its model while this one read the store.
        _refuse_unusable(folder, fresh)
        yield folder


@contextmanager
def _telling(
    progress: Callable[[Report], None] | bool, recipe: Recipe
) -> Iterator[Callable[[Report], None]]:
    """What is told how a run stands: a callback, or the progress that commands show."""
    if callable(progress):
        yield progress
        return
    steps = int(recipe.training.get("steps") or 0)
    with shown(progress) as bar:
        yield lambda state: bar(f"training {recipe.backbone}", state.step, steps)


def _refuse_no_steps(recipe: Recipe) -> None:
    """What was never trained must not stand in a model folder as if it were."""
    settings = training_settings(recipe)
    for name in ("steps", "epochs"):
        if recipe.kind.trains_on != "none" and settings.get(name) == 0:
            raise UserError(f"{name}=0 would keep a model that was never trained; give 1 or more")


def _refuse_unusable(out: Path | None, fresh: bool) -> None:
    """Refuse a file; and, for a new run, a folder whose model its first evaluation would replace.

    A run that is stopped has evaluated, too.
    """
    if out is None:
        return
    refuse_file(out)
    for name, what in ((MANIFEST, "a model"), (checkpoint.NAME, "a stopped run")) if fresh else ():
        if (out / name).exists():
            raise UserError(
                f"{out} holds {what} already; continue it with `resume`, replace it with "
                "`overwrite`, or name another folder"
            )


def _train(
    recipe: Recipe,
    known: Known,
    start: Start | None,
    out: Path | None,
    resume: bool,
    device: str,
    progress: Callable[[Report], None] | None,
    stop: Callable[[], bool] | None,
) -> tuple[TrainResult, torch.Tensor | None]:
    """Build model, loss and objectives from a recipe, and fit; semantic interests if learned."""
    dataset, semantics = known.dataset, known.semantics
    settings = training_settings(recipe)
    seed = int(settings.get("seed", 0))
    if recipe.cold:
        dataset = without_items(dataset, hidden_items(dataset, recipe.cold, seed))
    model = create(recipe.backbone, dataset.n_items, seed=seed, **recipe.model)
    if known.texts is not None and recipe.text_start:
        start_from_text(model, torch.from_numpy(known.texts))
    started = None if start is None else start.into(model, dataset)
    if known.texts is not None and recipe.kind.reads_text:
        model.take_texts(known.texts, known.shown_interests)  # type: ignore[operator]
    model.to(device)
    sequences = Sequences.from_dataset(dataset, device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        material = Material(model, sequences, semantics, known.rankings, known.layers)
        objectives = make_objectives(recipe, material)
    check_training(dataset, sequences.indptr.cpu().numpy(), sequences.items.cpu().numpy() - 1)
    evaluator, monitor = make_evaluator(dataset, model.length, settings.pop("monitor", None))
    result = fit(
        model,
        sequences,
        loss=make_loss(recipe, dataset.n_items),
        evaluator=evaluator,
        objectives=objectives,
        settings=checked(Settings, {**settings, "monitor": monitor}, "training"),
        out=out,
        resume=resume,
        facts=_same_to_resume(recipe, known, dataset),
        progress=progress,
        stop=stop,
    )
    vectors_of = (objective.interest_vectors() for objective in objectives)
    learned = next((vectors for vectors in vectors_of if vectors is not None), None)
    model.cpu()
    if known.texts is not None and (recipe.blend or recipe.cold is not None):
        model, chosen = finish(
            model,
            dataset,
            known.texts,
            known.shown_interests,
            blend=recipe.blend,
            tower=recipe.cold is not None,
        )
        return TrainResult(out, model, result, chosen, started), _widened(learned, model.d)
    return TrainResult(out, model, result, started=started), learned


def _widened(learned: torch.Tensor | None, width: int) -> torch.Tensor | None:
    """Interests in the space of a model that has the texts beside it: they say nothing of these."""
    if learned is None:
        return None
    return torch.nn.functional.pad(learned, (0, width - learned.shape[1]))


def _same_to_resume(recipe: Recipe, known: Known, dataset: Dataset) -> dict[str, object]:
    """What of data, alignment and start a run cannot be continued with, once it is another."""
    apart = {"backbone", "model", "loss", "loss_settings", "interests", "training"}
    facts = recipe.model_dump(mode="json", exclude=apart) | {"the data": dataset.digest}
    if known.semantics is not None:
        facts |= {"interests": recipe.interests, "the stored interests": known.semantics.digest}
    if known.rankings is not None:
        facts["the stored rankings"] = known.rankings.digest
    if known.layers is not None:
        facts |= {"the descriptions": known.layers.digest}
    return facts


def recommend(
    model: str | Path,
    *,
    user: str | None = None,
    history: Sequence[str] | None = None,
    k: int = 10,
    store: Store | str | Path | None = None,
    filter_seen: bool = True,
    diversity: float = 0.0,
    explain: bool = False,
) -> list[Recommendation]:
    """Best items for a user of the store, or for a raw history of item ids (oldest first).

    With ``explain`` each recommendation carries its :class:`Explanation`.

    Parameters
    ----------
    model
        A model folder.
    user, history
        One of the two: a stored user, or item ids, oldest first.
    k
        Length of the list.
    store
        Open or a path; None takes the store that the model was trained on.
    filter_seen
        Leave out what the history holds.
    diversity
        Weight of categories that are not in the list yet; 0 is off.

    Raises
    ------
    UserError
        For an unknown user or item, or a folder without a model.
    """
    with Service(model, store=store) as service:
        return service.recommend(
            user=user,
            history=history,
            k=k,
            filter_seen=filter_seen,
            diversity=diversity,
            explain=explain,
        )


def explain(
    model: str | Path,
    item: str,
    *,
    user: str | None = None,
    history: Sequence[str] | None = None,
    store: Store | str | Path | None = None,
) -> Explanation:
    """Why a model gives an item its score, for a user of the store or a raw history."""
    with Service(model, store=store) as service:
        return service.explain(item, user=user, history=history)
