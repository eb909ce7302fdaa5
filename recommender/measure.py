"""Measuring a trained model under its store's split."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from recommender.data.sequences import Sequences
from recommender.evaluation import metrics, ranking
from recommender.evaluation.diagnostics import interest_diagnostics, list_quality
from recommender.evaluation.slices import recall_slices
from recommender.model_folder.artefacts import load_model
from recommender.model_folder.manifest import Manifest, differences, read_manifest
from recommender.model_folder.origin import open_origin
from store.errors import LeakageError, UserError
from store.store import Store, opened

if TYPE_CHECKING:
    from store.data.dataset import Dataset


def _store_of(
    folder: Path, manifest: Manifest, store: Store | str | Path | None
) -> AbstractContextManager[Store]:
    """The store that was named, or else the one the model remembers."""
    return open_origin(folder, manifest.store) if store is None else opened(store)


def check_measurable(manifest: Manifest, dataset: Dataset, folder: Path) -> None:
    """Refuse to measure a model on a split that may hide what it was trained on.

    Histories that have grown under the same leave-one-out or date only hide more; where users are
    dealt to parts, other histories mean another deal.

    Raises
    ------
    LeakageError
        For another split than the model's, or another deal of the users.
    """
    if manifest.dataset_digest == dataset.digest:
        return
    split = str(dataset.split)
    if manifest.split != split:
        why = f"was trained on split {manifest.split}, the store has {split}"
    elif dataset.split.name in ("users-811", "file"):
        why = f"was trained before the users were dealt anew (split {split}, other histories)"
    else:
        return
    raise LeakageError(
        f"model {folder} {why}: it may have been trained on what is to be measured; measure it on "
        "the store it was trained on, or train it on this one"
    )


def evaluate(
    model: str | Path,
    store: Store | str | Path | None = None,
    *,
    part: Literal["valid", "test"] = "test",
    ks: Sequence[int] = ranking.DEFAULT_KS,
    names: Sequence[str] = metrics.DEFAULT,
    keep_seen: bool | None = None,
    diagnose: bool = False,
    where: bool = False,
) -> ranking.Evaluation:
    """Measure a model by full ranking under the store's split.

    Parameters
    ----------
    model
        Its folder.
    store
        The store; None takes the one the model was trained on.
    part
        Which targets.
    ks, names
        Cut-offs and metrics.
    keep_seen
        Overrides the protocol's rule for items the user already has.
    diagnose
        Add list quality and interest diagnostics.
    where
        Add recall, at the longest list, by how rare the target and how long the history is.

    Raises
    ------
    UserError
        An unknown part or metric; split ``none``, or no targets; no such model; a model of other
        items.
    LeakageError
        Where the model may have been trained on what is to be measured.
    """
    if part not in ("valid", "test"):
        raise UserError(f"part {part!r}: write valid or test")
    if not ks or not names:
        raise UserError("nothing to measure: name a metric and a length of the lists")
    wrong: list[str | int] = [name for name in names if name not in metrics.METRICS]
    wrong += [k for k in ks if k < 1]
    if wrong:
        known = ", ".join(metrics.METRICS)
        raise UserError(f"no metric {wrong[0]!r}; there are {known}, at k of 1 or more")
    folder = Path(model)
    manifest = read_manifest(folder)
    with _store_of(folder, manifest, store) as source:
        dataset = source.datasets.load()
        vectors = None
        if diagnose and source.meta("encoder") is not None:
            vectors = torch.from_numpy(source.vectors.items())
    ranking.keeps_seen(dataset.split.name)
    backbone, manifest = load_model(folder, dataset=dataset)
    check_measurable(manifest, dataset, folder)
    evaluation = ranking.evaluate_scores(
        ranking.scorer_of(backbone),
        dataset,
        length=backbone.length,
        part=part,
        ks=ks,
        names=names,
        keep_seen=keep_seen,
    )
    evaluation.protocol["changed_since_training"] = differences(manifest, dataset)
    stay = evaluation.protocol["seen_items"] == "kept"
    if diagnose or where:
        cases = Sequences.from_dataset(dataset).eval_histories(part, backbone.length)
        targets = ranking.targets_of(cases, dataset.n_items, keep_seen=stay)
    if where:
        evaluation.slices.update(recall_slices(evaluation, cases, targets, dataset, max(ks)))
    if diagnose:
        evaluation.quality.update(
            list_quality(evaluation.ranked, dataset, vectors, min(max(ks), 20))
        )
        evaluation.interests.update(
            interest_diagnostics(backbone, cases, targets, keep_seen=stay, k=max(ks))
        )
    return evaluation


def evaluate_popularity(
    model: str | Path,
    store: Store | str | Path | None,
    like: ranking.Evaluation,
    ks: Sequence[int],
    names: Sequence[str],
) -> dict[str, float]:
    """Means of the popularity baseline under the protocol of another evaluation.

    Parameters
    ----------
    model, store
        As the evaluation had them.
    like
        The evaluation whose part, users and rule for seen items are taken.
    ks, names
        Lengths of lists and kinds of metrics.
    """
    folder = Path(model)
    manifest = read_manifest(folder)
    with _store_of(folder, manifest, store) as source:
        dataset = source.datasets.load()
    part: Literal["valid", "test"] = "valid" if like.protocol["part"] == "valid" else "test"
    return ranking.evaluate_scores(
        ranking.popularity(dataset),
        dataset,
        length=1,
        part=part,
        ks=ks,
        names=names,
        keep_seen=like.protocol["seen_items"] == "kept",
    ).means
