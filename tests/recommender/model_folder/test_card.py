"""The model card: figures, data and settings as they are, somebody's own words kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from recommender.model_folder.card import CARD, write_card
from recommender.model_folder.manifest import MANIFEST, Manifest
from store.errors import UserError

EVALUATION: dict[str, Any] = {
    "protocol": {"split": "leave-one-out", "users": 400, "items": 312, "seen_items": "removed"},
    "metrics": {"recall@50": {"mean": 0.61, "margin95": 0.02}},
    "popularity": {"recall@50": 0.32},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manifest = Manifest(
        backbone="remi",
        config={"k": 4, "d": 64},
        n_items=312,
        items_digest="s256:items",
        dataset_digest="s256:data",
        split="leave-one-out",
        training={"store": "/home/somebody/private.db", "steps": 60, "loss": None},
        metrics={"valid": {"recall@50": 0.5}},
    )
    path = tmp_path / "my model"
    path.mkdir()
    (path / MANIFEST).write_text(manifest.model_dump_json())
    return path


def front(folder: Path) -> Any:
    return yaml.safe_load((folder / CARD).read_text().split("---\n")[1])


def test_the_card_says_what_the_model_is_and_no_path_of_the_machine(folder):
    assert write_card(folder)
    text = (folder / CARD).read_text()
    assert front(folder)["license"] == "unknown"
    assert "remi" in front(folder)["tags"]
    for word in ("4 interest vectors", "s256:data", "0.5000", "Validation part", "steps: 60"):
        assert word in text
    assert "somebody" not in text


def test_figures_of_the_test_part_stand_beside_popularity(folder):
    (folder / "evaluation.json").write_text(json.dumps(EVALUATION))
    write_card(folder)
    assert "| recall@50 | 0.6100 | 0.0200 | 0.3200 |" in (folder / CARD).read_text()


def test_an_evaluation_of_an_earlier_model_is_not_told(folder):
    (folder / "evaluation.json").write_text(json.dumps(EVALUATION))
    os.utime(folder / "evaluation.json", (1, 1))
    write_card(folder)
    assert "0.6100" not in (folder / CARD).read_text()


def test_a_licence_that_was_entered_stays(folder):
    write_card(folder)
    text = (folder / CARD).read_text()
    (folder / CARD).write_text(text.replace("license: unknown", "license: cc-by-4.0"))
    write_card(folder)
    assert front(folder)["license"] == "cc-by-4.0"
    assert "Not stated" not in (folder / CARD).read_text()


def test_a_card_of_ones_own_is_left_alone(folder):
    (folder / CARD).write_text("# Mine\n")
    assert not write_card(folder)
    assert (folder / CARD).read_text() == "# Mine\n"


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(UserError, match="no model"):
        write_card(tmp_path)
