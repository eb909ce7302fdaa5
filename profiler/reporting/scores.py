"""The evaluation table of a model folder, read from its files alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.errors import UserError

MANIFEST, EVALUATION = "manifest.json", "evaluation.json"


@dataclass(frozen=True)
class Scores:
    """Figures of a model.

    Attributes
    ----------
    name, facts
        Backbone, and what it was trained on and how.
    tables
        For each part: its title, and rows of metric, mean, half width of the 95 % interval and
        popularity's mean (None where not measured).
    advice
        What to run where intervals are missing; empty otherwise.
    """

    name: str
    facts: list[tuple[str, str]]
    tables: list[tuple[str, list[tuple[str, float, float | None, float | None]]]]
    advice: str


def read_scores(folder: Path, dataset_digest: str | None) -> Scores:
    """Read the manifest's metric card and, where it is there, a saved ``evaluation.json``.

    Parameters
    ----------
    folder
        A folder of ``recommender train --out``. ``evaluation.json`` in it is the output of
        ``recommender evaluate FOLDER --store STORE --json``.
    dataset_digest
        Of the store; a model trained on other data is shown with a warning among its facts.

    Raises
    ------
    UserError
        If the folder has no manifest, or a file is damaged.
    """
    manifest = _json(folder / MANIFEST, required=True)
    facts = [
        (key.replace("_", " "), str(manifest[key]))
        for key in ("backbone", "split", "encoder", "created_at", "n_items")
        if manifest.get(key) is not None
    ]
    training = manifest.get("training") or {}
    facts += [
        (key.replace("_", " "), _words(training[key]))
        for key in ("align", "crowd", "interests", "steps", "best_step", "training")
        if training.get(key) not in (None, [], {}, False)
    ]
    if dataset_digest and manifest.get("dataset_digest") != dataset_digest:
        facts.append(("note", "trained on other data or another split than this store holds now"))
    card = manifest.get("metrics") or {}
    tables = [(f"{part} part, from the model's card", _rows(card[part], {})) for part in card]
    evaluation = _json(folder / EVALUATION, required=False)
    if evaluation:
        tables.insert(0, _evaluated(evaluation))
    advice = (
        ""
        if evaluation
        else f"The card has no intervals. For the test part with intervals run: recommender "
        f"evaluate {folder} --store STORE --json > {folder / EVALUATION}"
    )
    return Scores(str(manifest.get("backbone", folder.name)), facts, tables, advice)


def _words(value: Any) -> str:
    """Settings as one reads them: no quotes and braces."""
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_words(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)
    return "yes" if value is True else str(value)


def _evaluated(
    document: dict[str, Any],
) -> tuple[str, list[tuple[str, float, float | None, float | None]]]:
    p = document.get("protocol") or {}
    title = (
        f"{p.get('part', 'test')} part: {p.get('users', '?')} users, "
        f"{p.get('candidates', 'all items')} ranked, seen items {p.get('seen_items', '?')}"
    )
    return title, _rows(document.get("metrics") or {}, document.get("popularity") or {})


def _rows(
    metrics: dict[str, Any], popularity: dict[str, Any]
) -> list[tuple[str, float, float | None, float | None]]:
    """Rows of a card: a value is a mean, or a mean with the half width of its interval."""
    rows = []
    for name, value in metrics.items():
        entry = value if isinstance(value, dict) else {"mean": value}
        mean, margin = entry.get("mean"), entry.get("margin95")
        if isinstance(mean, (int, float)):
            rows.append((name, float(mean), margin, popularity.get(name)))
    return rows


def files_of(folder: Path) -> list[Path]:
    """Files of a model folder, which no report replaces."""
    return [file for file in folder.glob("*") if file.suffix in (".json", ".jsonl", ".safetensors")]


def _json(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.is_file():
        if required:
            raise UserError(
                f"no model at {path.parent}: {path.name} is missing; --model takes a folder of "
                "recommender train --out"
            )
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as JSON ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a JSON object")
    return content
