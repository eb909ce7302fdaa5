"""Models × seeds in one table: each is trained with each seed and measured on the same users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from recommender.api import evaluate
from recommender.backbones.create import create
from recommender.base.config_checks import SettingValues, checked
from recommender.base.distributed import own_device
from recommender.data.sequences import Sequences
from recommender.data.texts import read_texts
from recommender.evaluation.metrics import parse_metric
from recommender.evaluation.ranking import check_targets, keeps_seen, targets_of
from recommender.evaluation.records import EvaluationProtocol
from recommender.experiments.model_folders import folder_of, is_trained, train_into
from recommender.experiments.significance import Difference, Mean, Values, compare_values, mean_of
from recommender.objectives.base import Material
from recommender.recipes.parts import (
    check_parts,
    make_objectives,
    read_descriptions,
    read_distilled,
    read_interests,
)
from recommender.recipes.recipe import make_recipe
from recommender.recipes.specs import merge_settings, parse_spec, refuse_idle
from recommender.training.settings import Settings
from store.digests import json_digest
from store.errors import UserError
from store.notebook import html_table
from store.store import Store, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Comparison:
    """The whole table; ``means[model][metric]``."""

    protocol: EvaluationProtocol
    seeds: list[int]
    means: dict[str, dict[str, Mean]]
    differences: list[Difference]

    def to_json(self) -> dict[str, object]:
        """As a JSON object."""
        return asdict(self)

    def frame(self) -> pl.DataFrame:
        """Means as a frame: ``model``, ``metric``, ``mean``, ``margin`` (half the interval)."""
        rows = [
            (model, metric, value.mean, value.margin)
            for model, by_metric in self.means.items()
            for metric, value in by_metric.items()
        ]
        names = {"model": pl.String, "metric": pl.String, "mean": pl.Float64, "margin": pl.Float64}
        return pl.DataFrame(rows, schema=names, orient="row")

    def differences_frame(self) -> pl.DataFrame:
        """Differences from the baseline as a frame, with ``verdict`` and corrected ``p_holm``."""
        return pl.DataFrame([asdict(one) for one in self.differences])

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.means)} with {len(self.seeds)} seeds>"

    def _repr_html_(self) -> str:
        return html_table(
            [
                (model, {name: f"{m.mean:.4f} ± {m.margin:.4f}" for name, m in by_metric.items()})
                for model, by_metric in self.means.items()
            ]
        )


def compare(
    store: Store | str | Path,
    models: Sequence[str],
    out: str | Path,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    baseline: str | None = None,
    metrics: Sequence[str] = ("recall@20", "recall@50", "ndcg@20", "hr@50"),
    part: Literal["valid", "test"] = "test",
    settings: SettingValues | None = None,
    where: bool = False,
    keep_seen: bool | None = None,
    device: str = "cpu",
    say: Callable[[str], None] | None = None,
) -> Comparison:
    """Train models with seeds on a store, measure them on the same users, and compare.

    A model that ``out`` already holds with the same settings is not trained again, so a stopped
    comparison goes on where it was. One of other settings, data or interests stays, and the new one
    gets a folder beside it.

    Parameters
    ----------
    store
        An open store, or its path.
    models
        Such as ``pop``, ``remi+eimf``, ``sasrec+crowd+text``, ``remi+eimf:eimf.predict=false``; see
        :func:`recommender.specs.parse_spec`.
    out
        Folder of the trained models.
    seeds
        Each model is trained with each of them.
    baseline
        The model others are compared with; None: the first.
    metrics
        Such as ``recall@50``.
    part
        Which targets.
    settings
        Further settings of :class:`recommender.recipes.Recipe` for all models.
    where
        Compare recall, at the longest list, by how rare targets and how long histories are, too.
    keep_seen
        Overrides the protocol's rule for items the user already has (recorded).
    device
        Where models are trained: ``cpu`` or ``cuda``.
    say
        Told what is being trained.

    Raises
    ------
    UserError
        Before anything is trained, for an unknown model, setting or metric, a setting of a part
        that a model does not have, fewer than two models, a baseline that is not among them, or a
        split that leaves nothing to measure.
    StoreError
        Before anything is trained, where the store lacks the interests a model needs.
    """
    names = list(dict.fromkeys(models))
    base = baseline or (names[0] if names else "")
    if len(names) < 2 or base not in names:
        raise UserError(
            f"compare needs two models or more, the baseline among them; got {', '.join(names)}"
            f"{f' and baseline {base}' if base else ''}"
        )
    if not seeds:
        raise UserError("no seeds to train with; compare needs one at least")
    own_device(device)
    for seed in seeds:
        checked(Settings, {"seed": seed}, "training")
    for metric in metrics:
        parse_metric(metric)
    for name in names:
        _refuse_own(name)
    _refuse_common(settings or {}, names)
    _check_measurable(store, part, keep_seen)
    plans = {name: _plan(store, name, settings or {}) for name in names}
    results: dict[str, Values] = {}
    protocol: EvaluationProtocol = {}
    for name in names:
        runs = []
        for seed in seeds:
            own, address = plans[name].of_seed(seed)
            folder = folder_of(Path(out) / name.replace(":", " ") / f"seed-{seed}", address)
            if not is_trained(folder, address):
                train_into(folder, store, name, own, address, device, say)
            values, protocol = _measure(folder, store, metrics, part, where, keep_seen)
            runs.append(values)
        results[name] = {metric: np.stack([run[metric] for run in runs]) for metric in runs[0]}
    means = {
        name: {metric: mean_of(values) for metric, values in by_metric.items()}
        for name, by_metric in results.items()
    }
    return Comparison(protocol, list(seeds), means, compare_values(results, base))


@dataclass(frozen=True)
class _Plan:
    """Settings of a model, and the addresses of what it learns from: data, interests, texts."""

    settings: SettingValues
    known: dict[str, str]

    def of_seed(self, seed: int) -> tuple[SettingValues, str]:
        """Settings with this seed, and the address of a model trained with them."""
        own = {**self.settings, "training": {**self.settings.get("training", {}), "seed": seed}}
        return own, json_digest(make_recipe(**own).model_dump(mode="json") | self.known)


def _check_measurable(
    store: Store | str | Path, part: Literal["valid", "test"], keep_seen: bool | None
) -> None:
    """Refuse a split that leaves nothing to measure models on.

    Raises
    ------
    UserError
        Split ``none``, or no user with a history and a target in the part.
    """
    with opened(store) as source:
        dataset = source.datasets.load()
    stay = keeps_seen(dataset.split.name) if keep_seen is None else keep_seen
    cases = Sequences.from_dataset(dataset).eval_histories(part, 1)
    check_targets(targets_of(cases, dataset.n_items, keep_seen=stay)[0], part)


def _refuse_own(name: str) -> None:
    """Refuse settings of a model that would not tell: of a part that is off, and the seed."""
    settings = parse_spec(name)
    if "seed" in settings.get("training", {}):
        raise UserError(f"model {name!r}: every model is trained with the seeds of the comparison")
    refuse_idle(make_recipe(**settings), name)


def _refuse_common(settings: SettingValues, names: Sequence[str]) -> None:
    """Refuse settings for all models that none of them would take."""
    for part in ("eimf", "ldmi", "crowd_settings", "objective_settings", "interests"):
        problems = [_idle(part, settings, name) for name in names if part in settings]
        if problems and all(problems):
            raise UserError(f"none of the models takes it: {problems[-1]}")


def _idle(part: str, settings: SettingValues, name: str) -> str | None:
    """What a model says of a part of the common settings that it would not take."""
    try:
        refuse_idle(make_recipe(**merge_settings({part: settings[part]}, parse_spec(name))))
    except UserError as problem:
        return str(problem)
    return None


def _plan(store: Store | str | Path, name: str, common: SettingValues) -> _Plan:
    """Check a model's settings and the store it would be trained on.

    Raises
    ------
    UserError
        For an unknown setting, or one out of range.
    StoreError
        Where the store lacks the interests the model needs.
    """
    settings = merge_settings(common, parse_spec(name))
    recipe = make_recipe(**settings)
    with opened(store) as source:
        dataset = source.datasets.load()
        try:
            check_parts(recipe, dataset.n_items)
        except UserError as problem:
            shared = {"model", "loss_settings"} & common.keys()
            hint = "; settings of one model stand after its own colon" if shared else ""
            raise UserError(f"model {name!r}: {problem}{hint}") from None
        addresses = {"data": dataset.digest}
        semantics = read_interests(source, recipe)
        layers = read_descriptions(source, recipe)
        rankings = read_distilled(source, dataset, recipe)
        read = {"interests": semantics, "descriptions": layers, "rankings": rankings}
        addresses |= {name: one.digest for name, one in read.items() if one is not None}
        if recipe.needs_texts:
            texts = read_texts(source, recipe.text).vectors
            addresses["texts"] = sha256(texts.tobytes()).hexdigest()
    if recipe.crowd:  # it may want subjects that the store lacks
        alone = recipe.model_copy(update={"align": (), "objectives": ()})
        model = create(recipe.backbone, dataset.n_items, **recipe.model)
        make_objectives(
            alone, Material(model, Sequences.from_dataset(dataset), semantics, layers=layers)
        )
    return _Plan(settings, addresses)


def _measure(
    folder: Path,
    store: Store | str | Path,
    metrics: Sequence[str],
    part: Literal["valid", "test"],
    where: bool,
    keep_seen: bool | None,
) -> tuple[dict[str, NDArray[np.float64]], EvaluationProtocol]:
    asked = [parse_metric(metric) for metric in metrics]
    ks, names = {k for _, k in asked}, list(dict.fromkeys(kind for kind, _ in asked))
    evaluation = evaluate(
        folder, store, part=part, ks=sorted(ks), names=names, where=where, keep_seen=keep_seen
    )
    values = {metric: evaluation.values[metric].numpy() for metric in metrics}
    for name, value in evaluation.slices.items():  # the same users are in a part for every model
        inside = value[~value.isnan()].numpy()
        if len(inside):
            values[f"recall@{max(ks)}, {name}"] = inside
    return values, evaluation.protocol
