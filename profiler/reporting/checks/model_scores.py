"""Figures of a trained model, from its folder's documented JSON files alone (docs/report.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.errors import UserError

MANIFEST, EVALUATION = "manifest.json", "evaluation.json"
_WANTED = ("recall@20", "recall@50", "recall@10", "hr@20", "hr@50", "hr@10")
"""Of an evaluation the measure that reads most plainly, the first that is there."""


@dataclass(frozen=True)
class ModelScore:
    """How often a model's list holds what was hidden.

    Attributes
    ----------
    name
        The backbone.
    measure, k
        Recall or hit rate, and the length of the list.
    value, margin
        Mean, and half width of its 95 % interval (None: not known).
    popularity, popularity_margin
        The same of the list that is the same for everybody.
    users, candidates
        How many were tested, among how many items; None where not said.
    other_data
        Trained on other data or another split than the store holds now.
    measured
        Whether this is a measurement of the test part; else the model's own card.
    """

    name: str
    measure: str
    k: int
    value: float
    margin: float | None
    popularity: float | None
    popularity_margin: float | None
    users: int | None
    candidates: int | None
    other_data: bool
    measured: bool


def read_name(folder: Path) -> str:
    """Name of the model in a folder.

    Raises
    ------
    UserError
        If the folder has no manifest or it cannot be read.
    """
    return str(_json(folder / MANIFEST, required=True).get("backbone", folder.name))


def read_score(folder: Path, dataset_digest: str | None) -> ModelScore | None:
    """Read what was measured of a model; None where nothing was.

    Parameters
    ----------
    folder
        A folder of ``recommender train``; ``evaluation.json`` in it is the output of ``recommender
        evaluate FOLDER --json``.
    dataset_digest
        Of the store.

    Raises
    ------
    UserError
        If the folder has no manifest, or a file is damaged.
    """
    manifest = _json(folder / MANIFEST, required=True)
    other = bool(dataset_digest) and manifest.get("dataset_digest") != dataset_digest
    name = str(manifest.get("backbone", folder.name))
    evaluation = _json(folder / EVALUATION, required=False)
    if evaluation:
        return _score(name, evaluation, evaluation.get("popularity"), other, measured=True)
    card = manifest.get("metrics") or {}
    part = card.get("test") or card.get("valid") or {}
    return _score(name, {"metrics": part}, None, other, measured=False)


def _score(
    name: str, document: dict[str, Any], popularity: Any, other: bool, *, measured: bool
) -> ModelScore | None:
    metrics = document.get("metrics") or {}
    measure = next((one for one in _WANTED if one in metrics), None)
    value, margin = _mean(metrics.get(measure)) if measure else (None, None)
    if measure is None or value is None:
        return None
    beside, beside_margin = _mean((popularity or {}).get(measure))
    protocol = document.get("protocol") or {}
    return ModelScore(
        name=name,
        measure=measure.partition("@")[0],
        k=int(measure.partition("@")[2]),
        value=value,
        margin=margin,
        popularity=beside,
        popularity_margin=beside_margin,
        users=_whole(protocol.get("users")),
        candidates=_whole(protocol.get("items")),
        other_data=other,
        measured=measured,
    )


def _mean(entry: Any) -> tuple[float | None, float | None]:
    """Mean and margin of a metric, which is a number or an object."""
    if isinstance(entry, dict):
        mean, margin = entry.get("mean"), entry.get("margin95")
    else:
        mean, margin = entry, None
    return _number(mean), _number(margin)


def _number(value: Any) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if known else None


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _json(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.is_file():
        if required:
            raise UserError(
                f"no model at {path.parent}: {path.name} is missing; take a folder of "
                "recommender train"
            )
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as JSON ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a JSON object")
    return content


def files_of(folder: Path) -> list[Path]:
    """Files of a model folder, which no report replaces."""
    return [file for file in folder.glob("*") if file.suffix in (".json", ".jsonl", ".safetensors")]
