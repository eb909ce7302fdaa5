"""The model card: ``README.md`` in a model's folder, in the form that model hubs read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from recommender.model_folder.manifest import Manifest, read_manifest
from store.files import whole_file
from store.version import __version__

CARD = "README.md"
MARK = "<!-- Written by interest-profiler and written again after each training and evaluation. -->"
"""A card without this line is somebody's own and is left alone."""
_UNKNOWN_LICENCE = "unknown"
_EVALUATION = "evaluation.json"


def write_card(folder: Path) -> bool:
    """Write the card of a model from its manifest and, where there is one, its evaluation.

    A licence that was entered in the card stays.

    Parameters
    ----------
    folder : Path
        A model's folder.

    Returns
    -------
    bool
        False where the folder has a card of somebody's own, which stays as it is.

    Raises
    ------
    UserError
        Where the folder holds no whole model.
    """
    manifest = read_manifest(folder)
    path = folder / CARD
    before = path.read_text("utf-8") if path.is_file() else None
    if before is not None and MARK not in before:
        return False
    text = card(folder.resolve().name, manifest, _evaluation(folder), _licence(before or ""))
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return True


def card(
    name: str, manifest: Manifest, evaluation: dict[str, Any] | None, licence: str | None = None
) -> str:
    """Return the text of a card.

    Parameters
    ----------
    name : str
        What the model is called.
    manifest : Manifest
    evaluation : dict or None
        What ``recommender evaluate --json`` prints.
    licence : str, optional
        Under which the model is passed on.
    """
    front = {
        "license": licence or _UNKNOWN_LICENCE,
        "library_name": "interest-profiler",
        "tags": ["recommendation", "sequential-recommendation", manifest.backbone],
    }
    parts = [
        "---\n" + yaml.safe_dump(front, sort_keys=False, allow_unicode=True) + "---",
        MARK,
        f"# {name}",
        _what(manifest),
        "## How good it is\n\n" + _figures(manifest, evaluation),
        "## Trained on\n\n" + _table("", _data(manifest)),
        "## Settings\n\n" + _settings(manifest),
        "## Use\n\n```python\nimport recommender\n\n"
        f'with recommender.load("{name}") as model:\n    print(model.recommend(history=["ITEM"]))\n'
        "```",
    ]
    if licence in (None, _UNKNOWN_LICENCE):
        parts.append(
            "## Licence\n\nNot stated. Before you pass the model on, enter one in `license` above "
            "that the data allow; it is kept when this card is written again."
        )
    return "\n\n".join(parts) + "\n"


def _what(manifest: Manifest) -> str:
    vectors = manifest.config.get("k", 1)
    several = f"{vectors} interest vectors" if vectors > 1 else "one vector"
    return (
        f"A `{manifest.backbone}` of interest-profiler {__version__}: it turns a history of items "
        f"into {several} and ranks {manifest.n_items:,} items by inner product. Serving needs no "
        "language model."
    )


def _figures(manifest: Manifest, evaluation: dict[str, Any] | None) -> str:
    """The test part where it was measured, else the validation part."""
    if evaluation is not None:
        popular = evaluation.get("popularity") or {}
        protocol = evaluation.get("protocol") or {}
        rows = [
            [name, f"{found['mean']:.4f}", _margin(found), _mean(popular.get(name))]
            for name, found in evaluation["metrics"].items()
        ]
        said = (
            f"Test part of the split `{protocol.get('split')}`, {protocol.get('users')} users, "
            f"all {protocol.get('items')} items ranked, items the user already has "
            f"{protocol.get('seen_items')}. The interval is 95 % over users."
        )
        return said + "\n\n" + _table("metric | mean | ± | popularity", rows)
    found = manifest.metrics.get("valid") or {}
    if not found:
        return "Not measured. `recommender evaluate` measures the test part."
    said = (
        "Validation part, which also decided when training ended; the test part was not measured "
        "(`recommender evaluate`)."
    )
    return said + "\n\n" + _table("metric | mean", [[n, f"{v:.4f}"] for n, v in found.items()])


def _data(manifest: Manifest) -> list[list[str]]:
    rows = [
        ["items", f"{manifest.n_items:,}"],
        ["digest of the data", f"`{manifest.dataset_digest}`"],
        ["digest of the item ids", f"`{manifest.items_digest}`"],
        ["split", f"`{manifest.split}`"],
        ["text encoder", manifest.encoder or "none"],
        ["trained at", manifest.created_at],
    ]
    start = manifest.training.get("start")
    if isinstance(start, dict):
        rows.append(["went on from", f"`{start.get('configuration_digest')}`"])
        rows.append(["items it had there", f"{start.get('items_kept')}"])
        rows.append(["items that were new", f"{start.get('items_new')}"])
    return rows + [[f"version of {what}", it] for what, it in sorted(manifest.versions.items())]


def _settings(manifest: Manifest) -> str:
    """Settings of the model and of the run, without the path of the store."""
    run = {n: v for n, v in manifest.training.items() if n not in ("store", "start")}
    both = {
        "model": manifest.config,
        "training": {k: v for k, v in run.items() if v not in ({}, None)},
    }
    return "```yaml\n" + yaml.safe_dump(both, sort_keys=False, allow_unicode=True) + "```"


def _table(heading: str, rows: list[list[str]]) -> str:
    width = len(rows[0])
    first = f"| {heading} |" if heading else "|" + " |" * width
    lines = [first, "|" + "---|" * width, *("| " + " | ".join(row) + " |" for row in rows)]
    return "\n".join(lines)


def _margin(found: dict[str, Any]) -> str:
    margin = found.get("margin95")
    return "" if margin is None else f"{margin:.4f}"


def _mean(found: Any) -> str:
    value = found.get("mean") if isinstance(found, dict) else found
    return "" if value is None else f"{value:.4f}"


def _evaluation(folder: Path) -> dict[str, Any] | None:
    """What was measured of this model; None where nothing was, or the file is not ours to read."""
    path = folder / _EVALUATION
    if not path.is_file() or path.stat().st_mtime < (folder / "manifest.json").stat().st_mtime:
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("metrics"), dict) else None


def _licence(before: str) -> str | None:
    """The licence that stands in a card."""
    pieces = before.split("---\n", 2)
    if len(pieces) < 3:
        return None
    try:
        front = yaml.safe_load(pieces[1])
    except yaml.YAMLError:
        return None
    found = front.get("license") if isinstance(front, dict) else None
    return None if found is None else str(found)
